//! Reading a checkpoint, row by row and one block in memory.

use std::borrow::Cow;
use std::sync::Arc;

use super::header::BLOCK_HEADER;
use super::header::BLOCK_MAGIC;
use super::header::Block;
use super::header::Checkpoint;
use super::header::FIRST_BLOCK;
use crate::disk::DiskFile;
use crate::disk::failed;
use crate::encoding;
use crate::fault::Fault;
use crate::fault::Flaw;
use crate::fault::ReadError;
use crate::journal::padded;
use crate::version;

/// A checkpoint that is being read.
pub(crate) struct Reader {
    file: Arc<dyn DiskFile>,
    name: &'static str,
    checkpoint: Checkpoint,
    file_octets: u64,
    block: Vec<u8>,
    /// The present row.
    row: std::ops::Range<usize>,
    next_block: u64,
    next_at: u64,
}

impl Reader {
    /// A reader in front of the first row.
    pub(crate) fn new(
        file: Arc<dyn DiskFile>,
        name: &'static str,
        checkpoint: Checkpoint,
    ) -> Result<Self, ReadError> {
        let file_octets = file.octets().map_err(failed("look at", name))?;
        let mut reader = Self {
            file,
            file_octets,
            name,
            checkpoint,
            block: Vec::new(),
            row: 0..0,
            next_block: 0,
            next_at: FIRST_BLOCK,
        };
        reader.advance()?;
        Ok(reader)
    }

    /// The present row; `None` behind the last.
    pub(crate) fn row(&self) -> Option<&[u8]> {
        self.block
            .get(self.row.clone())
            .filter(|row| !row.is_empty())
    }

    /// By how much the clock had been set when the times were right.
    pub(crate) const fn shift_ms(&self) -> i64 {
        self.checkpoint.shift_ms
    }

    /// Goes on to the next row.
    pub(crate) fn advance(&mut self) -> Result<(), ReadError> {
        let mut at = self.row.end;
        if at >= self.block.len() {
            self.row = 0..0;
            self.block.clear();
            if self.next_block == self.checkpoint.blocks {
                return Ok(());
            }
            self.load()?;
            at = 0;
        }
        match encoding::first(&self.block[at..]) {
            Ok(row) => {
                self.row = at..at + row.len();
                Ok(())
            }
            Err(_) => Err(self.fault(Flaw::BadRow)),
        }
    }

    fn load(&mut self) -> Result<(), ReadError> {
        let damaged = Flaw::DamagedBlock {
            block: self.next_block,
        };
        let mut header = [0; BLOCK_HEADER];
        self.read(&mut header, self.next_at)?;
        let block = Block::decode(&header).filter(|block| {
            block.store == self.checkpoint.store
                && block.generation == self.checkpoint.generation
                && u64::from(block.number) == self.next_block
                && block.octets > 0
                && self.next_at + u64::from(block.octets) <= self.file_octets
        });
        let Some(block) = block else {
            return Err(self.fault(damaged));
        };
        let mut rows = std::mem::take(&mut self.block);
        rows.resize(block.octets as usize, 0);
        self.read(&mut rows, self.next_at + BLOCK_HEADER as u64)?;
        self.block = rows;
        if crc32fast::hash(&self.block) != block.checksum {
            return Err(self.fault(damaged));
        }
        let length = self.block.len();
        match version::upgraded(&self.block, self.checkpoint.version) {
            Ok(Cow::Borrowed(_)) => {}
            Ok(Cow::Owned(rows)) => self.block = rows,
            Err(_) => return Err(self.fault(Flaw::BadRow)),
        }
        self.next_at += padded(BLOCK_HEADER + length) as u64;
        self.next_block += 1;
        Ok(())
    }

    /// What lies behind the file's end is 0, which no checksum fits.
    fn read(&self, buffer: &mut [u8], at: u64) -> Result<(), ReadError> {
        self.file
            .read_at(buffer, at)
            .map_err(failed("read", self.name))?;
        Ok(())
    }

    fn fault(&self, flaw: Flaw) -> ReadError {
        ReadError::Fault(Fault {
            file: self.name.to_owned(),
            at: self.next_at,
            flaw,
        })
    }
}

/// All whole blocks, wherever they stand, with their rows.
pub(crate) fn blocks_anywhere(octets: &[u8]) -> impl Iterator<Item = (Block, &[u8])> {
    (0..octets.len()).step_by(8).filter_map(|at| {
        let rest = octets.get(at..)?;
        if !rest.starts_with(&BLOCK_MAGIC) {
            return None;
        }
        let block = Block::decode(rest)?;
        let rows = rest.get(BLOCK_HEADER..)?.get(..block.octets as usize)?;
        (crc32fast::hash(rows) == block.checksum).then_some((block, rows))
    })
}
