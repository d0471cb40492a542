//! The last row of every set, from a checkpoint and the records since, in the order of sets.
//!
//! Invariant: rows of records are kept whole in memory, once, and sorted by set and age; the checkpoint streams by.

use std::ops::Range;

use crate::checkpoint::Reader;
use crate::encoding;
use crate::encoding::RowError;
use crate::fault::ReadError;

/// Rows of records, to be sorted.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    rows: Vec<u8>,
    places: Vec<Place>,
    /// From which place on which shift was right.
    shifts: Vec<(usize, i64)>,
}

/// Where a row is; ordered by set, then by age.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Place {
    key: u64,
    at: usize,
}

impl Batch {
    /// Adds the rows of the next record.
    pub(crate) fn add(&mut self, rows: &[u8], shift_ms: i64) -> Result<(), RowError> {
        let start = self.rows.len();
        self.rows.extend_from_slice(rows);
        self.index(start..self.rows.len(), shift_ms)
    }

    /// Adds octets that have rows somewhere, as many as `read` puts into them; returns where they begin.
    pub(crate) fn add_octets<E>(
        &mut self,
        count: usize,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let start = self.rows.len();
        self.rows.resize(start + count, 0);
        let read = read(&mut self.rows[start..])?;
        self.rows.truncate(start + read);
        Ok(start)
    }

    /// All octets so far.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.rows
    }

    /// Says that the next record's rows are at `range`, which is among the octets that were added last.
    pub(crate) fn index(&mut self, range: Range<usize>, shift_ms: i64) -> Result<(), RowError> {
        if self.shifts.last().is_none_or(|(_, last)| *last != shift_ms) {
            self.shifts.push((range.start, shift_ms));
        }
        let mut at = range.start;
        while at < range.end {
            let row = encoding::first(&self.rows[at..range.end])?;
            self.places.push(Place {
                key: encoding::key(row),
                at,
            });
            at += row.len();
        }
        Ok(())
    }

    /// Sorts, leaves only the last row of each set, and makes times right for `shift_ms`.
    pub(crate) fn sort(mut self, shift_ms: i64) -> Sorted {
        self.places.sort_unstable();
        self.places.dedup_by(|later, earlier| {
            let same = later.key == earlier.key;
            if same {
                earlier.at = later.at;
            }
            same
        });
        if self.shifts.iter().any(|(_, old)| *old != shift_ms) {
            for place in &self.places {
                let since = self.shifts.partition_point(|(from, _)| *from <= place.at);
                let old = since.checked_sub(1).map_or(shift_ms, |i| self.shifts[i].1);
                encoding::shift(&mut self.rows[place.at..], shift_ms - old);
            }
        }
        Sorted {
            rows: self.rows,
            places: self.places,
            shift_ms,
        }
    }
}

/// The last rows of sets, in order.
#[derive(Debug)]
pub(crate) struct Sorted {
    rows: Vec<u8>,
    places: Vec<Place>,
    shift_ms: i64,
}

impl Sorted {
    /// Gives the last row of every set to `sink`, from here and from `checkpoint`, which is older.
    pub(crate) fn merge<E: From<ReadError>>(
        &self,
        mut checkpoint: Option<Reader>,
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for place in &self.places {
            if let Some(reader) = &mut checkpoint {
                self.drain(reader, Some(place.key), &mut sink)?;
            }
            if let Ok(row) = encoding::first(&self.rows[place.at..]) {
                sink(row)?;
            }
        }
        match &mut checkpoint {
            Some(reader) => self.drain(reader, None, &mut sink),
            None => Ok(()),
        }
    }

    /// Gives out the checkpoint's rows of sets before `key`, and leaves out that of `key`.
    fn drain<E: From<ReadError>>(
        &self,
        reader: &mut Reader,
        key: Option<u64>,
        sink: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let by_ms = self.shift_ms - reader.shift_ms();
        while let Some(row) = reader.row() {
            let here = encoding::key(row);
            match key {
                Some(key) if here > key => break,
                Some(key) if here == key => {}
                _ if by_ms == 0 => sink(row)?,
                _ => {
                    let mut shifted = row.to_vec();
                    encoding::shift(&mut shifted, by_ms);
                    sink(&shifted)?;
                }
            }
            reader.advance()?;
        }
        Ok(())
    }
}
