//! One pool: a prefix divided into sets of one size (GM-001).

use std::net::Ipv4Addr;

use super::MAX_SETS;
use super::Place;
use super::PoolConfig;
use super::PoolError;
use super::free_sets::FreeSets;
use crate::lease::LeaseId;
use crate::port_set::PortRange;
use crate::port_set::PortSet;

/// A pool and the places of its sets.
#[derive(Clone, Debug)]
pub struct Pool {
    config: PoolConfig,
    addresses: usize,
    places: Vec<Place>,
    free: FreeSets,
    withheld: usize,
    lasting: PsidSpan,
}

/// PSIDs that are not withheld on every address, from the first to the last.
type PsidSpan = Option<(u16, u16)>;

/// How much of a pool is in use, in sets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Usage {
    /// All sets.
    pub sets: usize,
    /// Those that are never handed out.
    pub withheld: usize,
    /// Those that anybody may have now.
    pub free: usize,
}

impl Pool {
    pub(super) fn new(config: PoolConfig) -> Result<Self, PoolError> {
        let psid_length = config.psid_length;
        if psid_length > 16 {
            return Err(PoolError::PsidLength {
                pool: config.name,
                psid_length,
            });
        }
        let sets = config.prefix.count() << psid_length;
        if sets > MAX_SETS {
            return Err(PoolError::TooLarge {
                pool: config.name,
                sets,
            });
        }
        let addresses = config.prefix.count() as usize;
        let mut pool = Self {
            addresses,
            places: vec![Place::Withheld; sets as usize],
            free: FreeSets::none(sets as usize),
            withheld: 0,
            lasting: None,
            config,
        };
        for index in 0..pool.places.len() {
            let set = pool.set(index);
            if set.is_none_or(|set| pool.config.withholds(set)) {
                pool.withheld += 1;
                continue;
            }
            pool.places[index] = Place::Free;
            pool.free.insert(index);
            let psid = (index / addresses) as u16;
            pool.lasting = Some((pool.lasting.map_or(psid, |(first, _)| first), psid));
        }
        Ok(pool)
    }

    /// What the operator says about it.
    #[must_use]
    pub const fn config(&self) -> &PoolConfig {
        &self.config
    }

    /// How much of it is in use.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        Usage {
            sets: self.places.len(),
            withheld: self.withheld,
            free: self.free.count(),
        }
    }

    /// Ports of a set.
    #[must_use]
    pub const fn set_size(&self) -> u32 {
        1 << (16 - self.config.psid_length)
    }

    /// Whether any set that may be handed out at all lies inside `wanted`.
    #[must_use]
    pub fn has_inside(&self, wanted: PortRange) -> bool {
        let (Some((first, last)), Some((lowest, highest))) =
            (self.psids_inside(wanted), self.lasting)
        else {
            return false;
        };
        first.max(lowest) <= last.min(highest)
    }

    /// The first free set inside `wanted`.
    #[must_use]
    pub fn first_free(&self, wanted: PortRange) -> Option<PortSet> {
        let (first, last) = self.psids_inside(wanted)?;
        let index = self.free.first_from(usize::from(first) * self.addresses)?;
        if index >= (usize::from(last) + 1) * self.addresses {
            return None;
        }
        self.set(index)
    }

    /// The first free set of `address` inside `wanted`.
    #[must_use]
    pub fn first_free_on(&self, address: Ipv4Addr, wanted: PortRange) -> Option<PortSet> {
        let place = self.config.prefix.index(address)?;
        let (first, last) = self.psids_inside(wanted)?;
        (first..=last)
            .map(|psid| usize::from(psid) * self.addresses + place)
            .find(|index| self.free.contains(*index))
            .and_then(|index| self.set(index))
    }

    /// The set that begins with `port` of `address`; port 1 or 0 begin a whole address (PS-040).
    #[must_use]
    pub fn set_from(&self, address: Ipv4Addr, port: u16) -> Option<PortSet> {
        let set = self.set_at(address, port)?;
        let begins = set.ports().first() == port || set.spelled().first() == port;
        begins.then_some(set)
    }

    /// The set that holds `port` of `address`.
    #[must_use]
    pub fn set_at(&self, address: Ipv4Addr, port: u16) -> Option<PortSet> {
        self.config.prefix.index(address)?;
        let psid = u32::from(port) / self.set_size();
        PortSet::new(address, self.config.psid_length, psid as u16).ok()
    }

    /// Who holds a set; `None` when it is none of this pool.
    #[must_use]
    pub fn place(&self, set: PortSet) -> Option<Place> {
        self.index(set).map(|index| self.places[index])
    }

    /// Whether anybody may have the set now.
    #[must_use]
    pub fn is_free(&self, set: PortSet) -> bool {
        self.index(set)
            .is_some_and(|index| self.free.contains(index))
    }

    pub(super) fn index(&self, set: PortSet) -> Option<usize> {
        if set.psid_length() != self.config.psid_length {
            return None;
        }
        let place = self.config.prefix.index(set.address())?;
        Some(usize::from(set.psid()) * self.addresses + place)
    }

    pub(super) fn take(&mut self, set: PortSet, id: LeaseId) {
        if let Some(index) = self.index(set)
            && self.places[index] != Place::Withheld
        {
            self.places[index] = Place::Taken(id);
            self.free.remove(index);
        }
    }

    pub(super) fn free(&mut self, set: PortSet) {
        if let Some(index) = self.index(set)
            && self.places[index] != Place::Withheld
        {
            self.places[index] = Place::Free;
            self.free.insert(index);
        }
    }

    /// Withholds a free set. `false` when it is not free.
    pub(super) fn keep_back(&mut self, set: PortSet) -> bool {
        match self.index(set) {
            Some(index) if self.free.contains(index) => {
                self.free.remove(index);
                self.places[index] = Place::Withheld;
                self.withheld += 1;
                true
            }
            _ => false,
        }
    }

    /// Hands out again what was kept back, unless the operator's rules withhold it.
    pub(super) fn hand_out(&mut self, set: PortSet) {
        if let Some(index) = self.index(set)
            && self.places[index] == Place::Withheld
            && !self.config.withholds(set)
        {
            self.places[index] = Place::Free;
            self.free.insert(index);
            self.withheld -= 1;
        }
    }

    /// Takes a set out of what anybody may have.
    pub(super) fn hide(&mut self, set: PortSet) {
        if let Some(index) = self.index(set) {
            self.free.remove(index);
        }
    }

    /// The leases of its sets, address by address, those of an address in the order of their PSIDs.
    pub(crate) fn leases(&self) -> impl Iterator<Item = LeaseId> {
        let of_address = |address| self.places.iter().skip(address).step_by(self.addresses);
        let places = (0..self.addresses).flat_map(of_address);
        places.filter_map(|place| match place {
            Place::Taken(id) => Some(*id),
            Place::Free | Place::Withheld => None,
        })
    }

    fn set(&self, index: usize) -> Option<PortSet> {
        let address = self.config.prefix.nth(index % self.addresses);
        let psid = (index / self.addresses) as u16;
        PortSet::new(address, self.config.psid_length, psid).ok()
    }

    /// The first and the last PSID whose sets lie inside `wanted`.
    fn psids_inside(&self, wanted: PortRange) -> Option<(u16, u16)> {
        if self.config.psid_length == 0 {
            return (wanted.first() <= 1 && wanted.last() == u16::MAX).then_some((0, 0));
        }
        let size = self.set_size();
        let first = u32::from(wanted.first()).div_ceil(size);
        let end = (u32::from(wanted.last()) + 1) / size;
        (first < end).then(|| (first as u16, (end - 1) as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Ipv4Prefix;
    use super::super::Owner;
    use super::super::PcpPorts;
    use super::*;

    fn pool(psid_length: u8, pcp_ports: PcpPorts) -> Pool {
        Pool::new(PoolConfig {
            name: "p".to_owned(),
            prefix: Ipv4Prefix::new(Ipv4Addr::new(192, 0, 2, 0), 30).unwrap(),
            psid_length,
            br: std::net::Ipv6Addr::LOCALHOST,
            owner: Owner::Pcp,
            clients: Vec::new(),
            reserved: vec![Ipv4Addr::new(192, 0, 2, 0)],
            exclude_ports: vec![PortRange::new(0, 1023).unwrap()],
            pcp_ports,
        })
        .unwrap()
    }

    /// T-39, LW-010.
    #[test]
    fn pc_040_sets_with_system_ports_or_those_of_pcp_are_kept_back() {
        let all = PortRange::ALL;
        for (psid_length, pcp_ports, each) in [
            (5, PcpPorts::Excluded, 30),
            (5, PcpPorts::Included, 31),
            (6, PcpPorts::Excluded, 62),
            (7, PcpPorts::Excluded, 125),
            (16, PcpPorts::Excluded, 65536 - 1024 - 2),
            (0, PcpPorts::Excluded, 1),
        ] {
            let mut pool = pool(psid_length, pcp_ports);
            assert_eq!(pool.usage().free, 3 * each, "PSID length {psid_length}");
            let id = LeaseId::from_index(0).unwrap();
            while let Some(set) = pool.first_free(all) {
                assert_ne!(set.address(), Ipv4Addr::new(192, 0, 2, 0));
                let ports = set.ports();
                assert!(set.is_whole() || ports.first() > 1023);
                let pcp = ports.contains(5350) || ports.contains(5351);
                assert!(set.is_whole() || !pcp || pcp_ports == PcpPorts::Included);
                pool.take(set, id);
            }
            assert_eq!(pool.usage().free, 0);
        }
    }

    #[test]
    fn ps_015_a_set_inside_a_range_is_never_outside_it() {
        let pool = pool(6, PcpPorts::Excluded);
        for (first, last, found) in [
            (1, 65535, Some(1024)),
            (2000, 65535, Some(2048)),
            (2049, 4094, None),
            (2049, 4095, Some(3072)),
            (5120, 6143, None),
            (0, 1023, None),
        ] {
            let wanted = PortRange::new(first, last).unwrap();
            let set = pool.first_free(wanted);
            assert_eq!(set.map(|set| set.ports().first()), found, "{first}-{last}");
            let on = pool.first_free_on(Ipv4Addr::new(192, 0, 2, 3), wanted);
            assert_eq!(on.map(|set| set.ports().first()), found, "{first}-{last}");
        }
        assert!(pool.has_inside(PortRange::sized(1, 65535)));
        assert!(!pool.has_inside(PortRange::sized(1, 1023)));
        assert!(!pool.has_inside(PortRange::sized(2049, 1024)));
    }

    #[test]
    fn ps_041_a_set_is_named_by_its_first_port() {
        let address = Ipv4Addr::new(192, 0, 2, 1);
        let shared = pool(6, PcpPorts::Excluded);
        assert!(shared.set_from(address, 2048).is_some());
        assert!(shared.set_from(address, 2049).is_none());
        assert!(shared.set_from(Ipv4Addr::new(192, 0, 3, 1), 2048).is_none());
        let whole = pool(0, PcpPorts::Excluded);
        assert!(whole.set_from(address, 0).is_some());
        assert!(whole.set_from(address, 1).is_some());
        assert!(whole.set_from(address, 2).is_none());
    }
}
