//! The store as a whole, on a disk that is as bad as disks can be.

mod damage;
mod flights;
mod histories;
mod positions;
mod space;
mod time;
mod versions;

use std::collections::HashMap;
use std::sync::Arc;

use crate::disk::simulated::SimulatedDisk;
use crate::encoding;
use crate::file_store::Checkpoints;
use crate::file_store::FileStore;
use crate::file_store::OpenOptions;
use crate::file_store::Opened;
use crate::moment::Moment;
use crate::row::Row;
use crate::survey::OpenError;

/// The last row of every set.
type Rows = HashMap<u64, Row>;

fn options() -> OpenOptions {
    OpenOptions {
        segment_octets: 16 << 10,
        max_segments: 6,
        checkpoints: Checkpoints::Inline,
        ..OpenOptions::default()
    }
}

/// Opens a store at a moment and returns all it holds.
fn open(disk: &SimulatedDisk, moment: Moment) -> Result<(Opened, Rows), OpenError> {
    open_with(disk, moment, &options())
}

fn open_with(
    disk: &SimulatedDisk,
    moment: Moment,
    options: &OpenOptions,
) -> Result<(Opened, Rows), OpenError> {
    let mut rows = Rows::new();
    let opened = FileStore::open_on(
        Arc::new(disk.clone()),
        options,
        |_| moment,
        |row| {
            assert_eq!(rows.insert(key(&row), row), None, "a set came twice");
        },
    )?;
    assert_eq!(opened.rows, rows.len() as u64);
    Ok((opened, rows))
}

fn key(row: &Row) -> u64 {
    let mut octets = Vec::new();
    encoding::encode(row, &Moment::UNIX, &mut octets);
    encoding::key(&octets)
}
