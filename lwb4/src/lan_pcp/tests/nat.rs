//! A NAT of a few lines: one end for each internal port, whoever opened it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::net::SocketAddrV4;
use std::ops::RangeInclusive;

use pcp::instant::Instant;

use crate::explicit::ExplicitMappings;
use crate::explicit::MappingKey;
use crate::explicit::Unmapped;
use crate::explicit::Wanted;

pub(super) type Internal = (u8, SocketAddrV4);

/// What is open, with the end that it has.
#[derive(Clone, Debug, Default)]
pub(super) struct FakeNat {
    pub(super) sets: Vec<(Ipv4Addr, RangeInclusive<u16>)>,
    /// What the server asked for, in an order that comparing is easy in.
    pub(super) open: BTreeMap<(Internal, Option<SocketAddrV4>), (Wanted, SocketAddrV4)>,
    /// What packets made, or use.
    pub(super) implicit: BTreeMap<Internal, SocketAddrV4>,
    /// How often the server has asked for anything.
    pub(super) calls: usize,
}

impl FakeNat {
    pub(super) fn with(address: Ipv4Addr, ports: RangeInclusive<u16>) -> Self {
        Self {
            sets: vec![(address, ports)],
            ..Self::default()
        }
    }

    /// Has other sets; what is not in them is gone (LW-027).
    pub(super) fn change(&mut self, sets: Vec<(Ipv4Addr, RangeInclusive<u16>)>) {
        self.sets = sets;
        let sets = self.sets.clone();
        let stays = |end: &SocketAddrV4| is_in(&sets, *end);
        self.open.retain(|_, (_, end)| stays(end));
        self.implicit.retain(|_, end| stays(end));
    }

    fn end_of(&self, internal: Internal) -> Option<SocketAddrV4> {
        let explicit = self.open.iter().find(|((of, _), _)| *of == internal);
        let implicit = self.implicit.get(&internal).copied();
        explicit.map(|(_, (_, end))| *end).or(implicit)
    }

    fn is_free(&self, protocol: u8, end: SocketAddrV4) -> bool {
        let explicit = self.open.iter();
        let explicit = explicit.map(|(((of, _), _), (_, end))| (*of, *end));
        let implicit = self.implicit.iter().map(|((of, _), end)| (*of, *end));
        is_in(&self.sets, end)
            && !explicit
                .chain(implicit)
                .any(|taken| taken == (protocol, end))
    }

    fn pick(&self, wanted: &Wanted) -> Result<SocketAddrV4, Unmapped> {
        let protocol = wanted.key.protocol;
        let is_free = |end: &SocketAddrV4| self.is_free(protocol, *end);
        let ends = |port| {
            self.sets
                .iter()
                .map(move |(at, _)| SocketAddrV4::new(*at, port))
        };
        let suggested = ends(wanted.suggested.port()).filter(|end| {
            wanted.suggested.ip().is_unspecified() || wanted.suggested.ip() == end.ip()
        });
        if let Some(end) = suggested.clone().find(is_free) {
            return Ok(end);
        }
        if wanted.exactly {
            return Err(Unmapped::NotFree);
        }
        let all = self.sets.iter().flat_map(|(address, ports)| {
            ports.clone().map(|port| SocketAddrV4::new(*address, port))
        });
        all.into_iter().find(is_free).ok_or(Unmapped::Exhausted)
    }
}

fn is_in(sets: &[(Ipv4Addr, RangeInclusive<u16>)], end: SocketAddrV4) -> bool {
    let holds = |(address, ports): &(Ipv4Addr, RangeInclusive<u16>)| {
        address == end.ip() && ports.contains(&end.port())
    };
    sets.iter().any(holds)
}

impl ExplicitMappings for FakeNat {
    fn open(&mut self, wanted: &Wanted, _now: Instant) -> Result<SocketAddrV4, Unmapped> {
        self.calls += 1;
        let key = wanted.key;
        let internal = (key.protocol, key.internal);
        if self.sets.is_empty() {
            return Err(Unmapped::NoSet);
        }
        if ![6, 17].contains(&key.protocol) {
            return Err(Unmapped::Protocol(key.protocol));
        }
        let end = match self.end_of(internal) {
            Some(end) => end,
            None => self.pick(wanted)?,
        };
        self.open
            .insert((internal, key.remote), (wanted.clone(), end));
        Ok(end)
    }

    fn close(&mut self, key: &MappingKey, _now: Instant) {
        self.calls += 1;
        let closed = self
            .open
            .remove(&((key.protocol, key.internal), key.remote));
        assert!(closed.is_some(), "closed what is not open: {key:?}");
    }

    fn external(&self, key: &MappingKey) -> Option<SocketAddrV4> {
        self.end_of((key.protocol, key.internal))
    }
}
