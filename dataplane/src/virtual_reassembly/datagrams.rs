//! The datagrams of which fragments have been seen, found by their key and lined up by age.
//!
//! Datagrams whose first fragment is known and those that wait for theirs stand in a line each. Both
//! are in order of age, since a datagram joins at the end and goes there again when its window starts
//! anew; so the first in line is always the next to go.

use hashbrown::HashTable;

use crate::instant::Instant;
use crate::keyed_hash::KeyedHash;
use crate::lines::Line;
use crate::lines::Place;
use crate::lines::Places;
use crate::virtual_reassembly::key::Key;
use crate::virtual_reassembly::key::Known;

/// A datagram of which at least one fragment has been seen.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) key: Key,
    hash: u64,
    /// When its window began.
    pub(super) since: Instant,
    /// How many windows began before: many may begin at the same instant, as a round has one only.
    turn: u64,
    /// What its first fragment said; absent until that comes.
    pub(super) known: Option<Known>,
    /// The packets that wait for the first fragment, in order of arrival.
    pub(super) packets: Line,
}

/// A fixed number of datagrams.
#[derive(Debug)]
pub(super) struct Datagrams {
    places: Places<Datagram>,
    known: Line,
    waiting: Line,
    /// How many windows have begun.
    turns: u64,
    index: HashTable<Place>,
    /// Keyed at random, so that no sender can aim at one bucket.
    hasher: KeyedHash,
}

impl Datagrams {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            places: Places::new(capacity),
            known: Line::default(),
            waiting: Line::default(),
            turns: 0,
            // A table that is never more than half full cleans up in place what removals leave behind;
            // a fuller one would allocate a larger one for that.
            index: HashTable::with_capacity(2 * capacity),
            hasher: KeyedHash::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.places.is_full()
    }

    /// The hash that a key is found by.
    #[inline(always)]
    pub(super) fn hash(&self, key: &Key) -> u64 {
        self.hasher.of(key.words())
    }

    pub(super) fn find(&self, key: &Key, hash: u64) -> Option<Place> {
        let is_it = |place: &Place| self.at(*place).is_some_and(|datagram| datagram.key == *key);
        self.index.find(hash, is_it).copied()
    }

    /// Whether a datagram with this hash is here: hardly ever another one than that which was hashed.
    #[inline(always)]
    pub(super) fn has(&self, hash: u64) -> bool {
        let is_it = |place: &Place| self.at(*place).is_some_and(|other| other.hash == hash);
        self.index.find(hash, is_it).is_some()
    }

    pub(super) fn at(&self, place: Place) -> Option<&Datagram> {
        self.places.at(place)
    }

    pub(super) fn at_mut(&mut self, place: Place) -> Option<&mut Datagram> {
        self.places.at_mut(place)
    }

    /// The first in line of those whose first fragment is known.
    pub(super) fn oldest_known(&self) -> Option<Place> {
        self.known.first()
    }

    /// The first in line of those that wait.
    pub(super) fn oldest_waiting(&self) -> Option<Place> {
        self.waiting.first()
    }

    /// The one whose window began before all others'.
    pub(super) fn oldest(&self) -> Option<Place> {
        let firsts = [self.oldest_waiting(), self.oldest_known()];
        let turn = |place: &Place| self.at(*place).map(|datagram| datagram.turn);
        firsts.into_iter().flatten().min_by_key(turn)
    }

    /// Adds a datagram that is not there; `None` when there is no room.
    pub(super) fn insert(
        &mut self,
        (key, hash): (Key, u64),
        known: Option<Known>,
        now: Instant,
    ) -> Option<Place> {
        let line = if known.is_some() {
            &mut self.known
        } else {
            &mut self.waiting
        };
        let datagram = Datagram {
            key,
            hash,
            since: now,
            turn: self.turns,
            known,
            packets: Line::default(),
        };
        let place = self.places.push(line, datagram).ok()?;
        self.turns += 1;
        let hash_at = |place: &Place| self.places.at(*place).map_or(0, |datagram| datagram.hash);
        self.index.insert_unique(hash, place, hash_at);
        Some(place)
    }

    /// Notes what the first fragment said, and starts the window anew. Returns what waited for it.
    pub(super) fn settle(&mut self, place: Place, known: Known, now: Instant) -> Line {
        let Some(datagram) = self.places.at_mut(place) else {
            return Line::default();
        };
        (datagram.since, datagram.turn) = (now, self.turns);
        self.turns += 1;
        let packets = std::mem::take(&mut datagram.packets);
        if datagram.known.replace(known).is_some() {
            self.places.move_back(&mut self.known, place);
        } else {
            self.places
                .move_over(&mut self.waiting, place, &mut self.known);
        }
        packets
    }

    /// Forgets a datagram. Returns the packets that waited.
    pub(super) fn remove(&mut self, place: Place) -> Line {
        let Some(datagram) = self.at(place) else {
            return Line::default();
        };
        let hash = datagram.hash;
        let line = if datagram.known.is_some() {
            &mut self.known
        } else {
            &mut self.waiting
        };
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == place) {
            entry.remove();
        }
        let removed = self.places.remove(line, place);
        removed.map_or_else(Line::default, |datagram| datagram.packets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Datagrams {
        fn add(&mut self, key: Key, known: Option<Known>, now: Instant) -> Option<Place> {
            self.insert((key, self.hash(&key)), known, now)
        }

        fn look_up(&self, key: &Key) -> Option<Place> {
            self.find(key, self.hash(key))
        }
    }

    fn key(id: u32) -> Key {
        Key {
            source: id,
            destination: 2,
            id: id as u16,
            protocol: 17,
            b4: [0; 16],
        }
    }

    #[test]
    fn memory_is_all_there_from_the_start() {
        let mut datagrams = Datagrams::new(1000);
        let memory = datagrams.index.allocation_size();
        for round in 0..300_000 {
            if datagrams.is_full() {
                let oldest = datagrams.oldest().unwrap();
                datagrams.remove(oldest);
            }
            let now = Instant::from_nanos(u64::from(round));
            datagrams.add(key(round), None, now).unwrap();
        }
        assert_eq!(datagrams.index.allocation_size(), memory);
        assert_eq!((datagrams.index.len(), datagrams.len()), (1000, 1000));
        assert!(
            datagrams
                .add(key(300_000), None, Instant::default())
                .is_none()
        );
        for id in 299_000..300_000 {
            let place = datagrams.look_up(&key(id)).unwrap();
            assert_eq!(datagrams.at(place).unwrap().key, key(id));
        }
        assert!(datagrams.look_up(&key(298_999)).is_none());
    }

    #[test]
    fn the_oldest_may_be_known_or_waiting_and_settling_makes_it_young() {
        let mut datagrams = Datagrams::new(3);
        let now = Instant::default();
        let known = Some(Known::Refused);
        let first = datagrams.add(key(1), None, now).unwrap();
        let second = datagrams.add(key(2), known, now).unwrap();
        let third = datagrams.add(key(3), None, now).unwrap();
        assert_eq!(datagrams.oldest(), Some(first));
        datagrams.settle(first, Known::Refused, now);
        assert_eq!(datagrams.oldest(), Some(second));
        assert_eq!(datagrams.oldest_waiting(), Some(third));
        datagrams.settle(second, Known::Refused, now);
        assert_eq!(datagrams.oldest(), Some(third));
        datagrams.remove(third);
        assert_eq!(datagrams.oldest(), Some(first));
        assert_eq!(datagrams.oldest_waiting(), None);
    }
}
