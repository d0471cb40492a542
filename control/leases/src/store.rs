//! What the daemon asks of a store of leases.
//!
//! Invariant: what [`LeaseStore::commit`] took is there after a crash or a power loss, and what it refused
//! is not once a later commit was taken.

use std::time::Duration;

use thiserror::Error;

use crate::disk::DiskError;
use crate::fault::Fault;
use crate::moment::Moment;
use crate::position::Position;
use crate::row::Row;

/// Leases that outlive the daemon.
pub trait LeaseStore: Send {
    /// Stores rows, all of them or none; they are durable when this returns.
    ///
    /// # Errors
    /// When they may not be durable. The caller takes their effects back.
    fn commit(&mut self, rows: &[Row], moment: &Moment) -> Result<(), CommitError>;

    /// Whether sets may be granted that the store has never seen.
    fn room(&self) -> Room;

    /// To be called about once a second: what must be done although nobody commits.
    fn tend(&mut self, moment: &Moment);

    /// How it stands with the store.
    fn status(&self) -> Status;
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
