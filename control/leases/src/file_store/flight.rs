//! Appends that are on their way to the disk.
//!
//! Invariant: they land in the order in which they were made. A flush that began behind several of them lands
//! all of them, and none lands when one before it fails.

use std::collections::VecDeque;

use crate::store::Turn;

/// Appends whose fate is open.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Of the last append; turns never come again.
    last: Turn,
    /// Of the last that is durable.
    landed: Turn,
    /// In order, each with its first record.
    open: VecDeque<(Turn, u64)>,
}

impl Flight {
    /// Adds an append that begins with record `first`.
    pub(super) fn depart(&mut self, first: u64) -> Turn {
        self.last = self.last.next();
        self.open.push_back((self.last, first));
        self.last
    }

    /// Everything up to `turn` is durable.
    pub(super) fn land(&mut self, turn: Turn) {
        self.landed = self.landed.max(turn);
        self.open.retain(|(open, _)| *open > turn);
    }

    /// Everything is durable.
    pub(super) fn land_all(&mut self) {
        if let Some((last, _)) = self.open.back() {
            self.land(*last);
        }
    }

    /// Nothing that is open will be durable.
    pub(super) fn give_up(&mut self) {
        self.open.clear();
    }

    /// The first record whose fate is open.
    pub(super) fn first_open(&self) -> Option<u64> {
        self.open.front().map(|(_, first)| *first)
    }

    /// The last append that is durable.
    pub(super) const fn landed(&self) -> Turn {
        self.landed
    }
}
