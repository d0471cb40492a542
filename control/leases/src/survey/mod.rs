//! Reading a store: which files count, whether they are all there, and all records since the checkpoint.
//!
//! Invariant: what a survey finds is everything that was ever acknowledged. Whatever else could be the case
//! is a fault, but for a last record that was not finished, which nobody was told of.

mod error;
mod files;

use std::collections::BTreeMap;
use std::collections::VecDeque;

use self::error::fault;
use self::files::slots;
use crate::disk::Disk;
use crate::disk::UNFINISHED;
use crate::disk::failed;
use crate::fault::Flaw;
use crate::journal::FIRST_RECORD;
use crate::journal::SHORTEST;
use crate::journal::Segment;
use crate::journal::Walk;
use crate::journal::file_name;
use crate::journal::records_anywhere;
use crate::merge::Batch;
use crate::moment::Judgement;
use crate::moment::Moment;
use crate::position::Position;
use crate::version;

pub use self::error::OpenError;
pub(crate) use self::files::Chosen;
pub(crate) use self::files::Slot;
pub(crate) use self::files::checkpoint;
pub(crate) use self::files::whole;

/// The clocks of the last record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LastCommit {
    /// When it was committed.
    pub utc_ms: u64,
    /// The epoch then.
    pub epoch_s: u32,
    /// The store, and the record's number.
    pub position: Position,
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
    /// Records of the last segment that no later one says were durable, by number and place.
    pub(crate) unproven: VecDeque<(u64, usize)>,
    /// Where the next record goes, and its number.
    pub(crate) tail_at: usize,
    pub(crate) next: u64,
    pub(crate) last: Option<LastCommit>,
    pub(crate) shift_ms: i64,
    /// Whether records were begun and not finished, so that what stands at the end of the last segment is not
    /// wanted.
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
                position: Position {
                    store,
                    record: header.covers.saturating_sub(1),
                },
            }),
            shift_ms: header.map_or(0, |header| header.shift_ms),
            checkpoint,
            slots,
            live: Vec::new(),
            unproven: VecDeque::new(),
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
        let mut walk = Walk::new(&octets, &segment);
        self.unproven.clear();
        while end.is_none_or(|end| walk.next_sequence() < end) {
            let Some(found) = walk.next() else {
                break;
            };
            let record = found.record;
            self.unproven.push_back((record.sequence, found.at));
            self.unproven
                .retain(|(sequence, _)| *sequence >= record.proven());
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
                position: Position {
                    store: self.store,
                    record: record.sequence,
                },
            });
        }
        let sequence = walk.next_sequence();
        let mut left = walk
            .later_records()
            .take_while(|_| end.is_none())
            .peekable();
        self.is_torn = end.is_none() && (walk.is_torn() || left.peek().is_some());
        let is_damaged =
            sequence < end.unwrap_or(covers) || left.any(|later| later.proven() > sequence);
        if is_damaged {
            let at = walk.at() as u64;
            return Err(fault(&slot.name, at, Flaw::DamagedRecord { sequence }));
        }
        self.next = sequence;
        self.tail_at = walk.at();
        Ok(())
    }

    /// Every file that is known of is there.
    fn check_files(&self) -> Result<(), OpenError> {
        for number in 0..self.known_slots {
            match self.slots.get(&number) {
                Some(slot) if slot.octets >= slot.segment.map_or(SHORTEST, |s| s.octets) => {}
                _ => return Err(fault(&file_name(number), 0, Flaw::MissingFile)),
            }
        }
        Ok(())
    }

    /// No file hides records behind a damaged header. The last records of a run may have got to the disk without
    /// it, but none of them says that another was durable.
    fn check_headers(&self) -> Result<(), OpenError> {
        for slot in self.slots.values().filter(|slot| slot.segment.is_none()) {
            let octets = whole(&*slot.file, &slot.name)?;
            let hidden = records_anywhere(&octets, FIRST_RECORD)
                .any(|found| found.record.store == self.store && found.record.proven() > self.next);
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
