//! One change to a table: checked against what is there, then carried out so that readers of the table
//! see it happen in one step.

use std::net::Ipv4Addr;

use crate::binding::Binding;
use crate::port_set::PortSet;
use crate::port_set::PortSplit;

use super::allocator::Allocator;
use super::block::Blocks;
use super::br::BrIndex;
use super::discard::Workshop;
use super::graft;
use super::memory::GRANULE_BYTES;
use super::node::Node;
use super::refusal::Refusal;
use super::root::Table;
use super::root::hosts;
use super::root::root_index;
use super::root::served_bit;
use super::rows::Row;
use super::rows::find_br;
use super::slot::Slot;
use super::softwire::Fields;
use super::softwire::Origin;
use super::softwire::PathMtu;
use super::softwire::Softwire;
use super::softwire::SoftwireId;
use super::softwire::Tag;
use super::sync::Ordering;

/// The single writer of one table.
#[derive(Debug)]
pub(super) struct Editor {
    pub(super) workshop: Workshop,
    blocks: Blocks,
    softwires: usize,
}

impl Editor {
    pub(super) fn new(allocator: Allocator) -> Self {
        Self {
            workshop: Workshop::new(allocator),
            blocks: Blocks::default(),
            softwires: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.softwires
    }

    /// Adds a softwire with a new number.
    pub(super) fn add(
        &mut self,
        table: &Table,
        binding: &Binding,
        origin: Origin,
    ) -> Result<SoftwireId, Refusal> {
        let vacancy = self.vacancy(table, binding)?;
        let id = self.take_id()?;
        self.fill(table, binding, vacancy, origin, id, PathMtu::default());
        Ok(id)
    }

    /// Adds a softwire as it stands in another table.
    pub(super) fn adopt(&mut self, table: &Table, row: &Row) -> Result<(), Refusal> {
        let vacancy = self.vacancy(table, &row.binding)?;
        self.fill(
            table,
            &row.binding,
            vacancy,
            row.origin,
            row.id,
            row.path_mtu,
        );
        Ok(())
    }

    /// Takes the softwire of `ports` away and returns it.
    pub(super) fn remove(
        &mut self,
        table: &Table,
        ipv4: Ipv4Addr,
        ports: PortSet,
    ) -> Result<Row, Refusal> {
        let row = table
            .get(ipv4, ports)
            .ok_or(Refusal::Absent { ipv4, ports })?;
        self.check_room(ports.split(), Reserve::Use)?;
        let slot = table.slot(ipv4.to_bits());
        let next = self
            .blocks
            .remove(&mut self.workshop, table, slot, ports.psid());
        self.store(table, ipv4, slot, next);
        self.workshop.discard_id(row.id);
        self.softwires -= 1;
        Ok(row)
    }

    /// Gives the softwire of the same ports another B4, BR or origin, and returns what it was.
    ///
    /// It keeps its number and its path MTU while it keeps its B4.
    pub(super) fn replace(
        &mut self,
        table: &Table,
        binding: &Binding,
        origin: Origin,
    ) -> Result<Row, Refusal> {
        let (ipv4, ports) = (binding.ipv4(), binding.ports());
        let br = find_br(table, binding.br())?;
        let old = table
            .get(ipv4, ports)
            .ok_or(Refusal::Absent { ipv4, ports })?;
        self.check_room(ports.split(), Reserve::Use)?;
        let (id, path_mtu) = if old.binding.b4() == binding.b4() {
            (old.id, old.path_mtu)
        } else {
            let id = self.take_id()?;
            self.workshop.discard_id(old.id);
            (id, PathMtu::default())
        };
        let slot = table.slot(ipv4.to_bits());
        let softwire = Softwire::new(fields(binding, br, origin), id, path_mtu);
        let next = self
            .blocks
            .replace(&mut self.workshop, table, slot, softwire);
        self.store(table, ipv4, slot, next);
        Ok(old)
    }

    /// Makes `holders`, of which no two conflict, all the softwires of one address, in one step.
    ///
    /// Whoever keeps its ports and its B4 keeps its number and its path MTU.
    pub(super) fn rewrite(
        &mut self,
        table: &Table,
        ipv4: Ipv4Addr,
        split: PortSplit,
        holders: impl Iterator<Item = (Binding, Origin)>,
    ) -> Result<(), Refusal> {
        let slot = table.slot(ipv4.to_bits());
        let mut softwires = Vec::new();
        let mut kept = Vec::new();
        for (binding, origin) in holders {
            let br = find_br(table, binding.br())?;
            let old = table.find(ipv4, binding.ports());
            let old = old.filter(|old| old.b4() == binding.b4().octets());
            let (id, path_mtu) = match old {
                Some(old) => (old.id(), old.path_mtu()),
                None => (self.take_id()?, PathMtu::default()),
            };
            kept.push(id);
            softwires.push(Softwire::new(fields(&binding, br, origin), id, path_mtu));
        }
        kept.sort_unstable();
        let mut before = 0;
        for (_, softwire) in table.members(slot) {
            before += 1;
            if kept.binary_search(&softwire.id()).is_err() {
                self.workshop.discard_id(softwire.id());
            }
        }
        self.softwires = self.softwires + softwires.len() - before;
        let next = self
            .blocks
            .rebuild(&mut self.workshop, table, slot, split, softwires);
        self.store(table, ipv4, slot, next);
        Ok(())
    }

    /// Puts bindings of one address there in one step, if it has none yet and they do not conflict; otherwise
    /// nothing is done, and `false` says that they are to be looked at one by one.
    pub(super) fn settle(&mut self, table: &Table, bindings: &[Binding], origin: Origin) -> bool {
        let [first, _, ..] = bindings else {
            return false;
        };
        let (ipv4, split) = (first.ipv4(), first.ports().split());
        let is_like_first = |binding: &Binding| {
            binding.ipv4() == ipv4
                && binding.ports().split() == split
                && table.check_br(binding).is_ok()
        };
        let bytes = most_bytes(split) + bindings.len() * GRANULE_BYTES;
        table.slot(ipv4.to_bits()).is_vacant()
            && bindings.iter().all(is_like_first)
            && bindings.is_sorted_by(|one, next| one.ports().psid() < next.ports().psid())
            && self.check_room_and_numbers(bytes, bindings.len()).is_ok()
            && self
                .rewrite(table, ipv4, split, bindings.iter().map(|b| (*b, origin)))
                .is_ok()
    }

    /// The place a binding would have, if it conflicts with nothing.
    fn vacancy(&self, table: &Table, binding: &Binding) -> Result<Vacancy, Refusal> {
        let br = find_br(table, binding.br())?;
        let slot = table.slot(binding.ipv4().to_bits());
        table.check_free(slot, binding)?;
        self.check_room(binding.ports().split(), Reserve::Keep)?;
        Ok(Vacancy { slot, br })
    }

    fn fill(
        &mut self,
        table: &Table,
        binding: &Binding,
        vacancy: Vacancy,
        origin: Origin,
        id: SoftwireId,
        path_mtu: PathMtu,
    ) {
        let Vacancy { slot, br } = vacancy;
        let softwire = Softwire::new(fields(binding, br, origin), id, path_mtu);
        let split = binding.ports().split();
        let next = self
            .blocks
            .insert(&mut self.workshop, table, slot, split, softwire);
        self.store(table, binding.ipv4(), slot, next);
        self.softwires += 1;
    }

    /// Publishes the new slot of an address, and what must lead to it.
    fn store(&mut self, table: &Table, ipv4: Ipv4Addr, old: Slot, new: Slot) {
        if new == old {
            return;
        }
        let memory = &table.memory;
        let [.., third, fourth] = ipv4.octets();
        let subnets = table.subnets(ipv4.to_bits());
        let leaf = hosts(subnets.child(memory, third));
        let new_leaf = if new.is_vacant() {
            graft::without_child(&mut self.workshop, memory, leaf, fourth)
        } else {
            graft::with_child(&mut self.workshop, memory, leaf, fourth, new.word())
        };
        if new_leaf == leaf {
            return;
        }
        let new_subnets = if new_leaf.is_none() {
            graft::without_child(&mut self.workshop, memory, subnets, third)
        } else {
            let reference = new_leaf.reference().into();
            graft::with_child(&mut self.workshop, memory, subnets, third, reference)
        };
        if new_subnets != subnets {
            store_root(table, ipv4.to_bits(), new_subnets);
        }
    }

    fn check_room(&self, split: PortSplit, reserve: Reserve) -> Result<(), Refusal> {
        let kept = match reserve {
            Reserve::Keep => RESERVE_BYTES,
            Reserve::Use => 0,
        };
        if self
            .workshop
            .allocator
            .has_room_for(most_bytes(split) + kept)
        {
            Ok(())
        } else {
            Err(self.full())
        }
    }

    fn take_id(&mut self) -> Result<SoftwireId, Refusal> {
        self.workshop.ids.take().ok_or_else(|| self.full())
    }

    /// Whether `bytes` and `numbers` more can be had.
    pub(super) fn check_room_and_numbers(
        &self,
        bytes: usize,
        numbers: usize,
    ) -> Result<(), Refusal> {
        let room = self.workshop.allocator.has_room_for(bytes + RESERVE_BYTES);
        if room && self.workshop.ids.has(numbers) {
            Ok(())
        } else {
            Err(self.full())
        }
    }

    pub(super) fn full(&self) -> Refusal {
        Refusal::Full {
            used_bytes: self.workshop.allocator.used_bytes(),
            softwires: self.softwires,
        }
    }
}

/// Where a new softwire goes.
struct Vacancy {
    slot: Slot,
    br: BrIndex,
}

/// Whether a change may use the memory kept back so that a full table can still shrink.
#[derive(Clone, Copy)]
enum Reserve {
    Keep,
    Use,
}

fn fields(binding: &Binding, br: BrIndex, origin: Origin) -> Fields {
    Fields {
        b4: binding.b4().octets(),
        tag: Tag::bound(binding.ports().psid().into()),
        br,
        origin,
    }
}

/// The reference first when it appears and the bit first when it goes: a set bit promises nothing, a clear
/// one means no reference.
fn store_root(table: &Table, ipv4: u32, node: Node<super::node::Subnets>) {
    let (word, bit) = served_bit(ipv4);
    let served = table.memory.word(table.served, word);
    let others = served.load(Ordering::Relaxed) & !bit;
    let root = table.memory.half(table.root, root_index(ipv4));
    root.store(node.reference(), Ordering::Release);
    let bits = if node.is_none() { others } else { others | bit };
    served.store(bits, Ordering::Release);
}

/// What one change may take at most: two dense nodes, and a block with its entries.
pub(super) const fn most_bytes(split: PortSplit) -> usize {
    let sets = 1_usize << split.length();
    let entries = if sets > 64 { 65 } else { sets };
    NODE_BYTES + 4 * sets + GRANULE_BYTES * entries + GRANULE_BYTES
}

#[cfg(not(loom))]
const NODE_BYTES: usize = 2048 + 1024;
#[cfg(not(loom))]
const RESERVE_BYTES: usize = 1 << 20;
#[cfg(loom)]
const NODE_BYTES: usize = 128;
#[cfg(loom)]
const RESERVE_BYTES: usize = 0;
