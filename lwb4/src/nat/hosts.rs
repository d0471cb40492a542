//! What is kept of each LAN host: its external address (NT-002), how many mappings it has, and which of them
//! rest. A host without mappings is not remembered.

use std::net::Ipv4Addr;

use hashbrown::HashMap;

use crate::nat::sessions::MappingId;

/// The LAN hosts that have mappings.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    hosts: HashMap<Ipv4Addr, Host>,
    /// By host and protocol.
    resting: HashMap<(Ipv4Addr, u8), Vec<MappingId>>,
}

#[derive(Debug)]
struct Host {
    paired: Ipv4Addr,
    mappings: usize,
}

impl Hosts {
    /// The external address that the host has.
    pub(super) fn paired(&self, host: Ipv4Addr) -> Option<Ipv4Addr> {
        self.hosts.get(&host).map(|host| host.paired)
    }

    /// Its mappings, those at rest included.
    pub(super) fn mappings(&self, host: Ipv4Addr) -> usize {
        self.hosts.get(&host).map_or(0, |host| host.mappings)
    }

    /// It has one more mapping, on this external address.
    pub(super) fn add(&mut self, host: Ipv4Addr, external: Ipv4Addr, keeps_paired: bool) {
        let host = self.hosts.entry(host).or_insert(Host {
            paired: external,
            mappings: 0,
        });
        host.mappings += 1;
        if !keeps_paired {
            host.paired = external;
        }
    }

    /// It has one mapping less.
    pub(super) fn remove(&mut self, host: Ipv4Addr) {
        if let Some(known) = self.hosts.get_mut(&host) {
            known.mappings -= 1;
            if known.mappings == 0 {
                self.hosts.remove(&host);
            }
        }
    }

    /// One of its mappings begins to rest; says which place it has.
    pub(super) fn rest(&mut self, host: Ipv4Addr, protocol: u8, id: MappingId) -> u32 {
        let resting = self.resting.entry((host, protocol)).or_default();
        resting.push(id);
        resting.len() as u32 - 1
    }

    /// The mapping at this place rests no longer; says which mapping has the place now.
    pub(super) fn wake(&mut self, host: Ipv4Addr, protocol: u8, place: u32) -> Option<MappingId> {
        let resting = self.resting.get_mut(&(host, protocol))?;
        resting.swap_remove(place as usize);
        let moved = resting.get(place as usize).copied();
        if resting.is_empty() {
            self.resting.remove(&(host, protocol));
        }
        moved
    }

    /// One of its resting mappings.
    pub(super) fn resting(&self, host: Ipv4Addr, protocol: u8) -> Option<MappingId> {
        self.resting.get(&(host, protocol))?.first().copied()
    }
}
