//! What was durable and is not as it was: found, or without consequence.

use fastrand::Rng;

use super::Rows;
use super::key;
use super::open;
use crate::disk::simulated::SimulatedDisk;
use crate::fault::Flaw;
use crate::file_store::Ending;
use crate::file_store::FileStore;
use crate::journal::records_anywhere;
use crate::octets::put;
use crate::row::Row;
use crate::samples::later;
use crate::samples::lease;
use crate::store::LeaseStore;
use crate::survey::OpenError;

/// A store with a checkpoint, several segments and a seal behind its last commit.
fn sealed() -> (SimulatedDisk, Rows) {
    let disk = SimulatedDisk::new(1);
    let (mut opened, mut rows) = open(&disk, later(0)).unwrap();
    let mut rng = Rng::with_seed(1);
    for ms in 0..40 {
        let commit: Vec<Row> = (0..15)
            .map(|_| {
                let mut lease = lease(rng.u32(0..150));
                lease.internal_port = rng.u16(..);
                Row::Held(lease)
            })
            .collect();
        opened.store.commit(&commit, &later(ms)).unwrap();
        rows.extend(commit.iter().map(|row| (key(row), *row)));
    }
    opened.store.tend(&later(1000));
    assert!(opened.store.status().checkpoint_rows > 0);
    disk.kill();
    drop(opened);
    disk.revive();
    (disk, rows)
}

/// Whether damage is found; if it is not, it must not matter.
fn is_found(disk: &SimulatedDisk, rows: &Rows) -> bool {
    match open(disk, later(1100)) {
        Ok((_, found)) => {
            assert_eq!(&found, rows);
            false
        }
        Err(OpenError::Corrupt(_)) => true,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_flipped_bit_is_found_or_does_not_matter() {
    let (disk, rows) = sealed();
    let mut rng = Rng::with_seed(2);
    let mut found = 0;
    for name in disk.names() {
        for _ in 0..300 {
            let copy = disk.copy();
            copy.tamper(&name, |octets| {
                let at = rng.usize(0..octets.len());
                octets[at] ^= 1 << rng.u8(0..8);
            });
            found += u32::from(is_found(&copy, &rows));
        }
    }
    assert!(found > 200, "{found}");
}

#[test]
fn every_octet_of_records_that_count_is_watched() {
    let (disk, rows) = sealed();
    let active = disk
        .names()
        .into_iter()
        .filter(|name| name.starts_with("journal"))
        .max_by_key(|name| {
            let header = disk.contents(name);
            crate::octets::u64_at(&header, crate::sector::FIELDS + 8)
        })
        .unwrap();
    let octets = disk.contents(&active);
    let length = crate::journal::Record::decode(&octets[4096..])
        .unwrap()
        .span();
    for at in (0..1024).step_by(7).chain(4096..4096 + length - 8) {
        let copy = disk.copy();
        copy.tamper(&active, |octets| octets[at] ^= 0x10);
        let is_padding = (512..4096).contains(&at);
        assert_eq!(is_found(&copy, &rows), !is_padding, "octet {at}");
    }
}

#[test]
fn a_file_that_is_gone_is_missed() {
    let (disk, rows) = sealed();
    let mut found = 0;
    for name in disk.names() {
        let copy = disk.copy();
        copy.lose(&name);
        found += u32::from(is_found(&copy, &rows));
        let copy = disk.copy();
        copy.tamper(&name, Vec::clear);
        found += u32::from(is_found(&copy, &rows));
    }
    // All but the checkpoint that does not count, and the spare file that was made last.
    assert_eq!(found, 2 * (disk.names().len() as u32 - 2));
}

#[test]
fn a_file_of_another_store_is_refused() {
    let (disk, _) = sealed();
    let (other, _) = sealed();
    let name = "journal.0001";
    disk.tamper(name, |octets| *octets = other.contents(name));
    let refused = open(&disk, later(1100)).err();
    let Some(OpenError::Corrupt(fault)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((fault.file.as_str(), fault.flaw), (name, Flaw::OtherStore));
}

#[test]
fn damage_to_files_in_use_is_told_of_and_written_over_from_memory() {
    let disk = SimulatedDisk::new(4);
    let (mut opened, mut rows) = open(&disk, later(0)).unwrap();
    let store = &mut opened.store;
    let mut commit = |store: &mut FileStore, number: u32| {
        let sets = number * 30 % 600;
        let commit: Vec<Row> = (sets..sets + 30).map(|set| Row::Held(lease(set))).collect();
        store.commit(&commit, &later(u64::from(number))).unwrap();
        rows.extend(commit.iter().map(|row| (key(row), *row)));
    };
    commit(store, 0);
    disk.tamper("journal.0000", |octets| octets[4096 + 200] ^= 1);
    for number in 1..15 {
        commit(store, number);
    }
    let status = store.status();
    let flaw = Flaw::DamagedRecord { sequence: 1 };
    assert_eq!(status.fault.map(|fault| fault.flaw), Some(flaw));
    assert!(status.trouble.is_some());
    commit(store, 15);
    store
        .rewrite(rows.values().copied(), &later(20_000))
        .unwrap();
    let status = store.status();
    assert_eq!((status.fault, status.trouble), (None, None));
    assert_eq!(status.checkpoint_rows, rows.len() as u64);
    drop(opened);
    assert_eq!(open(&disk, later(20_000)).unwrap().1, rows);
}

#[test]
fn the_line_about_a_fault_says_where_and_what_to_do() {
    let (disk, _) = sealed();
    disk.lose("journal.0000");
    let refused = open(&disk, later(1100)).err().unwrap().to_string();
    assert_eq!(
        refused,
        "journal.0000, octet 0: the file is missing or too short; nothing was changed, \
         `lwaftr lease restore` saves what can be read"
    );
}

#[test]
fn a_commit_that_was_cut_short_is_gone_and_told_of() {
    for kept in [0, 100, 512, 1000] {
        let disk = SimulatedDisk::new(3);
        let (mut opened, _) = open(&disk, later(0)).unwrap();
        let row = |number| Row::Held(lease(number));
        opened.store.commit(&[row(1)], &later(1)).unwrap();
        let before = disk.contents("journal.0000");
        let rows: Vec<Row> = (2..30).map(row).collect();
        opened.store.commit(&rows, &later(2)).unwrap();
        disk.kill();
        drop(opened);
        disk.revive();
        let second = 4096 + 64 + 88;
        disk.tamper("journal.0000", |octets| {
            octets[second + kept..].copy_from_slice(&before[second + kept..]);
        });
        let (mut opened, found) = open(&disk, later(3)).unwrap();
        let torn = if kept == 0 {
            Ending::Whole
        } else {
            Ending::Torn
        };
        assert_eq!((opened.ending, found.len()), (torn, 1));
        opened.store.commit(&[row(7)], &later(4)).unwrap();
        drop(opened);
        assert_eq!(open(&disk, later(5)).unwrap().1.len(), 2);
    }
}

#[test]
fn headers_that_are_made_up_are_an_error_or_a_store_and_never_a_panic() {
    let (disk, _) = sealed();
    let mut rng = Rng::with_seed(5);
    for _ in 0..1500 {
        let copy = disk.copy();
        for name in disk.names() {
            if rng.bool() {
                copy.tamper(&name, |octets| make_up(octets, &mut rng));
            }
        }
        copy.leave(10 << 20);
        drop(open(&copy, later(1100)));
    }
}

/// Puts a number that may be anything into a header, with the right checksum.
fn make_up(octets: &mut [u8], rng: &mut Rng) {
    let number = match rng.u8(0..4) {
        0 => rng.u64(0..200),
        1 => u64::MAX - rng.u64(0..200),
        2 => 1 << rng.u8(0..64),
        _ => rng.u64(..),
    };
    let number = number.to_le_bytes();
    let found: Vec<usize> = records_anywhere(octets, 4096)
        .map(|found| found.at)
        .collect();
    match rng.choice(&found) {
        Some(at) if rng.bool() => {
            put(octets, at + 16 + rng.usize(0..10) * 4, &number[..4]);
            let checksum = crc32fast::hash(&octets[at + 8..at + 64]);
            put(octets, at + 4, &checksum.to_le_bytes());
        }
        _ => {
            put(octets, 24 + rng.usize(0..7) * 8, &number);
            let checksum = crc32fast::hash(&octets[..508]);
            put(octets, 508, &checksum.to_le_bytes());
        }
    }
}
