//! Appending records, and going on to another segment.

use super::Active;
use super::FileStore;
use super::Kind;
use super::LastRecord;
use super::Use;
use crate::disk::failed;
use crate::encoding;
use crate::encoding::LONGEST;
use crate::journal::FIRST_RECORD;
use crate::journal::RECORD_HEADER;
use crate::journal::Record;
use crate::journal::Segment;
use crate::journal::padded;
use crate::moment::Moment;
use crate::row::Row;
use crate::store::CommitError;
use crate::version;

impl FileStore {
    /// Makes rows durable, in as many records as they need.
    pub(super) fn append_rows(&mut self, rows: &[Row], moment: &Moment) -> Result<(), CommitError> {
        let smallest = self.slots.iter().map(|slot| slot.octets).min();
        let smallest = smallest.unwrap_or(self.options.segment_octets) as usize;
        let room = smallest.saturating_sub(FIRST_RECORD + RECORD_HEADER);
        for rows in rows.chunks((room / LONGEST).clamp(1, MOST_ROWS)) {
            self.buffer.clear();
            self.buffer.resize(RECORD_HEADER, 0);
            for row in rows {
                encoding::encode(row, moment, &mut self.buffer);
            }
            self.append(rows.len() as u32, moment)?;
        }
        Ok(())
    }

    /// Makes a record without rows durable.
    pub(super) fn append_seal(&mut self, moment: &Moment) -> Result<(), CommitError> {
        self.buffer.clear();
        self.buffer.resize(RECORD_HEADER, 0);
        self.append(0, moment)
    }

    /// Makes the rows in the buffer durable.
    fn append(&mut self, rows: u32, moment: &Moment) -> Result<(), CommitError> {
        let octets = self.buffer.len() - RECORD_HEADER;
        let span = padded(self.buffer.len());
        let active = self.room_for(span as u64)?;
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
        };
        self.buffer[..RECORD_HEADER].copy_from_slice(&header.encode());
        self.buffer.resize(span, 0);
        let slot = &self.slots[active.slot];
        slot.file
            .write_at(&self.buffer, active.at)
            .map_err(failed("write", &slot.name))?;
        slot.file.sync().map_err(failed("sync", &slot.name))?;
        self.active = Some(Active {
            at: active.at + span as u64,
            ..active
        });
        self.next += 1;
        self.last_record = LastRecord {
            written: moment.monotonic,
            shift_ms: self.shift_ms,
            kind: if rows == 0 { Kind::Seal } else { Kind::Rows },
        };
        Ok(())
    }

    /// Takes back all records from `first` on: a new segment begins there, as far as there is room for one.
    /// Otherwise the next commit begins it.
    pub(super) fn overrule(&mut self, first: u64) {
        self.next = first;
        self.active = None;
        // Its own failure says nothing new.
        let _ = self.begin_segment();
    }

    fn room_for(&mut self, span: u64) -> Result<Active, CommitError> {
        if let Some(active) = self.active
            && active.at + span <= self.slots[active.slot].octets
        {
            return Ok(active);
        }
        self.begin_segment()
    }

    /// Goes on to a segment that begins with the next record.
    pub(super) fn begin_segment(&mut self) -> Result<Active, CommitError> {
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
        };
        let slot = &mut self.slots[index];
        slot.segment = Some(segment);
        slot.file
            .write_at(&segment.encode(), 0)
            .map_err(failed("write", &slot.name))?;
        slot.file.sync().map_err(failed("sync", &slot.name))?;
        let active = Active {
            slot: index,
            at: FIRST_RECORD as u64,
        };
        self.active = Some(active);
        self.keep_space();
        self.begin_checkpoint_if_worth_it();
        Ok(active)
    }
}

/// Rows of a record at most: a record is checked, and lost, as a whole.
const MOST_ROWS: usize = 16_384;
