//! Appends that are on their way to the disk.
//!
//! Invariant: they land in the order in which they were made. A flush that began behind several of them lands
//! all of them, and none lands when one before it fails.

use std::collections::VecDeque;

use crate::store::Position;

/// Appends whose fate is open.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Of the last append; positions are never used again.
    last: Position,
    /// Of the last that is durable.
    landed: Position,
    /// In order, each with its first record.
    open: VecDeque<(Position, u64)>,
}

impl Flight {
    /// Adds an append that begins with record `first`.
    pub(super) fn depart(&mut self, first: u64) -> Position {
        self.last = self.last.next();
        self.open.push_back((self.last, first));
        self.last
    }

    /// Everything up to `position` is durable.
    pub(super) fn land(&mut self, position: Position) {
        self.landed = self.landed.max(position);
        self.open.retain(|(open, _)| *open > position);
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
    pub(super) const fn landed(&self) -> Position {
        self.landed
    }
}
