//! The headers of a checkpoint and of its blocks.
//!
//! Invariant: a block names its checkpoint and its own number, so that one that an earlier checkpoint left
//! in the file never counts.

use crate::octets::count_at;
use crate::octets::difference_at;
use crate::octets::put;
use crate::octets::u32_at;
use crate::octets::u64_at;
use crate::sector;
use crate::sector::FIELDS;
use crate::sector::Sector;

/// What a checkpoint's header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Checkpoint {
    /// The version of the format it is in.
    pub(crate) version: u32,
    /// The store that it belongs to.
    pub(crate) store: u64,
    /// Its number; the highest counts.
    pub(crate) generation: u64,
    /// The first record that is not in it.
    pub(crate) covers: u64,
    /// When the last record in it was committed.
    pub(crate) utc_ms: u64,
    /// By how much the clock had been set until then.
    pub(crate) shift_ms: i64,
    /// The epoch then.
    pub(crate) epoch_s: u32,
    /// Journal files that there were when it was made.
    pub(crate) slots: u32,
    /// Its number of rows.
    pub(crate) rows: u64,
    /// Its number of blocks.
    pub(crate) blocks: u64,
    /// Octets of all of it, this header included.
    pub(crate) octets: u64,
}

impl Checkpoint {
    /// The header.
    pub(crate) fn encode(&self) -> Sector {
        let mut header = sector::begin(MAGIC, self.version);
        put(&mut header, FIELDS, &self.store.to_le_bytes());
        put(&mut header, FIELDS + 8, &self.generation.to_le_bytes());
        put(&mut header, FIELDS + 16, &self.covers.to_le_bytes());
        put(&mut header, FIELDS + 24, &self.utc_ms.to_le_bytes());
        put(&mut header, FIELDS + 32, &self.shift_ms.to_le_bytes());
        put(&mut header, FIELDS + 40, &self.rows.to_le_bytes());
        put(&mut header, FIELDS + 48, &self.blocks.to_le_bytes());
        put(&mut header, FIELDS + 56, &self.octets.to_le_bytes());
        put(&mut header, FIELDS + 64, &self.epoch_s.to_le_bytes());
        put(&mut header, FIELDS + 68, &self.slots.to_le_bytes());
        sector::finish(&mut header);
        header
    }

    /// The header, if that is what it is; in an unknown version its fields mean nothing.
    pub(crate) fn decode(header: &Sector) -> Option<Self> {
        Some(Self {
            version: sector::version(header, MAGIC)?,
            store: u64_at(header, FIELDS),
            generation: count_at(header, FIELDS + 8),
            covers: count_at(header, FIELDS + 16),
            utc_ms: count_at(header, FIELDS + 24),
            shift_ms: difference_at(header, FIELDS + 32),
            rows: count_at(header, FIELDS + 40),
            blocks: count_at(header, FIELDS + 48),
            octets: count_at(header, FIELDS + 56),
            epoch_s: u32_at(header, FIELDS + 64),
            slots: u32_at(header, FIELDS + 68),
        })
    }
}

/// What a block's header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Block {
    /// The store that it belongs to.
    pub(crate) store: u64,
    /// The checkpoint that it belongs to.
    pub(crate) generation: u64,
    /// The first record that is not in that checkpoint.
    pub(crate) covers: u64,
    /// By how much the clock had been set when its times were right.
    pub(crate) shift_ms: i64,
    /// Its place.
    pub(crate) number: u32,
    /// Octets of its rows.
    pub(crate) octets: u32,
    /// Checksum of its rows.
    pub(crate) checksum: u32,
}

impl Block {
    /// The header as it stands in front of the rows.
    pub(crate) fn encode(&self) -> [u8; BLOCK_HEADER] {
        let mut header = [0; BLOCK_HEADER];
        put(&mut header, 0, &BLOCK_MAGIC);
        put(&mut header, 8, &self.store.to_le_bytes());
        put(&mut header, 16, &self.generation.to_le_bytes());
        put(&mut header, 24, &self.covers.to_le_bytes());
        put(&mut header, 32, &self.shift_ms.to_le_bytes());
        put(&mut header, 40, &self.number.to_le_bytes());
        put(&mut header, 44, &self.octets.to_le_bytes());
        put(&mut header, 48, &self.checksum.to_le_bytes());
        let checksum = crc32fast::hash(&header[8..]);
        put(&mut header, 4, &checksum.to_le_bytes());
        header
    }

    /// The header that `octets` begin with, if they do.
    pub(crate) fn decode(octets: &[u8]) -> Option<Self> {
        let header = octets.get(..BLOCK_HEADER)?;
        if !header.starts_with(&BLOCK_MAGIC) || u32_at(header, 4) != crc32fast::hash(&header[8..]) {
            return None;
        }
        Some(Self {
            store: u64_at(header, 8),
            generation: count_at(header, 16),
            covers: count_at(header, 24),
            shift_ms: difference_at(header, 32),
            number: u32_at(header, 40),
            octets: u32_at(header, 44),
            checksum: u32_at(header, 48),
        })
    }
}

/// The two files.
pub(crate) const NAMES: [&str; 2] = ["checkpoint.0", "checkpoint.1"];

/// Where blocks begin.
pub(crate) const FIRST_BLOCK: u64 = 4096;

/// Octets of a block's header.
pub(crate) const BLOCK_HEADER: usize = 56;

/// What a block begins with.
pub(super) const BLOCK_MAGIC: [u8; 4] = *b"\x91LwB";
const MAGIC: [u8; 8] = *b"LWAFTRC\0";
