//! The store in files.
//!
//! Invariant: records are written one behind the other, and may be on their way to the disk together; a segment
//! is durable before the next one is begun. A failure ends the segment, so that nothing that failed is ever read
//! again.

mod append;
mod checkpointing;
mod confirm;
mod flight;
mod job;
mod open;
mod rewrite;
mod space;
mod sum_up;

use std::sync::Arc;
use std::time::Duration;

use pcp::instant::Instant;

use self::checkpointing::Running;
use self::flight::Flight;
use crate::checkpoint::Checkpoint;
use crate::checkpoint::NAMES;
use crate::disk::Disk;
use crate::disk::DiskFile;
use crate::fault::Fault;
use crate::journal::Tag;
use crate::moment::Moment;
use crate::position::Position;
use crate::row::Row;
use crate::store::CommitError;
use crate::store::Flush;
use crate::store::Flushed;
use crate::store::LeaseStore;
use crate::store::Room;
use crate::store::Status;
use crate::store::Turn;
use crate::survey::Slot;

pub use self::open::Ending;
pub use self::open::Opened;
pub use self::open::expected_rows;
pub use self::open::take;
pub use crate::survey::LastCommit;
pub use crate::survey::OpenError;

/// How a store is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OpenOptions {
    /// How long a set rests after its lease has ended.
    pub quarantine: Duration,
    /// Octets of a journal file; about 90 for a row.
    pub segment_octets: u64,
    /// The most journal files; commits wait for a checkpoint when all are full.
    pub max_segments: usize,
    /// Where checkpoints are made.
    pub checkpoints: Checkpoints,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            quarantine: Duration::from_secs(120),
            segment_octets: 32 << 20,
            max_segments: 16,
            checkpoints: Checkpoints::Aside,
        }
    }
}

/// Where checkpoints are made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Checkpoints {
    /// In a thread of their own.
    Aside,
    /// In the middle of a commit; for tests and for work offline.
    Inline,
}

/// A store in one directory.
pub struct FileStore {
    disk: Arc<dyn Disk>,
    options: OpenOptions,
    /// Tells files of this store from those of another.
    store: u64,
    slots: Vec<Slot>,
    use_of: Vec<Use>,
    active: Option<Active>,
    /// Handles of the active segment that no flush uses.
    handles: Vec<Arc<dyn DiskFile>>,
    last_segment: u64,
    next: u64,
    flight: Flight,
    checkpoint: Option<(usize, Checkpoint)>,
    checkpoint_files: [Arc<dyn DiskFile>; NAMES.len()],
    reserved: [u64; NAMES.len()],
    running: Option<Running>,
    checkpoint_begun: Option<Instant>,
    /// By how much UTC was last ahead of the monotonic clock, and how much that has changed since the store
    /// was made.
    lead_ms: i64,
    shift_ms: i64,
    /// Not known when it has failed.
    last_record: Option<LastRecord>,
    room: Room,
    troubles: Troubles,
    fault: Option<Fault>,
    now: Moment,
    buffer: Vec<u8>,
    commits: u64,
    rows: u64,
}

/// What a journal file is used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Use {
    /// Nothing.
    Free,
    /// The segment that begins with record `first`.
    Segment { number: u64, first: u64 },
}

/// The segment that is written to.
#[derive(Clone, Copy, Debug)]
struct Active {
    slot: usize,
    /// Where the next record goes.
    at: u64,
    /// What its records are told by.
    tag: Tag,
    /// Whether its header is known to be durable.
    is_durable: bool,
}

/// What is known of the last record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct LastRecord {
    written: Instant,
    shift_ms: i64,
    kind: Kind,
}

/// What a record holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Rows,
    /// Nothing. Behind such a record, damage to the one before it can be told from a commit that was not
    /// finished.
    Seal,
}

/// What went wrong last and has not gone well since.
#[derive(Clone, Debug, Default)]
struct Troubles {
    commit: Option<String>,
    checkpoint: Option<String>,
    space: Option<String>,
}

impl Troubles {
    /// The worst of them.
    fn first(&self) -> Option<String> {
        let all = [&self.commit, &self.checkpoint, &self.space];
        all.into_iter().flatten().next().cloned()
    }
}

impl LeaseStore for FileStore {
    fn append(&mut self, rows: &[Row], moment: &Moment) -> Result<Flush, CommitError> {
        self.observe(moment);
        self.take_checkpoint();
        let first = self.next;
        match self.append_rows(rows, moment) {
            Ok(flush) => {
                self.commits += 1;
                self.rows += rows.len() as u64;
                Ok(flush)
            }
            Err(error) => Err(self.fail(error, first)),
        }
    }

    fn must_wait(&self, rows: usize) -> bool {
        self.flight.first_open().is_some() && !self.has_place_for(rows)
    }

    fn settle(&mut self, flushed: Flushed) -> Result<(), CommitError> {
        // What is on its way is in the active segment: nothing else says anything about it.
        if self.active.is_none() || flushed.segment != self.last_segment {
            return Ok(());
        }
        self.handles.push(flushed.file);
        match flushed.result {
            Ok(()) => {
                self.land(flushed.turn);
                Ok(())
            }
            // Others have made durable what it was for. But it may have lost what was appended since, which its
            // handle will not say again.
            Err(_) if self.flight.first_open().is_none() => Ok(()),
            Err(error) => Err(self.fail(error.into(), self.next)),
        }
    }

    fn durable(&self) -> Turn {
        self.flight.landed()
    }

    fn room(&self) -> Room {
        self.room
    }

    fn tend(&mut self, moment: &Moment) {
        self.observe(moment);
        self.take_checkpoint();
        if self.is_seal_due(moment) {
            self.seal(moment);
        }
        self.keep_space();
        self.begin_checkpoint_if_worth_it();
    }

    fn status(&self) -> Status {
        let checkpoint = self.checkpoint.map(|(_, checkpoint)| checkpoint);
        Status {
            commits: self.commits,
            rows: self.rows,
            journal_octets: self.slots.iter().map(|slot| slot.octets).sum(),
            checkpoint_octets: self.reserved.iter().sum(),
            checkpoint_rows: checkpoint.map_or(0, |checkpoint| checkpoint.rows),
            checkpoint_age: self
                .checkpoint_begun
                .map(|begun| self.now.monotonic.since(begun)),
            position: Position {
                store: self.store,
                // What is on its way may not arrive: nobody is to be told of it.
                record: self
                    .flight
                    .first_open()
                    .unwrap_or(self.next)
                    .saturating_sub(1),
            },
            room: self.room,
            trouble: self.troubles.first(),
            fault: self.fault.clone(),
        }
    }
}

impl FileStore {
    /// Notices when UTC has been set against the monotonic clock: stored times move with it, because leases
    /// run by the monotonic one.
    fn observe(&mut self, moment: &Moment) {
        let by_ms = moment.lead_ms().saturating_sub(self.lead_ms);
        if by_ms.unsigned_abs() > ROUNDING_MS {
            self.lead_ms = moment.lead_ms();
            self.shift_ms = self.shift_ms.saturating_add(by_ms);
        }
        self.now = *moment;
    }

    /// Whether an empty record is to be put behind rows, so that they are no longer the last; under load the
    /// next commit does that. When nothing is committed, one now and then keeps the clocks of the store from
    /// falling behind.
    fn is_seal_due(&self, moment: &Moment) -> bool {
        // Behind what is on its way comes more.
        if self.flight.first_open().is_some() {
            return false;
        }
        let Some(last) = self.last_record else {
            return true;
        };
        let age = moment.monotonic.since(last.written);
        let is_idle = match last.kind {
            Kind::Rows => age >= QUIET,
            Kind::Seal => age >= IDLE,
        };
        is_idle || last.shift_ms != self.shift_ms
    }

    fn seal(&mut self, moment: &Moment) {
        let first = self.next;
        if let Err(error) = self.append_seal(moment) {
            self.fail(error, first);
        }
    }

    /// Everything up to `turn` is durable, and the header of its segment with it.
    fn land(&mut self, turn: Turn) {
        self.flight.land(turn);
        self.troubles.commit = None;
        if let Some(active) = &mut self.active {
            active.is_durable = true;
        }
    }

    /// Records from `first` on have failed, and all that are on their way.
    fn fail(&mut self, error: CommitError, first: u64) -> CommitError {
        self.last_record = None;
        self.overrule(self.flight.first_open().unwrap_or(first));
        self.troubles.commit = Some(error.to_string());
        error
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        // A checkpoint that is nearly done is worth the wait, and the directory is not free before.
        self.finish_checkpoint();
        let now = self.now;
        if self.last_record.is_none_or(|last| last.kind == Kind::Rows) {
            self.seal(&now);
        }
    }
}

/// Two clocks, each in whole milliseconds, may differ by some without having been set.
const ROUNDING_MS: u64 = 10;

/// How long rows may be last.
const QUIET: Duration = Duration::from_millis(500);

/// The longest time without a record.
const IDLE: Duration = Duration::from_secs(10);
