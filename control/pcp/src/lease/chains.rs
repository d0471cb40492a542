//! The first lease of every subscriber.
//!
//! Only numbers of leases are kept, and whose they are is read from the leases themselves: a place takes 5
//! octets instead of the 21 that it would with its key, and whoever looks one up reads the lease next anyway.

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::LeaseId;
use crate::subscriber::Subscriber;

/// Heads of chains; `of` tells everywhere whose a lease is that heads a chain.
#[derive(Clone, Debug, Default)]
pub(super) struct Chains {
    heads: HashTable<LeaseId>,
    hasher: DefaultHashBuilder,
}

impl Chains {
    /// The head of a subscriber's chain.
    pub(super) fn get(
        &self,
        subscriber: Subscriber,
        of: impl Fn(LeaseId) -> Subscriber,
    ) -> Option<LeaseId> {
        let hash = self.hasher.hash_one(subscriber);
        self.heads.find(hash, |id| of(*id) == subscriber).copied()
    }

    /// Makes a lease the head of a subscriber's chain. Returns what was.
    pub(super) fn insert(
        &mut self,
        subscriber: Subscriber,
        id: LeaseId,
        of: impl Fn(LeaseId) -> Subscriber,
    ) -> Option<LeaseId> {
        let Self { heads, hasher } = self;
        let entry = heads.entry(
            hasher.hash_one(subscriber),
            |id| of(*id) == subscriber,
            |id| hasher.hash_one(of(*id)),
        );
        match entry {
            Entry::Occupied(mut head) => Some(std::mem::replace(head.get_mut(), id)),
            Entry::Vacant(place) => {
                place.insert(id);
                None
            }
        }
    }

    /// Makes room for so many subscribers more.
    pub(super) fn reserve(&mut self, subscribers: usize, of: impl Fn(LeaseId) -> Subscriber) {
        let Self { heads, hasher } = self;
        heads.reserve(subscribers, |id| hasher.hash_one(of(*id)));
    }

    /// Forgets a subscriber's chain.
    pub(super) fn remove(&mut self, subscriber: Subscriber, of: impl Fn(LeaseId) -> Subscriber) {
        let hash = self.hasher.hash_one(subscriber);
        if let Ok(head) = self.heads.find_entry(hash, |id| of(*id) == subscriber) {
            head.remove();
        }
    }
}
