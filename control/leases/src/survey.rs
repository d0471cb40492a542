//! Reading a store: which files count, whether they are all there, and all records since the checkpoint.
//!
//! Invariant: what a survey finds is everything that was ever acknowledged. Whatever else could be the case
//! is a fault, but for a last record that was not finished, which nobody was told of.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::checkpoint::Checkpoint;
use crate::checkpoint::NAMES;
use crate::checkpoint::Reader;
use crate::disk::Disk;
use crate::disk::DiskError;
use crate::disk::DiskFile;
use crate::disk::UNFINISHED;
use crate::disk::failed;
use crate::fault::Fault;
use crate::fault::Flaw;
use crate::fault::ReadError;
use crate::journal::FIRST_RECORD;
use crate::journal::Segment;
use crate::journal::Walk;
use crate::journal::file_name;
use crate::journal::number_of;
use crate::journal::records_anywhere;
use crate::merge::Batch;
use crate::moment::Judgement;
use crate::moment::Moment;
use crate::sector::SECTOR;
use crate::sector::Sector;
use crate::version;

/// The clocks of the last record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LastCommit {
    /// When it was committed.
    pub utc_ms: u64,
    /// The epoch then.
    pub epoch_s: u32,
}

impl LastCommit {
    /// The epoch that goes on from here (FO-014). An unsettled clock does not say how long the daemon was
    /// away, so that no time has passed for it.
    #[must_use]
    pub const fn epoch_at(&self, moment: &Moment) -> u32 {
        match moment.judgement {
            Judgement::Settled => {
                let away_s = moment.utc_ms.saturating_sub(self.utc_ms) / 1000;
                self.epoch_s.wrapping_add(away_s as u32)
            }
            Judgement::Unsettled => self.epoch_s,
        }
    }
}

/// A file of the journal.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) octets: u64,
    /// What it was last used for.
    pub(crate) segment: Option<Segment>,
}

/// The checkpoint that counts.
#[derive(Clone)]
pub(crate) struct Chosen {
    /// Which of the two files it is in.
    pub(crate) place: usize,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) checkpoint: Checkpoint,
}

impl Chosen {
    /// A reader of its rows.
    pub(crate) fn reader(&self) -> Result<Reader, ReadError> {
        Reader::new(self.file.clone(), NAMES[self.place], self.checkpoint)
    }
}

/// All that a store holds, but for the rows of its checkpoint.
pub(crate) struct Survey {
    pub(crate) store: u64,
    pub(crate) checkpoint: Option<Chosen>,
    pub(crate) slots: BTreeMap<usize, Slot>,
    /// The slots of segments that count, in order; the last is written to. There is none when beginning it
    /// was as far as the last run got.
    pub(crate) live: Vec<usize>,
    /// Journal files that records know of.
    pub(crate) known_slots: usize,
    /// Where the last record of the last segment is, if there is one; where the next goes, and its number.
    pub(crate) last_at: Option<usize>,
    pub(crate) tail_at: usize,
    pub(crate) next: u64,
    pub(crate) last: Option<LastCommit>,
    pub(crate) shift_ms: i64,
    /// Whether the last record was not finished.
    pub(crate) is_torn: bool,
    pub(crate) records: u64,
    pub(crate) batch: Batch,
}

impl Survey {
    /// Reads a store; `None` if there is none.
    pub(crate) fn take(disk: &dyn Disk) -> Result<Option<Self>, OpenError> {
        let names = disk.list().map_err(failed("list", "the lease store"))?;
        if names.iter().any(|name| name == UNFINISHED) {
            return Err(OpenError::Unfinished);
        }
        let checkpoint = checkpoint(disk, &names)?;
        let slots = slots(disk, &names)?;
        let newest = slots
            .values()
            .filter_map(|slot| slot.segment)
            .max_by_key(|segment| segment.number);
        let header = checkpoint.as_ref().map(|chosen| chosen.checkpoint);
        let stores = [header.map(|h| h.store), newest.map(|n| n.store)];
        let Some(store) = stores.into_iter().flatten().next() else {
            return nothing(&slots);
        };
        let mut survey = Self {
            store,
            known_slots: header.map_or(0, |header| header.slots as usize),
            next: header.map_or(1, |header| header.covers),
            last: header.map(|header| LastCommit {
                utc_ms: header.utc_ms,
                epoch_s: header.epoch_s,
            }),
            shift_ms: header.map_or(0, |header| header.shift_ms),
            checkpoint,
            slots,
            live: Vec::new(),
            last_at: None,
            tail_at: FIRST_RECORD,
            is_torn: false,
            records: 0,
            batch: Batch::default(),
        };
        survey.find_live()?;
        survey.check_files()?;
        survey.read_live()?;
        survey.check_files()?;
        survey.check_headers()?;
        Ok(Some(survey))
    }

    /// Whether anything that counts is in an older version of the format, and in which.
    pub(crate) fn older_version(&self) -> Option<u32> {
        let segments = self.live.iter().filter_map(|slot| self.segment(*slot));
        let checkpoint = self.checkpoint.iter().map(|c| c.checkpoint.version);
        let oldest = segments.map(|s| s.version).chain(checkpoint).min()?;
        (oldest < version::VERSION).then_some(oldest)
    }

    fn segment(&self, slot: usize) -> Option<Segment> {
        self.slots.get(&slot)?.segment
    }

    /// Segments that end behind the checkpoint, and the last in any case.
    fn find_live(&mut self) -> Result<(), OpenError> {
        let mut all: Vec<(Segment, usize)> = Vec::new();
        for (number, slot) in &self.slots {
            if let Some(segment) = slot.segment {
                if segment.store != self.store {
                    return Err(fault(&slot.name, 0, Flaw::OtherStore));
                }
                all.push((segment, *number));
                self.known_slots = self.known_slots.max(segment.slots as usize);
            }
        }
        all.sort_unstable_by_key(|(segment, _)| segment.number);
        let ends = all.iter().skip(1).map(|(segment, _)| segment.first);
        let ends: Vec<u64> = ends.chain([u64::MAX]).collect();
        self.live = all
            .iter()
            .zip(ends)
            .filter(|(_, end)| *end > self.next)
            .map(|((_, slot), _)| *slot)
            .collect();
        Ok(())
    }

    fn read_live(&mut self) -> Result<(), OpenError> {
        let covers = self.next;
        for (index, number) in self.live.clone().into_iter().enumerate() {
            let Some((slot, segment)) = self
                .slots
                .get(&number)
                .and_then(|slot| Some((slot.clone(), slot.segment?)))
            else {
                continue;
            };
            if segment.first > self.next {
                let (from, to) = (self.next, segment.first);
                return Err(fault(&slot.name, 0, Flaw::MissingRecords { from, to }));
            }
            let end = self
                .live
                .get(index + 1)
                .and_then(|next| self.segment(*next))
                .map(|next| next.first);
            self.read_segment(&slot, segment, end, covers)?;
        }
        Ok(())
    }

    fn read_segment(
        &mut self,
        slot: &Slot,
        segment: Segment,
        end: Option<u64>,
        covers: u64,
    ) -> Result<(), OpenError> {
        let octets = whole(&*slot.file, &slot.name)?;
        let mut walk = Walk::new(&octets, self.store, segment.first);
        self.last_at = None;
        while end.is_none_or(|end| walk.next_sequence() < end) {
            let Some(found) = walk.next() else {
                break;
            };
            let record = found.record;
            self.last_at = Some(found.at);
            self.known_slots = self.known_slots.max(record.slots as usize);
            if record.sequence < covers {
                continue;
            }
            let bad = |_| fault(&slot.name, found.at as u64, Flaw::BadRow);
            let rows = version::upgraded(found.rows, segment.version).map_err(bad)?;
            self.batch.add(&rows, record.shift_ms).map_err(bad)?;
            self.records += 1;
            self.shift_ms = record.shift_ms;
            self.last = Some(LastCommit {
                utc_ms: record.utc_ms,
                epoch_s: record.epoch_s,
            });
        }
        let damaged = match end {
            Some(end) => walk.next_sequence() < end,
            None => walk.later_record().is_some(),
        };
        if damaged || (end.is_none() && walk.next_sequence() < covers) {
            let sequence = walk.next_sequence();
            let at = walk.at() as u64;
            return Err(fault(&slot.name, at, Flaw::DamagedRecord { sequence }));
        }
        self.next = walk.next_sequence();
        self.tail_at = walk.at();
        self.is_torn = end.is_none() && walk.is_torn();
        Ok(())
    }

    /// Every file that is known of is there.
    fn check_files(&self) -> Result<(), OpenError> {
        let shortest = self.slots.values().filter_map(|slot| slot.segment);
        let shortest = shortest.map(|segment| segment.octets).min().unwrap_or(0);
        for number in 0..self.known_slots {
            match self.slots.get(&number) {
                Some(slot) if slot.octets >= shortest => {}
                _ => return Err(fault(&file_name(number), 0, Flaw::MissingFile)),
            }
        }
        Ok(())
    }

    /// No file hides records behind a damaged header.
    fn check_headers(&self) -> Result<(), OpenError> {
        for slot in self.slots.values().filter(|slot| slot.segment.is_none()) {
            let octets = whole(&*slot.file, &slot.name)?;
            let hidden = records_anywhere(&octets, FIRST_RECORD).any(|found| {
                found.record.store == self.store && found.record.sequence >= self.next
            });
            if hidden {
                return Err(fault(&slot.name, 0, Flaw::DamagedHeader));
            }
        }
        Ok(())
    }
}

/// Neither a checkpoint nor a segment: the store is new, or was until something happened to it.
fn nothing(slots: &BTreeMap<usize, Slot>) -> Result<Option<Survey>, OpenError> {
    for slot in slots.values() {
        let octets = whole(&*slot.file, &slot.name)?;
        if records_anywhere(&octets, FIRST_RECORD).next().is_some() {
            return Err(fault(&slot.name, 0, Flaw::DamagedHeader));
        }
    }
    Ok(None)
}

fn checkpoint(disk: &dyn Disk, names: &[String]) -> Result<Option<Chosen>, OpenError> {
    let mut chosen: Option<Chosen> = None;
    for (place, name) in NAMES.into_iter().enumerate() {
        if !names.iter().any(|other| other == name) {
            continue;
        }
        let file = disk.open(name).map_err(failed("open", name))?;
        let Some(checkpoint) = Checkpoint::decode(&header(&*file, name)?) else {
            continue;
        };
        check_version(name, checkpoint.version)?;
        let older = chosen.as_ref().map(|other| other.checkpoint);
        if older.is_some_and(|other| other.store != checkpoint.store) {
            return Err(fault(name, 0, Flaw::OtherStore));
        }
        if older.is_none_or(|other| other.generation < checkpoint.generation) {
            chosen = Some(Chosen {
                place,
                file,
                checkpoint,
            });
        }
    }
    Ok(chosen)
}

fn slots(disk: &dyn Disk, names: &[String]) -> Result<BTreeMap<usize, Slot>, OpenError> {
    let mut slots = BTreeMap::new();
    for name in names {
        let Some(number) = number_of(name).filter(|number| file_name(*number) == *name) else {
            continue;
        };
        let file = disk.open(name).map_err(failed("open", name))?;
        let segment = Segment::decode(&header(&*file, name)?);
        if let Some(segment) = segment {
            check_version(name, segment.version)?;
        }
        let slot = Slot {
            name: name.clone(),
            octets: file.octets().map_err(failed("look at", name))?,
            file,
            segment,
        };
        slots.insert(number, slot);
    }
    Ok(slots)
}

fn check_version(file: &str, version: u32) -> Result<(), OpenError> {
    if version::is_known(version) {
        return Ok(());
    }
    Err(OpenError::Version {
        file: file.to_owned(),
        version,
    })
}

fn header(file: &dyn DiskFile, name: &str) -> Result<Sector, DiskError> {
    let mut sector = [0; SECTOR];
    file.read_at(&mut sector, 0).map_err(failed("read", name))?;
    Ok(sector)
}

/// All octets of a file.
pub(crate) fn whole(file: &dyn DiskFile, name: &str) -> Result<Vec<u8>, DiskError> {
    let length = file.octets().map_err(failed("look at", name))?;
    let mut octets = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    let read = file.read_at(&mut octets, 0).map_err(failed("read", name))?;
    octets.truncate(read);
    Ok(octets)
}

fn fault(file: &str, at: u64, flaw: Flaw) -> OpenError {
    OpenError::Corrupt(Fault {
        file: file.to_owned(),
        at,
        flaw,
    })
}

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
