//! Positions: a store that goes on is told from an older copy and from another store.

use super::open;
use crate::disk::simulated::SimulatedDisk;
use crate::position::Position;
use crate::row::Row;
use crate::samples::later;
use crate::samples::lease;
use crate::store::LeaseStore;

/// Commits so many rows, one by one, and says where the store was before and after, as far as it had been
/// anywhere.
fn run(disk: &SimulatedDisk, commits: u32, ms: u64) -> (Option<Position>, Position) {
    let (mut opened, _) = open(disk, later(ms)).unwrap();
    for number in 0..commits {
        let row = Row::Held(lease(number));
        opened.store.commit(&[row], &later(ms)).unwrap();
    }
    let position = opened.store.status().position;
    (opened.last.map(|last| last.position), position)
}

#[test]
fn pc_083_a_store_that_goes_on_is_never_behind_where_it_was() {
    let disk = SimulatedDisk::new(1);
    let (before, mut reached) = run(&disk, 0, 0);
    assert_eq!((before, reached.record), (None, 0));
    // Enough for several journal files and checkpoints.
    for round in 1..40 {
        let (before, after) = run(&disk, 20, round * 1000);
        let before = before.unwrap_or(Position {
            record: 0,
            ..reached
        });
        assert_eq!(before.store, reached.store);
        assert!(before.record >= reached.record, "{before:?} {reached:?}");
        assert_eq!(after.record, before.record + 20);
        reached = after;
    }
}

#[test]
fn fo_011_another_store_has_another_number() {
    let (one, two) = (SimulatedDisk::new(1), SimulatedDisk::new(2));
    let (_, first) = run(&one, 1, 0);
    let (_, second) = run(&two, 1, 0);
    assert_ne!(first.store, second.store);
}
