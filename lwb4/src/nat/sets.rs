//! The sets that we may send from, and which of their ports are free (LW-038, NT-021).
//!
//! A port that some mapping has, in use or at rest, is taken in the pool of its set; so no two mappings
//! share one (NT-003). Where two sets overlap, which no provisioning should let happen, the ports belong to the first.

use std::net::Ipv4Addr;
use std::net::SocketAddrV4;

use fastrand::Rng;

use crate::external::ExternalSet;
use crate::nat::packet::protocol;
use crate::nat::ports::Ports;

/// The sets in use.
#[derive(Debug, Default)]
pub(super) struct Sets {
    sets: Vec<Set>,
    next_id: SetId,
}

/// A set while it is in use; numbers are not used again.
pub(super) type SetId = u32;

#[derive(Debug)]
struct Set {
    id: SetId,
    set: ExternalSet,
    /// By protocol, once it is used.
    pools: Vec<(u8, Ports)>,
    /// How many identifications were given out.
    identifications: u32,
}

/// An external end, and the set that it is from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Taken {
    pub(super) set: SetId,
    pub(super) end: SocketAddrV4,
}

impl Sets {
    /// Uses `wanted` from now on. The sets not in use any more are told.
    pub(super) fn replace(&mut self, wanted: &[ExternalSet], rng: &mut Rng) -> Vec<SetId> {
        let gone = self.sets.iter().filter(|set| !wanted.contains(&set.set));
        let gone: Vec<_> = gone.map(|set| set.id).collect();
        self.sets.retain(|set| wanted.contains(&set.set));
        for set in wanted {
            if self.sets.iter().all(|known| known.set != *set) {
                self.sets.push(Set {
                    id: self.next_id,
                    set: *set,
                    pools: Vec::new(),
                    identifications: rng.u32(..),
                });
                self.next_id += 1;
            }
        }
        gone
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// Whether packets may come to this end.
    #[inline]
    pub(super) fn has(&self, address: Ipv4Addr, port: u16) -> bool {
        let mut sets = self.sets.iter().map(|set| set.set);
        sets.any(|set| set.address() == address && set.contains(port))
    }

    /// Whether some ports of this address are ours.
    pub(super) fn has_address(&self, address: Ipv4Addr) -> bool {
        self.sets.iter().any(|set| set.set.address() == address)
    }

    /// Whether protocols without ports come to this address.
    pub(super) fn is_whole(&self, address: Ipv4Addr) -> bool {
        let mut sets = self.sets.iter().map(|set| set.set);
        sets.any(|set| set.address() == address && set.is_whole())
    }

    /// Takes a free port, of the address `paired` if it has one (NT-002), else of the set that has most.
    pub(super) fn take(
        &mut self,
        protocol: u8,
        paired: Option<Ipv4Addr>,
        like: Option<u16>,
        rng: &mut Rng,
    ) -> Option<Taken> {
        let mut best = None;
        for at in 0..self.sets.len() {
            let free = self.pool(at, protocol).free();
            let rank = (Some(self.sets[at].set.address()) == paired, free);
            if free > 0 && best.is_none_or(|(found, _)| rank > found) {
                best = Some((rank, at));
            }
        }
        let (_, at) = best?;
        let Set { id, set, .. } = self.sets[at];
        let port = self.pool(at, protocol).take(set, like, rng)?;
        let end = SocketAddrV4::new(set.address(), port);
        Some(Taken { set: id, end })
    }

    /// Takes this port, which no mapping may have; `None` if it is not ours, or nobody's.
    pub(super) fn take_exactly(&mut self, protocol: u8, end: SocketAddrV4) -> Option<Taken> {
        let at = self.owner(*end.ip(), end.port())?;
        if is_forbidden(protocol, end.port()) {
            return None;
        }
        let Set { id, set, .. } = self.sets[at];
        self.pool(at, protocol).take_exactly(set, end.port());
        Some(Taken { set: id, end })
    }

    /// The end of a protocol without ports, on a whole address.
    pub(super) fn whole(&self, paired: Option<Ipv4Addr>) -> Option<Taken> {
        let whole = self.sets.iter().filter(|set| set.set.is_whole());
        let best = whole.max_by_key(|set| Some(set.set.address()) == paired)?;
        let end = SocketAddrV4::new(best.set.address(), 0);
        Some(Taken { set: best.id, end })
    }

    /// The address of the first set that has this port, `paired` before all others.
    pub(super) fn address_with(&self, port: u16, paired: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let with = self.sets.iter().filter(|set| set.set.contains(port));
        let mut addresses = with.map(|set| set.set.address());
        let first = addresses.clone().next();
        addresses.find(|address| Some(*address) == paired).or(first)
    }

    /// A port is free again.
    pub(super) fn give_back(&mut self, protocol: u8, taken: Taken) {
        if let Some(at) = self.sets.iter().position(|set| set.id == taken.set) {
            let set = self.sets[at].set;
            self.pool(at, protocol).give_back(set, taken.end.port());
        }
    }

    /// The next number of the set for an IPv4 identification (RFC 7596 s5.2.1).
    pub(super) fn identification(&mut self, id: SetId) -> Option<u16> {
        let set = self.sets.iter_mut().find(|set| set.id == id)?;
        let n = set.identifications % set.set.count();
        set.identifications = set.identifications.wrapping_add(1);
        set.set.nth(n)
    }

    /// The first set that has this port.
    fn owner(&self, address: Ipv4Addr, port: u16) -> Option<usize> {
        let mut sets = self.sets.iter().map(|set| set.set);
        sets.position(|set| set.address() == address && set.contains(port))
    }

    fn pool(&mut self, at: usize, protocol: u8) -> &mut Ports {
        let known = self.sets[at]
            .pools
            .iter()
            .position(|pool| pool.0 == protocol);
        let place = known.unwrap_or_else(|| {
            let pool = self.new_pool(at, protocol);
            self.sets[at].pools.push((protocol, pool));
            self.sets[at].pools.len() - 1
        });
        &mut self.sets[at].pools[place].1
    }

    fn new_pool(&self, at: usize, protocol: u8) -> Ports {
        let set = self.sets[at].set;
        let chosen =
            |port| self.owner(set.address(), port) == Some(at) && !is_forbidden(protocol, port);
        let registered = (0..set.count())
            .filter_map(|n| set.nth(n))
            .any(|port| port >= REGISTERED);
        Ports::new(set, |port| {
            chosen(port) && (port >= REGISTERED || !registered)
        })
    }
}

/// Ports that no mapping may have: 0, and those of PCP and NAT-PMP (PC-040, C-04).
pub(super) const fn is_forbidden(protocol: u8, port: u16) -> bool {
    port == 0 || (protocol == protocol::UDP && matches!(port, 5350 | 5351))
}

/// Lower ports are well known, and never chosen where there are others (NT-004, RFC 6056 s3.2).
const REGISTERED: u16 = 1024;

#[cfg(test)]
mod tests {
    use pcp::port_set::PortRange;

    use super::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);

    fn sets(ranges: &[(u16, u16)]) -> Sets {
        let run = |(first, last)| ExternalSet::run(ADDRESS, PortRange::new(first, last).unwrap());
        let wanted: Vec<_> = ranges.iter().copied().map(run).collect();
        let mut sets = Sets::default();
        sets.replace(&wanted, &mut Rng::with_seed(1));
        sets
    }

    fn all(sets: &mut Sets, protocol: u8) -> Vec<u16> {
        let mut rng = Rng::with_seed(1);
        let taken = std::iter::from_fn(|| sets.take(protocol, None, None, &mut rng));
        let mut ports: Vec<_> = taken.map(|taken| taken.end.port()).collect();
        ports.sort_unstable();
        ports
    }

    #[test]
    fn pc_040_udp_5350_and_5351_are_never_external_ports() {
        let mut sets = sets(&[(5348, 5353)]);
        assert_eq!(all(&mut sets, protocol::UDP), [5348, 5349, 5352, 5353]);
        assert_eq!(all(&mut sets, protocol::TCP).len(), 6);
        let end = SocketAddrV4::new(ADDRESS, 5351);
        assert_eq!(sets.take_exactly(protocol::UDP, end), None);
    }

    #[test]
    fn nt_004_well_known_ports_are_chosen_only_where_there_are_no_others() {
        assert_eq!(
            all(&mut sets(&[(0, 1030)]), protocol::TCP),
            [1024, 1025, 1026, 1027, 1028, 1029, 1030]
        );
        assert_eq!(all(&mut sets(&[(0, 3)]), protocol::TCP), [1, 2, 3]);
    }

    #[test]
    fn nt_003_overlapping_sets_give_no_port_twice() {
        assert_eq!(
            all(&mut sets(&[(2000, 2003), (2002, 2005)]), protocol::TCP).len(),
            6
        );
    }
}
