//! A segment: one use of one journal file.

use crate::octets::array_at;
use crate::octets::count_at;
use crate::octets::put;
use crate::octets::u32_at;
use crate::octets::u64_at;
use crate::sector;
use crate::sector::FIELDS;
use crate::sector::Sector;

/// What a segment's header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Segment {
    /// The version of the format it is in.
    pub(crate) version: u32,
    /// The store that it belongs to.
    pub(crate) store: u64,
    /// Its number; later segments have higher ones.
    pub(crate) number: u64,
    /// The number of its first record, and so where the segment before it ends.
    pub(crate) first: u64,
    /// Octets of its file.
    pub(crate) octets: u64,
    /// Journal files that there were when it began.
    pub(crate) slots: u32,
    /// What its records are told by from those that earlier uses of the file have left, whose numbers may be the
    /// same when their commits failed; zeros in files of a program that reused no numbers.
    pub(crate) tag: Tag,
}

/// A number that no other use of a file is likely to have.
pub(crate) type Tag = [u8; 3];

impl Segment {
    /// The header.
    pub(crate) fn encode(&self) -> Sector {
        let mut header = sector::begin(MAGIC, self.version);
        put(&mut header, FIELDS, &self.store.to_le_bytes());
        put(&mut header, FIELDS + 8, &self.number.to_le_bytes());
        put(&mut header, FIELDS + 16, &self.first.to_le_bytes());
        put(&mut header, FIELDS + 24, &self.octets.to_le_bytes());
        put(&mut header, FIELDS + 32, &self.slots.to_le_bytes());
        put(&mut header, FIELDS + 36, &self.tag);
        sector::finish(&mut header);
        header
    }

    /// The header, if that is what it is; in an unknown version its fields mean nothing.
    pub(crate) fn decode(header: &Sector) -> Option<Self> {
        Some(Self {
            version: sector::version(header, MAGIC)?,
            store: u64_at(header, FIELDS),
            number: count_at(header, FIELDS + 8),
            first: count_at(header, FIELDS + 16),
            octets: count_at(header, FIELDS + 24),
            slots: u32_at(header, FIELDS + 32),
            tag: array_at(header, FIELDS + 36),
        })
    }
}

/// The name of journal file `slot`.
pub(crate) fn file_name(slot: usize) -> String {
    format!("{PREFIX}{slot:04}")
}

/// The number of a journal file.
pub(crate) fn number_of(name: &str) -> Option<usize> {
    name.strip_prefix(PREFIX)?.parse().ok()
}

/// Where records begin: the header has a block to itself, which no write of a record touches.
pub(crate) const FIRST_RECORD: usize = 4096;

/// The shortest file: a header and room for some records.
pub(crate) const SHORTEST: u64 = 4 * FIRST_RECORD as u64;

const PREFIX: &str = "journal.";
const MAGIC: [u8; 8] = *b"LWAFTRJ\0";
