//! Why a store is not opened: each with a line that says what to do.

use thiserror::Error;

use crate::disk::DiskError;
use crate::disk::UNFINISHED;
use crate::fault::Fault;
use crate::fault::Flaw;
use crate::fault::ReadError;
use crate::version;

/// Why a store is not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the lease store is in use by another process")]
    InUse,
    /// It was written by another version of this program.
    #[error(
        "{file} has format {version}, and this program reads {known}: use the version that wrote it",
        known = version::VERSION
    )]
    Version {
        /// The file.
        file: String,
        /// The format's version.
        version: u32,
    },
    /// It was being made from something else, which is in the folder that the file names.
    #[error(
        "the lease store was being made anew, which was not finished: empty its directory, move back the \
         files of the folder that `{UNFINISHED}` names, if it names one, and try again"
    )]
    Unfinished,
    /// It lost something.
    #[error("{0}; nothing was changed, `lwaftr lease restore` saves what can be read")]
    Corrupt(#[from] Fault),
    /// The disk does not give it.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Disk(error) => Self::Disk(error),
            ReadError::Fault(fault) => Self::Corrupt(fault),
        }
    }
}

/// The error of a fault.
pub(super) fn fault(file: &str, at: u64, flaw: Flaw) -> OpenError {
    OpenError::Corrupt(Fault {
        file: file.to_owned(),
        at,
        flaw,
    })
}
