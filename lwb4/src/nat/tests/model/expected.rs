//! What the NAT has to do, said as plainly as possible.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::net::SocketAddrV4;

use pcp::instant::Instant;

use crate::explicit::MappingKey;
use crate::explicit::RemoteFilter;
use crate::explicit::Unmapped;
use crate::explicit::Wanted;
use crate::external::ExternalSet;
use crate::nat::Filtering;
use crate::nat::MappingView;
use crate::nat::NatConfig;
use crate::nat::NatDrop;
use crate::nat::tests::packets::Packet;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    ToTunnel {
        source: SocketAddrV4,
        destination: SocketAddrV4,
    },
    Hairpin {
        source: SocketAddrV4,
        destination: SocketAddrV4,
    },
    Reply,
    Drop(NatDrop),
}

#[derive(Clone, Debug)]
struct Mapping {
    protocol: u8,
    internal: SocketAddrV4,
    external: SocketAddrV4,
    /// The newest last.
    sessions: Vec<Session>,
    wanted: Option<(u64, Vec<RemoteFilter>)>,
    rests_until: Option<u64>,
    /// Whether another has the internal end by now.
    is_orphan: bool,
    is_clean: bool,
}

#[derive(Clone, Debug)]
struct Session {
    remote: (Ipv4Addr, u16),
    /// Of TCP: "in" is what the LAN host did, "out" the remote end.
    state: &'static str,
    expires: u64,
}

pub(super) struct Model {
    config: NatConfig,
    sets: Vec<ExternalSet>,
    mappings: Vec<Mapping>,
    paired: HashMap<Ipv4Addr, Ipv4Addr>,
    now: Instant,
}

impl Model {
    pub(super) fn new(config: NatConfig, now: Instant) -> Self {
        Self {
            config,
            sets: Vec::new(),
            mappings: Vec::new(),
            paired: HashMap::new(),
            now,
        }
    }

    pub(super) fn pass(&mut self, now: Instant) {
        self.now = now;
        let tick = now.as_secs();
        for n in 0..self.mappings.len() {
            let mapping = &mut self.mappings[n];
            let (ended, stay): (Vec<_>, Vec<_>) = mapping
                .sessions
                .drain(..)
                .partition(|session| session.expires <= tick);
            mapping.sessions = stay;
            mapping.is_clean &= ended.iter().all(|session| session.state == "closed");
            if !ended.is_empty() {
                self.end_if_idle(n);
            }
        }
        for n in 0..self.mappings.len() {
            if self.mappings[n]
                .wanted
                .as_ref()
                .is_some_and(|(until, _)| *until <= tick)
            {
                self.mappings[n].wanted = None;
                self.end_if_idle(n);
            }
        }
        self.mappings
            .retain(|mapping| mapping.rests_until.is_none_or(|until| until > tick));
        self.forget_hosts();
    }

    /// Rests until now, if it may be forgotten at once.
    fn end_if_idle(&mut self, n: usize) {
        let after = self.after(120);
        let mapping = &mut self.mappings[n];
        if mapping.sessions.is_empty() && mapping.wanted.is_none() && mapping.rests_until.is_none()
        {
            let is_clean = mapping.protocol == 6 && mapping.is_clean;
            mapping.rests_until = Some(if is_clean { 0 } else { after });
        }
    }

    fn forget_hosts(&mut self) {
        self.mappings
            .retain(|mapping| mapping.rests_until != Some(0));
        let mappings = &self.mappings;
        self.paired
            .retain(|host, _| mappings.iter().any(|mapping| mapping.internal.ip() == host));
    }

    fn after(&self, seconds: u64) -> u64 {
        self.now.as_nanos().div_ceil(1_000_000_000) + seconds
    }

    pub(super) fn uses(&mut self, sets: Vec<ExternalSet>) -> usize {
        let before = self.mappings.len();
        self.sets = sets;
        let sets = &self.sets;
        self.mappings.retain(|mapping| has(sets, mapping.external));
        self.forget_hosts();
        before - self.mappings.len()
    }

    pub(super) fn outbound(
        &mut self,
        packet: &Packet,
        flags: u8,
        made: Option<SocketAddrV4>,
    ) -> Verdict {
        let protocol = packet.protocol;
        let mut destination = packet.destination();
        if protocol == 1 {
            if self
                .sets
                .iter()
                .any(|set| set.address() == packet.destination)
            {
                return Verdict::Reply;
            }
            destination.set_port(0);
        }
        let hairpins = protocol != 1 && has(&self.sets, destination);
        if hairpins
            && self
                .active(|mapping| mapping.protocol == protocol && mapping.external == destination)
                .is_none()
        {
            return Verdict::Drop(NatDrop::NoMapping);
        }
        let internal = packet.source();
        let n = match self
            .active(|mapping| mapping.protocol == protocol && mapping.internal == internal)
        {
            Some(n) => n,
            None if protocol == 6 && flags & 4 != 0 => return Verdict::Drop(NatDrop::StrayReset),
            None => match self.make(protocol, internal, None, false, made) {
                Ok(n) => n,
                Err(reason) => return Verdict::Drop(reason),
            },
        };
        let known = self.hear(n, true, destination, flags);
        let is_reset = protocol == 6 && flags & 4 != 0;
        if !known && !is_reset && !self.begin(n, true, destination, flags) {
            return Verdict::Drop(NatDrop::SessionLimit);
        }
        let source = self.mappings[n].external;
        if !hairpins {
            return Verdict::ToTunnel {
                source,
                destination,
            };
        }
        match self.admit(protocol, source, destination, flags) {
            Ok(destination) => Verdict::Hairpin {
                source,
                destination,
            },
            Err(reason) => Verdict::Drop(reason),
        }
    }

    pub(super) fn inbound(&mut self, packet: &Packet, flags: u8) -> Result<SocketAddrV4, NatDrop> {
        if !has(&self.sets, packet.destination()) {
            return Err(NatDrop::NotInSet);
        }
        self.admit(
            packet.protocol,
            packet.source(),
            packet.destination(),
            flags,
        )
    }

    fn admit(
        &mut self,
        protocol: u8,
        remote: SocketAddrV4,
        external: SocketAddrV4,
        flags: u8,
    ) -> Result<SocketAddrV4, NatDrop> {
        let n = self
            .active(|mapping| mapping.protocol == protocol && mapping.external == external)
            .ok_or(NatDrop::NoMapping)?;
        let internal = self.mappings[n].internal;
        if self.hear(n, false, remote, flags) {
            return Ok(internal);
        }
        let mapping = &self.mappings[n];
        let lets_in = match (&mapping.wanted, self.filtering(protocol)) {
            (Some((_, filters)), _) => {
                filters.is_empty()
                    || filters.iter().any(|filter| {
                        let mask = u32::MAX << (32 - filter.prefix_length);
                        u32::from(*filter.remote.ip()) & mask == u32::from(*remote.ip()) & mask
                    })
            }
            (None, Filtering::EndpointIndependent) => true,
            (None, Filtering::AddressAndPortDependent) => false,
            (None, Filtering::AddressDependent) => mapping
                .sessions
                .iter()
                .any(|session| session.remote.0 == *remote.ip()),
        };
        if !lets_in {
            return Err(NatDrop::Filtered);
        }
        if protocol == 6 && flags == 2 && !self.begin(n, false, remote, flags) {
            return Err(NatDrop::SessionLimit);
        }
        Ok(internal)
    }

    fn active(&self, wanted: impl Fn(&Mapping) -> bool) -> Option<usize> {
        let mut all = self.mappings.iter();
        all.position(|mapping| mapping.rests_until.is_none() && wanted(mapping))
    }

    fn filtering(&self, protocol: u8) -> Filtering {
        match protocol {
            6 => self.config.filtering.tcp,
            17 => self.config.filtering.udp,
            _ => self.config.filtering.icmp,
        }
    }

    fn remote(&self, protocol: u8, remote: SocketAddrV4) -> (Ipv4Addr, u16) {
        match (protocol, self.filtering(protocol)) {
            (6, _) | (17, Filtering::AddressAndPortDependent) => (*remote.ip(), remote.port()),
            (_, Filtering::EndpointIndependent) => (Ipv4Addr::UNSPECIFIED, 0),
            _ => (*remote.ip(), 0),
        }
    }

    /// Whether there is a session; it hears the packet.
    fn hear(&mut self, n: usize, inside: bool, remote: SocketAddrV4, flags: u8) -> bool {
        let protocol = self.mappings[n].protocol;
        let remote = self.remote(protocol, remote);
        let (after60, after240) = (self.after(60), self.after(240));
        let (after300, after7440) = (self.after(300), self.after(7440));
        let Some(session) = self.mappings[n]
            .sessions
            .iter_mut()
            .find(|session| session.remote == remote)
        else {
            return false;
        };
        if protocol != 6 {
            if inside {
                session.expires = if protocol == 1 { after60 } else { after300 };
            }
            return true;
        }
        let before = session.state;
        session.state = next(before, inside, flags);
        let refused = before == "opened out" && session.state == "reset";
        let refreshes = match session.state {
            "established" | "fin in" | "fin out" => true,
            "opened in" | "opened out" | "joined in" | "joined out" => inside,
            _ => false,
        };
        if (before != session.state || refreshes) && !refused {
            session.expires = match session.state {
                "established" | "fin in" | "fin out" => after7440,
                _ => after240,
            };
        }
        true
    }

    /// Makes a session if there is room.
    fn begin(&mut self, n: usize, inside: bool, remote: SocketAddrV4, flags: u8) -> bool {
        let protocol = self.mappings[n].protocol;
        let remote = self.remote(protocol, remote);
        let seconds = match protocol {
            6 => 240,
            17 => 300,
            _ => 60,
        };
        let expires = self.after(seconds);
        let sessions = &mut self.mappings[n].sessions;
        if sessions.len() >= self.config.limits.sessions_per_mapping {
            if protocol == 6 {
                return false;
            }
            sessions.remove(0);
        }
        let state = match (flags == 2, inside) {
            (true, true) => "opened in",
            (true, false) => "opened out",
            (false, true) => "joined in",
            (false, false) => "joined out",
        };
        sessions.push(Session {
            remote,
            state,
            expires,
        });
        true
    }

    /// Makes a mapping where the NAT made it, if it may.
    fn make(
        &mut self,
        protocol: u8,
        internal: SocketAddrV4,
        suggested: Option<SocketAddrV4>,
        exactly: bool,
        made: Option<SocketAddrV4>,
    ) -> Result<usize, NatDrop> {
        if self.sets.is_empty() {
            return Err(NatDrop::NoSet);
        }
        let resting = self.mappings.iter().position(|mapping| {
            (mapping.protocol, mapping.internal, mapping.is_orphan) == (protocol, internal, false)
        });
        if let Some(n) = resting
            && suggested.is_none_or(|end| end == self.mappings[n].external)
        {
            self.mappings[n].rests_until = None;
            self.mappings[n].is_clean = false;
            return Ok(n);
        }
        let host = *internal.ip();
        let of_host = self
            .mappings
            .iter()
            .filter(|mapping| *mapping.internal.ip() == host)
            .count();
        let is_own = |mapping: &&Mapping| {
            mapping.protocol == protocol
                && *mapping.internal.ip() == host
                && mapping.rests_until.is_some()
        };
        let own: Vec<_> = self
            .mappings
            .iter()
            .filter(is_own)
            .map(|mapping| mapping.external)
            .collect();
        let at_limit = of_host >= self.config.limits.mappings_per_host;
        if at_limit && (suggested.is_some() || own.is_empty()) {
            return Err(NatDrop::HostLimit);
        }
        let free = self.free(protocol);
        let exact = suggested.filter(|end| free.contains(end) || own.contains(end));
        if exact.is_none() && exactly && suggested.is_some() {
            return Err(NatDrop::EndTaken);
        }
        if exact.is_none() && free.is_empty() && own.is_empty() {
            return Err(NatDrop::PortsExhausted);
        }
        let made = made.expect("a mapping");
        let allowed: Vec<_> = match exact {
            Some(end) => vec![end],
            None if at_limit || free.is_empty() => own,
            None => self.best(protocol, internal, &free, made),
        };
        assert!(allowed.contains(&made), "{made} is not among {allowed:?}");
        self.mappings
            .retain(|mapping| (mapping.protocol, mapping.external) != (protocol, made));
        for mapping in &mut self.mappings {
            mapping.is_orphan |= (mapping.protocol, mapping.internal) == (protocol, internal);
        }
        self.pair(host, *made.ip());
        self.mappings.push(Mapping {
            protocol,
            internal,
            external: made,
            sessions: Vec::new(),
            wanted: None,
            rests_until: None,
            is_orphan: false,
            is_clean: true,
        });
        Ok(self.mappings.len() - 1)
    }

    fn pair(&mut self, host: Ipv4Addr, address: Ipv4Addr) {
        let paired = self.paired.entry(host).or_insert(address);
        if self.sets.iter().all(|set| set.address() != *paired) {
            *paired = address;
        }
    }

    fn free(&self, protocol: u8) -> Vec<SocketAddrV4> {
        let ends = self.sets.iter().flat_map(|set| {
            (0..set.count()).map(|n| SocketAddrV4::new(set.address(), set.nth(n).expect("a port")))
        });
        ends.filter(|end| {
            let forbidden = protocol == 17 && [5350, 5351].contains(&end.port());
            let taken = self
                .mappings
                .iter()
                .any(|mapping| (mapping.protocol, mapping.external) == (protocol, *end));
            !forbidden && !taken
        })
        .collect()
    }

    /// The free ends that the NAT may choose from, when it chose one of the address of `made`.
    fn best(
        &self,
        protocol: u8,
        internal: SocketAddrV4,
        free: &[SocketAddrV4],
        made: SocketAddrV4,
    ) -> Vec<SocketAddrV4> {
        let on = |address: Ipv4Addr| -> Vec<_> {
            free.iter()
                .copied()
                .filter(|end| *end.ip() == address)
                .collect()
        };
        let paired = self.paired.get(internal.ip()).map(|address| on(*address));
        let ends = match paired {
            Some(ends) if !ends.is_empty() => ends,
            _ => on(*made.ip()),
        };
        let alike: Vec<_> = ends
            .iter()
            .copied()
            .filter(|end| end.port() % 2 == internal.port() % 2)
            .collect();
        if protocol == 1 || alike.is_empty() {
            ends
        } else {
            alike
        }
    }

    pub(super) fn open(
        &mut self,
        wanted: &Wanted,
        made: Option<SocketAddrV4>,
    ) -> Result<SocketAddrV4, Unmapped> {
        let MappingKey {
            protocol, internal, ..
        } = wanted.key;
        let suggested = Some(wanted.suggested).filter(|end| end.port() != 0);
        let n = match self
            .active(|mapping| mapping.protocol == protocol && mapping.internal == internal)
        {
            Some(n) => n,
            None => self
                .make(protocol, internal, suggested, wanted.exactly, made)
                .map_err(|reason| match reason {
                    NatDrop::NoSet => Unmapped::NoSet,
                    NatDrop::EndTaken => Unmapped::NotFree,
                    _ => Unmapped::Exhausted,
                })?,
        };
        let mapping = &mut self.mappings[n];
        if wanted.exactly && suggested.is_some_and(|end| end != mapping.external) {
            return Err(Unmapped::NotFree);
        }
        let until = wanted.expires.as_nanos().div_ceil(1_000_000_000);
        mapping.wanted = Some((until, wanted.filters.clone()));
        mapping.is_clean = false;
        Ok(mapping.external)
    }

    pub(super) fn close(&mut self, key: &MappingKey) {
        let MappingKey {
            protocol, internal, ..
        } = *key;
        if let Some(n) =
            self.active(|mapping| mapping.protocol == protocol && mapping.internal == internal)
        {
            self.mappings[n].wanted = None;
            self.end_if_idle(n);
            self.forget_hosts();
        }
    }

    pub(super) fn views(&self) -> Vec<MappingView> {
        let view = |mapping: &Mapping| MappingView {
            protocol: mapping.protocol,
            internal: mapping.internal,
            external: mapping.external,
            sessions: mapping.sessions.len(),
            wanted_until: mapping
                .wanted
                .as_ref()
                .map(|(until, _)| Instant::from_secs(*until as u32)),
            is_resting: mapping.rests_until.is_some(),
        };
        let mut views: Vec<_> = self.mappings.iter().map(view).collect();
        views.sort_by_key(|view| (view.protocol, view.external));
        views
    }
}

fn has(sets: &[ExternalSet], end: SocketAddrV4) -> bool {
    sets.iter()
        .any(|set| set.address() == *end.ip() && set.contains(end.port()))
}

/// RFC 7857 figure 1, with every reset inside the window.
fn next(state: &'static str, inside: bool, flags: u8) -> &'static str {
    let (syn, fin, reset) = (flags & 2 != 0, flags & 1 != 0, flags & 4 != 0);
    match (state, inside) {
        ("closed", _) if reset => "closed",
        _ if reset => "reset",
        ("closed" | "reset", true) if flags == 2 => "opened in",
        ("closed" | "reset", false) if flags == 2 => "opened out",
        ("opened in", false) | ("opened out", true) if syn => "established",
        ("joined in", false) | ("joined out", true) | ("reset", _) => "established",
        ("established", true) if fin => "fin in",
        ("established", false) if fin => "fin out",
        ("fin in", false) | ("fin out", true) if fin => "closed",
        _ => state,
    }
}
