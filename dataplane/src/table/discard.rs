//! The writer's workshop: the allocator, and what an edit has unlinked from the table.
//!
//! An edit never frees. It lists what it took out of reach, and the owner of the table decides when that
//! may be used again: at once when nobody else reads the table, after a grace period when workers do.

use super::allocator::Allocator;
use super::memory::Fresh;
use super::memory::Granule;
use super::memory::Order;
use super::softwire::SoftwireId;

/// Something that the newest state of the table does not reach any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Discard {
    /// A node, a block or an entry.
    Block(Granule, Order),
    /// The number of a softwire that is gone.
    Id(SoftwireId),
}

impl Discard {
    /// What it keeps from being used; a number weighs as much as the book entry about it.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Block(_, order) => order.bytes(),
            Self::Id(_) => size_of::<Self>(),
        }
    }
}

/// Blocks and numbers: those to be had and those just let go.
#[derive(Debug)]
pub(super) struct Workshop {
    pub(super) allocator: Allocator,
    pub(super) ids: IdPool,
    pub(super) discards: Vec<Discard>,
    pub(super) dense: DenseNodes,
}

impl Workshop {
    pub(super) fn new(allocator: Allocator) -> Self {
        Self {
            allocator,
            ids: IdPool::default(),
            discards: Vec::new(),
            dense: DenseNodes::default(),
        }
    }

    pub(super) fn take(&mut self, order: Order) -> Fresh {
        self.allocator.take(order)
    }

    pub(super) fn discard(&mut self, first: Granule, order: Order) {
        self.discards.push(Discard::Block(first, order));
    }

    pub(super) fn discard_id(&mut self, id: SoftwireId) {
        self.discards.push(Discard::Id(id));
    }

    /// Makes what nobody can reach any more available again.
    pub(super) fn recycle(&mut self, discard: Discard) {
        match discard {
            Discard::Block(first, order) => self.allocator.give(first, order),
            Discard::Id(id) => self.ids.give(id),
        }
    }

    /// Makes all discards available at once: for a table without readers.
    pub(super) fn recycle_all(&mut self) {
        while let Some(discard) = self.discards.pop() {
            self.recycle(discard);
        }
    }
}

/// The numbers of softwires: dense, smallest first while none has been given back.
#[derive(Debug, Default)]
pub(super) struct IdPool {
    next: u32,
    free: Vec<SoftwireId>,
}

impl IdPool {
    /// A number, or `None` when all that 32 bits can name are in use.
    pub(super) fn take(&mut self) -> Option<SoftwireId> {
        self.free.pop().or_else(|| {
            let id = SoftwireId(self.next);
            self.next = self.next.checked_add(1)?;
            Some(id)
        })
    }

    /// Whether `count` numbers can be had.
    pub(super) fn has(&self, count: usize) -> bool {
        self.free.len() + (u32::MAX - self.next) as usize >= count
    }

    pub(super) fn give(&mut self, id: SoftwireId) {
        self.free.push(id);
    }

    /// All numbers ever given out are below this.
    pub(super) const fn end(&self) -> u32 {
        self.next
    }
}

/// How much memory dense nodes take, and how much they may take whether or not they have many children.
///
/// A dense node is the faster one. In a table of few networks all nodes are; thousands of scattered ones
/// get packed nodes until they have many children.
#[derive(Debug)]
pub(super) struct DenseNodes {
    bytes: usize,
    pub(super) allowance: usize,
}

impl Default for DenseNodes {
    fn default() -> Self {
        Self {
            bytes: 0,
            allowance: DENSE_ALLOWANCE,
        }
    }
}

impl DenseNodes {
    pub(super) const fn allows(&self, order: Order) -> bool {
        self.bytes + order.bytes() <= self.allowance
    }

    pub(super) const fn within_allowance(&self) -> bool {
        self.bytes <= self.allowance
    }

    pub(super) const fn add(&mut self, order: Order) {
        self.bytes += order.bytes();
    }

    pub(super) const fn remove(&mut self, order: Order) {
        self.bytes -= order.bytes();
    }
}

/// Some 700 networks of 256 addresses: more than most operators have, less than a core's cache.
#[cfg(not(loom))]
const DENSE_ALLOWANCE: usize = 2 << 20;
/// Loom's memory is too small for a dense node.
#[cfg(loom)]
const DENSE_ALLOWANCE: usize = 0;
