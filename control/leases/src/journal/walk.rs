//! Reading a segment: its records in order, and what stands behind them.
//!
//! Invariant: a record is given out only if it was written in this use of the file, its number is the expected
//! one and all of it is right.

use super::record::ALIGNMENT;
use super::record::MAGIC;
use super::record::Record;
use super::segment::FIRST_RECORD;
use super::segment::Segment;
use super::segment::Tag;
use crate::octets::u64_at;

/// A record in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    /// Where it begins.
    pub(crate) at: usize,
    /// Its header.
    pub(crate) record: Record,
    /// Its rows.
    pub(crate) rows: &'a [u8],
}

/// A walk over the records of a segment.
#[derive(Clone, Debug)]
pub(crate) struct Walk<'a> {
    octets: &'a [u8],
    store: u64,
    tag: Tag,
    at: usize,
    next: u64,
}

impl<'a> Walk<'a> {
    /// A walk over a file that `segment` is in.
    pub(crate) const fn new(octets: &'a [u8], segment: &Segment) -> Self {
        Self {
            octets,
            store: segment.store,
            tag: segment.tag,
            at: FIRST_RECORD,
            next: segment.first,
        }
    }

    /// Where the next record begins, or would.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// The number of the next record.
    pub(crate) const fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Whether a record was begun at the end and not finished.
    pub(crate) fn is_torn(&self) -> bool {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        rest.starts_with(&MAGIC) && u64_at(rest, 16) == self.next
    }

    /// Whole records further on that came later than the next one.
    pub(crate) fn later_records(&self) -> impl Iterator<Item = Record> {
        records_anywhere(self.octets, self.at)
            .map(|found| found.record)
            .filter(|record| self.has(record) && record.sequence > self.next)
    }

    fn has(&self, record: &Record) -> bool {
        record.store == self.store && record.tag == self.tag
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let rest = self.octets.get(self.at..)?;
        let record = Record::decode(rest)?;
        if !self.has(&record) || record.sequence != self.next {
            return None;
        }
        let rows = record.rows_in(rest)?;
        let at = self.at;
        self.at += record.span();
        self.next += 1;
        Some(Found { at, record, rows })
    }
}

/// All whole records from `start` on, wherever they stand.
pub(crate) fn records_anywhere(octets: &[u8], start: usize) -> impl Iterator<Item = Found<'_>> {
    (start..octets.len()).step_by(ALIGNMENT).filter_map(|at| {
        let rest = octets.get(at..)?;
        if !rest.starts_with(&MAGIC) {
            return None;
        }
        let record = Record::decode(rest)?;
        let rows = record.rows_in(rest)?;
        Some(Found { at, record, rows })
    })
}
