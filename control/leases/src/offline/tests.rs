//! Stores that are checked, taken elsewhere, and put together again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use pcp::port_set::PortSet;
use proptest::prelude::*;

use super::check::check_on;
use super::import::import_on;
use super::line::Line;
use super::restore::restore_on;
use super::*;
use crate::checkpoint::Checkpoint;
use crate::checkpoint::blocks_anywhere;
use crate::disk::simulated::SimulatedDisk;
use crate::fault::Flaw;
use crate::samples::any_row;
use crate::samples::later;
use crate::samples::lease;

fn options() -> OpenOptions {
    OpenOptions {
        segment_octets: 16 << 10,
        max_segments: 6,
        checkpoints: Checkpoints::Inline,
        ..OpenOptions::default()
    }
}

/// A store of 1000 sets in twenty commits, with a checkpoint.
fn store(disk: &SimulatedDisk) {
    let opened = FileStore::open_on(Arc::new(disk.clone()), &options(), |_| later(0), |_| {});
    let mut store = opened.unwrap().store;
    for from in (0..1000).step_by(50) {
        let commit: Vec<Row> = (from..from + 50).map(|set| Row::Held(lease(set))).collect();
        store.commit(&commit, &later(1000)).unwrap();
    }
    assert!(store.status().checkpoint_rows > 0);
}

fn rows(disk: &SimulatedDisk) -> Vec<Row> {
    let mut rows = Vec::new();
    let sink = |row| rows.push(row);
    FileStore::open_on(Arc::new(disk.clone()), &options(), |_| later(2000), sink).unwrap();
    rows.sort_by_key(|row| (row.set().address(), row.set().psid()));
    rows
}

fn restored(disk: &SimulatedDisk) -> Restored {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    restore_on(&disk, &options()).unwrap()
}

proptest! {
    #[test]
    fn rows_survive_the_way_through_text(row in any_row()) {
        let text = serde_json::to_string(&Line::new(&row)).unwrap();
        let line: Line = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(line.row(), Ok(row));
    }
}

#[test]
fn a_line_says_what_people_ask_for() {
    let mut octets = Vec::new();
    encoding::encode(&Row::Held(lease(70)), &later(0), &mut octets);
    let text = serde_json::to_string(&Line::new(&decode(&octets).unwrap())).unwrap();
    assert_eq!(
        text,
        "{\"ipv4\":\"10.0.0.1\",\"psid_offset\":0,\"psid_length\":6,\"psid\":6,\"first_port\":6144,\
         \"last_port\":7167,\"b4\":\"2001:db8::47\",\"inner\":\"192.0.0.2\",\"br\":\"2001:db8:af::1\",\
         \"nonce\":\"070707070707070707070707\",\"granted\":\"2027-01-15T08:00:00.000Z\",\
         \"expires\":\"2027-01-15T09:00:00.000Z\",\"phase\":\"held\",\"path\":\"tunnel\",\
         \"contact\":\"192.0.0.2\",\"contact_port\":5351,\"internal_port\":0,\"keeps_parity\":false}"
    );
}

#[test]
fn a_store_is_the_same_after_export_and_import() {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from"), directory.path().join("to"));
    let mut store = FileStore::open(&from, &options(), |_| later(0), |_| {})
        .unwrap()
        .store;
    let rows: Vec<Row> = (0..300).map(|set| Row::Held(lease(set))).collect();
    store.commit(&rows, &later(0)).unwrap();
    let in_use = export(&from, Vec::new()).unwrap_err().to_string();
    assert_eq!(in_use, "the lease store is in use by another process");
    drop(store);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    assert_eq!(export(&from, &mut first).unwrap(), 300);
    assert_eq!(import(&to, &options(), first.as_slice()).unwrap(), 300);
    export(&to, &mut second).unwrap();
    assert_eq!(first, second);
    let refused = import(&to, &options(), first.as_slice()).unwrap_err();
    assert!(matches!(refused, OfflineError::NotEmpty { .. }));
    assert_eq!(check(&to).unwrap().held, 300);
}

#[test]
fn a_bad_line_is_named_and_nothing_is_made() {
    let disk = SimulatedDisk::new(1);
    let good = serde_json::to_string(&Line::new(&Row::Held(lease(1)))).unwrap();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    for (bad, what) in [
        (
            good.replace("\"psid\":1", "\"psid\":64"),
            "PSID 64 is out of range",
        ),
        (good.replace("held", "resting"), "\"until\" goes with"),
        (good.replace("07070707", "0707"), "is not 24 hexadecimal"),
        (
            good.replace("\"psid_offset\":0", "\"psid_offset\":4"),
            "PSID offset 4",
        ),
        ("{}".to_owned(), "missing field"),
    ] {
        let lines = format!("{good}\n\n{bad}\n");
        let refused = import_on(&shared, &options(), lines.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(
            refused.starts_with("line 3: ") && refused.contains(what),
            "{refused}"
        );
        assert!(disk.names().is_empty());
    }
}

#[test]
fn where_there_is_no_store_none_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let missing: PathBuf = directory.path().join("missing");
    let refused = check(&missing).unwrap_err();
    assert!(matches!(refused, OfflineError::NoStore { .. }));
    assert!(!missing.exists());
    let empty = check(directory.path()).unwrap_err();
    assert!(matches!(empty, OfflineError::NoStore { .. }));
}

#[test]
fn a_check_counts_and_names_the_first_fault() {
    let disk = SimulatedDisk::new(1);
    store(&disk);
    let report = check_on(&disk).unwrap().unwrap();
    assert_eq!((report.held, report.resting, report.fault), (1000, 0, None));
    disk.lose("journal.0000");
    let report = check_on(&disk).unwrap().unwrap();
    assert_eq!(report.fault.unwrap().flaw, Flaw::MissingFile);
}

#[test]
fn a_store_that_is_whole_is_not_restored() {
    let disk = SimulatedDisk::new(1);
    store(&disk);
    let names = disk.names();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let refused = restore_on(&shared, &options()).unwrap_err();
    assert!(matches!(refused, OfflineError::Whole));
    assert_eq!(disk.names(), names);
}

#[test]
fn fo_011_after_lost_records_older_sets_rest_and_later_ones_are_held() {
    let disk = SimulatedDisk::new(1);
    store(&disk);
    let before = rows(&disk);
    // The last commit but two; what follows it shows that it is damaged.
    let (name, at, sequence) = disk
        .names()
        .into_iter()
        .filter(|name| name.starts_with("journal"))
        .flat_map(|name| {
            let octets = disk.contents(&name);
            let records = crate::journal::records_anywhere(&octets, 0);
            let found: Vec<_> = records
                .filter(|found| found.record.rows > 0)
                .map(|found| (name.clone(), found.at, found.record.sequence))
                .collect();
            found
        })
        .find(|(_, _, sequence)| *sequence == 18)
        .unwrap();
    assert_eq!(sequence, 18);
    disk.tamper(&name, |octets| octets[at + 100] ^= 1);
    let restored = restored(&disk);
    assert_eq!(restored.fault.flaw, Flaw::DamagedRecord { sequence: 18 });
    assert_eq!(
        (restored.lost_records, restored.rows, restored.rested),
        (1, 950, 850)
    );
    let after = rows(&disk);
    for row in &after {
        let was = before.iter().find(|was| was.set() == row.set()).unwrap();
        assert_eq!(row.lease(), was.lease());
        let number = (row.set().address().to_bits() & 0xff_ffff) * 64 + u32::from(row.set().psid());
        assert_eq!(matches!(row, Row::Held(_)), number >= 900, "{number}");
    }
    let kept = disk
        .names()
        .into_iter()
        .filter(|name| name.starts_with(&restored.folder));
    assert!(kept.count() > 2);
}

#[test]
fn fo_011_after_a_lost_block_sets_rest_that_only_older_files_have() {
    let disk = SimulatedDisk::new(1);
    store(&disk);
    let (name, checkpoint) = disk
        .names()
        .into_iter()
        .filter_map(|name| {
            let octets = disk.contents(&name);
            let checkpoint = Checkpoint::decode(octets.first_chunk()?)?;
            Some((name, checkpoint))
        })
        .max_by_key(|(_, checkpoint)| checkpoint.generation)
        .unwrap();
    let octets = disk.contents(&name);
    let blocks =
        blocks_anywhere(&octets).filter(|(block, _)| block.generation == checkpoint.generation);
    let lost = blocks.map(|(_, rows)| rows.len() / 88).next().unwrap();
    disk.tamper(&name, |octets| octets[4096 + 1000] ^= 1);
    let restored = restored(&disk);
    assert_eq!(restored.fault.flaw, Flaw::DamagedBlock { block: 0 });
    assert_eq!((restored.lost_blocks, restored.lost_records), (1, 0));
    // An older file has all of them, and nobody can say whether they are still as they were, but for the few
    // of the last record that the checkpoint has.
    assert_eq!(restored.rows, 1000);
    assert!(
        (1..=lost as u64).contains(&restored.rested),
        "{}",
        restored.rested
    );
    let resting = rows(&disk)
        .into_iter()
        .filter(|row| !matches!(row, Row::Held(_)));
    assert_eq!(resting.count() as u64, restored.rested);
}

#[test]
fn without_the_last_file_everything_rests() {
    let disk = SimulatedDisk::new(1);
    store(&disk);
    disk.lose("journal.0001");
    let restored = restored(&disk);
    assert_eq!(restored.rows, restored.rested);
}

#[test]
fn a_restore_that_is_cut_short_leaves_no_empty_store() {
    for fuse in 0..60 {
        let disk = SimulatedDisk::new(fuse);
        store(&disk);
        disk.lose("journal.0000");
        disk.light_fuse(fuse);
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let done = restore_on(&shared, &options());
        disk.revive();
        disk.lose_power();
        let opened = FileStore::open_on(shared, &options(), |_| later(2000), |_| {});
        match (done, opened) {
            (Ok(restored), Ok(opened)) => assert_eq!(opened.rows, restored.rows),
            (Err(_), Ok(opened)) => assert!(opened.rows > 500, "{fuse}"),
            (_, Err(OpenError::Unfinished | OpenError::Corrupt(_))) => {}
            (_, Err(error)) => panic!("{error}"),
        }
    }
}

/// A store in which every set was changed over and over, and the last row of each.
fn worn(disk: &SimulatedDisk, rng: &mut fastrand::Rng) -> HashMap<PortSet, Row> {
    let opened = FileStore::open_on(Arc::new(disk.clone()), &options(), |_| later(0), |_| {});
    let mut store = opened.unwrap().store;
    let mut last = HashMap::new();
    for ms in 0..rng.u64(20..80) {
        let commit: Vec<Row> = (0..20)
            .map(|_| {
                let mut lease = lease(rng.u32(0..200));
                lease.internal_port = rng.u16(..);
                let until = later(9_000_000).monotonic;
                match rng.bool() {
                    true => Row::Held(lease),
                    false => Row::Resting { lease, until },
                }
            })
            .collect();
        store.commit(&commit, &later(ms)).unwrap();
        last.extend(commit.into_iter().map(|row| (row.set(), row)));
    }
    last
}

#[test]
fn fo_011_whatever_is_damaged_no_set_is_held_but_by_its_last_holder() {
    let mut restored = 0;
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let disk = SimulatedDisk::new(seed);
        let last = worn(&disk, &mut rng);
        for _ in 0..rng.u32(1..4) {
            let name = rng.choice(disk.names()).unwrap();
            match rng.u8(0..20) {
                0 => disk.lose(&name),
                1 => disk.tamper(&name, |octets| octets.truncate(octets.len() / 2)),
                _ => disk.tamper(&name, |octets| {
                    let at = rng.usize(0..octets.len().max(1));
                    if let Some(octet) = octets.get_mut(at) {
                        *octet ^= 1;
                    }
                }),
            }
        }
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        if restore_on(&shared, &options()).is_err() {
            continue;
        }
        restored += 1;
        for row in rows(&disk) {
            let is_stale = last.get(&row.set()) != Some(&row);
            assert!(
                !is_stale || matches!(row, Row::Resting { .. }),
                "{seed}: {row:?}"
            );
        }
    }
    assert!(restored > 100, "{restored}");
}
