//! Writing a checkpoint, row by row in the order of their sets.
//!
//! Invariant: the header is written when everything else is durable. Until then the file holds no
//! checkpoint, whatever happens.

use std::sync::Arc;

use super::header::BLOCK_HEADER;
use super::header::Block;
use super::header::Checkpoint;
use super::header::FIRST_BLOCK;
use crate::disk::DiskError;
use crate::disk::DiskFile;
use crate::disk::failed;
use crate::journal::padded;
use crate::octets::put;
use crate::sector::SECTOR;

/// A checkpoint that is being written.
pub(crate) struct Writer {
    file: Arc<dyn DiskFile>,
    name: &'static str,
    checkpoint: Checkpoint,
    block: Vec<u8>,
    block_octets: usize,
    unsynced: u64,
}

impl Writer {
    /// Begins a checkpoint that will be as `checkpoint` says but for its size.
    pub(crate) fn begin(
        file: Arc<dyn DiskFile>,
        name: &'static str,
        checkpoint: Checkpoint,
        block_octets: usize,
    ) -> Result<Self, DiskError> {
        file.write_at(&[0; SECTOR], 0)
            .map_err(failed("write", name))?;
        file.sync().map_err(failed("sync", name))?;
        Ok(Self {
            file,
            name,
            checkpoint: Checkpoint {
                rows: 0,
                blocks: 0,
                octets: FIRST_BLOCK,
                ..checkpoint
            },
            block: vec![0; BLOCK_HEADER],
            block_octets,
            unsynced: 0,
        })
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: &[u8]) -> Result<(), DiskError> {
        if self.block.len() + row.len() > self.block_octets && self.block.len() > BLOCK_HEADER {
            self.write_block()?;
        }
        self.block.extend_from_slice(row);
        self.checkpoint.rows += 1;
        Ok(())
    }

    /// Makes it the checkpoint that counts.
    pub(crate) fn finish(mut self) -> Result<Checkpoint, DiskError> {
        if self.block.len() > BLOCK_HEADER {
            self.write_block()?;
        }
        self.sync()?;
        self.file
            .write_at(&self.checkpoint.encode(), 0)
            .map_err(failed("write", self.name))?;
        self.sync()?;
        Ok(self.checkpoint)
    }

    fn write_block(&mut self) -> Result<(), DiskError> {
        let rows = &self.block[BLOCK_HEADER..];
        let header = Block {
            store: self.checkpoint.store,
            generation: self.checkpoint.generation,
            covers: self.checkpoint.covers,
            shift_ms: self.checkpoint.shift_ms,
            number: self.checkpoint.blocks as u32,
            octets: rows.len() as u32,
            checksum: crc32fast::hash(rows),
        };
        put(&mut self.block, 0, &header.encode());
        self.block.resize(padded(self.block.len()), 0);
        self.file
            .write_at(&self.block, self.checkpoint.octets)
            .map_err(failed("write", self.name))?;
        self.checkpoint.octets += self.block.len() as u64;
        self.checkpoint.blocks += 1;
        self.unsynced += self.block.len() as u64;
        self.block.truncate(BLOCK_HEADER);
        if self.unsynced > SYNC_OCTETS {
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), DiskError> {
        self.unsynced = 0;
        self.file.sync().map_err(failed("sync", self.name))
    }
}

/// Written at once; more would make commits wait behind it on the device.
const SYNC_OCTETS: u64 = 8 << 20;
