//! The table's memory as loom sees it: a few granules, each with its own checked words, half words and
//! entry, so that the model checker watches every access.
//!
//! Not covered: that words, half words and entries share bytes in the product. No granule is used in two
//! of these ways without going through the allocator (safety boundary, 4).

use super::Fresh;
use super::Granule;
use super::NodeRefused;
use super::ReserveError;
use super::WordPlace;
use crate::table::softwire::Softwire;
use crate::table::sync::AtomicU32;
use crate::table::sync::AtomicU64;

/// A handful of granules.
#[derive(Debug)]
pub(in crate::table) struct Memory {
    granules: Vec<Cells>,
}

#[derive(Debug)]
struct Cells {
    words: [AtomicU64; 4],
    halves: [AtomicU32; 8],
    softwire: Softwire,
}

impl Memory {
    pub(in crate::table) fn reserve(bytes: usize) -> Result<Self, ReserveError> {
        let cells = || Cells {
            words: std::array::from_fn(|_| AtomicU64::new(0)),
            halves: std::array::from_fn(|_| AtomicU32::new(0)),
            softwire: Softwire::vacant(),
        };
        let granules = (0..bytes / super::GRANULE_BYTES).map(|_| cells()).collect();
        Ok(Self { granules })
    }

    pub(in crate::table) fn prefer_node(&self, _: u32) -> Result<(), NodeRefused> {
        Ok(())
    }

    pub(in crate::table) fn word(&self, granule: Granule, index: u32) -> &AtomicU64 {
        self.word_at(WordPlace::new(granule, index))
    }

    pub(in crate::table) fn word_at(&self, place: WordPlace) -> &AtomicU64 {
        &self.granules[place.index() / 4].words[place.index() % 4]
    }

    pub(in crate::table) fn half(&self, granule: Granule, index: u32) -> &AtomicU32 {
        let index = granule.index() as usize * 8 + index as usize;
        &self.granules[index / 8].halves[index % 8]
    }

    pub(in crate::table) fn softwire(&self, granule: Granule, index: u32) -> &Softwire {
        &self.granules[(granule.index() + index) as usize].softwire
    }

    pub(in crate::table) fn write(&self, fresh: &mut Fresh, index: u32, softwire: Softwire) {
        assert!(
            index < fresh.order().granules(),
            "an entry beyond its block"
        );
        self.softwire(fresh.first(), index).overwrite(&softwire);
    }

    pub(in crate::table) fn copy(&self, from: Granule, fresh: &mut Fresh) {
        for index in 0..fresh.order().granules() {
            self.write(fresh, index, self.softwire(from, index).duplicate());
        }
    }

    pub(in crate::table) fn prefetch_at(&self, _: WordPlace) {}

    pub(in crate::table) fn prefetch_half(&self, _: Granule, _: u32) {}

    pub(in crate::table) fn prefetch_softwire(&self, _: Granule, _: u32) {}
}
