//! The first sector of a file: what it is, in which version of the format, and a checksum.
//!
//! Invariant: every version of the format keeps the magic, the version and the checksum where they are, so
//! that a newer file is known for what it is and never taken for a damaged one.

use crate::octets::put;
use crate::octets::u32_at;

/// Octets of a sector, which a disk writes whole or not at all.
pub(crate) const SECTOR: usize = 512;

/// A sector of a header.
pub(crate) type Sector = [u8; SECTOR];

/// An unfinished header; its own fields begin at [`FIELDS`].
pub(crate) fn begin(magic: [u8; 8], version: u32) -> Sector {
    let mut sector = [0; SECTOR];
    put(&mut sector, 0, &magic);
    put(&mut sector, 8, &version.to_le_bytes());
    sector
}

/// Puts the checksum into a header.
pub(crate) fn finish(sector: &mut Sector) {
    let checksum = crc32fast::hash(&sector[..CHECKSUM]);
    put(sector, CHECKSUM, &checksum.to_le_bytes());
}

/// The version of a header, if it is one.
pub(crate) fn version(sector: &Sector, magic: [u8; 8]) -> Option<u32> {
    let valid = sector.starts_with(&magic)
        && u32_at(sector, CHECKSUM) == crc32fast::hash(&sector[..CHECKSUM]);
    valid.then(|| u32_at(sector, 8))
}

/// Where a header's own fields begin.
pub(crate) const FIELDS: usize = 16;

const CHECKSUM: usize = SECTOR - 4;
