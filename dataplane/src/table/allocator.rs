//! Gives out and takes back blocks of a table's memory, in powers of two.
//!
//! It belongs to the writer and keeps its books outside the memory, so readers never see it. Blocks are
//! neither split nor joined: a size in demand now was in demand before, and a reload starts afresh.

use super::memory::Fresh;
use super::memory::GRANULE_BYTES;
use super::memory::Granule;
use super::memory::Order;

/// The free blocks of one table.
#[derive(Debug)]
pub(super) struct Allocator {
    /// First granule never given out; even, so that blocks of two granules and more are whole cache lines.
    next: u64,
    end: u64,
    free: [Vec<Granule>; Order::LARGEST.index() + 1],
    used_granules: u64,
}

impl Allocator {
    /// Manages memory of `bytes`, all of it free but for the first cache line.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            next: NULL_GRANULES,
            end: (bytes / GRANULE_BYTES) as u64,
            free: Default::default(),
            used_granules: NULL_GRANULES,
        }
    }

    /// Whether blocks of `bytes` in all could be had, however they are divided.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.next + (bytes / GRANULE_BYTES) as u64 <= self.end
    }

    /// A block with arbitrary content. The caller has asked [`has_room_for`](Self::has_room_for).
    pub(super) fn take(&mut self, order: Order) -> Fresh {
        self.used_granules += u64::from(order.granules());
        let first = match self.free[order.index()].pop() {
            Some(first) => first,
            None => self.carve(order),
        };
        Fresh::new(first, order)
    }

    /// Takes back a block that no reader can reach any more.
    pub(super) fn give(&mut self, first: Granule, order: Order) {
        self.used_granules -= u64::from(order.granules());
        self.free[order.index()].push(first);
    }

    /// Bytes in blocks given out.
    pub(super) const fn used_bytes(&self) -> u64 {
        self.used_granules * GRANULE_BYTES as u64
    }

    /// Bytes given out at least once: what the system has had to back with memory.
    pub(super) const fn touched_bytes(&self) -> u64 {
        self.next * GRANULE_BYTES as u64
    }

    fn carve(&mut self, order: Order) -> Granule {
        let first = self.next;
        self.next += u64::from(order.granules().max(2));
        assert!(self.next <= self.end, "a block beyond the reservation");
        if order == Order::ONE {
            self.free[0].push(Granule::from_index(first as u32 + 1));
        }
        Granule::from_index(first as u32)
    }
}

/// Granule 0 stands for "nothing" everywhere: an empty node and a vacant entry in one line of zeroes.
const NULL_GRANULES: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_given_back_is_given_out_again_and_counted_once() {
        let mut allocator = Allocator::new(1 << 20);
        let baseline = allocator.used_bytes();
        let order = Order::holding(64);
        let first = allocator.take(order).publish();
        assert_eq!(allocator.used_bytes(), baseline + 64);
        allocator.give(first, order);
        assert_eq!(allocator.used_bytes(), baseline);
        assert_eq!(allocator.take(order).first(), first);
    }

    #[test]
    fn blocks_of_two_granules_and_more_start_on_a_cache_line() {
        let mut allocator = Allocator::new(1 << 20);
        for order in [
            Order::ONE,
            Order::holding(64),
            Order::ONE,
            Order::ONE,
            Order::holding(128),
        ] {
            let first = allocator.take(order).first().index();
            assert!(first >= 2 && (order == Order::ONE || first.is_multiple_of(2)));
        }
    }

    #[test]
    fn room_ends_with_the_reservation() {
        let mut allocator = Allocator::new(4 * GRANULE_BYTES);
        assert!(allocator.has_room_for(64));
        assert!(!allocator.has_room_for(96));
        allocator.take(Order::holding(64));
        assert!(!allocator.has_room_for(32));
    }
}
