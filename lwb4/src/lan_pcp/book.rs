//! The mappings, by what is mapped and by when they end.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::net::SocketAddrV4;

use pcp::instant::Instant;

use super::mapping::Mapping;
use crate::explicit::MappingKey;

/// Every mapping once, and an end for each.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    mappings: HashMap<MappingKey, Mapping>,
    ends: BTreeSet<End>,
}

/// Of two that end together, the one of the lower host goes first, so that the order is always the same.
type End = (Instant, SocketAddrV4, u8, Option<SocketAddrV4>);

const fn end(mapping: &Mapping) -> End {
    let MappingKey {
        protocol,
        internal,
        remote,
    } = mapping.key;
    (mapping.expires, internal, protocol, remote)
}

impl Book {
    pub(super) fn get(&self, key: &MappingKey) -> Option<&Mapping> {
        self.mappings.get(key)
    }

    /// Writes a mapping down, in place of the one with its key.
    pub(super) fn put(&mut self, mapping: Mapping) {
        self.ends.insert(end(&mapping));
        let new_end = end(&mapping);
        let before = self.mappings.insert(mapping.key, mapping);
        if let Some(old_end) = before.as_ref().map(end).filter(|old| *old != new_end) {
            self.ends.remove(&old_end);
        }
    }

    pub(super) fn remove(&mut self, key: &MappingKey) -> Option<Mapping> {
        let mapping = self.mappings.remove(key)?;
        self.ends.remove(&end(&mapping));
        Some(mapping)
    }

    /// When the first of them ends.
    pub(super) fn first_end(&self) -> Option<Instant> {
        self.ends.first().map(|(expires, ..)| *expires)
    }

    /// Takes out one that has ended.
    pub(super) fn expired(&mut self, now: Instant) -> Option<Mapping> {
        let &(expires, internal, protocol, remote) = self.ends.first()?;
        let key = MappingKey {
            protocol,
            internal,
            remote,
        };
        if expires > now {
            return None;
        }
        self.remove(&key)
    }

    pub(super) fn len(&self) -> usize {
        self.mappings.len()
    }

    /// Number of mappings that a host has.
    pub(super) fn count_of(&self, host: Ipv4Addr) -> usize {
        self.of(host).count()
    }

    /// The mappings of a host, in no order.
    pub(super) fn of(&self, host: Ipv4Addr) -> impl Iterator<Item = &Mapping> {
        let is_its = move |mapping: &&Mapping| *mapping.key.internal.ip() == host;
        self.mappings.values().filter(is_its)
    }

    /// All mappings, the one that ends first first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Mapping> {
        self.ends
            .iter()
            .filter_map(|(_, internal, protocol, remote)| {
                self.mappings.get(&MappingKey {
                    protocol: *protocol,
                    internal: *internal,
                    remote: *remote,
                })
            })
    }
}
