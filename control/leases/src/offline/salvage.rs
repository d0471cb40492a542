//! Everything in a damaged store that is still what was written.
//!
//! Rows of all whole blocks and records are taken, those of earlier uses of the files too, in the order in
//! which they were written; the last of each set counts. A row that is older than something that was lost
//! may have been overruled by it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use super::OfflineError;
use crate::checkpoint::Block;
use crate::checkpoint::Checkpoint;
use crate::checkpoint::NAMES;
use crate::checkpoint::blocks_anywhere;
use crate::disk::Disk;
use crate::disk::failed;
use crate::journal::Segment;
use crate::journal::number_of;
use crate::journal::records_anywhere;
use crate::sector::Sector;
use crate::survey::OpenError;
use crate::survey::whole;
use crate::version;

/// Rows that were written together.
pub(super) struct Piece {
    /// The record that they came with, or the last that their checkpoint has.
    pub(super) sequence: u64,
    /// By how much the clock had been set.
    pub(super) shift_ms: i64,
    pub(super) rows: Vec<u8>,
}

/// What is left of a store.
#[derive(Default)]
pub(super) struct Salvage {
    /// In the order in which they were written.
    pub(super) pieces: Vec<Piece>,
    /// The last record that may be lost; rows of no later one are in doubt.
    pub(super) lost_until: u64,
    /// Records that are not there.
    pub(super) lost_records: u64,
    /// Blocks of the checkpoint that are not there.
    pub(super) lost_blocks: u64,
}

/// What a file says of itself.
struct Contents {
    segment: Option<Segment>,
    checkpoint: Option<Checkpoint>,
    octets: Vec<u8>,
}

/// Reads all files.
pub(super) fn salvage(disk: &dyn Disk) -> Result<Salvage, OfflineError> {
    let files = read(disk)?;
    let Some(store) = store_of(&files) else {
        return Ok(Salvage::default());
    };
    let mut salvage = Salvage::default();
    let newest = files
        .iter()
        .filter_map(|file| file.checkpoint.filter(|c| c.store == store))
        .max_by_key(|checkpoint| checkpoint.generation);
    let blocks = take_blocks(&files, store, &mut salvage);
    let records = take_records(&files, store, &mut salvage);
    // From where on records must be there: without a checkpoint, from the first on.
    let covers = newest.map_or(1, |checkpoint| checkpoint.covers);
    if let Some(newest) = newest {
        let there = blocks.get(&newest.generation).copied().unwrap_or(0);
        salvage.lost_blocks = newest.blocks.saturating_sub(there);
        if salvage.lost_blocks > 0 {
            // What is older than the checkpoint and its last record may be what a lost block has overruled.
            salvage.lost_until = covers.saturating_sub(2);
        }
    }
    let mut expected = covers;
    for sequence in records.range(covers..).copied() {
        if sequence > expected {
            salvage.lost_until = sequence - 1;
            salvage.lost_records += sequence - expected;
        }
        expected = sequence + 1;
    }
    salvage.pieces.sort_by_key(|piece| piece.sequence);
    Ok(salvage)
}

fn read(disk: &dyn Disk) -> Result<Vec<Contents>, OfflineError> {
    let names = disk.list().map_err(failed("list", "the lease store"))?;
    let mut files = Vec::new();
    for name in names {
        if number_of(&name).is_none() && !NAMES.contains(&name.as_str()) {
            continue;
        }
        let file = disk.open(&name).map_err(failed("open", &name))?;
        let octets = whole(&*file, &name)?;
        let header: Option<&Sector> = octets.first_chunk();
        let segment = header.and_then(Segment::decode);
        let checkpoint = header.and_then(Checkpoint::decode);
        let versions = [segment.map(|s| s.version), checkpoint.map(|c| c.version)];
        for version in versions.into_iter().flatten() {
            if !version::is_known(version) {
                return Err(OpenError::Version {
                    file: name,
                    version,
                }
                .into());
            }
        }
        files.push(Contents {
            segment,
            checkpoint,
            octets,
        });
    }
    Ok(files)
}

/// The store that most of the pieces belong to.
fn store_of(files: &[Contents]) -> Option<u64> {
    let mut votes: HashMap<u64, usize> = HashMap::new();
    for file in files {
        let records = records_anywhere(&file.octets, 0).map(|found| found.record.store);
        let blocks = blocks_anywhere(&file.octets).map(|(block, _)| block.store);
        for store in records.chain(blocks) {
            *votes.entry(store).or_default() += 1;
        }
    }
    let most = votes.into_iter().max_by_key(|(_, votes)| *votes);
    most.map(|(store, _)| store)
}

/// Takes the rows of all blocks, and counts those of each checkpoint.
fn take_blocks(files: &[Contents], store: u64, salvage: &mut Salvage) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for file in files {
        let version = file.checkpoint.map_or(version::VERSION, |c| c.version);
        for (block, rows) in blocks_anywhere(&file.octets) {
            let Block {
                generation,
                covers,
                shift_ms,
                ..
            } = block;
            let Ok(rows) = version::upgraded(rows, version) else {
                continue;
            };
            if block.store == store {
                *counts.entry(generation).or_default() += 1;
                salvage.pieces.push(Piece {
                    sequence: covers.saturating_sub(1),
                    shift_ms,
                    rows: rows.into_owned(),
                });
            }
        }
    }
    counts
}

/// Takes the rows of all records but those that a later segment has overruled.
fn take_records(files: &[Contents], store: u64, salvage: &mut Salvage) -> BTreeSet<u64> {
    let mut best: BTreeMap<u64, (u64, Piece)> = BTreeMap::new();
    for file in files {
        let number = file.segment.map_or(0, |segment| segment.number);
        let version = file.segment.map_or(version::VERSION, |s| s.version);
        let end = files
            .iter()
            .filter_map(|other| other.segment)
            .filter(|other| number > 0 && other.store == store && other.number > number)
            .map(|other| other.first)
            .min();
        for found in records_anywhere(&file.octets, 0) {
            let sequence = found.record.sequence;
            let Ok(rows) = version::upgraded(found.rows, version) else {
                continue;
            };
            // What an earlier use has left may have failed.
            let is_left = file.segment.is_none_or(|s| s.tag != found.record.tag);
            let number = if is_left { 0 } else { number };
            let is_overruled = end.is_some_and(|end| sequence >= end)
                || best
                    .get(&sequence)
                    .is_some_and(|(other, _)| *other > number);
            if found.record.store == store && !is_overruled {
                let piece = Piece {
                    sequence,
                    shift_ms: found.record.shift_ms,
                    rows: rows.into_owned(),
                };
                best.insert(sequence, (number, piece));
            }
        }
    }
    let sequences = best.keys().copied().collect();
    salvage
        .pieces
        .extend(best.into_values().map(|(_, piece)| piece));
    sequences
}
