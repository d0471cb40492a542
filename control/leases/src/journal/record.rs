//! A record: what one commit stores, or with no rows, that the clocks went on.
//!
//! Invariant: header and rows have a checksum each, so that a length is believed before rows are read. A record
//! belongs to one use of its file, and says which records before it were durable when it was written.

use super::segment::Tag;
use crate::octets::array_at;
use crate::octets::count_at;
use crate::octets::difference_at;
use crate::octets::put;
use crate::octets::u32_at;
use crate::octets::u64_at;

/// What a record's header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Record {
    /// The store that it belongs to.
    pub(crate) store: u64,
    /// Its number; numbers have no gaps.
    pub(crate) sequence: u64,
    /// When it was committed.
    pub(crate) utc_ms: u64,
    /// By how much the clock had been set until then, all in all.
    pub(crate) shift_ms: i64,
    /// The epoch then.
    pub(crate) epoch_s: u32,
    /// Journal files that there were then.
    pub(crate) slots: u32,
    /// Its number of rows.
    pub(crate) rows: u32,
    /// Octets of its rows.
    pub(crate) octets: u32,
    /// Checksum of its rows.
    pub(crate) checksum: u32,
    /// Records before it that were on their way to the disk when it was written; [`u8::MAX`] where there were more
    /// than can be told, and none in files of a program that wrote one at a time.
    pub(crate) in_flight: u8,
    /// The tag of its segment.
    pub(crate) tag: Tag,
}

impl Record {
    /// The number of a record before which all had been durable when this one was written.
    pub(crate) const fn proven(&self) -> u64 {
        match self.in_flight {
            u8::MAX => 0,
            in_flight => self.sequence.saturating_sub(in_flight as u64),
        }
    }

    /// The header as it stands in front of the rows.
    pub(crate) fn encode(&self) -> [u8; RECORD_HEADER] {
        let mut header = [0; RECORD_HEADER];
        put(&mut header, 0, &MAGIC);
        put(&mut header, 8, &self.store.to_le_bytes());
        put(&mut header, 16, &self.sequence.to_le_bytes());
        put(&mut header, 24, &self.utc_ms.to_le_bytes());
        put(&mut header, 32, &self.shift_ms.to_le_bytes());
        put(&mut header, 40, &self.epoch_s.to_le_bytes());
        put(&mut header, 44, &self.slots.to_le_bytes());
        put(&mut header, 48, &self.rows.to_le_bytes());
        put(&mut header, 52, &self.octets.to_le_bytes());
        put(&mut header, 56, &self.checksum.to_le_bytes());
        put(&mut header, 60, &[self.in_flight]);
        put(&mut header, 61, &self.tag);
        let checksum = crc32fast::hash(&header[8..]);
        put(&mut header, 4, &checksum.to_le_bytes());
        header
    }

    /// The header that `octets` begin with, if they do.
    pub(crate) fn decode(octets: &[u8]) -> Option<Self> {
        let header = octets.get(..RECORD_HEADER)?;
        if !header.starts_with(&MAGIC) || u32_at(header, 4) != crc32fast::hash(&header[8..]) {
            return None;
        }
        Some(Self {
            store: u64_at(header, 8),
            sequence: count_at(header, 16),
            utc_ms: count_at(header, 24),
            shift_ms: difference_at(header, 32),
            epoch_s: u32_at(header, 40),
            slots: u32_at(header, 44),
            rows: u32_at(header, 48),
            octets: u32_at(header, 52),
            checksum: u32_at(header, 56),
            in_flight: header[60],
            tag: array_at(header, 61),
        })
    }

    /// The rows of the record that `octets` begin with, if they are all there.
    pub(crate) fn rows_in<'a>(&self, octets: &'a [u8]) -> Option<&'a [u8]> {
        let rows = octets.get(RECORD_HEADER..)?.get(..self.octets as usize)?;
        (crc32fast::hash(rows) == self.checksum).then_some(rows)
    }

    /// Octets from this record to the next.
    pub(crate) const fn span(&self) -> usize {
        padded(RECORD_HEADER + self.octets as usize)
    }
}

/// Where the next record may begin.
pub(crate) const fn padded(octets: usize) -> usize {
    octets.next_multiple_of(ALIGNMENT)
}

/// Octets of a record's header.
pub(crate) const RECORD_HEADER: usize = 64;

/// What places of records are multiples of.
pub(super) const ALIGNMENT: usize = 8;

/// What a record begins with.
pub(super) const MAGIC: [u8; 4] = *b"\x91LwR";
