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

/// Leases that are to be chained, with the hashes of their subscribers.
#[derive(Clone, Debug, Default)]
pub struct Unchained(pub(super) Vec<(u64, LeaseId)>);

impl Unchained {
    /// Whether it is worth it to chain them now.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.0.len() >= MOST_UNCHAINED
    }
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

    /// What places of subscribers are found by.
    pub(super) fn hash(&self, subscriber: Subscriber) -> u64 {
        self.hasher.hash_one(subscriber)
    }

    /// Makes a lease the head of the chain of its subscriber, who has this hash. Returns what was.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        id: LeaseId,
        of: impl Fn(LeaseId) -> Subscriber,
    ) -> Option<LeaseId> {
        let Self { heads, hasher } = self;
        let entry = heads.entry(
            hash,
            |other| of(*other) == of(id),
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

    /// Sorts leases that are to be chained so that their places are met from one end to the other; those of a
    /// subscriber stay in their order. Another order would do as well, but would wait for memory at every lease.
    pub(super) fn sort(&self, unchained: &mut Unchained) {
        let places = (self.heads.capacity() as u64 * 8 / 7).next_power_of_two();
        unchained.0.sort_by_key(|(hash, _)| hash & (places - 1));
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

/// As many as lie close together among the places of ten million; 16 octets each.
const MOST_UNCHAINED: usize = 1 << 20;
