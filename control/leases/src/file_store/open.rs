//! Opening a store: what was stored, row by row, and then the store itself.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::path::Path;
use std::sync::Arc;

use pcp::instant::Instant;

use super::Active;
use super::FileStore;
use super::Kind;
use super::LastRecord;
use super::OpenOptions;
use super::Troubles;
use super::Use;
use super::confirm::confirm;
use super::flight::Flight;
use crate::checkpoint::NAMES;
use crate::disk::Disk;
use crate::disk::DiskError;
use crate::disk::DiskFile;
use crate::disk::RealDisk;
use crate::disk::failed;
use crate::encoding;
use crate::fault::Fault;
use crate::fault::Flaw;
use crate::fault::ReadError;
use crate::journal::SHORTEST;
use crate::journal::Tag;
use crate::moment::Judgement;
use crate::moment::Moment;
use crate::row::Row;
use crate::store::Room;
use crate::survey;
use crate::survey::Chosen;
use crate::survey::LastCommit;
use crate::survey::OpenError;
use crate::survey::Survey;

/// A store, and what it said.
pub struct Opened {
    /// The store.
    pub store: FileStore,
    /// The moment that rows were converted by.
    pub moment: Moment,
    /// The clocks of the last commit; `None` when the store is new.
    pub last: Option<LastCommit>,
    /// Rows that were given out.
    pub rows: u64,
    /// How the last run ended.
    pub ending: Ending,
    /// The folder with a copy of the store as it was, if it was in an older version of the format.
    pub backup: Option<String>,
}

/// How the last run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// Between two commits.
    Whole,
    /// In the middle of a commit, which nobody was told of and which is gone.
    Torn,
}

impl FileStore {
    /// Opens the store of a directory, or makes one. `when` says what time it is, given the last commit;
    /// `sink` gets the last row of every set that is not free.
    ///
    /// # Errors
    /// When the store is in use, newer than this program, or has lost something.
    pub fn open(
        directory: &Path,
        options: &OpenOptions,
        when: impl FnOnce(Option<&LastCommit>) -> Moment,
        sink: impl FnMut(Row),
    ) -> Result<Opened, OpenError> {
        Self::open_on(take(directory)?, options, when, sink)
    }

    /// The same, on any disk.
    ///
    /// # Errors
    /// As above.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        options: &OpenOptions,
        when: impl FnOnce(Option<&LastCommit>) -> Moment,
        sink: impl FnMut(Row),
    ) -> Result<Opened, OpenError> {
        let options = OpenOptions {
            segment_octets: options.segment_octets.max(SHORTEST),
            max_segments: options.max_segments.max(2),
            ..*options
        };
        let Some(mut survey) = Survey::take(&*disk)? else {
            return Self::make(disk, &options, when);
        };
        let moment = when(survey.last.as_ref());
        let batch = std::mem::take(&mut survey.batch).sort(survey.shift_ms);
        let reader = survey.checkpoint.as_ref().map(Chosen::reader);
        let mut giver = Giver {
            moment,
            at: match (moment.judgement, survey.last) {
                (Judgement::Unsettled, Some(last)) => moment.instant_of(last.utc_ms),
                _ => moment.monotonic,
            },
            options,
            sink,
            given: 0,
        };
        batch.merge(reader.transpose()?, |row| giver.give(row))?;
        let rows = giver.given;
        confirm(&*disk, &survey, options.segment_octets)?;
        let (last, older) = (survey.last, survey.older_version());
        let ending = if survey.is_torn {
            Ending::Torn
        } else {
            Ending::Whole
        };
        let mut store = Self::from_survey(disk, options, survey, &moment)?;
        let backup = match older {
            Some(version) => Some(store.migrate(version)?),
            None => None,
        };
        store.keep_space();
        Ok(Opened {
            store,
            moment,
            last,
            rows,
            ending,
            backup,
        })
    }

    /// Makes a store where there is none.
    fn make(
        disk: Arc<dyn Disk>,
        options: &OpenOptions,
        when: impl FnOnce(Option<&LastCommit>) -> Moment,
    ) -> Result<Opened, OpenError> {
        let moment = when(None);
        let mut store = Self::bare(disk, *options, new_identity(&moment), &moment)?;
        store.add_slot()?;
        store.add_slot()?;
        store.begin_segment().map_err(|_| first_segment())?;
        store.keep_space();
        Ok(Opened {
            store,
            moment,
            last: None,
            rows: 0,
            ending: Ending::Whole,
            backup: None,
        })
    }

    /// A store without journal files.
    fn bare(
        disk: Arc<dyn Disk>,
        options: OpenOptions,
        store: u64,
        moment: &Moment,
    ) -> Result<Self, DiskError> {
        let open = |name: &'static str| -> Result<Arc<dyn DiskFile>, DiskError> {
            let file = disk.open(name).map_err(failed("open", name))?;
            Ok(file)
        };
        let checkpoint_files = [open(NAMES[0])?, open(NAMES[1])?];
        Ok(Self {
            checkpoint_files,
            disk,
            options,
            store,
            slots: Vec::new(),
            use_of: Vec::new(),
            active: None,
            handles: Vec::new(),
            last_segment: 0,
            next: 1,
            flight: Flight::default(),
            checkpoint: None,
            reserved: [0; NAMES.len()],
            running: None,
            checkpoint_begun: None,
            lead_ms: moment.lead_ms(),
            shift_ms: 0,
            last_record: Some(LastRecord {
                written: moment.monotonic,
                shift_ms: 0,
                kind: Kind::Seal,
            }),
            room: Room::Open,
            troubles: Troubles::default(),
            fault: None,
            now: *moment,
            buffer: Vec::new(),
            commits: 0,
            rows: 0,
        })
    }

    fn from_survey(
        disk: Arc<dyn Disk>,
        options: OpenOptions,
        survey: Survey,
        moment: &Moment,
    ) -> Result<Self, DiskError> {
        let mut store = Self::bare(disk, options, survey.store, moment)?;
        let live = survey.live;
        for (number, slot) in survey.slots {
            // A file whose making was not finished is made again.
            let is_whole = number < survey.known_slots || slot.octets >= options.segment_octets;
            if number != store.slots.len() || !(is_whole || slot.segment.is_some()) {
                break;
            }
            store.use_of.push(match slot.segment {
                Some(segment) if live.contains(&number) => Use::Segment {
                    number: segment.number,
                    first: segment.first,
                },
                _ => Use::Free,
            });
            let newest = slot.segment.map_or(0, |segment| segment.number);
            store.last_segment = store.last_segment.max(newest);
            store.slots.push(slot);
        }
        // Behind records that are not wanted none is written: a new segment ends this one.
        let last = live.last().filter(|_| !survey.is_torn);
        store.active = last.map(|slot| Active {
            slot: *slot,
            at: survey.tail_at as u64,
            tag: store.slots[*slot]
                .segment
                .map_or_else(Tag::default, |s| s.tag),
            is_durable: true,
        });
        store.next = survey.next;
        store.checkpoint = survey.checkpoint.map(|c| (c.place, c.checkpoint));
        store.shift_ms = survey.shift_ms;
        store.last_record = Some(LastRecord {
            written: moment.monotonic,
            shift_ms: survey.shift_ms,
            kind: Kind::Rows,
        });
        Ok(store)
    }
}

/// About as many rows as a store on `disk` will give out when it is opened: those of its checkpoint.
#[must_use]
pub fn expected_rows(disk: &dyn Disk) -> usize {
    let names = disk.list().unwrap_or_default();
    // What is wrong with it is said when it is opened.
    let chosen = survey::checkpoint(disk, &names).ok().flatten();
    chosen.map_or(0, |chosen| chosen.checkpoint.rows as usize)
}

/// Gives rows out in the time of a run.
struct Giver<S> {
    moment: Moment,
    /// What is over by then is over; with a clock in doubt, that is the last commit.
    at: Instant,
    options: OpenOptions,
    sink: S,
    given: u64,
}

impl<S: FnMut(Row)> Giver<S> {
    fn give(&mut self, octets: &[u8]) -> Result<(), ReadError> {
        let (row, _) = encoding::decode(octets, &self.moment).map_err(|_| Fault {
            file: NAMES[0].to_owned(),
            at: 0,
            flaw: Flaw::BadRow,
        })?;
        if let Some(row) = row.at(self.at, self.options.quarantine) {
            self.given += 1;
            (self.sink)(row);
        }
        Ok(())
    }
}

/// Takes a directory for this process.
///
/// # Errors
/// When it is in use, or the system refuses it.
pub fn take(directory: &Path) -> Result<Arc<dyn Disk>, OpenError> {
    match RealDisk::take(directory) {
        Ok(disk) => Ok(Arc::new(disk)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(OpenError::InUse),
        Err(error) => Err(failed("open", &directory.display().to_string())(error).into()),
    }
}

/// A number that no other store has, without which files that were copied into each other would look like
/// one store.
fn new_identity(moment: &Moment) -> u64 {
    RandomState::new().hash_one(moment.utc_ms)
}

/// The error of a journal that cannot begin.
pub(super) fn first_segment() -> DiskError {
    let full = io::Error::from(io::ErrorKind::StorageFull);
    failed("begin a segment in", "the journal")(full)
}
