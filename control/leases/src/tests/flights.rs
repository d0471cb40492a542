//! Appends that are on their way to the disk together: what each flush covers, and what fails with whom.

use super::Rows;
use super::key;
use super::open;
use crate::disk::simulated::SimulatedDisk;
use crate::file_store::Ending;
use crate::file_store::FileStore;
use crate::row::Row;
use crate::samples::later;
use crate::samples::lease;
use crate::store::Flush;
use crate::store::LeaseStore;
use crate::survey::OpenError;

fn row(number: u32) -> Row {
    Row::Held(lease(number))
}

fn append(store: &mut FileStore, number: u32) -> Flush {
    store.append(&[row(number)], &later(number.into())).unwrap()
}

/// What is in the store when the process was killed.
fn reopened(disk: &SimulatedDisk, store: FileStore) -> (Ending, Rows) {
    disk.kill();
    drop(store);
    disk.revive();
    let (opened, rows) = open(disk, later(1000)).unwrap();
    (opened.ending, rows)
}

fn rows(numbers: &[u32]) -> Rows {
    let rows = numbers.iter().map(|number| row(*number));
    rows.map(|row| (key(&row), row)).collect()
}

/// Puts zeros in the place of the record of one row that is the `index`th of the journal.
fn wipe(disk: &SimulatedDisk, index: usize) {
    let record = 64 + 88;
    let at = 4096 + index * record;
    disk.tamper("journal.0000", |octets| {
        octets[at..at + record].fill(0);
    });
}

#[test]
fn a_flush_covers_what_was_appended_before_it_and_nothing_else() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk, later(0)).unwrap().0.store;
    let first = append(&mut store, 1);
    let second = append(&mut store, 2);
    let third = append(&mut store, 3);
    let (at_first, at_second) = (first.turn(), second.turn());
    assert!(store.durable() < at_first);
    store.settle(second.run()).unwrap();
    assert_eq!(store.durable(), at_second);
    store.settle(first.run()).unwrap();
    assert_eq!(store.durable(), at_second);
    let at_third = third.turn();
    store.settle(third.run()).unwrap();
    assert_eq!(store.durable(), at_third);
}

/// What a roster hears of must be there after a crash (FO-011).
#[test]
fn pc_083_the_position_is_of_what_is_durable() {
    let disk = SimulatedDisk::new(5);
    let mut store = open(&disk, later(0)).unwrap().0.store;
    let before = store.status().position.record;
    let first = append(&mut store, 1);
    let second = append(&mut store, 2);
    assert_eq!(store.status().position.record, before);
    store.settle(first.run()).unwrap();
    assert_eq!(store.status().position.record, before + 1);
    disk.fail_one_in(Some(1));
    store.settle(second.run()).unwrap_err();
    assert_eq!(store.status().position.record, before + 1);
}

#[test]
fn a_flush_that_fails_fails_all_that_is_on_its_way_whatever_the_others_say() {
    let disk = SimulatedDisk::new(2);
    let mut store = open(&disk, later(0)).unwrap().0.store;
    let good = append(&mut store, 1);
    store.settle(good.run()).unwrap();
    let durable = store.durable();
    let flushes = [2, 3, 4].map(|number| append(&mut store, number));
    disk.fail_one_in(Some(1));
    let [first, second, third] = flushes;
    let first = first.run();
    disk.fail_one_in(None);
    let (second, third) = (second.run(), third.run());
    // The system has told every handle of what it gave up.
    assert!(second.result.is_err() && third.result.is_err());
    assert!(store.settle(first).is_err());
    // What has failed fails once, and what comes too late says nothing.
    store.settle(second).unwrap();
    assert_eq!(store.durable(), durable);
    let later = append(&mut store, 5);
    let at_later = later.turn();
    store.settle(third).unwrap();
    assert_eq!(store.durable(), durable);
    store.settle(later.run()).unwrap();
    assert_eq!(store.durable(), at_later);
    assert_eq!(reopened(&disk, store), (Ending::Whole, rows(&[1, 5])));
}

#[test]
fn a_flush_that_fails_may_have_lost_what_was_appended_after_it_was_asked_for() {
    let disk = SimulatedDisk::new(7);
    let mut store = open(&disk, later(0)).unwrap().0.store;
    let [first, second] = [1, 2].map(|number| append(&mut store, number));
    store.settle(second.run()).unwrap();
    let durable = store.durable();
    let third = append(&mut store, 3);
    disk.fail_one_in(Some(1));
    let first = first.run();
    disk.fail_one_in(None);
    assert!(store.settle(first).is_err());
    store.settle(third.run()).unwrap();
    assert_eq!(store.durable(), durable);
}

#[test]
fn what_was_on_its_way_is_gone_from_the_first_record_on_that_is_missing() {
    for missing in 1..=3 {
        let disk = SimulatedDisk::new(3);
        let mut store = open(&disk, later(0)).unwrap().0.store;
        let good = append(&mut store, 1);
        store.settle(good.run()).unwrap();
        for number in 2..=4 {
            drop(append(&mut store, number));
        }
        disk.kill();
        drop(store);
        disk.revive();
        wipe(&disk, missing);
        let (opened, found) = open(&disk, later(1000)).unwrap();
        let numbers = &[1, 2, 3][..missing];
        let ending = if missing == 3 {
            Ending::Whole
        } else {
            Ending::Torn
        };
        assert_eq!((opened.ending, found), (ending, rows(numbers)));
        // What is left of the others never comes back, whatever is written after them.
        let mut store = opened.store;
        for number in 5..=7 {
            store.commit(&[row(number)], &later(2000)).unwrap();
            let mut expected = rows(numbers);
            expected.extend((5..=number).map(|number| (key(&row(number)), row(number))));
            assert_eq!(open(&disk.copy(), later(2000)).unwrap().1, expected);
        }
    }
}

#[test]
fn what_a_later_record_says_was_durable_is_missed() {
    let disk = SimulatedDisk::new(4);
    let mut store = open(&disk, later(0)).unwrap().0.store;
    for number in 1..=3 {
        store.commit(&[row(number)], &later(1)).unwrap();
    }
    disk.kill();
    drop(store);
    disk.revive();
    wipe(&disk, 1);
    let refused = open(&disk, later(1000)).err();
    assert!(
        matches!(refused, Some(OpenError::Corrupt(_))),
        "{refused:?}"
    );
}

#[test]
fn a_seal_that_fails_is_tried_again_the_next_time() {
    let disk = SimulatedDisk::new(6);
    let mut store = open(&disk, later(0)).unwrap().0.store;
    store.commit(&[row(1)], &later(1)).unwrap();
    disk.fail_one_in(Some(1));
    store.tend(&later(700));
    let is_about_journal = |store: &FileStore| {
        let trouble = store.status().trouble;
        trouble.is_some_and(|trouble| trouble.contains("journal"))
    };
    assert!(is_about_journal(&store));
    disk.fail_one_in(None);
    store.tend(&later(701));
    assert!(!is_about_journal(&store));
}

#[test]
fn a_store_flushes_by_itself_when_nobody_else_does() {
    let disk = SimulatedDisk::new(5);
    let mut store = open(&disk, later(0)).unwrap().0.store;
    let flushes: Vec<Flush> = (1..300).map(|number| append(&mut store, number)).collect();
    // So that a record always can tell how many are on their way before it.
    assert!(store.durable() >= flushes[290].turn());
    disk.lose_power();
    assert!(reopened(&disk, store).1.len() > 290);
}

/// A segment must be durable before the next one is begun. Whoever waits for the flushes that are under way does
/// not make others wait for one more.
#[test]
fn an_append_that_would_wait_for_the_disk_says_so_until_those_before_it_have_settled() {
    let disk = SimulatedDisk::new(8);
    let mut store = open(&disk, later(0)).unwrap().0.store;
    let mut last = append(&mut store, 1);
    let mut number = 1;
    while !store.must_wait(1) {
        number += 1;
        let next = append(&mut store, number);
        store.settle(last.run()).unwrap();
        last = next;
        assert!(store.durable() < last.turn(), "it has synced by itself");
    }
    assert!(number > 10);
    store.settle(last.run()).unwrap();
    assert!(!store.must_wait(1));
    let begins_a_segment = append(&mut store, number + 1);
    assert!(!store.must_wait(1));
    store.settle(begins_a_segment.run()).unwrap();
    let all: Vec<_> = (1..=number + 1).collect();
    assert_eq!(reopened(&disk, store), (Ending::Whole, rows(&all)));
}
