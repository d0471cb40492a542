//! All mappings and their sessions, by internal and by external end, with what limits them and what ends them.
//!
//! Invariants: no two mappings have the same external end in a protocol (NT-003), nor the same internal one;
//! an active mapping has a session, or PCP wants it; what is past its tick is gone after
//! [`Table::advance`], so nobody who looks something up looks at the time.

use std::net::SocketAddrV4;

use fastrand::Rng;
use hashbrown::HashMap;
use pcp::instant::Instant;

use crate::nat::config::Limits;
use crate::nat::config::NatConfig;
use crate::nat::drop::NatDrop;
use crate::nat::hosts::Hosts;
use crate::nat::mapping::Key;
use crate::nat::mapping::Mapping;
use crate::nat::mapping::key;
use crate::nat::packet::protocol;
use crate::nat::sessions::MappingId;
use crate::nat::sessions::Remote;
use crate::nat::sessions::SessionId;
use crate::nat::sessions::SessionList;
use crate::nat::sessions::Sessions;
use crate::nat::sets::Sets;
use crate::nat::sets::Taken;
use crate::nat::slab::Slab;
use crate::nat::tcp::Connection;
use crate::nat::tcp::State;
use crate::nat::wheel::Tick;
use crate::nat::wheel::Wheel;

/// Mappings and sessions.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) sets: Sets,
    pub(super) mappings: Slab<Mapping>,
    pub(super) by_internal: HashMap<Key, MappingId>,
    pub(super) by_external: HashMap<Key, MappingId>,
    pub(super) sessions: Sessions,
    pub(super) hosts: Hosts,
    pub(super) rng: Rng,
    pub(super) limits: Limits,
    timers: Wheel,
    quarantine: Tick,
    /// The second that has begun, and the next to begin unless it begins now.
    tick: Tick,
    next_tick: Tick,
    /// Sessions that made room for others.
    pub(super) replaced: u64,
    due: Vec<u32>,
}

impl Table {
    pub(super) fn new(config: &NatConfig, seed: u64) -> Self {
        Self {
            sets: Sets::default(),
            mappings: Slab::new(),
            by_internal: HashMap::new(),
            by_external: HashMap::new(),
            sessions: Sessions::new(),
            hosts: Hosts::default(),
            rng: Rng::with_seed(seed),
            limits: config.limits,
            timers: Wheel::new(),
            quarantine: seconds(config.quarantine.as_nanos()),
            tick: 0,
            next_tick: 0,
            replaced: 0,
            due: Vec::new(),
        }
    }

    /// The tick after `seconds` whole ones from now.
    #[inline]
    pub(super) const fn after(&self, seconds: u32) -> Tick {
        self.next_tick.saturating_add(seconds)
    }

    /// The tick of an instant, if it is not on one the next.
    pub(super) fn tick_of(instant: Instant) -> Tick {
        seconds(u128::from(instant.as_nanos()))
    }

    /// The active mapping of a LAN host's end.
    #[inline]
    pub(super) fn internal(&self, protocol: u8, end: SocketAddrV4) -> Option<MappingId> {
        let id = *self.by_internal.get(&key(protocol, end))?;
        self.mappings.peek(id)?.is_active().then_some(id)
    }

    /// The active mapping of an external end.
    #[inline]
    pub(super) fn external(&self, protocol: u8, end: SocketAddrV4) -> Option<MappingId> {
        let id = *self.by_external.get(&key(protocol, end))?;
        self.mappings.peek(id)?.is_active().then_some(id)
    }

    /// A mapping without sessions, on an end that nobody has: whoever makes it gives it one, or a wish.
    pub(super) fn insert(
        &mut self,
        protocol: u8,
        internal: SocketAddrV4,
        external: Taken,
    ) -> MappingId {
        let id = self.mappings.insert(Mapping {
            protocol,
            internal,
            external,
            sessions: SessionList::EMPTY,
            wanted: None,
            rests_until: None,
            resting_place: 0,
            closed_cleanly: true,
        });
        self.by_internal.insert(key(protocol, internal), id);
        self.by_external.insert(key(protocol, external.end), id);
        let host = *internal.ip();
        let keeps_paired = self
            .hosts
            .paired(host)
            .is_some_and(|paired| self.sets.has_address(paired));
        self.hosts.add(host, *external.end.ip(), keeps_paired);
        id
    }

    /// Makes a session of an active mapping. Without connections the oldest one makes room.
    pub(super) fn open_session(
        &mut self,
        id: MappingId,
        remote: Remote,
        connection: Option<Connection>,
        expires: Tick,
    ) -> Result<SessionId, NatDrop> {
        let mapping = self.mappings.item(id).ok_or(NatDrop::NoMapping)?;
        let full = mapping.sessions.len() >= self.limits.sessions_per_mapping.max(1);
        if full || self.sessions.len() >= self.limits.sessions {
            let oldest = mapping.sessions.oldest().filter(|_| connection.is_none());
            let oldest = oldest.ok_or(NatDrop::SessionLimit)?;
            let session = self.sessions.session(oldest);
            if session.is_none_or(|session| session.wanted_until > self.tick) {
                return Err(NatDrop::SessionLimit);
            }
            self.sessions.remove(oldest, &mut mapping.sessions);
            self.replaced += 1;
        }
        let list = &mut mapping.sessions;
        Ok(self.sessions.insert(id, list, remote, connection, expires))
    }

    /// Ends a session, and its mapping with the last one unless somebody wants it.
    pub(super) fn end_session(&mut self, session: SessionId) {
        let Some(id) = self
            .sessions
            .session(session)
            .map(|session| session.mapping)
        else {
            return;
        };
        let Some(mapping) = self.mappings.item(id) else {
            return;
        };
        let ended = self.sessions.remove(session, &mut mapping.sessions);
        let connection = ended.and_then(|ended| ended.connection);
        mapping.closed_cleanly &= mapping.protocol == protocol::TCP
            && connection.is_some_and(|connection| connection.state == State::Closed);
        self.end_if_idle(id);
    }

    /// Lets a mapping rest that has no session and that nobody wants.
    pub(super) fn end_if_idle(&mut self, id: MappingId) {
        let Some(mapping) = self.mappings.item(id) else {
            return;
        };
        if !mapping.sessions.is_empty() || mapping.wanted.is_some() || !mapping.is_active() {
            return;
        }
        if self.quarantine == 0 || mapping.closed_cleanly {
            self.free(id);
            return;
        }
        let until = self.next_tick.saturating_add(self.quarantine);
        let host = *mapping.internal.ip();
        mapping.rests_until = Some(until);
        mapping.resting_place = self.hosts.rest(host, mapping.protocol, id);
        self.timers.remove(id);
        self.timers.insert(id, until);
    }

    /// Wakes a mapping at rest.
    pub(super) fn wake(&mut self, id: MappingId) {
        let Some(mapping) = self.mappings.item(id) else {
            return;
        };
        if mapping.rests_until.take().is_none() {
            return;
        }
        let (host, protocol, place) = (
            *mapping.internal.ip(),
            mapping.protocol,
            mapping.resting_place,
        );
        mapping.closed_cleanly = false;
        let moved = self.hosts.wake(host, protocol, place);
        if let Some(moved) = moved.and_then(|moved| self.mappings.item(moved)) {
            moved.resting_place = place;
        }
        self.timers.remove(id);
    }

    /// Forgets a mapping at rest and hands its end to whoever takes its place.
    pub(super) fn take_over(&mut self, id: MappingId) -> Option<Taken> {
        self.wake(id);
        self.erase(id).map(|mapping| mapping.external)
    }

    /// Forgets a mapping; its port is free.
    fn free(&mut self, id: MappingId) {
        if let Some(mapping) = self.erase(id) {
            self.sets.give_back(mapping.protocol, mapping.external);
        }
    }

    /// Forgets a mapping without sessions.
    fn erase(&mut self, id: MappingId) -> Option<Mapping> {
        let mapping = self.mappings.remove(id)?;
        let internal = key(mapping.protocol, mapping.internal);
        // Another may have come in the place of one at rest.
        if self.by_internal.get(&internal) == Some(&id) {
            self.by_internal.remove(&internal);
        }
        self.by_external
            .remove(&key(mapping.protocol, mapping.external.end));
        self.hosts.remove(*mapping.internal.ip());
        self.timers.remove(id);
        Some(mapping)
    }

    /// Forgets a mapping with all its sessions, because its set is gone.
    pub(super) fn flush(&mut self, id: MappingId) -> Option<Mapping> {
        self.wake(id);
        let mapping = self.mappings.item(id)?;
        while let Some(session) = mapping.sessions.oldest() {
            self.sessions.remove(session, &mut mapping.sessions);
        }
        self.erase(id)
    }

    /// A MAP request wants the mapping until `until`.
    pub(super) fn watch(&mut self, id: MappingId, until: Tick) {
        self.timers.insert(id, until);
    }

    /// Goes on to `now`: what ends by then ends.
    #[inline]
    pub(super) fn advance(&mut self, now: Instant) {
        let tick = Tick::try_from(now.as_secs()).unwrap_or(Tick::MAX);
        self.next_tick = self.next_tick.max(Self::tick_of(now));
        if tick > self.tick {
            self.tick = tick;
            self.expire();
        }
    }

    #[cold]
    fn expire(&mut self) {
        let mut due = std::mem::take(&mut self.due);
        self.sessions.advance(self.tick, &mut due);
        for session in due.drain(..) {
            self.end_session(session);
        }
        self.timers.advance(self.tick, &mut due);
        for id in due.drain(..) {
            self.look_at(id);
        }
        self.due = due;
    }

    /// The timer of a mapping has come.
    fn look_at(&mut self, id: MappingId) {
        let Some(mapping) = self.mappings.item(id) else {
            return;
        };
        let wanted_until = mapping.wanted.as_ref().map(|wish| wish.until);
        match mapping.rests_until.or(wanted_until) {
            Some(until) if until > self.tick => self.timers.insert(id, until),
            Some(_) if mapping.rests_until.is_some() => {
                self.wake(id);
                self.free(id);
            }
            _ => {
                mapping.wanted = None;
                self.end_if_idle(id);
            }
        }
    }

    /// When something may end next.
    pub(super) fn due(&self) -> Option<Instant> {
        let ticks = [self.sessions.due(), self.timers.due()];
        let next = ticks.into_iter().flatten().min()?;
        Some(Instant::from_secs(next))
    }
}

/// Whole seconds, a begun one counted whole.
fn seconds(nanoseconds: u128) -> Tick {
    Tick::try_from(nanoseconds.div_ceil(1_000_000_000)).unwrap_or(Tick::MAX)
}
