//! Random histories against a map: commits, failures, full disks, steps of the clock, crashes.

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
use crate::store::LeaseStore;

/// A store, what it must hold, and what it may.
struct History {
    rng: Rng,
    disk: SimulatedDisk,
    store: Option<FileStore>,
    rows: Rows,
    /// Rows of a commit that failed or was cut short: until the next one they may be there or not.
    doubtful: Vec<Row>,
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
        let (opened, mut found) = open_with(&self.disk, self.moment(), &options).unwrap();
        for row in self.doubtful.drain(..) {
            if found.get(&key(&row)) == Some(&row) {
                self.rows.insert(key(&row), row);
            }
        }
        for (set, row) in &self.rows {
            assert_eq!(found.remove(set).as_ref(), Some(row), "lost or changed");
        }
        assert!(found.is_empty(), "invented {found:?}");
        self.store = Some(opened.store);
    }

    fn commit(&mut self) {
        let count = self.rng.usize(1..60);
        let rows: Vec<Row> = (0..count).map(|_| self.any_row()).collect();
        let moment = self.moment();
        let Some(store) = &mut self.store else {
            return;
        };
        let committed = store.commit(&rows, &moment);
        if committed.is_ok() {
            self.rows.extend(rows.iter().map(|row| (key(row), *row)));
            self.doubtful.clear();
        } else {
            self.doubtful.extend(rows);
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
        self.lead_ms += self.rng.i64(-5_000_000_000..5_000_000_000);
        self.tend();
        self.tend();
    }

    fn crash(&mut self) {
        self.disk.kill();
        self.store = None;
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
            0..70 => self.commit(),
            70..84 => self.tend(),
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

/// 1000 of them, or as many as `LEASES_HISTORIES` says.
#[test]
fn no_acknowledged_lease_is_lost_or_invented_or_doubled() {
    let cases = std::env::var("LEASES_HISTORIES").map_or(1000, |cases| cases.parse().unwrap());
    for seed in 0..cases {
        let result = std::panic::catch_unwind(|| {
            let mut history = History::new(seed);
            for _ in 0..150 {
                history.go_on();
            }
            history.crash();
        });
        assert!(result.is_ok(), "history {seed}");
    }
}
