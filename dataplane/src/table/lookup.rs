//! A burst of lookups, step by step for all keys at once, so that the cache misses of one key are hidden
//! behind the work for the others.

use super::key::Key;
use super::memory::Granule;
use super::memory::WordPlace;
use super::root::Table;
use super::root::hosts;
use super::slot::Slot;
use super::softwire::Softwire;
use super::softwire::Tag;
use super::sync::Ordering;

impl Table {
    /// Looks up `keys`, each into the hit of the same number.
    ///
    /// # Panics
    /// When there are fewer `hits` than `keys`.
    pub fn lookup_burst<'t>(&'t self, keys: &[Key], hits: &mut [Option<&'t Softwire>]) {
        let hits = &mut hits[..keys.len()];
        for (keys, hits) in keys.chunks(CHUNK).zip(hits.chunks_mut(CHUNK)) {
            self.lookup_chunk(keys, hits);
        }
    }

    #[inline(always)]
    fn lookup_chunk<'t>(&'t self, keys: &[Key], hits: &mut [Option<&'t Softwire>]) {
        let count = keys.len().min(CHUNK).min(hits.len());
        let keys = &keys[..count];
        let mut places = [WordPlace::NULL; CHUNK];
        let mut slots = [Slot::from_word(0); CHUNK];
        let mut aims = [Aim::NOWHERE; CHUNK];
        self.walk(keys, &mut places);
        if self.aim(keys, &places, &mut slots, &mut aims) == Special::Some {
            self.aim_again(keys, &slots, &mut aims);
        }
        for index in 0..count {
            let aim = aims[index];
            let softwire = self.memory.softwire(aim.granule(), 0);
            hits[index] = (softwire.tag() == aim.tag()).then_some(softwire);
        }
    }

    /// From addresses to their slots. The nodes on the way are few and in the cache, or so many that they
    /// are best left to the core's own reordering; slots are many, and asked for ahead.
    #[inline(always)]
    fn walk(&self, keys: &[Key], places: &mut [WordPlace; CHUNK]) {
        for index in 0..keys.len().min(CHUNK) {
            let ipv4 = keys[index].ipv4;
            let hosts = hosts(self.subnets(ipv4).child(&self.memory, (ipv4 >> 8) as u8));
            let place = hosts.slot_place(&self.memory, ipv4 as u8);
            self.memory.prefetch_at(place);
            places[index] = place;
        }
    }

    /// From slots and ports to entries, for ports in blocks of entries; tells whether there are others.
    #[inline(always)]
    fn aim(
        &self,
        keys: &[Key],
        places: &[WordPlace; CHUNK],
        slots: &mut [Slot; CHUNK],
        aims: &mut [Aim; CHUNK],
    ) -> Special {
        let mut special = false;
        for index in 0..keys.len().min(CHUNK) {
            let port = keys[index].port;
            let slot = Slot::from_word(self.memory.word_at(places[index]).load(Ordering::Acquire));
            let place = slot.place(port);
            self.memory.prefetch_softwire(slot.block(), place);
            special |= slot.is_indexed() | !port.is_port();
            slots[index] = slot;
            aims[index] = Aim::new(slot.block().nth(place), slot.tag_of_port(port));
        }
        if special {
            Special::Some
        } else {
            Special::None
        }
    }

    /// A second look, for the places in an index and for packets without ports.
    #[inline(never)]
    fn aim_again(&self, keys: &[Key], slots: &[Slot; CHUNK], aims: &mut [Aim; CHUNK]) {
        for ((key, slot), aim) in keys.iter().zip(slots).zip(aims.iter_mut()) {
            if slot.is_indexed() {
                self.memory
                    .prefetch_half(slot.block(), slot.place(key.port));
            }
            *aim = Aim::new(aim.granule(), slot.tag(key.port));
        }
        for ((key, slot), aim) in keys.iter().zip(slots).zip(aims) {
            if slot.is_indexed() {
                let (granule, _) = self.occupant_at(*slot, slot.place(key.port));
                self.memory.prefetch_softwire(granule, 0);
                *aim = Aim::new(granule, aim.tag());
            }
        }
    }
}

/// Whether some keys of a chunk need a second look.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Special {
    None,
    Some,
}

/// Where a key's softwire must be, and what must stand there for a hit; in one word, tag above granule.
#[derive(Clone, Copy)]
struct Aim(u64);

impl Aim {
    const NOWHERE: Self = Self::new(Granule::from_index(0), Tag::NOBODY);

    #[inline(always)]
    const fn new(granule: Granule, tag: Tag) -> Self {
        Self((tag.bits() as u64) << 32 | granule.index() as u64)
    }

    #[inline(always)]
    const fn granule(self) -> Granule {
        Granule::from_index(self.0 as u32)
    }

    #[inline(always)]
    const fn tag(self) -> Tag {
        Tag::from_bits((self.0 >> 32) as u32)
    }
}

/// Keys on their way at a time: enough to hide a miss, few enough for the core's miss buffers and L1.
const CHUNK: usize = 32;
