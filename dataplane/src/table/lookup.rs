//! A burst of lookups, step by step for all keys at once, so that the cache misses of one key are hidden
//! behind the work for the others. The last step, a look at the entries, is left to who asks: what is to be
//! done with one packet hides the miss of the next.

use arrayvec::ArrayVec;

use super::key::Key;
use super::memory::Granule;
use super::memory::WordPlace;
use super::root::Table;
use super::root::hosts;
use super::slot::Slot;
use super::softwire::Softwire;
use super::softwire::Tag;
use super::sync::Ordering;
use crate::burst::BURST_MAX;

impl Table {
    /// Finds out where the softwire of each key must be, and asks memory for it. Whether it is there is seen
    /// by [`Aim::softwire`], best when there is other work between, or for the packet itself.
    ///
    /// # Panics
    /// When there is no room for as many aims as keys.
    #[inline(never)]
    pub fn aim_burst<'t>(&'t self, keys: &[Key], aims: &mut Aims<'t>) {
        for keys in keys.chunks(CHUNK) {
            let mut places = [WordPlace::NULL; CHUNK];
            let mut slots = [Slot::from_word(0); CHUNK];
            let first = aims.len();
            self.walk(keys, &mut places);
            if self.aim(keys, &places, &mut slots, aims) == Special::Some {
                self.aim_again(keys, &slots, &mut aims[first..]);
            }
        }
    }

    /// Looks up `keys`, each into the hit of the same number.
    ///
    /// # Panics
    /// When there are fewer `hits` than `keys`.
    pub fn lookup_burst<'t>(&'t self, keys: &[Key], hits: &mut [Option<&'t Softwire>]) {
        let hits = &mut hits[..keys.len()];
        for (keys, hits) in keys.chunks(BURST_MAX).zip(hits.chunks_mut(BURST_MAX)) {
            let mut aims = Aims::new();
            self.aim_burst(keys, &mut aims);
            for (aim, hit) in aims.into_iter().zip(hits) {
                *hit = aim.softwire();
            }
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
    fn aim<'t>(
        &'t self,
        keys: &[Key],
        places: &[WordPlace; CHUNK],
        slots: &mut [Slot; CHUNK],
        aims: &mut Aims<'t>,
    ) -> Special {
        let mut special = false;
        for index in 0..keys.len().min(CHUNK) {
            let port = keys[index].port;
            let slot = Slot::from_word(self.memory.word_at(places[index]).load(Ordering::Acquire));
            let entry = if slot.is_indexed() {
                NOBODYS
            } else {
                slot.block().nth(slot.place(port))
            };
            self.memory.prefetch_softwire(entry, 0);
            special |= slot.is_indexed() | !port.is_port();
            slots[index] = slot;
            aims.push(Aim {
                softwire: self.memory.softwire(entry, 0),
                tag: slot.tag_of_port(port),
            });
        }
        if special {
            Special::Some
        } else {
            Special::None
        }
    }

    /// A second look, for the places in an index and for packets without ports.
    #[inline(never)]
    fn aim_again<'t>(&'t self, keys: &[Key], slots: &[Slot; CHUNK], aims: &mut [Aim<'t>]) {
        for ((key, slot), aim) in keys.iter().zip(slots).zip(aims.iter_mut()) {
            if slot.is_indexed() {
                self.memory
                    .prefetch_half(slot.block(), slot.place(key.port));
            }
            aim.tag = slot.tag(key.port);
        }
        for ((key, slot), aim) in keys.iter().zip(slots).zip(aims) {
            if slot.is_indexed() {
                let (granule, _) = self.occupant_at(*slot, slot.place(key.port));
                self.memory.prefetch_softwire(granule, 0);
                aim.softwire = self.memory.softwire(granule, 0);
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

/// Where a key's softwire must be, and what must stand there for a hit. The entry's cache line is on its way,
/// and is waited for only when the answer is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Aim<'t> {
    softwire: &'t Softwire,
    tag: Tag,
}

/// The aims of a burst.
pub type Aims<'t> = ArrayVec<Aim<'t>, BURST_MAX>;

impl<'t> Aim<'t> {
    /// The softwire, if the key has one.
    #[must_use]
    #[inline(always)]
    pub fn softwire(self) -> Option<&'t Softwire> {
        (self.softwire.tag() == self.tag).then_some(self.softwire)
    }
}

/// An entry that is always there; nobody has it.
const NOBODYS: Granule = Granule::from_index(0);
/// Keys on their way at a time: as many as a core has buffers for misses (10 to 16). More would wait for one.
const CHUNK: usize = 16;
