//! Building a table aside, where nobody reads it yet: at start, and for a full reload.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::binding::Binding;
use crate::port_set::PortSet;

use super::allocator::Allocator;
use super::br::BrSet;
use super::edit::Editor;
use super::memory::MAX_BYTES;
use super::memory::Memory;
use super::memory::NodeRefused;
use super::memory::ReserveError;
use super::refusal::Refusal;
use super::root::ROOT_ORDER;
use super::root::SERVED_ORDER;
use super::root::Table;
use super::rows::Row;
use super::softwire::Origin;
use super::softwire::SoftwireId;
use super::sync::Frozen;

/// A table that is not published yet. It may be built on any thread.
#[derive(Debug)]
pub struct Builder {
    pub(super) table: Table,
    pub(super) editor: Editor,
}

impl Builder {
    /// An empty table for bindings of these BR addresses, in as much address space as the system gives.
    ///
    /// # Errors
    /// When the system does not even give [`SMALLEST_RESERVATION`].
    pub fn new(brs: BrSet) -> Result<Self, ReserveError> {
        let mut bytes = MAX_BYTES;
        loop {
            match Self::with_bytes(brs.clone(), bytes) {
                Err(_) if bytes > SMALLEST_RESERVATION => bytes /= 2,
                result => return result,
            }
        }
    }

    /// An empty table that may grow to `bytes` of memory, root included.
    ///
    /// # Errors
    /// When the system does not give that much address space, or it does not hold the root (about 270 kB).
    pub fn with_bytes(brs: BrSet, bytes: usize) -> Result<Self, ReserveError> {
        let mut allocator = Allocator::new(bytes);
        if !allocator.has_room_for(ROOT_ORDER.bytes() + SERVED_ORDER.bytes()) {
            let errno = libc::EINVAL;
            return Err(ReserveError { bytes, errno });
        }
        let table = Table {
            memory: Memory::reserve(bytes)?,
            brs: Arc::new(brs),
            // Never used before, so both are zero: no references.
            root: allocator.take(ROOT_ORDER).publish(),
            served: allocator.take(SERVED_ORDER).publish(),
            witness: Frozen::new(()),
        };
        let editor = Editor::new(allocator);
        Ok(Self { table, editor })
    }

    /// Sets how much memory goes to faster nodes for networks with few addresses (2 MiB by default).
    #[must_use]
    pub fn with_dense_allowance(mut self, bytes: usize) -> Self {
        self.editor.workshop.dense.allowance = bytes;
        self
    }

    /// Keeps the table in the memory of NUMA node `node`, as long as it has some: to be asked for before the
    /// first binding, for what is there stays where it is. The table that replaces this one asks for itself.
    ///
    /// # Errors
    /// When the system has no such node, or does not let us choose; the table can be used all the same.
    pub fn prefer_node(&self, node: u32) -> Result<(), NodeRefused> {
        self.table.memory.prefer_node(node)
    }

    /// Adds a binding.
    ///
    /// # Errors
    /// When it conflicts with one that was added before.
    pub fn add(&mut self, binding: &Binding, origin: Origin) -> Result<SoftwireId, Refusal> {
        let added = self.editor.add(&self.table, binding, origin);
        self.editor.workshop.recycle_all();
        added
    }

    /// Adds bindings as [`Self::add`] does, one after the other; `refused` hears of those that conflict, by their
    /// places. Those of an address that stand together, in the order of their PSIDs, are put there in one step if it
    /// has none yet: one by one, each would copy those before it, and leave blocks that nobody needs.
    pub fn add_all(
        &mut self,
        bindings: &[Binding],
        origin: Origin,
        mut refused: impl FnMut(usize, Refusal),
    ) {
        let mut at = 0;
        for together in bindings.chunk_by(|one, next| one.ipv4() == next.ipv4()) {
            if !self.editor.settle(&self.table, together, origin) {
                for (place, binding) in (at..).zip(together) {
                    if let Err(refusal) = self.add(binding, origin) {
                        refused(place, refusal);
                    }
                }
            }
            at += together.len();
        }
    }

    /// Takes a binding away.
    ///
    /// # Errors
    /// When there is none for these ports.
    pub fn remove(&mut self, ipv4: Ipv4Addr, ports: PortSet) -> Result<Row, Refusal> {
        let removed = self.editor.remove(&self.table, ipv4, ports);
        self.editor.workshop.recycle_all();
        removed
    }

    /// What has been built so far.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// The number of softwires.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.editor.len()
    }

    /// Whether there are no softwires.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the table costs.
    #[must_use]
    pub const fn memory(&self) -> MemoryUse {
        MemoryUse::of(&self.editor)
    }
}

/// What a table costs, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MemoryUse {
    /// In nodes, blocks and entries, retired ones included.
    pub used_bytes: u64,
    /// Ever touched, so backed by memory: `used_bytes` and what is free for reuse.
    pub touched_bytes: u64,
}

impl MemoryUse {
    pub(super) const fn of(editor: &Editor) -> Self {
        Self {
            used_bytes: editor.workshop.allocator.used_bytes(),
            touched_bytes: editor.workshop.allocator.touched_bytes(),
        }
    }
}

/// Address space that every system that can run this has; room for some 30 million softwires.
pub const SMALLEST_RESERVATION: usize = 1 << 30;
