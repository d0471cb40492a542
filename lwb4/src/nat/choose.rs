//! Which external end a new mapping gets.

use std::net::SocketAddrV4;

use crate::nat::drop::NatDrop;
use crate::nat::mapping::key;
use crate::nat::packet::Layout;
use crate::nat::sessions::MappingId;
use crate::nat::sets::Taken;
use crate::nat::table::Table;

/// What whoever wants a mapping says about its external end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Choice {
    /// Any; its port even or odd as the internal one is, if that may be (NT-005).
    Any { keep_parity: bool },
    /// This one, if it can be had.
    Rather(SocketAddrV4),
    /// This one or none.
    Exactly(SocketAddrV4),
}

impl Table {
    /// Makes the mapping of an end that has no active one.
    pub(super) fn make(
        &mut self,
        protocol: u8,
        internal: SocketAddrV4,
        choice: Choice,
    ) -> Result<MappingId, NatDrop> {
        if self.sets.is_empty() {
            return Err(NatDrop::NoSet);
        }
        if let Some(id) = self.by_internal.get(&key(protocol, internal)).copied() {
            let external = self.mappings.peek(id).map(|mapping| mapping.external.end);
            let other = match choice {
                Choice::Any { .. } => None,
                Choice::Rather(end) | Choice::Exactly(end) => Some(end),
            };
            if other.is_none_or(|end| Some(end) == external) {
                self.wake(id);
                return Ok(id);
            }
        }
        let external = self.choose(protocol, internal, choice)?;
        Ok(self.insert(protocol, internal, external))
    }

    fn choose(
        &mut self,
        protocol: u8,
        internal: SocketAddrV4,
        choice: Choice,
    ) -> Result<Taken, NatDrop> {
        let wanted = match (Layout::of(protocol), choice) {
            (Layout::Opaque, _) => return self.choose_whole(protocol, internal, choice),
            (Layout::Sctp, Choice::Any { .. }) => Some(self.same_port(internal)?),
            (_, Choice::Any { .. }) => None,
            (_, Choice::Rather(end) | Choice::Exactly(end)) => Some(end),
        };
        if Layout::of(protocol) == Layout::Sctp
            && wanted.is_some_and(|end| end.port() != internal.port())
        {
            return Err(NatDrop::EndTaken);
        }
        if let Some(reason) = self.limit(internal) {
            // A host at its limit goes on with what it has itself left behind.
            return match wanted {
                None => self.own_resting(protocol, internal).ok_or(reason),
                Some(_) => Err(reason),
            };
        }
        if let Some(taken) = wanted.and_then(|end| self.take_exactly(protocol, internal, end)) {
            return Ok(taken);
        }
        if matches!(choice, Choice::Exactly(_)) || Layout::of(protocol) == Layout::Sctp {
            return Err(NatDrop::EndTaken);
        }
        let like = match choice {
            Choice::Any { keep_parity: false } => None,
            _ => Some(internal.port()),
        };
        let paired = self.hosts.paired(*internal.ip());
        let free = self.sets.take(protocol, paired, like, &mut self.rng);
        free.or_else(|| self.own_resting(protocol, internal))
            .ok_or(NatDrop::PortsExhausted)
    }

    /// SCTP keeps its port, so it must be one of ours (AP-005).
    fn same_port(&self, internal: SocketAddrV4) -> Result<SocketAddrV4, NatDrop> {
        let paired = self.hosts.paired(*internal.ip());
        let address = self.sets.address_with(internal.port(), paired);
        let address = address.ok_or(NatDrop::EndTaken)?;
        Ok(SocketAddrV4::new(address, internal.port()))
    }

    /// Without ports one host has the protocol, on a whole address (AP-004).
    fn choose_whole(
        &mut self,
        protocol: u8,
        internal: SocketAddrV4,
        choice: Choice,
    ) -> Result<Taken, NatDrop> {
        let paired = self.hosts.paired(*internal.ip());
        let whole = self.sets.whole(paired).ok_or(NatDrop::NoPorts)?;
        let other = matches!(choice, Choice::Exactly(end) if end.ip() != whole.end.ip());
        if other || self.by_external.contains_key(&key(protocol, whole.end)) {
            return Err(NatDrop::EndTaken);
        }
        self.limit(internal).map_or(Ok(whole), Err)
    }

    /// This end, if nobody has it or only a mapping of the same host that rests.
    fn take_exactly(
        &mut self,
        protocol: u8,
        internal: SocketAddrV4,
        end: SocketAddrV4,
    ) -> Option<Taken> {
        let Some(id) = self.by_external.get(&key(protocol, end)).copied() else {
            return self.sets.take_exactly(protocol, end);
        };
        let mapping = self.mappings.peek(id)?;
        let is_own = mapping.internal.ip() == internal.ip() && !mapping.is_active();
        if is_own { self.take_over(id) } else { None }
    }

    fn own_resting(&mut self, protocol: u8, internal: SocketAddrV4) -> Option<Taken> {
        let id = self.hosts.resting(*internal.ip(), protocol)?;
        self.take_over(id)
    }

    /// Why there can be no further mapping.
    fn limit(&self, internal: SocketAddrV4) -> Option<NatDrop> {
        if self.hosts.mappings(*internal.ip()) >= self.limits.mappings_per_host {
            return Some(NatDrop::HostLimit);
        }
        (self.mappings.len() >= self.limits.mappings).then_some(NatDrop::MappingLimit)
    }
}
