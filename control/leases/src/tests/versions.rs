//! Versions of the format: newer ones are refused, older ones are brought up after a copy was made.

use super::Rows;
use super::key;
use super::open;
use crate::checkpoint::BLOCK_HEADER;
use crate::checkpoint::Block;
use crate::checkpoint::Checkpoint;
use crate::checkpoint::FIRST_BLOCK;
use crate::disk::simulated::SimulatedDisk;
use crate::encoding;
use crate::journal::RECORD_HEADER;
use crate::journal::Record;
use crate::journal::Segment;
use crate::journal::records_anywhere;
use crate::octets::put;
use crate::row::Row;
use crate::samples::later;
use crate::samples::lease;
use crate::sector::SECTOR;
use crate::sector::Sector;
use crate::store::LeaseStore;
use crate::survey::OpenError;

/// A store with a checkpoint and records.
fn store() -> (SimulatedDisk, Rows) {
    let disk = SimulatedDisk::new(1);
    let (mut opened, mut rows) = open(&disk, later(0)).unwrap();
    for from in (0..1000).step_by(50) {
        let commit: Vec<Row> = (from..from + 50).map(|set| Row::Held(lease(set))).collect();
        opened.store.commit(&commit, &later(1000)).unwrap();
        rows.extend(commit.iter().map(|row| (key(row), *row)));
    }
    assert!(opened.store.status().checkpoint_rows > 0);
    drop(opened);
    (disk, rows)
}

/// Gives every header another version.
fn rewrite(disk: &SimulatedDisk, version: u32) {
    for name in disk.names() {
        disk.tamper(&name, |octets| {
            let header: Sector = *octets.first_chunk().unwrap();
            let other = Segment::decode(&header)
                .map(|segment| Segment { version, ..segment }.encode())
                .or_else(|| {
                    let checkpoint = Checkpoint::decode(&header)?;
                    Some(
                        Checkpoint {
                            version,
                            ..checkpoint
                        }
                        .encode(),
                    )
                });
            octets[..SECTOR].copy_from_slice(&other.unwrap_or(header));
        });
    }
}

/// Makes the seconds of version 0 from milliseconds.
fn in_seconds(rows: &mut [u8]) {
    let mut at = 0;
    while at < rows.len() {
        let length = encoding::first(&rows[at..]).unwrap().len();
        encoding::map_times(&mut rows[at..], |ms| ms / 1000);
        at += length;
    }
}

/// Makes the store one of version 0.
fn grow_old(disk: &SimulatedDisk) {
    rewrite(disk, 0);
    for name in disk.names() {
        disk.tamper(&name, |octets| {
            let records: Vec<(usize, Record)> = records_anywhere(octets, 4096)
                .map(|found| (found.at, found.record))
                .collect();
            for (at, record) in records {
                let rows = &mut octets[at + RECORD_HEADER..][..record.octets as usize];
                in_seconds(rows);
                let checksum = crc32fast::hash(rows);
                put(octets, at, &Record { checksum, ..record }.encode());
            }
            let mut at = FIRST_BLOCK as usize;
            while let Some(block) = octets.get(at..).and_then(Block::decode) {
                let rows = &mut octets[at + BLOCK_HEADER..][..block.octets as usize];
                in_seconds(rows);
                let checksum = crc32fast::hash(rows);
                put(octets, at, &Block { checksum, ..block }.encode());
                at += (BLOCK_HEADER + block.octets as usize).next_multiple_of(8);
            }
        });
    }
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let (disk, _) = store();
    rewrite(&disk, 2);
    let before: Vec<Vec<u8>> = disk.names().iter().map(|n| disk.contents(n)).collect();
    let refused = open(&disk, later(2000)).err().unwrap();
    assert!(matches!(refused, OpenError::Version { version: 2, .. }));
    assert!(
        refused
            .to_string()
            .contains("has format 2, and this program reads 1")
    );
    let after: Vec<Vec<u8>> = disk.names().iter().map(|n| disk.contents(n)).collect();
    assert_eq!(before, after);
}

#[test]
fn an_older_format_is_brought_up_after_a_copy_was_made() {
    let (disk, rows) = store();
    grow_old(&disk);
    let (opened, found) = open(&disk, later(2000)).unwrap();
    assert_eq!(found, rows);
    let folder = opened.backup.unwrap();
    drop(opened.store);
    let (opened, found) = open(&disk, later(2000)).unwrap();
    assert_eq!((found, opened.backup), (rows.clone(), None));
    drop(opened.store);
    // The copy is a store of version 0 itself.
    let copy = disk.copy();
    for name in copy.names() {
        if let Some(old) = name.strip_prefix(&format!("{folder}/")) {
            let contents = copy.contents(&name);
            copy.tamper(old, |octets| *octets = contents);
        }
    }
    let (opened, found) = open(&copy, later(2001)).unwrap();
    assert_eq!(found, rows);
    assert!(opened.backup.is_some());
}

#[test]
fn a_crash_while_an_older_format_is_brought_up_loses_nothing() {
    for fuse in 0..40 {
        let (disk, rows) = store();
        grow_old(&disk);
        disk.light_fuse(fuse);
        drop(open(&disk, later(2000)));
        disk.revive();
        disk.lose_power();
        assert_eq!(open(&disk, later(2001 + fuse)).unwrap().1, rows, "{fuse}");
    }
}
