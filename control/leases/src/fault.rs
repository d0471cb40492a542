//! What is wrong with a store, and where.
//!
//! Invariant: a fault is told, never worked around: a store that may lack a lease is not opened.

use std::fmt;

use thiserror::Error;

use crate::disk::DiskError;

/// Something that cannot be in a store that lost nothing.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{file}, octet {at}: {flaw}")]
pub struct Fault {
    /// The file.
    pub file: String,
    /// Where in the file.
    pub at: u64,
    /// What it is.
    pub flaw: Flaw,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// Records follow that are later than the damaged one.
    DamagedRecord {
        /// The number of the damaged record.
        sequence: u64,
    },
    /// Records are missing between what is there.
    MissingRecords {
        /// The first that is missing.
        from: u64,
        /// The first that is there again.
        to: u64,
    },
    /// The header of a file that holds records is damaged.
    DamagedHeader,
    /// A file that must be there is not, or is too short.
    MissingFile,
    /// It belongs to another store.
    OtherStore,
    /// A block of a checkpoint is damaged.
    DamagedBlock {
        /// The block's number.
        block: u64,
    },
    /// A row means nothing although its checksum is right.
    BadRow,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DamagedRecord { sequence } => write!(f, "record {sequence} is damaged"),
            Self::MissingRecords { from, to } => {
                write!(f, "records from {from} to before {to} are missing")
            }
            Self::DamagedHeader => f.write_str("the header is damaged"),
            Self::MissingFile => f.write_str("the file is missing or too short"),
            Self::OtherStore => f.write_str("the file belongs to another store"),
            Self::DamagedBlock { block } => write!(f, "checkpoint block {block} is damaged"),
            Self::BadRow => f.write_str("a row means nothing"),
        }
    }
}

/// Why something of a store cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The disk does not give it.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// It is not what was written.
    #[error(transparent)]
    Fault(#[from] Fault),
}
