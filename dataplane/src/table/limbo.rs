//! What has been unlinked and waits until no worker can see it any more: first in, first out.

use std::collections::VecDeque;
use std::ptr::NonNull;

use super::discard::Discard;
use super::domain::Epoch;
use super::root::Table;

/// Something retired.
#[derive(Debug)]
pub(super) enum Retired {
    /// A piece of the current table.
    Piece(Discard),
    /// A whole table that a reload has displaced.
    Table(Displaced),
}

/// A table that is current no more; its end is the end of this value.
///
/// A pointer and not a box, because workers may look at the table while this moves.
#[derive(Debug)]
pub(super) struct Displaced(NonNull<Table>);

// SAFETY: it owns a `Table`, which is `Send`.
unsafe impl Send for Displaced {}

impl Displaced {
    /// Takes over a table that came from `Box::into_raw`.
    pub(super) const fn new(table: NonNull<Table>) -> Self {
        Self(table)
    }
}

impl Drop for Displaced {
    fn drop(&mut self) {
        // SAFETY: from `Box::into_raw`, displaced once, and dropped by those who know that no worker can see it:
        // the publisher after the grace period, or the last of all who share it.
        let table = unsafe { Box::from_raw(self.0.as_ptr()) };
        table.end();
    }
}

/// The retired, oldest first.
#[derive(Debug, Default)]
pub(super) struct Limbo {
    queue: VecDeque<(Epoch, Retired)>,
    bytes: usize,
}

impl Limbo {
    /// Bytes that wait. A whole table does not count: a second reload waits for the first one's.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, epoch: Epoch, retired: Retired) {
        self.bytes += weight(&retired);
        self.queue.push_back((epoch, retired));
    }

    /// The oldest one, if it was retired before `horizon`.
    pub(super) fn pop_before(&mut self, horizon: Epoch) -> Option<Retired> {
        self.queue.front().filter(|&&(epoch, _)| epoch < horizon)?;
        self.pop()
    }

    /// The oldest one, whether or not workers can still see it.
    pub(super) fn pop(&mut self) -> Option<Retired> {
        let (_, retired) = self.queue.pop_front()?;
        self.bytes -= weight(&retired);
        Some(retired)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn holds_table(&self) -> bool {
        self.queue
            .iter()
            .any(|(_, retired)| matches!(retired, Retired::Table(_)))
    }

    /// Forgets the blocks of a table that is replaced as a whole; numbers outlive it.
    pub(super) fn forget_blocks(&mut self) {
        let block = |retired: &Retired| matches!(retired, Retired::Piece(Discard::Block(..)));
        self.queue.retain(|(_, retired)| !block(retired));
        self.bytes = self.queue.iter().map(|(_, retired)| weight(retired)).sum();
    }
}

fn weight(retired: &Retired) -> usize {
    match retired {
        Retired::Piece(discard) => discard.bytes(),
        Retired::Table(_) => 0,
    }
}
