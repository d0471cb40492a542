//! What the store asks of a disk, so that tests can give it one that forgets, tears and fills up.
//!
//! Invariant asked for: what was written before a [`DiskFile::sync`] that succeeded is there after a power
//! loss; what was written after it may be there or not, sector by sector and in any order. A sector of 512
//! octets is written whole or not at all. Of what could not be written, the next sync of every handle tells that
//! was open then.

mod real;
#[cfg(test)]
pub(crate) mod simulated;
mod slow;

use std::io;
use std::sync::Arc;

use thiserror::Error;

pub use real::RealDisk;
pub use slow::SlowDisk;

/// One directory.
pub trait Disk: Send + Sync {
    /// The file names in it, in no order that means anything.
    ///
    /// # Errors
    /// When the system does not tell.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens a file, which is made if there is none.
    ///
    /// # Errors
    /// When it cannot be opened or made.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Makes the names durable.
    ///
    /// # Errors
    /// When the system does not do it.
    fn sync_names(&self) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes a durable copy of all files in a folder beside them.
    ///
    /// # Errors
    /// When the folder exists, or not all of it can be written.
    fn copy_to(&self, folder: &str) -> io::Result<()>;

    /// Moves all files but [`UNFINISHED`] to a folder beside them.
    ///
    /// # Errors
    /// When the folder exists, or not all can be moved.
    fn move_to(&self, folder: &str) -> io::Result<()>;
}

/// One file.
pub trait DiskFile: Send + Sync {
    /// Its length in octets.
    ///
    /// # Errors
    /// When the system does not tell.
    fn octets(&self) -> io::Result<u64>;

    /// Reads from `at` until `buffer` is full or the file ends, and says how much that was.
    ///
    /// # Errors
    /// When the device fails.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes all of `octets` at `at`.
    ///
    /// # Errors
    /// When the device fails or is full; some octets may have been written then.
    fn write_at(&self, octets: &[u8], at: u64) -> io::Result<()>;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// When it may not be.
    fn sync(&self) -> io::Result<()>;

    /// Makes the file at least `octets` long and reserves that much of the device for it.
    ///
    /// # Errors
    /// When the device is full.
    fn reserve(&self, octets: u64) -> io::Result<()>;
}

/// A file that stands beside a store while that is made anew from something else, and names the folder with
/// what it is made from. A store with this file is not opened.
pub const UNFINISHED: &str = "unfinished";

/// Why the disk did not do something.
#[derive(Debug, Error)]
#[error("cannot {action} {file}: {source}")]
pub struct DiskError {
    /// What was to be done.
    pub action: &'static str,
    /// With which file.
    pub file: String,
    /// The reason.
    pub source: io::Error,
}

/// Names what failed.
pub(crate) fn failed<'a>(
    action: &'static str,
    file: &'a str,
) -> impl FnOnce(io::Error) -> DiskError + 'a {
    move |source| DiskError {
        action,
        file: file.to_owned(),
        source,
    }
}
