//! The packets whose fragments are waited for, by key and by age.
//!
//! Entries are made at the start and linked by age, which is also the order of their timeouts. The
//! index hashes with secrets of its own, because whoever can make keys collide, and the sender
//! chooses 32 bits of them, makes every look-up slow. It has twice the room it needs: so it tidies up
//! in place after many removals and never allocates.

use hashbrown::HashTable;

use crate::drop_reason::DropReason;
use crate::instant::Instant;
use crate::keyed_hash::KeyedHash;

use super::fragment::Key;
use super::fragment::words;
use super::gathered::Gathered;

/// All incomplete packets.
#[derive(Debug)]
pub(super) struct Packets {
    entries: Box<[Entry]>,
    index: HashTable<u32>,
    hasher: KeyedHash,
    free: Option<u32>,
    oldest: Option<u32>,
    newest: Option<u32>,
}

/// What is known of a packet.
#[derive(Debug)]
pub(super) enum Incomplete {
    /// Fragments that wait for others.
    Gathered(Gathered),
    /// Nothing is held, and what still comes is dropped, until the time is up: RFC 5722 discards
    /// the fragments "not yet received" too.
    Abandoned(DropReason),
}

#[derive(Debug)]
struct Entry {
    key: Key,
    hash: u64,
    deadline: Instant,
    older: Option<u32>,
    /// The entry after this one in age; of a free entry, the next free one.
    newer: Option<u32>,
    packet: Incomplete,
}

/// A free entry.
#[derive(Debug)]
pub(super) struct Vacancy(u32);

impl Packets {
    /// Room for `count` packets.
    pub(super) fn new(count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let entry = |index: u32| Entry {
            key: Key::default(),
            hash: 0,
            deadline: Instant::default(),
            older: None,
            newer: (index + 1 < count).then_some(index + 1),
            packet: Incomplete::default(),
        };
        Self {
            entries: (0..count).map(entry).collect(),
            index: HashTable::with_capacity(count as usize * 2),
            hasher: KeyedHash::new(),
            free: (count > 0).then_some(0),
            oldest: None,
            newest: None,
        }
    }

    pub(super) fn hash(&self, key: &Key) -> u64 {
        self.hasher.of(key.words())
    }

    /// The hash of the key of a packet.
    #[inline(always)]
    pub(super) fn hash_of(
        &self,
        source: &[u8; 16],
        destination: &[u8; 16],
        identification: u32,
    ) -> u64 {
        self.hasher.of(words(source, destination, identification))
    }

    /// Whether a packet with this hash is here: hardly ever another one than that which was hashed.
    #[inline(always)]
    pub(super) fn has(&self, hash: u64) -> bool {
        let is_it = |index: &u32| self.entries[*index as usize].hash == hash;
        self.index.find(hash, is_it).is_some()
    }

    /// The entry of a packet.
    pub(super) fn find(&self, key: &Key, hash: u64) -> Option<u32> {
        let is_it = |index: &u32| self.entries[*index as usize].key == *key;
        self.index.find(hash, is_it).copied()
    }

    pub(super) fn packet(&self, index: u32) -> &Incomplete {
        &self.entries[index as usize].packet
    }

    pub(super) fn packet_mut(&mut self, index: u32) -> &mut Incomplete {
        &mut self.entries[index as usize].packet
    }

    /// The entry that has waited longest, and until when it may.
    pub(super) fn oldest(&self) -> Option<(u32, Instant)> {
        let index = self.oldest?;
        Some((index, self.entries[index as usize].deadline))
    }

    pub(super) fn vacancy(&self) -> Option<Vacancy> {
        self.free.map(Vacancy)
    }

    /// Adds a packet, as the newest.
    pub(super) fn insert(
        &mut self,
        Vacancy(index): Vacancy,
        key: Key,
        hash: u64,
        deadline: Instant,
        gathered: Gathered,
    ) {
        let entry = &mut self.entries[index as usize];
        self.free = entry.newer;
        *entry = Entry {
            key,
            hash,
            deadline,
            older: self.newest,
            newer: None,
            packet: Incomplete::Gathered(gathered),
        };
        match self.newest {
            Some(newest) => self.entries[newest as usize].newer = Some(index),
            None => self.oldest = Some(index),
        }
        self.newest = Some(index);
        let entries = &self.entries;
        self.index
            .insert_unique(hash, index, |other| entries[*other as usize].hash);
    }

    /// Forgets a packet, and hands over what was known of it.
    pub(super) fn remove(&mut self, index: u32) -> Incomplete {
        let entry = &mut self.entries[index as usize];
        let packet = std::mem::take(&mut entry.packet);
        let (hash, older, newer) = (entry.hash, entry.older, entry.newer);
        entry.newer = self.free;
        self.free = Some(index);
        match older {
            Some(older) => self.entries[older as usize].newer = newer,
            None => self.oldest = newer,
        }
        match newer {
            Some(newer) => self.entries[newer as usize].older = older,
            None => self.newest = older,
        }
        if let Ok(found) = self.index.find_entry(hash, |other| *other == index) {
            found.remove();
        }
        packet
    }
}

impl Incomplete {
    /// What is held: nothing, when it was abandoned.
    pub(super) fn into_gathered(self) -> Gathered {
        match self {
            Self::Gathered(gathered) => gathered,
            Self::Abandoned(_) => Gathered::default(),
        }
    }
}

impl Default for Incomplete {
    fn default() -> Self {
        Self::Gathered(Gathered::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_come_and_go_the_index_stays_where_it_is() {
        let mut packets = Packets::new(100);
        let room = packets.index.allocation_size();
        for round in 0..20_000_u32 {
            if let Some((oldest, _)) = packets.oldest().filter(|_| packets.vacancy().is_none()) {
                packets.remove(oldest);
            }
            let vacancy = packets.vacancy().unwrap();
            let key = Key::numbered(round);
            let hash = packets.hash(&key);
            let deadline = Instant::from_nanos(u64::from(round));
            packets.insert(vacancy, key, hash, deadline, Gathered::default());
            assert!(packets.find(&key, hash).is_some());
            assert_eq!(packets.index.allocation_size(), room, "after {round}");
        }
        assert_eq!(packets.index.len(), 100);
    }
}
