//! Changing the softwires of one address: the block behind its slot.
//!
//! A block of up to 64 places holds the entries themselves; a change copies it. A larger one holds
//! references; a change replaces one entry and its reference. Either way the reader meets the old state
//! of the address or the new one. A block changes its shape when two PSIDs want one place, and shrinks
//! when most of its places are empty.

use std::collections::HashMap;

use crate::port_set::PortSplit;

use super::discard::Workshop;
use super::memory::Granule;
use super::memory::Order;
use super::root::Table;
use super::slot::Shape;
use super::slot::Slot;
use super::softwire::Softwire;
use super::sync::Ordering;

/// The blocks of one table, from the writer's side.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// How many softwires each indexed block has, by its granule: counting them would take a walk.
    populations: HashMap<u32, usize>,
}

impl Blocks {
    /// Puts `softwire`, whose port set is free, behind `slot`, which may be vacant; returns the slot to store.
    pub(super) fn insert(
        &mut self,
        workshop: &mut Workshop,
        table: &Table,
        slot: Slot,
        split: PortSplit,
        softwire: Softwire,
    ) -> Slot {
        if slot.is_vacant() {
            return first(workshop, table, split, softwire);
        }
        let place = slot.shape().place(softwire.psid().into());
        if table.occupant(slot, place).tag().is_bound() {
            return self.reshape(workshop, table, slot, Edit::Insert(softwire));
        }
        if !slot.is_indexed() {
            return copy_with(workshop, table, slot, place, softwire);
        }
        let entry = single(workshop, table, softwire);
        table
            .memory
            .half(slot.block(), place)
            .store(entry.index(), Ordering::Release);
        *self.populations.entry(slot.block().index()).or_default() += 1;
        slot
    }

    /// Puts `softwire` in the place of the one with the same port set.
    pub(super) fn replace(
        &mut self,
        workshop: &mut Workshop,
        table: &Table,
        slot: Slot,
        softwire: Softwire,
    ) -> Slot {
        let place = slot.shape().place(softwire.psid().into());
        if !slot.is_indexed() {
            return copy_with(workshop, table, slot, place, softwire);
        }
        let (old, _) = table.occupant_at(slot, place);
        let entry = single(workshop, table, softwire);
        table
            .memory
            .half(slot.block(), place)
            .store(entry.index(), Ordering::Release);
        workshop.discard(old, Order::ONE);
        slot
    }

    /// Takes the softwire of `psid` away; returns the slot to store, vacant when it was the last one.
    pub(super) fn remove(
        &mut self,
        workshop: &mut Workshop,
        table: &Table,
        slot: Slot,
        psid: u16,
    ) -> Slot {
        let left = self.population(table, slot) - 1;
        if is_sparse(left, slot.shape()) {
            return self.reshape(workshop, table, slot, Edit::Remove(psid));
        }
        let place = slot.shape().place(psid.into());
        if !slot.is_indexed() {
            return copy_with(workshop, table, slot, place, Softwire::vacant());
        }
        let (old, _) = table.occupant_at(slot, place);
        table
            .memory
            .half(slot.block(), place)
            .store(0, Ordering::Release);
        workshop.discard(old, Order::ONE);
        self.populations.insert(slot.block().index(), left);
        slot
    }

    /// Puts exactly `softwires` behind `slot`, whatever is there now.
    pub(super) fn rebuild(
        &mut self,
        workshop: &mut Workshop,
        table: &Table,
        slot: Slot,
        split: PortSplit,
        softwires: Vec<Softwire>,
    ) -> Slot {
        if slot.is_indexed() {
            for (entry, _) in table.members(slot) {
                workshop.discard(entry, Order::ONE);
            }
        }
        self.discard_block(workshop, slot);
        let entry = None;
        let members = softwires
            .into_iter()
            .map(|softwire| Member { entry, softwire })
            .collect();
        self.build(workshop, table, split, members)
    }

    /// Moves the softwires of an address, as changed by `edit`, to a block of the smallest fitting shape.
    fn reshape(&mut self, workshop: &mut Workshop, table: &Table, slot: Slot, edit: Edit) -> Slot {
        let mut members: Vec<_> = table
            .members(slot)
            .map(|(granule, softwire)| Member {
                entry: slot.is_indexed().then_some(granule),
                softwire: softwire.duplicate(),
            })
            .collect();
        match edit {
            Edit::Insert(softwire) => members.push(Member {
                entry: None,
                softwire,
            }),
            Edit::Remove(psid) => {
                let leaver = members
                    .iter()
                    .position(|member| member.softwire.psid() == psid);
                if let Some(entry) = leaver.and_then(|at| members.swap_remove(at).entry) {
                    workshop.discard(entry, Order::ONE);
                }
            }
        }
        self.discard_block(workshop, slot);
        self.build(workshop, table, slot.split(), members)
    }

    fn discard_block(&mut self, workshop: &mut Workshop, slot: Slot) {
        if !slot.is_vacant() {
            workshop.discard(slot.block(), block_order(slot.shape()));
            self.populations.remove(&slot.block().index());
        }
    }

    fn build(
        &mut self,
        workshop: &mut Workshop,
        table: &Table,
        split: PortSplit,
        members: Vec<Member>,
    ) -> Slot {
        if members.is_empty() {
            return Slot::from_word(0);
        }
        let psids: Vec<_> = members
            .iter()
            .map(|member| member.softwire.psid())
            .collect();
        let shape = Shape::smallest(&psids, split);
        let block = if shape.is_indexed() {
            let block = index_of(workshop, table, shape, members);
            self.populations.insert(block.index(), psids.len());
            block
        } else {
            inline(workshop, table, shape, members)
        };
        Slot::new(block, split, shape)
    }

    fn population(&self, table: &Table, slot: Slot) -> usize {
        if slot.is_indexed() {
            self.populations
                .get(&slot.block().index())
                .copied()
                .unwrap_or_default()
        } else {
            table.members(slot).count()
        }
    }
}

/// A softwire on its way from one block to another; `entry` is where it stands if that can stay.
struct Member {
    entry: Option<Granule>,
    softwire: Softwire,
}

enum Edit {
    Insert(Softwire),
    Remove(u16),
}

/// Whether a block with `left` softwires should try to shrink. Only at powers of two, so that the cost of
/// trying is spread over as many removals.
fn is_sparse(left: usize, shape: Shape) -> bool {
    let worth_it = left * 8 <= shape.places() || left == 1;
    left == 0 || (worth_it && left.is_power_of_two() && shape.places() > left)
}

/// The size of a block of this shape.
pub(super) fn block_order(shape: Shape) -> Order {
    let place_bytes = if shape.is_indexed() { 4 } else { 32 };
    Order::holding(shape.places() * place_bytes)
}

fn first(workshop: &mut Workshop, table: &Table, split: PortSplit, softwire: Softwire) -> Slot {
    Slot::new(single(workshop, table, softwire), split, Shape::SINGLE)
}

fn single(workshop: &mut Workshop, table: &Table, softwire: Softwire) -> Granule {
    let mut fresh = workshop.take(Order::ONE);
    table.memory.write(&mut fresh, 0, softwire);
    fresh.publish()
}

/// A copy of an inline block in which `softwire` has `place`.
fn copy_with(
    workshop: &mut Workshop,
    table: &Table,
    slot: Slot,
    place: u32,
    softwire: Softwire,
) -> Slot {
    let order = block_order(slot.shape());
    let mut fresh = workshop.take(order);
    table.memory.copy(slot.block(), &mut fresh);
    table.memory.write(&mut fresh, place, softwire);
    workshop.discard(slot.block(), order);
    Slot::new(fresh.publish(), slot.split(), slot.shape())
}

fn inline(workshop: &mut Workshop, table: &Table, shape: Shape, members: Vec<Member>) -> Granule {
    let mut fresh = workshop.take(block_order(shape));
    for place in 0..shape.places() as u32 {
        table.memory.write(&mut fresh, place, Softwire::vacant());
    }
    for member in members {
        let place = shape.place(member.softwire.psid().into());
        table.memory.write(&mut fresh, place, member.softwire);
        if let Some(entry) = member.entry {
            workshop.discard(entry, Order::ONE);
        }
    }
    fresh.publish()
}

fn index_of(workshop: &mut Workshop, table: &Table, shape: Shape, members: Vec<Member>) -> Granule {
    let fresh = workshop.take(block_order(shape));
    for place in 0..shape.places() as u32 {
        table
            .memory
            .half(fresh.first(), place)
            .store(0, Ordering::Relaxed);
    }
    for member in members {
        let place = shape.place(member.softwire.psid().into());
        let entry = match member.entry {
            Some(entry) => entry,
            None => single(workshop, table, member.softwire),
        };
        table
            .memory
            .half(fresh.first(), place)
            .store(entry.index(), Ordering::Relaxed);
    }
    fresh.publish()
}
