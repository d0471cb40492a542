//! Where the later pieces of split packets wait until they are sent, in order.
//!
//! The pieces of one packet follow each other, and those of different packets come in the order in
//! which the packets were split. A splitter says how many pieces a packet has become; whoever sends
//! the first takes the others, one less, from here right after it.

use std::collections::VecDeque;

use crate::drop_reason::DropReason;

/// A bounded queue of later pieces; its memory is all there from the start.
#[derive(Debug)]
pub struct Tails<P> {
    queue: VecDeque<P>,
    capacity: usize,
}

impl<P> Tails<P> {
    /// An empty queue for `capacity` pieces.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            queue: VecDeque::with_capacity(capacity),
            capacity,
        }
    }

    /// How many pieces wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes the piece that has waited longest.
    pub fn pop(&mut self) -> Option<P> {
        self.queue.pop_front()
    }

    /// Adds what `add` adds, or, when it fails, nothing.
    pub(super) fn all_or_none<T>(
        &mut self,
        add: impl FnOnce(&mut Self) -> Result<T, DropReason>,
    ) -> Result<T, DropReason> {
        let before = self.queue.len();
        let added = add(self);
        if added.is_err() {
            self.queue.truncate(before);
        }
        added
    }

    /// Adds a piece; one too many is [`DropReason::NoBuffer`].
    pub(super) fn push(&mut self, piece: P) -> Result<(), DropReason> {
        if self.queue.len() == self.capacity {
            return Err(DropReason::NoBuffer);
        }
        self.queue.push_back(piece);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_leave_in_the_order_they_came() {
        let mut tails = Tails::with_capacity(3);
        tails.push(1).unwrap();
        tails.push(2).unwrap();
        assert_eq!(tails.pop(), Some(1));
        tails.push(3).unwrap();
        assert_eq!(
            (tails.len(), tails.pop(), tails.pop()),
            (2, Some(2), Some(3))
        );
        assert!(tails.pop().is_none() && tails.is_empty());
    }

    #[test]
    fn a_full_queue_takes_no_more_and_never_grows() {
        let mut tails = Tails::with_capacity(2);
        let memory = tails.queue.capacity();
        for round in 0..100 {
            tails.push(round).unwrap();
            tails.push(round).unwrap();
            assert_eq!(tails.push(round), Err(DropReason::NoBuffer));
            assert_eq!((tails.pop(), tails.pop()), (Some(round), Some(round)));
        }
        assert_eq!(tails.queue.capacity(), memory);
    }

    #[test]
    fn what_fails_half_way_adds_nothing() {
        let mut tails = Tails::with_capacity(2);
        tails.push(1).unwrap();
        let added = tails.all_or_none(|tails| tails.push(2).and_then(|()| tails.push(3)));
        assert_eq!(added, Err(DropReason::NoBuffer));
        assert_eq!((tails.pop(), tails.pop()), (Some(1), None));
    }
}
