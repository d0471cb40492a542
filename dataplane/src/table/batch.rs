//! Many changes as one: judged in order before anything is done, then carried out address by address, so
//! that a block is copied once however many of its softwires change.
//!
//! Workers see each address change in one step; they may see one address of the batch changed and another
//! not yet.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::Ipv4Addr;

use thiserror::Error;

use crate::binding::Binding;
use crate::port_set::PortSet;
use crate::port_set::PortSplit;

use super::edit::Editor;
use super::edit::most_bytes;
use super::memory::GRANULE_BYTES;
use super::publisher::Publisher;
use super::refusal::Refusal;
use super::root::Table;
use super::rows::Row;
use super::slot::normal;
use super::softwire::Origin;

/// One change of a batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// Adds a binding, as [`Publisher::add`] does.
    Add(Binding, Origin),
    /// Takes a binding away, as [`Publisher::remove`] does.
    Remove(Ipv4Addr, PortSet),
    /// Gives ports to another B4, as [`Publisher::replace`] does.
    Replace(Binding, Origin),
}

/// The change of a batch that was refused, counted from 0, and why; nothing of the batch was done.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("change {row}: {refusal}")]
pub struct RefusedRow {
    /// The position of the change in its batch.
    pub row: usize,
    /// What it conflicts with.
    pub refusal: Refusal,
}

impl Publisher {
    /// Carries out all `changes`, each judged as if those before it had been done, or none of them.
    ///
    /// A batch that has begun is finished: should workers stall meanwhile, retired memory grows past its
    /// bound by what the batch retires.
    ///
    /// # Errors
    /// When one conflicts with the table or with one before it (the first such is named), when there is no
    /// room for all of them (the last is named), or when workers have stalled before it began.
    pub fn apply(&mut self, changes: &[Change]) -> Result<(), RefusedRow> {
        self.await_room()
            .map_err(|refusal| RefusedRow { row: 0, refusal })?;
        let mut trial = Trial::new(self.table(), changes);
        for (row, change) in changes.iter().enumerate() {
            trial
                .judge(change)
                .map_err(|refusal| RefusedRow { row, refusal })?;
        }
        let outcomes = trial.outcomes;
        let row = changes.len().saturating_sub(1);
        let full = |refusal| RefusedRow { row, refusal };
        let bytes = outcomes.values().map(Outcome::most_bytes).sum();
        self.editor
            .check_room_and_numbers(bytes, changes.len())
            .map_err(full)?;
        for (ipv4, outcome) in outcomes {
            self.edit(|editor, table| editor.bring_about(table, ipv4, outcome))
                .map_err(full)?;
        }
        Ok(())
    }
}

impl Change {
    /// The address that changes.
    #[must_use]
    pub const fn ipv4(&self) -> Ipv4Addr {
        match self {
            Self::Add(binding, _) | Self::Replace(binding, _) => binding.ipv4(),
            Self::Remove(ipv4, _) => *ipv4,
        }
    }

    /// The ports that change hands.
    #[must_use]
    pub const fn ports(&self) -> PortSet {
        match self {
            Self::Add(binding, _) | Self::Replace(binding, _) => binding.ports(),
            Self::Remove(_, ports) => *ports,
        }
    }
}

/// The table as it would be after the changes judged so far.
struct Trial<'t> {
    table: &'t Table,
    outcomes: BTreeMap<Ipv4Addr, Outcome>,
}

/// What becomes of one address.
enum Outcome {
    /// The only change of this address; judged by the table itself, it needs no look at the others.
    Single(Change),
    /// How it is split and who has which of its sets, after several changes.
    Several(Address),
}

impl Outcome {
    /// The memory that it may take.
    fn most_bytes(&self) -> usize {
        match self {
            Self::Single(change) => most_bytes(change.ports().split()),
            Self::Several(Address { split, holders }) => {
                most_bytes(*split) + holders.len() * GRANULE_BYTES
            }
        }
    }
}

struct Address {
    split: PortSplit,
    holders: BTreeMap<u16, (Binding, Origin)>,
}

impl<'t> Trial<'t> {
    fn new(table: &'t Table, changes: &[Change]) -> Self {
        let mut outcomes = BTreeMap::new();
        for change in changes {
            let ipv4 = change.ipv4();
            match outcomes.entry(ipv4) {
                Entry::Vacant(place) => {
                    place.insert(Outcome::Single(*change));
                }
                Entry::Occupied(mut place) => {
                    if matches!(place.get(), Outcome::Single(_)) {
                        place.insert(Outcome::Several(Address::of(table, ipv4)));
                    }
                }
            }
        }
        Self { table, outcomes }
    }

    fn judge(&mut self, change: &Change) -> Result<(), Refusal> {
        if let Change::Add(binding, _) | Change::Replace(binding, _) = change {
            self.table.check_br(binding)?;
        }
        match self.outcomes.get_mut(&change.ipv4()) {
            Some(Outcome::Several(address)) => address.make(change),
            _ => self.table.judge(change),
        }
    }
}

impl Address {
    fn of(table: &Table, ipv4: Ipv4Addr) -> Self {
        let slot = table.slot(ipv4.to_bits());
        let holder = |row: Row| (row.binding.ports().psid(), (row.binding, row.origin));
        Self {
            split: slot.split(),
            holders: table.rows_of(ipv4, slot).map(holder).collect(),
        }
    }

    fn make(&mut self, change: &Change) -> Result<(), Refusal> {
        let (ipv4, ports) = (change.ipv4(), change.ports());
        let absent = Refusal::Absent { ipv4, ports };
        match *change {
            Change::Add(binding, origin) => self.add(binding, origin),
            Change::Remove(..) => self.take(ports).ok_or(absent).map(drop),
            Change::Replace(binding, origin) => {
                self.take(ports).ok_or(absent)?;
                self.add(binding, origin)
            }
        }
    }

    fn add(&mut self, binding: Binding, origin: Origin) -> Result<(), Refusal> {
        let (ipv4, ports) = (binding.ipv4(), binding.ports());
        let given = ports.split();
        if self.holders.is_empty() {
            self.split = normal(given);
        }
        if self.split != normal(given) {
            let present = self.split;
            return Err(Refusal::Split {
                ipv4,
                given,
                present,
            });
        }
        if let Some(&(holder, origin)) = self.holders.get(&ports.psid()) {
            return Err(Refusal::Overlap {
                ipv4,
                ports,
                holder,
                origin,
            });
        }
        self.holders.insert(ports.psid(), (binding, origin));
        Ok(())
    }

    /// Takes the holder of exactly these ports away, if there is one.
    fn take(&mut self, ports: PortSet) -> Option<(Binding, Origin)> {
        if self.split == normal(ports.split()) {
            self.holders.remove(&ports.psid())
        } else {
            None
        }
    }
}

impl Table {
    /// Whether `change` alone could be made.
    fn judge(&self, change: &Change) -> Result<(), Refusal> {
        let (ipv4, ports) = (change.ipv4(), change.ports());
        match change {
            Change::Add(binding, _) => self.check_free(self.slot(ipv4.to_bits()), binding),
            Change::Remove(..) | Change::Replace(..) => {
                let present = self.find(ipv4, ports);
                present.map(drop).ok_or(Refusal::Absent { ipv4, ports })
            }
        }
    }
}

impl Editor {
    fn bring_about(
        &mut self,
        table: &Table,
        ipv4: Ipv4Addr,
        outcome: Outcome,
    ) -> Result<(), Refusal> {
        match outcome {
            Outcome::Single(Change::Add(binding, origin)) => {
                self.add(table, &binding, origin).map(drop)
            }
            Outcome::Single(Change::Remove(ipv4, ports)) => {
                self.remove(table, ipv4, ports).map(drop)
            }
            Outcome::Single(Change::Replace(binding, origin)) => {
                self.replace(table, &binding, origin).map(drop)
            }
            Outcome::Several(Address { split, holders }) => {
                self.rewrite(table, ipv4, split, holders.into_values())
            }
        }
    }
}
