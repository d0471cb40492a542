//! The roster: which lwB4s have leases and where they ask from, in a file apart from the lease store, so
//! that they can be told when that is lost (PC-142, PC-146, FO-015).
//!
//! ```text
//!  granted, moved, asked from another port ─► appended ─┐      file.next, of all leases, takes the
//!                                                       ▼      place of the file when it is longer
//!  header │ mark │ mark │ peer │ BR │ peer │ … │ peer │ …      than they need, and at every start
//! ```
//!
//! It is written behind the answers: what it lacks of the last second, ICMPv6 1/5 makes good. Nothing in it
//! is needed to serve, so nothing that is wrong with it keeps the daemon from starting. Each record has a
//! checksum of its own, and what can be read counts.
//!
//! Invariant: the mark names a position of the lease store that was durable when it was written. A store
//! that is not there, or not as far, has lost leases.

mod file;
mod judge;
mod peer;
mod read;
mod record;
#[cfg(test)]
mod tests;

pub use file::Roster;
pub use judge::Loss;
pub use peer::Peer;
pub use peer::Peers;
pub use read::Glance;
pub use read::Loaded;
pub use read::RosterError;
pub use read::glance;
pub use read::load;
pub use record::Mark;
