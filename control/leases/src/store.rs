//! What the daemon asks of a store of leases.
//!
//! ```text
//!  append ─► flush ─► settle        append ─► flush ─► settle
//!        append ─► flush ─► settle        (flushes in any threads, as many at once as are wanted)
//! ```
//!
//! Invariant: what has [settled](LeaseStore::settle) well is there after a crash or a power loss, and all before
//! it; what failed is not once something later has settled well.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::disk::DiskError;
use crate::disk::DiskFile;
use crate::disk::failed;
use crate::fault::Fault;
use crate::moment::Moment;
use crate::position::Position;
use crate::row::Row;

/// Leases that outlive the daemon.
pub trait LeaseStore: Send {
    /// Writes rows behind all others. They are durable, all of them, when the flush that this returns has been
    /// run and has settled well.
    ///
    /// # Errors
    /// When they cannot be written. Nothing that is not [durable](Self::durable) now will be; the caller takes its
    /// effects back.
    fn append(&mut self, rows: &[Row], moment: &Moment) -> Result<Flush, CommitError>;

    /// Whether an append of so many rows would wait for the disk by itself, and with it everybody: others are on
    /// their way, and it needs a place where they must not be any more. When those have settled it would not.
    fn must_wait(&self, rows: usize) -> bool;

    /// Hears how a flush went.
    ///
    /// # Errors
    /// When what it was to make durable may not be; as above.
    fn settle(&mut self, flushed: Flushed) -> Result<(), CommitError>;

    /// The last append that is durable, with all before it that have not failed.
    fn durable(&self) -> Turn;

    /// Stores rows, all of them or none; they are durable when this returns.
    ///
    /// # Errors
    /// When they may not be durable; as above.
    fn commit(&mut self, rows: &[Row], moment: &Moment) -> Result<(), CommitError> {
        if rows.is_empty() {
            return Ok(());
        }
        let flush = self.append(rows, moment)?;
        self.settle(flush.run())
    }

    /// Whether sets may be granted that the store has never seen.
    fn room(&self) -> Room;

    /// To be called about once a second: what must be done although nobody commits.
    fn tend(&mut self, moment: &Moment);

    /// How it stands with the store.
    fn status(&self) -> Status;
}

/// Flushes that may be under way at once; an append for which there is none left waits for the disk by itself.
pub const FLUSHES: usize = 8;

/// The place of an append in the order of all appends of a run.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Turn(u64);

impl Turn {
    /// The place behind this one; the default is in front of all.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The way of an append to the disk: work that waits, for a thread that may wait.
#[must_use = "nothing is durable before it is run"]
pub struct Flush {
    turn: Turn,
    segment: u64,
    name: String,
    file: Arc<dyn DiskFile>,
}

impl Flush {
    /// Makes durable what was written to `file`, which no other flush uses meanwhile: the system tells every
    /// handle of a failure once.
    pub(crate) const fn new(
        turn: Turn,
        segment: u64,
        name: String,
        file: Arc<dyn DiskFile>,
    ) -> Self {
        Self {
            turn,
            segment,
            name,
            file,
        }
    }

    /// The append that it is about.
    #[must_use]
    pub const fn turn(&self) -> Turn {
        self.turn
    }

    /// Waits for the disk.
    #[must_use = "the store is to hear of it"]
    pub fn run(self) -> Flushed {
        Flushed {
            result: self.file.sync().map_err(failed("sync", &self.name)),
            turn: self.turn,
            segment: self.segment,
            file: self.file,
        }
    }
}

/// What became of a flush.
pub struct Flushed {
    pub(crate) turn: Turn,
    pub(crate) segment: u64,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) result: Result<(), DiskError>,
}

/// What may be committed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Room {
    /// Anything.
    Open,
    /// Rows of sets that have been committed before; there is no space for others.
    OnlyKnownSets,
}

/// How it stands with a store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// Commits of this run.
    pub commits: u64,
    /// Rows of this run.
    pub rows: u64,
    /// Octets that the journal takes.
    pub journal_octets: u64,
    /// Octets that both checkpoints take.
    pub checkpoint_octets: u64,
    /// Rows of the last checkpoint.
    pub checkpoint_rows: u64,
    /// Time since the last checkpoint of this run was begun.
    pub checkpoint_age: Option<Duration>,
    /// How far it has come: what is durable, and nothing else.
    pub position: Position,
    /// What may be committed.
    pub room: Room,
    /// What went wrong last and has not gone well since.
    pub trouble: Option<String>,
    /// What was found damaged since the store was opened. What the daemon has in memory should be written
    /// anew before it ends.
    pub fault: Option<Fault>,
}

/// Why rows are not durable.
#[derive(Debug, Error)]
pub enum CommitError {
    /// The disk does not take them.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The journal is full and cannot grow.
    #[error("the journal of leases is full")]
    Full,
}
