//! Checkpoints: all rows that count up to some record, sorted by set.
//!
//! Two files take turns. The one that is being written has no valid header until all of it is durable, so
//! that one good checkpoint is there at any time, and both keep the room that the next one can need.
//!
//! ```text
//!  checkpoint.0 ┌────────┬─────────┬─────────┬─────┐
//!               │ header │ block 0 │ block 1 │  …  │   rows in order, a checksum for each block
//!               └────────┴─────────┴─────────┴─────┘
//! ```

mod header;
mod read;
mod write;

#[cfg(test)]
pub(crate) use header::BLOCK_HEADER;
pub(crate) use header::Block;
pub(crate) use header::Checkpoint;
pub(crate) use header::FIRST_BLOCK;
pub(crate) use header::NAMES;
pub(crate) use read::Reader;
pub(crate) use read::blocks_anywhere;
pub(crate) use write::Writer;
