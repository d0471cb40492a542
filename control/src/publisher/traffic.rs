//! What each softwire has carried since it exists.
//!
//! Workers count by a softwire's number, and numbers are used again: what was counted under a number
//! before its present softwire is remembered and taken off.

use std::sync::Arc;

use lwaftr_dataplane::softwire_counters::Carried;
use lwaftr_dataplane::softwire_counters::SoftwireCounters;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::table::SoftwireId;

/// The counters of all workers, by softwire.
#[derive(Debug)]
pub struct Traffic {
    workers: Vec<Arc<SoftwireCounters>>,
    /// What had been counted under each number when its softwire began.
    before: Vec<Carried>,
}

impl Traffic {
    /// Counters of these workers, with room for the softwires of `publisher` and some more.
    #[must_use]
    pub fn new(workers: Vec<Arc<SoftwireCounters>>, publisher: &Publisher) -> Self {
        let traffic = Self {
            workers,
            before: Vec::new(),
        };
        traffic.reach(publisher);
        traffic
    }

    /// Makes room ahead of the numbers that will be given out next.
    pub(super) fn reach(&self, publisher: &Publisher) {
        for worker in &self.workers {
            worker.reach(publisher.ids().saturating_add(AHEAD));
        }
    }

    /// A new softwire has this number.
    pub(super) fn begin(&mut self, id: SoftwireId) {
        if self.before.len() <= id.index() {
            self.before.resize(id.index() + 1, Carried::default());
        }
        self.before[id.index()] = self.counted(id);
    }

    /// What the softwire with this number has carried.
    pub(super) fn carried(&self, id: SoftwireId) -> Carried {
        let before = self.before.get(id.index()).copied().unwrap_or_default();
        self.counted(id) - before
    }

    fn counted(&self, id: SoftwireId) -> Carried {
        let all = self.workers.iter().map(|worker| worker.carried(id));
        all.fold(Carried::default(), |sum, one| sum + one)
    }
}

/// Numbers beyond those in use that have room: one batch of changes takes no more.
const AHEAD: u32 = 4096;
