//! Appending records, and going on to another segment.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use super::Active;
use super::FileStore;
use super::Kind;
use super::LastRecord;
use super::Use;
use super::open::first_segment;
use crate::disk::DiskError;
use crate::disk::DiskFile;
use crate::disk::failed;
use crate::encoding;
use crate::encoding::LONGEST;
use crate::journal::FIRST_RECORD;
use crate::journal::RECORD_HEADER;
use crate::journal::Record;
use crate::journal::Segment;
use crate::journal::Tag;
use crate::journal::padded;
use crate::moment::Moment;
use crate::row::Row;
use crate::store::CommitError;
use crate::store::FLUSHES;
use crate::store::Flush;
use crate::store::LeaseStore;
use crate::version;

impl FileStore {
    /// Writes rows, in as many records as they need. What needs more than a segment is durable piece by piece.
    pub(super) fn append_rows(
        &mut self,
        rows: &[Row],
        moment: &Moment,
    ) -> Result<Flush, CommitError> {
        let smallest = self.slots.iter().map(|slot| slot.octets).min();
        let room = smallest.unwrap_or(self.options.segment_octets) as usize;
        let most = rows_in(room.saturating_sub(FIRST_RECORD));
        let (pieces, last) = rows.split_at(rows.len().saturating_sub(1) / most * most);
        for piece in pieces.chunks(most) {
            let flush = self.append_piece(piece, moment)?;
            self.settle(flush.run())?;
        }
        self.append_piece(last, moment)
    }

    /// Writes rows for which one segment has room.
    fn append_piece(&mut self, rows: &[Row], moment: &Moment) -> Result<Flush, CommitError> {
        self.make_room(longest(rows.len()))?;
        let file = self.handle()?;
        let first = self.next;
        for rows in rows.chunks(MOST_ROWS) {
            self.buffer.clear();
            self.buffer.resize(RECORD_HEADER, 0);
            for row in rows {
                encoding::encode(row, moment, &mut self.buffer);
            }
            self.write_record(rows.len() as u32, first, moment)?;
        }
        let turn = self.flight.depart(first);
        let active = self.active.map_or(0, |active| active.slot);
        let name = self.slots[active].name.clone();
        Ok(Flush::new(turn, self.last_segment, name, file))
    }

    /// Makes a record without rows durable.
    pub(super) fn append_seal(&mut self, moment: &Moment) -> Result<(), CommitError> {
        self.buffer.clear();
        self.buffer.resize(RECORD_HEADER, 0);
        self.make_room(RECORD_HEADER)?;
        self.write_record(0, self.next, moment)?;
        self.sync_active()
    }

    /// Writes the rows in the buffer, of an append that began with record `first`.
    fn write_record(&mut self, rows: u32, first: u64, moment: &Moment) -> Result<(), CommitError> {
        let Some(active) = self.active else {
            return Err(CommitError::Full);
        };
        let octets = self.buffer.len() - RECORD_HEADER;
        let open = self.flight.first_open().unwrap_or(first);
        let header = Record {
            store: self.store,
            sequence: self.next,
            utc_ms: moment.utc_ms,
            shift_ms: self.shift_ms,
            epoch_s: moment.epoch_s,
            slots: self.slots.len() as u32,
            rows,
            octets: octets as u32,
            checksum: crc32fast::hash(&self.buffer[RECORD_HEADER..]),
            in_flight: u8::try_from(self.next - open).unwrap_or(u8::MAX),
            tag: active.tag,
        };
        self.buffer[..RECORD_HEADER].copy_from_slice(&header.encode());
        let span = padded(self.buffer.len());
        self.buffer.resize(span, 0);
        let slot = &self.slots[active.slot];
        slot.file
            .write_at(&self.buffer, active.at)
            .map_err(failed("write", &slot.name))?;
        self.active = Some(Active {
            at: active.at + span as u64,
            ..active
        });
        self.next += 1;
        self.last_record = Some(LastRecord {
            written: moment.monotonic,
            shift_ms: self.shift_ms,
            kind: if rows == 0 { Kind::Seal } else { Kind::Rows },
        });
        Ok(())
    }

    /// Waits until all that was written to the active segment is durable.
    fn sync_active(&mut self) -> Result<(), CommitError> {
        if let Some(active) = &mut self.active {
            let slot = &self.slots[active.slot];
            slot.file.sync().map_err(failed("sync", &slot.name))?;
            active.is_durable = true;
        }
        self.flight.land_all();
        self.troubles.commit = None;
        Ok(())
    }

    /// A handle of the active segment for a flush of what will be written. One that is opened now has not heard
    /// of what failed before, so nothing may be on its way then.
    fn handle(&mut self) -> Result<Arc<dyn DiskFile>, CommitError> {
        if let Some(handle) = self.handles.pop() {
            return Ok(handle);
        }
        self.sync_active()?;
        let active = self.active.map_or(0, |active| active.slot);
        Ok(self.open_slot(active)?)
    }

    fn open_slot(&self, slot: usize) -> Result<Arc<dyn DiskFile>, DiskError> {
        let name = &self.slots[slot].name;
        self.disk.open(name).map_err(failed("open", name))
    }

    /// Takes back all records from `first` on: a new segment begins there, as far as there is room for one.
    /// Otherwise the next commit begins it.
    pub(super) fn overrule(&mut self, first: u64) {
        self.next = first;
        self.active = None;
        self.flight.give_up();
        // Its own failure says nothing new.
        let _ = self.begin_segment();
    }

    /// Goes on to another segment unless the active one has room for so many octets.
    fn make_room(&mut self, octets: usize) -> Result<(), CommitError> {
        if self.has_place(octets) {
            Ok(())
        } else {
            self.begin_segment()
        }
    }

    /// Whether the active segment has room for so many rows.
    pub(super) fn has_place_for(&self, rows: usize) -> bool {
        self.has_place(longest(rows))
    }

    fn has_place(&self, octets: usize) -> bool {
        let place = self
            .active
            .map(|active| (active, self.slots[active.slot].octets));
        place.is_some_and(|(active, end)| active.at + octets as u64 <= end)
    }

    /// Goes on to another segment, so that all records so far are in closed ones.
    pub(super) fn close_segment(&mut self) -> Result<(), DiskError> {
        let first = self.next;
        self.begin_segment().map_err(|error| {
            self.fail(error, first);
            first_segment()
        })
    }

    /// Goes on to a segment that begins with the next record.
    pub(super) fn begin_segment(&mut self) -> Result<(), CommitError> {
        let may_be_open = self.flight.first_open().is_some()
            || self.active.is_some_and(|active| !active.is_durable);
        if may_be_open {
            self.sync_active()?;
        }
        // With the segment before it, its end is durable. Otherwise the header is what ends that.
        let must_sync = self.active.is_none();
        let index = match self.free_slot() {
            Some(index) => index,
            None => self.make_slot_free()?,
        };
        // Whether or not the header gets there, the number is used up: two segments never share one.
        self.last_segment += 1;
        self.use_of[index] = Use::Segment {
            number: self.last_segment,
            first: self.next,
        };
        self.active = None;
        let segment = Segment {
            version: version::VERSION,
            store: self.store,
            number: self.last_segment,
            first: self.next,
            octets: self.slots[index].octets,
            slots: self.slots.len() as u32,
            tag: new_tag(),
        };
        self.slots[index].segment = Some(segment);
        self.slots[index].file = self.open_slot(index)?;
        self.handles.clear();
        for _ in 0..FLUSHES {
            self.handles.push(self.open_slot(index)?);
        }
        let slot = &self.slots[index];
        slot.file
            .write_at(&segment.encode(), 0)
            .map_err(failed("write", &slot.name))?;
        if must_sync {
            slot.file.sync().map_err(failed("sync", &slot.name))?;
        }
        self.active = Some(Active {
            slot: index,
            at: FIRST_RECORD as u64,
            tag: segment.tag,
            is_durable: must_sync,
        });
        self.keep_space();
        self.begin_checkpoint_if_worth_it();
        Ok(())
    }
}

/// Octets of rows and what is around them, at most.
const fn longest(rows: usize) -> usize {
    let records = rows.div_ceil(MOST_ROWS);
    rows * LONGEST + records * padded(RECORD_HEADER + 1)
}

/// Rows for which there is room in any case; one at least.
fn rows_in(octets: usize) -> usize {
    let headers = octets / (MOST_ROWS * LONGEST) + 1;
    let rows = octets.saturating_sub(headers * padded(RECORD_HEADER + 1)) / LONGEST;
    rows.max(1)
}

/// Every hasher is another, by numbers of the system's.
fn new_tag() -> Tag {
    let [a, b, c, ..] = RandomState::new().hash_one(()).to_le_bytes();
    // A file of a program that had none has zeros.
    [a, b, c | 1]
}

/// Rows of a record at most: a record is checked, and lost, as a whole.
const MOST_ROWS: usize = 16_384;
