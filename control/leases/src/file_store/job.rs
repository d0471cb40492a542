//! Making a checkpoint: what a background thread does, with no hold on the store.
//!
//! Invariant: it reads closed segments and the last checkpoint, which nobody writes to, and writes to the
//! checkpoint file that does not count.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::checkpoint::Checkpoint;
use crate::checkpoint::NAMES;
use crate::checkpoint::Writer;
use crate::disk::DiskFile;
use crate::disk::failed;
use crate::encoding;
use crate::fault::Fault;
use crate::fault::Flaw;
use crate::fault::ReadError;
use crate::journal::RECORD_HEADER;
use crate::journal::Walk;
use crate::merge::Batch;
use crate::survey::Chosen;
use crate::survey::Slot;
use crate::version;

/// A checkpoint to be made.
pub(super) struct Job {
    /// The last one.
    pub(super) old: Option<Chosen>,
    /// Closed segments, in order, each with the record that it ends before.
    pub(super) segments: Vec<(Slot, u64)>,
    /// What the new one is like, but for its size and its clocks.
    pub(super) new: Checkpoint,
    /// The file it goes to.
    pub(super) place: usize,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) block_octets: usize,
    /// Which rows may be left out.
    pub(super) over: Option<Over>,
}

/// Rows that are long over: their sets are free by any clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Over {
    /// Rows of sets that were free before this.
    pub(super) before_ms: u64,
    /// By how much the clock had been set that says so.
    pub(super) shift_ms: i64,
    /// How long sets rest after a lease.
    pub(super) quarantine_ms: u64,
}

impl Job {
    /// Makes the checkpoint.
    pub(super) fn run(self) -> Result<Checkpoint, ReadError> {
        let mut batch = Batch::default();
        let mut new = self.new;
        if let Some(old) = &self.old {
            new.utc_ms = old.checkpoint.utc_ms;
            new.epoch_s = old.checkpoint.epoch_s;
            new.shift_ms = old.checkpoint.shift_ms;
        }
        for (slot, end) in &self.segments {
            read_closed(slot, *end, &mut new, &mut batch)?;
        }
        let sorted = batch.sort(new.shift_ms);
        let reader = self.old.as_ref().map(Chosen::reader).transpose()?;
        let mut writer = Writer::begin(self.file, NAMES[self.place], new, self.block_octets)?;
        let over = self.over.map(|over| {
            let by_ms = new.shift_ms.saturating_sub(over.shift_ms);
            let before_ms = over.before_ms.saturating_add_signed(by_ms);
            (before_ms, over.quarantine_ms)
        });
        sorted.merge(reader, |row| {
            let is_over = over.is_some_and(|(before_ms, quarantine_ms)| {
                encoding::free_ms(row, quarantine_ms) < before_ms
            });
            if !is_over {
                writer.add(row)?;
            }
            Ok::<(), ReadError>(())
        })?;
        Ok(writer.finish()?)
    }
}

fn read_closed(
    slot: &Slot,
    end: u64,
    new: &mut Checkpoint,
    batch: &mut Batch,
) -> Result<(), ReadError> {
    let Some(segment) = slot.segment else {
        return Ok(());
    };
    let fault = |at: usize, flaw| Fault {
        file: slot.name.clone(),
        at: at as u64,
        flaw,
    };
    let length = slot.file.octets().map_err(failed("look at", &slot.name))?;
    let read = |octets: &mut [u8]| slot.file.read_at(octets, 0);
    let start = batch
        .add_octets(usize::try_from(length).unwrap_or_default(), read)
        .map_err(failed("read", &slot.name))?;
    let mut records = Vec::new();
    let octets = &batch.octets()[start..];
    let mut walk = Walk::new(octets, &segment);
    while walk.next_sequence() < end {
        let sequence = walk.next_sequence();
        let at = walk.at();
        let found = walk
            .next()
            .ok_or_else(|| fault(at, Flaw::DamagedRecord { sequence }))?;
        let rows = match version::upgraded(found.rows, segment.version) {
            Ok(Cow::Borrowed(rows)) => {
                let begin = start + at + RECORD_HEADER;
                Rows::InPlace(begin..begin + rows.len())
            }
            Ok(Cow::Owned(rows)) => Rows::Upgraded(rows),
            Err(_) => return Err(fault(at, Flaw::BadRow).into()),
        };
        records.push((at, rows, found.record.shift_ms));
        new.utc_ms = found.record.utc_ms;
        new.epoch_s = found.record.epoch_s;
        new.shift_ms = found.record.shift_ms;
    }
    for (at, rows, shift_ms) in records {
        let indexed = match rows {
            Rows::InPlace(range) => batch.index(range, shift_ms),
            Rows::Upgraded(rows) => batch.add(&rows, shift_ms),
        };
        indexed.map_err(|_| fault(at, Flaw::BadRow))?;
    }
    Ok(())
}

/// The rows of a record.
enum Rows {
    /// Where they were read to.
    InPlace(Range<usize>),
    /// In a form of their own.
    Upgraded(Vec<u8>),
}
