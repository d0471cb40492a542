//! The single writer of the table that workers read.
//!
//! Each change is carried out on the current table in one visible step; what it unlinks goes to limbo and
//! comes back when every worker has reported. Workers never wait and never free. The publisher waits only
//! when limbo is full.

use std::net::Ipv4Addr;
use std::ptr::NonNull;
use std::time::Duration;
use std::time::Instant;

use crate::binding::Binding;
use crate::port_set::PortSet;

use super::builder::Builder;
use super::builder::MemoryUse;
use super::discard::Discard;
use super::domain::Domain;
use super::edit::Editor;
use super::limbo::Displaced;
use super::limbo::Limbo;
use super::limbo::Retired;
use super::reader::Parked;
use super::reader::TooManyReaders;
use super::refusal::Refusal;
use super::root::Table;
use super::rows::Row;
use super::softwire::Origin;
use super::softwire::PathMtu;
use super::softwire::SoftwireId;
use super::sync::Arc;
use super::sync::AtomicPtr;
use super::sync::Mutex;
use super::sync::Ordering;
use super::sync::relax;

/// What publisher and workers share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Always a live table, from `Box::into_raw`.
    pub(super) current: AtomicPtr<Table>,
    pub(super) domain: Domain,
    /// Replaced tables that workers may still have seen when the publisher was dropped.
    leftover: Mutex<Vec<Displaced>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let current = self.current.load(Ordering::Acquire);
        drop(NonNull::new(current).map(Displaced::new));
    }
}

/// The writing end of the binding table.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    pub(super) editor: Editor,
    limbo: Limbo,
    /// Bytes retired since the epoch last moved.
    unannounced: usize,
    patience: Duration,
}

impl Publisher {
    /// Publishes what `builder` has built.
    #[must_use]
    pub fn new(builder: Builder) -> Self {
        let Builder { table, editor } = builder;
        let shared = Shared {
            current: AtomicPtr::new(Box::into_raw(Box::new(table))),
            domain: Domain::new(),
            leftover: Mutex::new(Vec::new()),
        };
        Self {
            shared: Arc::new(shared),
            editor,
            limbo: Limbo::default(),
            unannounced: 0,
            patience: DEFAULT_PATIENCE,
        }
    }

    /// How long a change waits, at most, for workers to report when limbo is full.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// A place for one more worker.
    ///
    /// # Errors
    /// When all places are taken.
    pub fn reader(&self) -> Result<Parked, TooManyReaders> {
        Parked::new(Arc::clone(&self.shared))
    }

    /// The table as the last change left it.
    #[must_use]
    pub fn table(&self) -> &Table {
        let current = self.shared.current.load(Ordering::Relaxed);
        // SAFETY: always a live table, and replaced through `&mut self` only.
        unsafe { &*current }
    }

    /// Adds a binding.
    ///
    /// # Errors
    /// When it conflicts with one that is there, names an unknown BR, finds no room, or workers stall.
    pub fn add(&mut self, binding: &Binding, origin: Origin) -> Result<SoftwireId, Refusal> {
        self.change(|editor, table| editor.add(table, binding, origin))
    }

    /// Takes the binding of exactly these ports away and returns it.
    ///
    /// # Errors
    /// When there is none, or workers stall.
    pub fn remove(&mut self, ipv4: Ipv4Addr, ports: PortSet) -> Result<Row, Refusal> {
        self.change(|editor, table| editor.remove(table, ipv4, ports))
    }

    /// Gives the ports of `binding`, which must be bound, to its B4; returns what was there.
    ///
    /// # Errors
    /// When they are not bound, the BR is unknown, or workers stall.
    pub fn replace(&mut self, binding: &Binding, origin: Origin) -> Result<Row, Refusal> {
        self.change(|editor, table| editor.replace(table, binding, origin))
    }

    /// Sets what the path of a softwire takes (IC-007), in place.
    ///
    /// # Errors
    /// When there is no such softwire.
    pub fn set_path_mtu(
        &self,
        ipv4: Ipv4Addr,
        ports: PortSet,
        mtu: PathMtu,
    ) -> Result<(), Refusal> {
        let softwire = self.table().find(ipv4, ports);
        softwire
            .ok_or(Refusal::Absent { ipv4, ports })?
            .mark_path_mtu(mtu);
        Ok(())
    }

    /// The softwire of exactly these ports.
    #[must_use]
    pub fn get(&self, ipv4: Ipv4Addr, ports: PortSet) -> Option<Row> {
        self.table().get(ipv4, ports)
    }

    /// The softwire that owns `port` of `ipv4`.
    #[must_use]
    pub fn owner_of(&self, ipv4: Ipv4Addr, port: u16) -> Option<Row> {
        self.table().owner_of(ipv4, port)
    }

    /// All softwires, in the order of their addresses.
    pub fn iter(&self) -> impl Iterator<Item = Row> {
        self.table().rows()
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

    /// The numbers of all softwires, past and present, are below this.
    #[must_use]
    pub const fn ids(&self) -> u32 {
        self.editor.workshop.ids.end()
    }

    /// What the table costs.
    #[must_use]
    pub const fn memory(&self) -> MemoryUse {
        MemoryUse::of(&self.editor)
    }

    /// Bytes that wait for workers to report.
    #[must_use]
    pub const fn retired_bytes(&self) -> usize {
        self.limbo.bytes()
    }

    /// Takes back what workers have let go; for a quiet moment. Tells whether nothing waits any more.
    pub fn reclaim(&mut self) -> bool {
        if self.unannounced > 0 || self.limbo.holds_table() {
            self.shared.domain.advance();
            self.unannounced = 0;
        }
        self.collect();
        self.limbo.is_empty()
    }

    /// Waits until no earlier table is left, so that there are never more than two and the one being built.
    pub(super) fn outlive_displaced(&mut self) -> Result<(), Refusal> {
        self.make_room(|limbo| limbo.holds_table().into(), 0)
    }

    /// Puts a table built aside in the place of the current one.
    pub(super) fn swap(&mut self, table: Table, editor: Editor, gone: Vec<SoftwireId>) {
        let next = Box::into_raw(Box::new(table));
        let previous = self.shared.current.swap(next, Ordering::AcqRel);
        self.editor = editor;
        self.limbo.forget_blocks();
        let epoch = self.shared.domain.now();
        for id in gone {
            self.limbo.push(epoch, Retired::Piece(Discard::Id(id)));
        }
        if let Some(previous) = NonNull::new(previous) {
            self.limbo
                .push(epoch, Retired::Table(Displaced::new(previous)));
        }
        self.reclaim();
    }

    /// Waits until there is room in limbo.
    pub(super) fn await_room(&mut self) -> Result<(), Refusal> {
        self.make_room(Limbo::bytes, LIMBO_BYTES)
    }

    fn change<T>(
        &mut self,
        edit: impl FnOnce(&mut Editor, &Table) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.await_room()?;
        self.edit(edit)
    }

    /// Edits the current table, without waiting.
    pub(super) fn edit<T>(
        &mut self,
        edit: impl FnOnce(&mut Editor, &Table) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let current = self.shared.current.load(Ordering::Relaxed);
        // SAFETY: as in `table`; `editor` is another field.
        let result = edit(&mut self.editor, unsafe { &*current });
        self.retire();
        result
    }

    /// Hands what the editor has unlinked to limbo.
    fn retire(&mut self) {
        let epoch = self.shared.domain.now();
        for discard in self.editor.workshop.discards.drain(..) {
            self.unannounced += discard.bytes();
            self.limbo.push(epoch, Retired::Piece(discard));
        }
        if self.unannounced >= ANNOUNCE_BYTES {
            self.reclaim();
        }
    }

    fn collect(&mut self) {
        let horizon = self.shared.domain.horizon();
        while let Some(retired) = self.limbo.pop_before(horizon) {
            match retired {
                Retired::Piece(discard) => self.editor.workshop.recycle(discard),
                Retired::Table(table) => drop(table),
            }
        }
    }

    /// Waits, for a bounded time, until what `measure` finds in limbo is within `bound`.
    fn make_room(
        &mut self,
        measure: impl Fn(&Limbo) -> usize,
        bound: usize,
    ) -> Result<(), Refusal> {
        if measure(&self.limbo) <= bound {
            return Ok(());
        }
        let since = Instant::now();
        loop {
            self.reclaim();
            if measure(&self.limbo) <= bound {
                return Ok(());
            }
            let waited = since.elapsed();
            if waited >= self.patience {
                let retired_bytes = self.limbo.bytes();
                return Err(Refusal::ReadersStalled {
                    retired_bytes,
                    waited,
                });
            }
            relax();
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // Workers may go on with the last table, and may still see an earlier one.
        if let Ok(mut leftover) = self.shared.leftover.lock() {
            while let Some(retired) = self.limbo.pop() {
                if let Retired::Table(table) = retired {
                    leftover.push(table);
                }
            }
        }
    }
}

/// Memory that may wait for workers before changes wait too: 4000 changes of blocks of 64.
const LIMBO_BYTES: usize = 8 << 20;
/// How much is retired before the epoch moves: each move costs every worker a cache miss.
const ANNOUNCE_BYTES: usize = 64 << 10;
/// A burst takes microseconds; a worker that has not reported for this long is stuck.
const DEFAULT_PATIENCE: Duration = Duration::from_millis(500);
