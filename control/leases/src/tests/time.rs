//! Time in the store: steps, clocks in doubt, and what is over.

use std::time::Duration;

use super::open;
use crate::disk::simulated::SimulatedDisk;
use crate::moment::Judgement;
use crate::moment::Moment;
use crate::row::Row;
use crate::samples::later;
use crate::samples::lease;
use crate::store::LeaseStore;
use crate::survey::LastCommit;

const HOUR: u64 = 3_600_000;

/// Another start of the machine: the monotonic clock begins elsewhere.
fn rebooted(ms: u64) -> Moment {
    let moment = later(ms);
    Moment {
        monotonic: pcp::instant::Instant::from_secs(500_000),
        ..moment
    }
}

#[test]
fn leases_keep_their_ends_in_utc_over_a_reboot() {
    let disk = SimulatedDisk::new(1);
    let (mut opened, _) = open(&disk, later(0)).unwrap();
    opened
        .store
        .commit(&[Row::Held(lease(1))], &later(5000))
        .unwrap();
    drop(opened);
    let now = rebooted(HOUR / 2);
    let (opened, rows) = open(&disk, now).unwrap();
    let Some(Row::Held(lease)) = rows.into_values().next() else {
        panic!("it is held for another half hour");
    };
    assert_eq!(lease.remaining_s(now.monotonic), 1800);
    assert_eq!(now.utc_of(lease.granted), later(0).utc_ms);
    let last = opened.last.unwrap();
    let expected = LastCommit {
        utc_ms: later(5000).utc_ms,
        epoch_s: 5005,
        position: last.position,
    };
    assert_eq!(last, expected);
    assert_eq!(last.epoch_at(&now), 5000 + 1800);
}

#[test]
fn pc_045_the_end_of_a_lease_needs_no_commit() {
    let disk = SimulatedDisk::new(1);
    let (mut opened, _) = open(&disk, later(0)).unwrap();
    opened
        .store
        .commit(&[Row::Held(lease(1))], &later(0))
        .unwrap();
    drop(opened);
    let row = |ms| open(&disk, later(ms)).unwrap().1.into_values().next();
    assert_eq!(row(HOUR - 1), Some(Row::Held(lease(1))));
    let resting = Row::Resting {
        lease: lease(1),
        until: lease(1).expires + Duration::from_secs(120),
    };
    assert_eq!(row(HOUR), Some(resting));
    assert_eq!(row(HOUR + 119_999), Some(resting));
    assert_eq!(row(HOUR + 120_000), None);
}

#[test]
fn a_step_of_the_clock_moves_stored_times_with_it() {
    let disk = SimulatedDisk::new(1);
    let (mut opened, _) = open(&disk, later(0)).unwrap();
    opened
        .store
        .commit(&[Row::Held(lease(1))], &later(0))
        .unwrap();
    let stepped = |ms, by_ms| Moment {
        utc_ms: later(ms).utc_ms + by_ms,
        ..later(ms)
    };
    opened.store.tend(&stepped(1000, 24 * HOUR));
    opened
        .store
        .commit(&[Row::Held(lease(2))], &stepped(2000, 24 * HOUR))
        .unwrap();
    drop(opened);
    let (_, rows) = open(&disk, stepped(3000, 24 * HOUR)).unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows.values() {
        assert_eq!(row.lease().expires, lease(1).expires);
    }
}

#[test]
fn a_clock_in_doubt_ends_nothing_that_the_last_commit_has_not() {
    let disk = SimulatedDisk::new(1);
    let (mut opened, _) = open(&disk, later(0)).unwrap();
    let mut short = lease(2);
    short.expires = later(1000).monotonic;
    let rows = [Row::Held(lease(1)), Row::Held(short)];
    opened.store.commit(&rows, &later(0)).unwrap();
    opened.store.tend(&later(HOUR / 2));
    drop(opened);
    let doubtful = Moment {
        judgement: Judgement::Unsettled,
        utc_ms: later(1000 * HOUR).utc_ms,
        ..later(1000 * HOUR)
    };
    let (opened, rows) = open(&disk, doubtful).unwrap();
    assert_eq!(rows.len(), 1);
    assert!(matches!(rows.values().next(), Some(Row::Held(_))));
    assert_eq!(opened.last.unwrap().epoch_at(&doubtful), 5000 + 1800);
}

#[test]
fn rows_that_are_long_over_leave_with_a_checkpoint_and_only_by_a_clock_that_is_believed() {
    for judgement in [Judgement::Settled, Judgement::Unsettled] {
        let disk = SimulatedDisk::new(1);
        let (mut opened, _) = open(&disk, later(0)).unwrap();
        let rows: Vec<Row> = (0..500).map(|set| Row::Held(lease(set))).collect();
        opened.store.commit(&rows, &later(0)).unwrap();
        let now = Moment {
            judgement,
            ..later(HOUR + HOUR + 121_000)
        };
        let mut fresh = lease(1000);
        fresh.expires = later(3 * HOUR).monotonic;
        opened.store.commit(&[Row::Held(fresh)], &now).unwrap();
        opened.store.sum_up().unwrap();
        let expected = if judgement == Judgement::Settled {
            1
        } else {
            501
        };
        assert_eq!(opened.store.status().checkpoint_rows, expected);
    }
}

#[test]
fn an_idle_store_keeps_its_clocks_fresh() {
    let disk = SimulatedDisk::new(1);
    let (mut opened, _) = open(&disk, later(0)).unwrap();
    opened
        .store
        .commit(&[Row::Held(lease(1))], &later(0))
        .unwrap();
    for ms in (0..100_000).step_by(1000) {
        opened.store.tend(&later(ms));
    }
    disk.kill();
    drop(opened);
    disk.revive();
    let last = open(&disk, later(100_000)).unwrap().0.last.unwrap();
    assert!(last.utc_ms >= later(90_000).utc_ms);
}
