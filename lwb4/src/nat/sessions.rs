//! Sessions: what a mapping remembers of each remote end (RFC 5382 s1, RFC 7857 s2).
//!
//! A mapping lives as long as it has one, or PCP wants it to. Which part of a remote end makes a session is
//! a matter of the protocol and of filtering, and decided by whoever makes the [`Remote`].

use std::net::Ipv4Addr;
use std::net::SocketAddrV4;

use hashbrown::HashMap;

use crate::nat::slab::Slab;
use crate::nat::tcp::Connection;
use crate::nat::wheel::Tick;
use crate::nat::wheel::Wheel;

/// A mapping's number.
pub(super) type MappingId = u32;

/// A session's number.
pub(super) type SessionId = u32;

/// As much of a remote end as tells sessions apart: the address in the upper bits, then the port; what
/// does not matter is 0.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Remote(u64);

impl Remote {
    /// Any remote end.
    pub(super) const ANY: Self = Self(0);

    /// All ports of an address.
    pub(super) fn address(address: Ipv4Addr) -> Self {
        Self::end(SocketAddrV4::new(address, 0))
    }

    /// Exactly this one.
    pub(super) fn end(end: SocketAddrV4) -> Self {
        Self(u64::from(u32::from(*end.ip())) << 16 | u64::from(end.port()))
    }

    const fn is_of(self, address: u32) -> bool {
        self.0 >> 16 == address as u64
    }
}

/// One remote end of one mapping.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) mapping: MappingId,
    remote: Remote,
    /// Of protocols with connections.
    pub(super) connection: Option<Connection>,
    /// When it ends without further packets.
    pub(super) expires: Tick,
    /// Until when a PEER request keeps it whatever packets do.
    pub(super) wanted_until: Tick,
    newer: SessionId,
    older: SessionId,
}

impl Session {
    /// When it ends.
    pub(super) fn ends(&self) -> Tick {
        self.expires.max(self.wanted_until)
    }
}

/// The sessions of one mapping, the newest first.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionList {
    newest: SessionId,
    oldest: SessionId,
    len: u32,
}

impl SessionList {
    pub(super) const EMPTY: Self = Self {
        newest: NONE,
        oldest: NONE,
        len: 0,
    };

    pub(super) const fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The one that was made first.
    pub(super) const fn oldest(&self) -> Option<SessionId> {
        if self.oldest == NONE {
            None
        } else {
            Some(self.oldest)
        }
    }
}

/// All sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    slab: Slab<Session>,
    by_remote: HashMap<(MappingId, Remote), SessionId>,
    timers: Wheel,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self {
            slab: Slab::new(),
            by_remote: HashMap::new(),
            timers: Wheel::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_remote.len()
    }

    #[inline]
    pub(super) fn find(&self, mapping: MappingId, remote: Remote) -> Option<SessionId> {
        self.by_remote.get(&(mapping, remote)).copied()
    }

    #[inline]
    pub(super) fn session(&mut self, id: SessionId) -> Option<&mut Session> {
        self.slab.item(id)
    }

    /// Whether one of the list is with `address`; looks at each.
    pub(super) fn any_with(&self, list: &SessionList, address: Ipv4Addr) -> bool {
        let mut id = list.newest;
        while let Some(session) = self.slab.peek(id) {
            if session.remote.is_of(u32::from(address)) {
                return true;
            }
            id = session.older;
        }
        false
    }

    /// Makes a session, which there must not be yet.
    pub(super) fn insert(
        &mut self,
        mapping: MappingId,
        list: &mut SessionList,
        remote: Remote,
        connection: Option<Connection>,
        expires: Tick,
    ) -> SessionId {
        let id = self.slab.insert(Session {
            mapping,
            remote,
            connection,
            expires,
            wanted_until: 0,
            newer: NONE,
            older: list.newest,
        });
        match self.slab.item(list.newest) {
            Some(newest) => newest.newer = id,
            None => list.oldest = id,
        }
        list.newest = id;
        list.len += 1;
        self.by_remote.insert((mapping, remote), id);
        self.timers.insert(id, expires);
        id
    }

    /// Ends a session.
    pub(super) fn remove(&mut self, id: SessionId, list: &mut SessionList) -> Option<Session> {
        let session = self.slab.remove(id)?;
        match self.slab.item(session.newer) {
            Some(newer) => newer.older = session.older,
            None => list.newest = session.older,
        }
        match self.slab.item(session.older) {
            Some(older) => older.newer = session.newer,
            None => list.oldest = session.newer,
        }
        list.len -= 1;
        self.by_remote.remove(&(session.mapping, session.remote));
        self.timers.remove(id);
        Some(session)
    }

    /// Looks at a session again when it ends now, after its end was moved forward.
    pub(super) fn ends_earlier(&mut self, id: SessionId, at: Tick) {
        self.timers.insert(id, at);
    }

    /// The sessions that end by `tick`.
    pub(super) fn advance(&mut self, tick: Tick, ended: &mut Vec<SessionId>) {
        self.timers.advance(tick, ended);
        ended.retain(|id| {
            let Some(ends) = self.slab.peek(*id).map(Session::ends) else {
                return false;
            };
            if ends > tick {
                self.timers.insert(*id, ends);
            }
            ends <= tick
        });
    }

    /// When a session may end next.
    pub(super) fn due(&self) -> Option<Tick> {
        self.timers.due()
    }
}

const NONE: u32 = u32::MAX;
