//! A burst of lookups, step by step for all keys at once, so that the cache misses of one key are hidden
//! behind the work for the others.

use super::key::Key;
use super::memory::Granule;
use super::node::Node;
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
        let mut slots = [Slot::from_word(0); CHUNK];
        let mut aims = [Aim::NOWHERE; CHUNK];
        self.walk(keys, &mut slots);
        let any_indexed = self.aim(keys, &slots, &mut aims);
        if any_indexed {
            self.follow(&slots, &mut aims);
        }
        for (hit, aim) in hits.iter_mut().zip(aims) {
            let softwire = self.memory.softwire(aim.granule, 0);
            *hit = (softwire.tag() == aim.tag).then_some(softwire);
        }
    }

    /// From addresses to slots.
    #[inline(always)]
    fn walk(&self, keys: &[Key], slots: &mut [Slot; CHUNK]) {
        let mut nodes = [Node::NONE; CHUNK];
        let mut leaves = [Node::NONE; CHUNK];
        for (node, key) in nodes.iter_mut().zip(keys) {
            *node = self.subnets(key.ipv4);
            node.prefetch(&self.memory, third(key));
        }
        for ((leaf, node), key) in leaves.iter_mut().zip(nodes).zip(keys) {
            *leaf = hosts(node.child(&self.memory, third(key)));
            leaf.prefetch(&self.memory, fourth(key));
        }
        for ((slot, leaf), key) in slots.iter_mut().zip(leaves).zip(keys) {
            *slot = Slot::from_word(leaf.child(&self.memory, fourth(key)));
        }
    }

    /// From slots and ports to places; tells whether any of them is in an index.
    #[inline(always)]
    fn aim(&self, keys: &[Key], slots: &[Slot; CHUNK], aims: &mut [Aim; CHUNK]) -> bool {
        let mut any_indexed = false;
        for ((aim, slot), key) in aims.iter_mut().zip(slots).zip(keys) {
            let (place, tag) = slot.aim(key.port);
            *aim = if slot.is_indexed() {
                any_indexed = true;
                self.memory.prefetch_half(slot.block(), place);
                Aim {
                    granule: Granule::from_index(place),
                    tag,
                }
            } else {
                self.memory.prefetch_softwire(slot.block(), place);
                let granule = Granule::from_index(slot.block().index() + place);
                Aim { granule, tag }
            };
        }
        any_indexed
    }

    /// From places in an index to the entries they name.
    #[inline(always)]
    fn follow(&self, slots: &[Slot; CHUNK], aims: &mut [Aim; CHUNK]) {
        for (aim, slot) in aims.iter_mut().zip(slots) {
            if slot.is_indexed() {
                let reference = self.memory.half(slot.block(), aim.granule.index());
                aim.granule = Granule::from_index(reference.load(Ordering::Acquire));
                self.memory.prefetch_softwire(aim.granule, 0);
            }
        }
    }
}

/// Where a key's softwire must be, and what must stand there for a hit.
#[derive(Clone, Copy)]
struct Aim {
    granule: Granule,
    tag: Tag,
}

impl Aim {
    const NOWHERE: Self = Self {
        granule: Granule::from_index(0),
        tag: Tag::NOBODY,
    };
}

#[inline(always)]
const fn third(key: &Key) -> u8 {
    (key.ipv4 >> 8) as u8
}

#[inline(always)]
const fn fourth(key: &Key) -> u8 {
    key.ipv4 as u8
}

/// Keys on their way at a time: enough to hide a miss, few enough for the core's miss buffers and L1.
const CHUNK: usize = 32;
