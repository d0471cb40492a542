//! Mappings that PCP asks for (RFC 6887 s11, s12, s15; NT-024).
//!
//! MAP wants a mapping: open to anybody but for its filters, and kept until its time however TCP closes
//! (PC-048). PEER wants a session: as if the host had sent to the remote end, but kept until its time.

use std::net::SocketAddrV4;

use pcp::instant::Instant;

use crate::explicit::ExplicitMappings;
use crate::explicit::MappingKey;
use crate::explicit::Unmapped;
use crate::explicit::Wanted;
use crate::nat::Nat;
use crate::nat::choose::Choice;
use crate::nat::drop::NatDrop;
use crate::nat::mapping::Wish;
use crate::nat::packet::Layout;
use crate::nat::packet::protocol;
use crate::nat::sessions::MappingId;
use crate::nat::table::Table;
use crate::nat::tcp::Connection;
use crate::nat::tcp::Side;

impl ExplicitMappings for Nat {
    fn open(&mut self, wanted: &Wanted, now: Instant) -> Result<SocketAddrV4, Unmapped> {
        self.advance(now);
        let key = &wanted.key;
        if Layout::of(key.protocol) == Layout::Icmp {
            return Err(Unmapped::Protocol(key.protocol));
        }
        let (id, is_new) = match self.table.internal(key.protocol, key.internal) {
            Some(id) => (id, false),
            None => (self.make_wanted(wanted)?, true),
        };
        let external = self.table.mappings.peek(id);
        let external = external.ok_or(Unmapped::Exhausted)?.external.end;
        if wanted.exactly && !is_suggested(wanted.suggested, external) {
            return Err(Unmapped::NotFree);
        }
        match key.remote {
            None => self.keep_mapping(id, wanted),
            Some(remote) => self.keep_session(id, key.protocol, remote, wanted.expires)?,
        }
        self.counters.mappings_made += u64::from(is_new);
        Ok(external)
    }

    fn close(&mut self, key: &MappingKey, now: Instant) {
        self.advance(now);
        let Some(id) = self.table.internal(key.protocol, key.internal) else {
            return;
        };
        if let Some(remote) = key.remote {
            self.leave_session(id, key.protocol, remote);
        } else if let Some(mapping) = self.table.mappings.item(id) {
            mapping.wanted = None;
        }
        self.table.end_if_idle(id);
    }

    fn external(&self, key: &MappingKey) -> Option<SocketAddrV4> {
        let id = self.table.internal(key.protocol, key.internal)?;
        Some(self.table.mappings.peek(id)?.external.end)
    }
}

impl Nat {
    fn make_wanted(&mut self, wanted: &Wanted) -> Result<MappingId, Unmapped> {
        let MappingKey {
            protocol, internal, ..
        } = wanted.key;
        let suggested = self.complete(wanted.suggested, internal);
        let choice = match suggested {
            None => Choice::Any {
                keep_parity: self.config.keep_parity,
            },
            Some(end) if wanted.exactly => Choice::Exactly(end),
            Some(end) => Choice::Rather(end),
        };
        let made = self.table.make(protocol, internal, choice);
        made.map_err(|reason| match reason {
            NatDrop::NoSet => Unmapped::NoSet,
            NatDrop::NoPorts => Unmapped::Protocol(protocol),
            NatDrop::EndTaken => Unmapped::NotFree,
            _ => Unmapped::Exhausted,
        })
    }

    /// The whole end that is suggested: a port alone is one of the host's address, or of any that has it.
    fn complete(&self, suggested: SocketAddrV4, internal: SocketAddrV4) -> Option<SocketAddrV4> {
        if suggested.port() == 0 {
            return None;
        }
        if !suggested.ip().is_unspecified() {
            return Some(suggested);
        }
        let paired = self.table.hosts.paired(*internal.ip());
        let address = self.table.sets.address_with(suggested.port(), paired)?;
        Some(SocketAddrV4::new(address, suggested.port()))
    }

    fn keep_mapping(&mut self, id: MappingId, wanted: &Wanted) {
        let until = Table::tick_of(wanted.expires);
        if let Some(mapping) = self.table.mappings.item(id) {
            mapping.closed_cleanly = false;
            let filters = wanted.filters.clone();
            mapping.wanted = Some(Box::new(Wish { until, filters }));
            self.table.watch(id, until);
        }
    }

    fn keep_session(
        &mut self,
        id: MappingId,
        protocol: u8,
        remote: SocketAddrV4,
        expires: Instant,
    ) -> Result<(), Unmapped> {
        let until = Table::tick_of(expires);
        let remote = self.remote(protocol, remote);
        let session = match self.table.sessions.find(id, remote) {
            Some(session) => session,
            None => {
                let has_connections =
                    matches!(protocol, protocol::TCP | protocol::DCCP | protocol::SCTP);
                let connection = has_connections.then(|| Connection::expected(Side::Inside));
                let now = self.table.after(0);
                let opened = self.table.open_session(id, remote, connection, now);
                self.counters.peers_replaced += std::mem::take(&mut self.table.replaced);
                // A mapping that was made for this alone must not stay.
                opened.map_err(|_| {
                    self.table.end_if_idle(id);
                    Unmapped::Exhausted
                })?
            }
        };
        if let Some(kept) = self.table.sessions.session(session) {
            kept.wanted_until = until;
            let ends = kept.ends();
            self.table.sessions.ends_earlier(session, ends);
        }
        Ok(())
    }

    fn leave_session(&mut self, id: MappingId, protocol: u8, remote: SocketAddrV4) {
        let remote = self.remote(protocol, remote);
        let Some(session_id) = self.table.sessions.find(id, remote) else {
            return;
        };
        let now = self.table.after(0);
        let Some(session) = self.table.sessions.session(session_id) else {
            return;
        };
        session.wanted_until = 0;
        let expires = session.expires;
        if expires <= now {
            self.table.end_session(session_id);
        } else {
            self.table.sessions.ends_earlier(session_id, expires);
        }
    }
}

/// Whether `external` is what was suggested, as far as anything was.
fn is_suggested(suggested: SocketAddrV4, external: SocketAddrV4) -> bool {
    (suggested.ip().is_unspecified() || suggested.ip() == external.ip())
        && (suggested.port() == 0 || suggested.port() == external.port())
}
