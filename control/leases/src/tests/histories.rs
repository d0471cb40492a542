//! Random histories against a map: appends that overlap, failures, full disks, steps of the clock, crashes.

use fastrand::Rng;

use super::Rows;
use super::key;
use super::open_with;
use super::options;
use crate::disk::simulated::SimulatedDisk;
use crate::file_store::FileStore;
use crate::file_store::OpenOptions;
use crate::moment::Moment;
use crate::row::Row;
use crate::samples::later;
use crate::samples::lease;
use crate::store::Flush;
use crate::store::Flushed;
use crate::store::LeaseStore;
use crate::store::Turn;

/// A store, what it must hold, and what it may.
struct History {
    rng: Rng,
    disk: SimulatedDisk,
    store: Option<FileStore>,
    rows: Rows,
    /// Appends on their way, in order.
    flying: Vec<(Turn, Vec<Row>)>,
    /// Their flushes: not run yet, and run but not settled.
    flushes: Vec<Flush>,
    flushed: Vec<Flushed>,
    /// Appends that failed or were cut short, each line in order: until something goes well they may be there
    /// or not, but none without those before it.
    doubtful: Vec<Vec<Vec<Row>>>,
    ms: u64,
    lead_ms: i64,
}

impl History {
    fn new(seed: u64) -> Self {
        let disk = SimulatedDisk::new(seed);
        let mut history = Self {
            rng: Rng::with_seed(seed),
            disk,
            store: None,
            rows: Rows::new(),
            flying: Vec::new(),
            flushes: Vec::new(),
            flushed: Vec::new(),
            doubtful: Vec::new(),
            ms: 0,
            lead_ms: 0,
        };
        history.reopen();
        history
    }

    fn moment(&self) -> Moment {
        let moment = later(self.ms);
        Moment {
            utc_ms: moment.utc_ms.saturating_add_signed(self.lead_ms),
            ..moment
        }
    }

    /// Opens the store, and holds what is in it against what must be.
    fn reopen(&mut self) {
        // An operator may have changed these.
        let options = OpenOptions {
            segment_octets: *self.rng.choice(&[16 << 10, 20 << 10, 40 << 10]).unwrap(),
            max_segments: self.rng.usize(2..8),
            ..options()
        };
        let (opened, found) = open_with(&self.disk, self.moment(), &options).unwrap();
        self.give_up_flying();
        let doubtful = std::mem::take(&mut self.doubtful);
        let mut possible = vec![self.rows.clone()];
        for line in doubtful {
            let mut rows = self.rows.clone();
            for append in line {
                enter(&mut rows, &append);
                possible.push(rows.clone());
            }
        }
        assert!(possible.contains(&found), "lost, changed or invented");
        self.rows = found;
        self.store = Some(opened.store);
    }

    /// Nobody will know what became of what is on its way.
    fn give_up_flying(&mut self) {
        let flying = self.flying.drain(..).map(|(_, rows)| rows);
        self.doubtful.push(flying.collect());
    }

    /// Enters what is durable by now.
    fn land(&mut self) {
        let Some(store) = &self.store else {
            return;
        };
        let durable = store.durable();
        let landed = self.flying.partition_point(|(at, _)| *at <= durable);
        for (_, rows) in self.flying.drain(..landed) {
            enter(&mut self.rows, &rows);
            self.doubtful.clear();
        }
    }

    fn append(&mut self) {
        let count = self.rng.usize(1..60);
        let rows: Vec<Row> = (0..count).map(|_| self.any_row()).collect();
        let moment = self.moment();
        let Some(store) = &mut self.store else {
            return;
        };
        match store.append(&rows, &moment) {
            Ok(flush) => {
                self.flying.push((flush.turn(), rows));
                self.flushes.push(flush);
                self.land();
            }
            Err(_) => {
                self.land();
                self.flying.push((Turn::default(), rows));
                self.give_up_flying();
            }
        }
    }

    /// Runs one flush, whichever.
    fn run_flush(&mut self) {
        if !self.flushes.is_empty() {
            let flush = self
                .flushes
                .swap_remove(self.rng.usize(..self.flushes.len()));
            self.flushed.push(flush.run());
        }
    }

    /// Lets the store hear of one flush, whichever.
    fn settle(&mut self) {
        let Some(store) = &mut self.store else {
            return;
        };
        if self.flushed.is_empty() {
            return;
        }
        let flushed = self
            .flushed
            .swap_remove(self.rng.usize(..self.flushed.len()));
        let settled = store.settle(flushed);
        self.land();
        if settled.is_err() {
            self.give_up_flying();
        }
    }

    fn settle_all(&mut self) {
        while !self.flushes.is_empty() {
            self.run_flush();
        }
        while !self.flushed.is_empty() {
            self.settle();
        }
    }

    fn any_row(&mut self) -> Row {
        let mut lease = lease(self.rng.u32(0..300));
        lease.internal_port = self.rng.u16(..);
        let until = later(self.ms + 1_000_000).monotonic;
        if self.rng.u8(..) < 60 {
            Row::Resting { lease, until }
        } else {
            Row::Held(lease)
        }
    }

    fn tend(&mut self) {
        let moment = self.moment();
        if let Some(store) = &mut self.store {
            store.tend(&moment);
        }
    }

    /// Writes down anew what the book of a daemon would hold.
    fn rewrite(&mut self) {
        self.settle_all();
        let moment = self.moment();
        if let Some(store) = &mut self.store
            && store.rewrite(self.rows.values().copied(), &moment).is_ok()
        {
            self.doubtful.clear();
        }
    }

    /// Sets the clock, on a disk that works for once.
    fn step(&mut self) {
        if self.disk.is_dead() {
            return;
        }
        self.disk.put_out_fuse();
        self.disk.fail_one_in(None);
        self.settle_all();
        self.lead_ms += self.rng.i64(-5_000_000_000..5_000_000_000);
        self.tend();
        self.tend();
    }

    fn crash(&mut self) {
        self.disk.kill();
        self.store = None;
        self.flushes.clear();
        self.flushed.clear();
        self.disk.revive();
        self.disk.fail_one_in(None);
        if self.rng.bool() {
            self.disk.lose_power();
        }
        self.reopen();
    }

    fn go_on(&mut self) {
        self.ms += self.rng.u64(0..2000);
        match self.rng.u32(0..100) {
            0..30 => self.append(),
            30..50 => self.run_flush(),
            50..70 => self.settle(),
            70..76 => self.settle_all(),
            76..84 => self.tend(),
            84..87 => self.step(),
            87..91 => self.disk.light_fuse(self.rng.u64(0..30)),
            91..93 => self.disk.fail_one_in(Some(self.rng.u32(2..10))),
            93..95 => self.disk.fail_one_in(None),
            95..97 => self.disk.leave(self.rng.u64(0..100_000)),
            97..98 => self.disk.leave(u64::MAX),
            98..99 => self.rewrite(),
            _ => self.crash(),
        }
        if self.disk.is_dead() {
            self.crash();
        }
    }
}

fn enter(rows: &mut Rows, append: &[Row]) {
    rows.extend(append.iter().map(|row| (key(row), *row)));
}

/// 2000 of them, or as many as `LEASES_HISTORIES` says.
#[test]
fn no_acknowledged_lease_is_lost_or_invented_or_doubled() {
    let cases = std::env::var("LEASES_HISTORIES").map_or(2000, |cases| cases.parse().unwrap());
    for seed in 0..cases {
        let result = std::panic::catch_unwind(|| {
            let mut history = History::new(seed);
            for _ in 0..300 {
                history.go_on();
            }
            history.crash();
        });
        assert!(result.is_ok(), "history {seed}");
    }
}
