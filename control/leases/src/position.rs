//! How far a store has come: which store it is, and the number of its last durable record.
//!
//! Invariant: the position of a store that goes on never falls. One that is behind a position which was once
//! told is an older copy, and one of another number is another store: leases were lost in between.

/// The position of a store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Position {
    /// The number that no other store has.
    pub store: u64,
    /// The number of the last durable record; 0 before the first.
    pub record: u64,
}
