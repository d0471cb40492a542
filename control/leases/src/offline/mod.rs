//! What is done to a store that no daemon uses.
//!
//! Invariant: nothing here makes a store worse. What is not understood is kept beside what is made from it,
//! and while a store is being made, it cannot be opened.

mod check;
mod export;
mod import;
mod line;
mod read;
mod restore;
mod rfc3339;
mod salvage;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;

use pcp::instant::Instant;
use thiserror::Error;

use crate::clock::SystemTime;
use crate::clock::TimeSource;
use crate::disk::Disk;
use crate::disk::DiskError;
use crate::disk::UNFINISHED;
use crate::disk::failed;
use crate::encoding;
use crate::fault::ReadError;
use crate::file_store::Checkpoints;
use crate::file_store::FileStore;
use crate::file_store::OpenOptions;
use crate::file_store::take;
use crate::merge::Sorted;
use crate::moment::Judgement;
use crate::moment::Moment;
use crate::row::Row;
use crate::store::CommitError;
use crate::store::LeaseStore;
use crate::survey::Chosen;
use crate::survey::OpenError;
use crate::survey::Survey;

pub use self::check::Report;
pub use self::check::check;
pub use self::export::export;
pub use self::import::import;
pub use self::read::read;
pub use self::restore::Restored;
pub use self::restore::restore;
pub use self::rfc3339::format as utc;

/// Why something is not done.
#[derive(Debug, Error)]
pub enum OfflineError {
    /// There is no store.
    #[error("{directory} holds no lease store")]
    NoStore {
        /// The directory.
        directory: String,
    },
    /// There is a store already.
    #[error("{directory} holds a lease store already")]
    NotEmpty {
        /// The directory.
        directory: String,
    },
    /// There is nothing wrong with the store.
    #[error("the lease store is whole, there is nothing to restore")]
    Whole,
    /// A line is no lease.
    #[error("line {line}: {what}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A new store cannot be written.
    #[error("cannot write a new store: {0}")]
    Commit(#[from] CommitError),
    /// Lines cannot be read or written.
    #[error("cannot read or write leases: {0}")]
    Lines(#[from] io::Error),
}

impl From<DiskError> for OfflineError {
    fn from(error: DiskError) -> Self {
        Self::Open(error.into())
    }
}

impl From<ReadError> for OfflineError {
    fn from(error: ReadError) -> Self {
        Self::Open(error.into())
    }
}

/// Takes a directory that exists.
fn take_existing(directory: &Path) -> Result<Arc<dyn Disk>, OfflineError> {
    if !directory.is_dir() {
        return Err(no_store(directory));
    }
    Ok(take(directory)?)
}

fn no_store(directory: &Path) -> OfflineError {
    OfflineError::NoStore {
        directory: directory.display().to_string(),
    }
}

/// Reads all rows of a store, with instants since 1970.
fn read_rows(
    survey: &mut Survey,
    mut sink: impl FnMut(Row) -> Result<(), OfflineError>,
) -> Result<(), OfflineError> {
    let batch = std::mem::take(&mut survey.batch).sort(survey.shift_ms);
    let reader = survey.checkpoint.as_ref().map(Chosen::reader);
    batch.merge(reader.transpose()?, |row| sink(decode(row)?))
}

/// A row with instants since 1970.
fn decode(octets: &[u8]) -> Result<Row, OfflineError> {
    let row = encoding::decode(octets, &Moment::UNIX);
    let row = row.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(row.0)
}

/// The present, with instants since 1970.
fn now() -> Moment {
    let utc_ms = SystemTime::default().read().utc_ms;
    Moment {
        monotonic: Instant::from_nanos(utc_ms.saturating_mul(1_000_000)),
        utc_ms,
        epoch_s: 0,
        judgement: Judgement::Settled,
    }
}

/// Marks the directory until [`write_store`] is done.
fn begin(disk: &dyn Disk, folder: &str) -> Result<(), DiskError> {
    let file = disk.open(UNFINISHED).map_err(failed("make", UNFINISHED))?;
    file.write_at(folder.as_bytes(), 0)
        .and_then(|()| file.sync())
        .and_then(|()| disk.sync_names())
        .map_err(failed("write", UNFINISHED))
}

/// Writes a store of some rows where there is none. Its epoch begins anew.
fn write_store(
    disk: &Arc<dyn Disk>,
    options: &OpenOptions,
    rows: &Sorted,
    now: &Moment,
) -> Result<u64, OfflineError> {
    let options = OpenOptions {
        checkpoints: Checkpoints::Inline,
        ..*options
    };
    let aside = Arc::new(Marked(disk.clone()));
    let mut store = FileStore::open_on(aside, &options, |_| *now, |_| {})?.store;
    let mut written = 0;
    let mut commit: Vec<Row> = Vec::new();
    rows.merge(None, |octets| {
        commit.push(decode(octets)?);
        written += 1;
        if commit.len() == ROWS {
            store.commit(&commit, now)?;
            commit.clear();
        }
        Ok::<(), OfflineError>(())
    })?;
    store.commit(&commit, now)?;
    store.tend(now);
    store.sum_up()?;
    drop(store);
    disk.remove(UNFINISHED)
        .and_then(|()| disk.sync_names())
        .map_err(failed("remove", UNFINISHED))?;
    Ok(written)
}

/// A disk without the mark, for whoever has put it there.
struct Marked(Arc<dyn Disk>);

impl Disk for Marked {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = self.0.list()?;
        names.retain(|name| name != UNFINISHED);
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn crate::disk::DiskFile>> {
        self.0.open(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.0.sync_names()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn copy_to(&self, folder: &str) -> io::Result<()> {
        self.0.copy_to(folder)
    }

    fn move_to(&self, folder: &str) -> io::Result<()> {
        self.0.move_to(folder)
    }
}

/// Rows of a commit.
const ROWS: usize = 4096;
