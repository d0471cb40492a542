//! A new store from what is left of a damaged one.
//!
//! Invariant: no set gets a second holder by it. Where records or blocks were lost, older rows may be out of
//! date: their sets rest until their leases are over, for their last subscribers only (FO-011), and the epoch
//! begins anew, so that those come and ask (PC-080).

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::OfflineError;
use super::begin;
use super::check::check_on;
use super::now;
use super::salvage::Salvage;
use super::salvage::salvage;
use super::take_existing;
use super::write_store;
use crate::disk::Disk;
use crate::disk::failed;
use crate::encoding;
use crate::fault::Fault;
use crate::fault::Flaw;
use crate::file_store::OpenOptions;
use crate::merge::Batch;
use crate::moment::Moment;
use crate::row::Row;

/// What came of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Restored {
    /// What was wrong.
    pub fault: Fault,
    /// The folder that the damaged store is in now.
    pub folder: String,
    /// Sets in the new store.
    pub rows: u64,
    /// Sets among them that rest now, because what became of their leases may be lost.
    pub rested: u64,
    /// Commits that are known to be lost.
    pub lost_records: u64,
    /// Parts of the checkpoint, of some 3000 sets each, that are lost.
    pub lost_blocks: u64,
}

/// Moves a damaged store aside and makes a new one of every row in it that can be read. Sets rest as
/// `options` say after leases that may be out of date.
///
/// # Errors
/// When there is no store, nothing is wrong with it, or it is in use.
pub fn restore(directory: &Path, options: &OpenOptions) -> Result<Restored, OfflineError> {
    restore_on(&take_existing(directory)?, options)
}

/// The same, on any disk.
pub(super) fn restore_on(
    disk: &Arc<dyn Disk>,
    options: &OpenOptions,
) -> Result<Restored, OfflineError> {
    let report = check_on(&**disk)?.ok_or(OfflineError::Whole)?;
    let fault = report.fault.ok_or(OfflineError::Whole)?;
    let salvage = salvage(&**disk)?;
    let doubt_until = match fault.flaw {
        // What came after, and how much, cannot be known.
        Flaw::MissingFile | Flaw::OtherStore | Flaw::DamagedHeader => u64::MAX,
        Flaw::MissingRecords { to, .. } => salvage.lost_until.max(to.saturating_sub(1)),
        Flaw::DamagedRecord { .. } | Flaw::DamagedBlock { .. } | Flaw::BadRow => salvage.lost_until,
    };
    let (batch, rested) = batch(&salvage, doubt_until, options.quarantine)?;
    let now = now();
    let folder = format!("backup-damaged-{}", now.utc_ms);
    begin(&**disk, &folder)?;
    disk.move_to(&folder)
        .map_err(failed("move the store to", &folder))?;
    let rows = write_store(disk, options, &batch.sort(0), &now)?;
    Ok(Restored {
        fault,
        folder,
        rows,
        rested,
        lost_records: salvage.lost_records,
        lost_blocks: salvage.lost_blocks,
    })
}

/// All rows that are left, in the order in which they were written, by the clock of the last of them.
fn batch(
    salvage: &Salvage,
    doubt_until: u64,
    quarantine: Duration,
) -> Result<(Batch, u64), OfflineError> {
    let shift_ms = salvage.pieces.last().map_or(0, |piece| piece.shift_ms);
    let mut all = Batch::default();
    let mut doubtful = HashSet::new();
    for piece in &salvage.pieces {
        let mut octets = Vec::new();
        let mut rest = piece.rows.as_slice();
        while let Ok(row) = encoding::first(rest) {
            rest = &rest[row.len()..];
            let mut row = row.to_vec();
            encoding::shift(&mut row, shift_ms - piece.shift_ms);
            let key = encoding::key(&row);
            let Ok((decoded, _)) = encoding::decode(&row, &Moment::UNIX) else {
                continue;
            };
            match decoded {
                Row::Held(lease) if piece.sequence <= doubt_until => {
                    doubtful.insert(key);
                    let until = lease.expires + quarantine;
                    let resting = Row::Resting { lease, until };
                    encoding::encode(&resting, &Moment::UNIX, &mut octets);
                }
                _ => {
                    doubtful.remove(&key);
                    octets.extend_from_slice(&row);
                }
            }
        }
        let bad = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        all.add(&octets, 0).map_err(bad)?;
    }
    Ok((all, doubtful.len() as u64))
}
