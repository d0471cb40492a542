//! The memory of one table: a reservation of address space, used in granules of 32 bytes that are named
//! by a `u32`, so that a reference costs four bytes and a table may grow to 128 GiB without moving.
//!
//! # Safety boundary
//!
//! References into this memory are handed out as `&AtomicU64`, `&AtomicU32` and `&Softwire`, and never as
//! `&mut`. They are right because, and only because:
//!
//! 1. Outside `table` nobody can name a [`Granule`]; inside, they come from the allocator or from a word
//!    that the single writer stored, so they lie below the allocator's mark, inside the reservation.
//! 2. Plain (not atomic) bytes are written through a [`Fresh`] only: a block that the allocator has just
//!    given out and that no reachable word names. Publishing it consumes the `Fresh`.
//! 3. A block goes back to the allocator only when every reader has reported since it was unlinked
//!    (`limbo`), and a reader's borrows end where it reports (`reader`, by the borrow checker).
//! 4. A granule changes its use (node, entry, index) only by way of 3.

#[cfg(loom)]
#[path = "memory_loom.rs"]
mod backing;
#[cfg(not(loom))]
#[path = "memory_mapped.rs"]
mod backing;

pub(super) use backing::Memory;

use thiserror::Error;

/// The number of a 32-byte piece of a table's memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(transparent)]
pub(super) struct Granule(u32);

impl Granule {
    #[inline(always)]
    pub(super) const fn from_index(index: u32) -> Self {
        Self(index)
    }

    #[inline(always)]
    pub(super) const fn index(self) -> u32 {
        self.0
    }

    /// The granule `offset` further on, in the same block.
    #[inline(always)]
    pub(super) const fn nth(self, offset: u32) -> Self {
        Self(self.0.wrapping_add(offset))
    }
}

/// The place of an eight-byte word: four to a granule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(transparent)]
pub(super) struct WordPlace(u64);

impl WordPlace {
    /// A word that is always zero.
    pub(super) const NULL: Self = Self(0);

    /// Word number `index`, counted from the start of `granule`.
    #[inline(always)]
    pub(super) const fn new(granule: Granule, index: u32) -> Self {
        Self(granule.0 as u64 * WORDS_PER_GRANULE + index as u64)
    }

    #[inline(always)]
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A power-of-two size of blocks: `2^order` granules.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Order(u8);

impl Order {
    pub(super) const ONE: Self = Self(0);
    /// 256 KiB: the root, and the index of an address with 2^16 port sets.
    pub(super) const LARGEST: Self = Self(13);

    /// The smallest size that holds `bytes`.
    pub(super) const fn holding(bytes: usize) -> Self {
        let granules = bytes.div_ceil(GRANULE_BYTES).next_power_of_two();
        Self(granules.trailing_zeros() as u8)
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }

    pub(super) const fn granules(self) -> u32 {
        1 << self.0
    }

    pub(super) const fn bytes(self) -> usize {
        GRANULE_BYTES << self.0
    }
}

/// A block that nobody else can reach yet; the only door to writing plain memory.
#[derive(Debug)]
pub(super) struct Fresh {
    first: Granule,
    order: Order,
}

impl Fresh {
    /// Only the allocator calls this, once for each block it gives out.
    pub(super) const fn new(first: Granule, order: Order) -> Self {
        Self { first, order }
    }

    pub(super) const fn first(&self) -> Granule {
        self.first
    }

    pub(super) const fn order(&self) -> Order {
        self.order
    }

    /// Gives up the right to write, so that the block can be published.
    pub(super) const fn publish(self) -> Granule {
        self.first
    }
}

/// The system would not reserve address space for a table.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("cannot reserve {bytes} bytes of address space for a binding table (errno {errno})")]
pub struct ReserveError {
    /// The size asked for.
    pub bytes: usize,
    /// What the system answered, as in errno(3).
    pub errno: i32,
}

/// The system would not keep a table near a NUMA node; the table is as good, only further away.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("cannot keep the binding table on NUMA node {node} (errno {errno})")]
pub struct NodeRefused {
    /// The node asked for.
    pub node: u32,
    /// What the system answered, as in errno(3).
    pub errno: i32,
}

pub(super) const GRANULE_BYTES: usize = 32;
const WORDS_PER_GRANULE: u64 = (GRANULE_BYTES / 8) as u64;
/// As many granules as a `u32` can name.
pub(super) const MAX_BYTES: usize = GRANULE_BYTES << 32;
