//! Space: a spare journal file, and as much reserved for both checkpoints as they can ever need.
//!
//! While there is room for sets never seen, this holds: each checkpoint file has space for all rows of the
//! last checkpoint and of a whole journal. Sets that are known need no more than that, so that their leases
//! can be refreshed for ever on a device that is full.

use super::FileStore;
use super::Use;
use crate::checkpoint::FIRST_BLOCK;
use crate::checkpoint::NAMES;
use crate::disk::DiskError;
use crate::disk::failed;
use crate::journal::file_name;
use crate::store::CommitError;
use crate::store::Room;
use crate::survey::Slot;

impl FileStore {
    /// Keeps the space that is wanted, and says whether there is room.
    pub(super) fn keep_space(&mut self) {
        let mut kept = self.reserve_checkpoints();
        if kept.is_ok()
            && self.free_slot().is_none()
            && self.slots.len() < self.options.max_segments
        {
            kept = self.add_slot();
            if kept.is_ok() {
                kept = self.reserve_checkpoints();
            }
        }
        self.room = match &kept {
            Ok(()) => Room::Open,
            Err(_) => Room::OnlyKnownSets,
        };
        self.troubles.space = kept.err().map(|error| error.to_string());
    }

    /// The free journal file that was used longest ago.
    pub(super) fn free_slot(&self) -> Option<usize> {
        let free = (0..self.slots.len()).filter(|index| self.use_of[*index] == Use::Free);
        free.min_by_key(|index| self.slots[*index].segment.map_or(0, |s| s.number))
    }

    /// Gets a free journal file where there is none: a new one, or one that a checkpoint sets free.
    pub(super) fn make_slot_free(&mut self) -> Result<usize, CommitError> {
        let mut refused = None;
        if self.slots.len() < self.options.max_segments {
            match self.add_slot() {
                Ok(()) => self.keep_space(),
                Err(error) => {
                    self.room = Room::OnlyKnownSets;
                    refused = Some(error);
                }
            }
        }
        if self.free_slot().is_none() {
            self.finish_checkpoint();
        }
        if self.free_slot().is_none() {
            self.begin_checkpoint();
            self.finish_checkpoint();
        }
        match (self.free_slot(), refused) {
            (Some(index), _) => Ok(index),
            (None, Some(error)) => Err(error.into()),
            (None, None) => Err(CommitError::Full),
        }
    }

    /// Adds a journal file.
    pub(super) fn add_slot(&mut self) -> Result<(), DiskError> {
        let name = file_name(self.slots.len());
        let file = self.disk.open(&name).map_err(failed("make", &name))?;
        file.reserve(self.options.segment_octets)
            .map_err(failed("reserve space for", &name))?;
        file.sync().map_err(failed("sync", &name))?;
        self.disk
            .sync_names()
            .map_err(failed("make durable", &name))?;
        let octets = file.octets().map_err(failed("look at", &name))?;
        self.slots.push(Slot {
            name,
            file,
            octets,
            segment: None,
        });
        self.use_of.push(Use::Free);
        Ok(())
    }

    fn reserve_checkpoints(&mut self) -> Result<(), DiskError> {
        let needed = self.checkpoint_need();
        for (place, name) in NAMES.into_iter().enumerate() {
            if self.reserved[place] < needed {
                let file = &self.checkpoint_files[place];
                file.reserve(needed)
                    .and_then(|()| file.sync())
                    .map_err(failed("reserve space for", name))?;
                self.reserved[place] = needed;
            }
        }
        Ok(())
    }

    /// Octets of the largest checkpoint that can come: a record's header makes up for a block's, and the
    /// segment more is for a commit that is on its way while the space is measured.
    fn checkpoint_need(&self) -> u64 {
        let last = self.checkpoint.map_or(FIRST_BLOCK, |(_, c)| c.octets);
        let journal: u64 = self.slots.iter().map(|slot| slot.octets).sum();
        let all = last + journal + self.options.segment_octets;
        all + all / 16 + FIRST_BLOCK
    }
}
