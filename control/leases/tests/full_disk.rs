//! A file system that is really full. It is mounted for the test, which takes root.

#![allow(clippy::unwrap_used)] // In a test, also outside its functions, to panic is to fail.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use leases::file_store::FileStore;
use leases::file_store::OpenOptions;
use leases::row::Row;
use leases::store::LeaseStore;
use leases::store::Room;

use common::Rows;
use common::moment;
use common::open;
use common::row;

/// A small file system, for as long as this lives.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"])
            .arg(directory.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(directory)),
            _ => None,
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

fn options() -> OpenOptions {
    OpenOptions {
        segment_octets: 128 << 10,
        max_segments: 8,
        ..OpenOptions::default()
    }
}

fn commit(store: &mut FileStore, rows: &mut Rows, sets: std::ops::Range<u32>, number: &mut u64) {
    *number += 1;
    let commit: Vec<Row> = sets.map(|set| row(set, *number)).collect();
    store.commit(&commit, &moment(*number)).unwrap();
    store.tend(&moment(*number));
    rows.extend(commit.iter().map(|row| (row.set(), *row)));
}

#[test]
fn on_a_full_file_system_known_sets_are_refreshed_and_new_ones_wait_for_space() {
    let Some(mount) = Mount::new() else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let filler: &Path = &mount.0.path().join("filler");
    let directory = mount.0.path().join("leases");
    let (opened, mut rows) = open(&directory, &options(), moment(0));
    let mut store = opened.store;
    let (mut sets, mut number) = (0, 0);
    fs::write(filler, vec![1; 3 << 20]).unwrap();
    while store.room() == Room::Open {
        commit(&mut store, &mut rows, sets..sets + 100, &mut number);
        sets += 100;
        assert!(sets < 100_000, "it never fills up");
    }
    for _ in 0..20 {
        for from in (0..sets).step_by(500) {
            let to = (from + 500).min(sets);
            commit(&mut store, &mut rows, from..to, &mut number);
        }
    }
    assert_eq!(store.room(), Room::OnlyKnownSets);
    let trouble = store.status().trouble.unwrap();
    assert!(trouble.contains("No space left"), "{trouble}");
    drop(store);
    let (opened, found) = open(&directory, &options(), moment(number));
    assert!(found == rows && opened.store.room() == Room::OnlyKnownSets);
    store = opened.store;
    fs::remove_file(filler).unwrap();
    store.tend(&moment(number));
    assert_eq!(store.room(), Room::Open);
    commit(&mut store, &mut rows, sets..sets + 100, &mut number);
    drop(store);
    assert!(open(&directory, &options(), moment(number)).1 == rows);
}
