//! Full disks: leases of known sets are refreshed for ever, and space that returns is used.

use super::Rows;
use super::key;
use super::open;
use crate::disk::simulated::SimulatedDisk;
use crate::file_store::FileStore;
use crate::row::Row;
use crate::samples::later;
use crate::samples::lease;
use crate::store::LeaseStore;
use crate::store::Room;

/// A store, and what it must hold.
struct Driven {
    store: FileStore,
    rows: Rows,
    ms: u64,
}

impl Driven {
    fn commit(&mut self, sets: impl Iterator<Item = u32>) {
        self.ms += 10;
        let rows: Vec<Row> = sets
            .map(|set| {
                let mut lease = lease(set);
                lease.expires = later(self.ms + 3_600_000).monotonic;
                Row::Held(lease)
            })
            .collect();
        self.store.commit(&rows, &later(self.ms)).unwrap();
        self.rows.extend(rows.iter().map(|row| (key(row), *row)));
        if self.ms.is_multiple_of(50) {
            self.store.tend(&later(self.ms));
        }
    }

    fn refresh_all(&mut self, sets: u32) {
        for from in (0..sets).step_by(50) {
            self.commit(from..(from + 50).min(sets));
        }
    }
}

#[test]
fn on_a_full_disk_known_sets_are_refreshed_for_ever_and_space_is_used_when_it_returns() {
    for left in [0, 20_000, 40_000, 100_000, 300_000] {
        let disk = SimulatedDisk::new(left);
        let (opened, rows) = open(&disk, later(0)).unwrap();
        let mut driven = Driven {
            store: opened.store,
            rows,
            ms: 0,
        };
        driven.commit(0..10);
        disk.leave(left);
        let mut sets = 10;
        while driven.store.room() == Room::Open {
            driven.commit(sets..sets + 40);
            sets += 40;
            assert!(sets < 20_000, "the disk never fills up");
        }
        for _ in 0..30_000 / sets {
            driven.refresh_all(sets);
            assert_eq!(driven.store.room(), Room::OnlyKnownSets);
        }
        let status = driven.store.status();
        assert!(status.trouble.unwrap().contains("reserve space"));
        disk.leave(u64::MAX);
        driven.store.tend(&later(driven.ms));
        assert_eq!(driven.store.room(), Room::Open);
        assert_eq!(driven.store.status().trouble, None);
        driven.commit(sets..sets + 300);
        drop(driven.store);
        assert_eq!(open(&disk, later(driven.ms)).unwrap().1, driven.rows);
    }
}

#[test]
fn a_store_is_opened_on_a_full_disk() {
    let disk = SimulatedDisk::new(9);
    let (opened, rows) = open(&disk, later(0)).unwrap();
    let mut driven = Driven {
        store: opened.store,
        rows,
        ms: 0,
    };
    driven.refresh_all(500);
    drop(driven.store);
    disk.leave(0);
    let (opened, found) = open(&disk, later(driven.ms)).unwrap();
    assert_eq!(found, driven.rows);
    driven.store = opened.store;
    for _ in 0..20 {
        driven.refresh_all(500);
    }
}

#[test]
fn a_disk_without_room_for_a_store_is_an_error() {
    let disk = SimulatedDisk::new(9);
    disk.leave(10_000);
    let refused = open(&disk, later(0)).err().unwrap().to_string();
    assert!(
        refused.starts_with("cannot reserve space for journal.0000"),
        "{refused}"
    );
}
