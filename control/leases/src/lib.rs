//! Leases that outlive the daemon.
//!
//! The book of `pcp` holds all leases in memory. Here, every group commit appends one checksummed record to a
//! journal and makes it durable; a background thread sums closed segments of the journal up in checkpoints.
//!
//! ```text
//!  commit ─► record ─► active segment ─┐ full                         ┌─► used again
//!                                      └─► closed segments ─┬─ merged ┤
//!                                          old checkpoint ──┘         └─► new checkpoint
//!
//!  open = the newest checkpoint, and over it all records since
//! ```
//!
//! Whoever drives it keeps this order:
//!
//! 1. [`FileStore::open`](file_store::FileStore::open): the clock is [started](clock::Clock::start) with the
//!    last commit, each row [goes into the book](refill::Refill), and where no row came the epoch begins;
//! 2. before a set is granted that is not in the book, [`LeaseStore::room`](store::LeaseStore::room) is asked;
//! 3. effects that wait together become [rows](row::Row::after) of one commit, and are taken back from the
//!    book when that fails;
//! 4. once a second the store is [tended](store::LeaseStore::tend), and leases expire by the monotonic clock,
//!    unless the moment is [unsettled](moment::Judgement::Unsettled).
//!
//! - [`store`]: what the daemon asks for, and [`file_store`] how it gets it;
//! - [`row`] and [`moment`]: what is stored, and in whose time;
//! - [`position`]: whether a store goes on from where it was last seen;
//! - [`clock`]: the time, and whether it may be believed;
//! - [`offline`]: checking, saving, restoring and moving a store that no daemon uses;
//! - [`disk`]: what lies under all this, so that tests can pull the plug.

mod checkpoint;
pub mod clock;
pub mod disk;
mod encoding;
pub mod fault;
pub mod file_store;
mod journal;
mod merge;
pub mod moment;
mod octets;
pub mod offline;
pub mod position;
pub mod refill;
pub mod row;
#[cfg(test)]
mod samples;
mod sector;
pub mod store;
mod survey;
#[cfg(test)]
mod tests;
mod version;
