//! One change to a table: checked against what is there, then carried out so that readers of the table
//! see it happen in one step.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crate::binding::Binding;
use crate::port_set::PortSet;
use crate::port_set::PortSplit;

use super::allocator::Allocator;
use super::block::Blocks;
use super::br::BrIndex;
use super::discard::Workshop;
use super::graft;
use super::key::Key;
use super::memory::GRANULE_BYTES;
use super::node::Node;
use super::refusal::Refusal;
use super::root::Table;
use super::root::hosts;
use super::root::root_index;
use super::root::served_bit;
use super::slot::Slot;
use super::slot::normal;
use super::softwire::Fields;
use super::softwire::MtuClass;
use super::softwire::Origin;
use super::softwire::Softwire;
use super::softwire::SoftwireId;
use super::softwire::Tag;
use super::sync::Ordering;

/// A softwire of the table with all that is known of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Row {
    /// The binding; a whole address always reads back with PSID offset 0 (GM-003).
    pub binding: Binding,
    /// Where it came from.
    pub origin: Origin,
    /// Its number.
    pub id: SoftwireId,
    /// Its path MTU class.
    pub mtu_class: MtuClass,
}

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
        let id = self.workshop.ids.take().ok_or_else(|| self.full())?;
        self.fill(table, binding, vacancy, origin, id, MtuClass::default());
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
            row.mtu_class,
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
        let (id, mtu_class) = if old.binding.b4() == binding.b4() {
            (old.id, old.mtu_class)
        } else {
            let id = self.workshop.ids.take().ok_or_else(|| self.full())?;
            self.workshop.discard_id(old.id);
            (id, MtuClass::default())
        };
        let slot = table.slot(ipv4.to_bits());
        let softwire = Softwire::new(fields(binding, br, origin), id, mtu_class);
        let next = self
            .blocks
            .replace(&mut self.workshop, table, slot, softwire);
        self.store(table, ipv4, slot, next);
        Ok(old)
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
        mtu_class: MtuClass,
    ) {
        let Vacancy { slot, br } = vacancy;
        let softwire = Softwire::new(fields(binding, br, origin), id, mtu_class);
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

    pub(super) fn full(&self) -> Refusal {
        Refusal::Full {
            used_bytes: self.workshop.allocator.used_bytes(),
            softwires: self.softwires,
        }
    }
}

impl Table {
    /// The softwire that has exactly the port set `ports` of `ipv4`.
    #[must_use]
    pub fn get(&self, ipv4: Ipv4Addr, ports: PortSet) -> Option<Row> {
        self.row(ipv4, self.find(ipv4, ports)?)
    }

    /// The softwire that owns `port` of `ipv4`.
    #[must_use]
    pub fn owner_of(&self, ipv4: Ipv4Addr, port: u16) -> Option<Row> {
        self.row(ipv4, self.lookup(Key::of_port(ipv4, port))?)
    }

    /// The entry of exactly the port set `ports` of `ipv4`.
    pub(super) fn find(&self, ipv4: Ipv4Addr, ports: PortSet) -> Option<&Softwire> {
        let slot = self.slot(ipv4.to_bits());
        if slot.is_vacant() || slot.split() != normal(ports.split()) {
            return None;
        }
        let psid = u32::from(ports.psid());
        let softwire = self.occupant(slot, slot.shape().place(psid));
        (softwire.tag() == Tag::bound(psid)).then_some(softwire)
    }

    /// All softwires, in the order of their addresses.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.slots().flat_map(move |(ipv4, slot)| {
            self.members(slot)
                .filter_map(move |(_, softwire)| self.row(ipv4, softwire))
        })
    }

    /// The row of an entry; there always is one, for the entry was made from a valid binding.
    fn row(&self, ipv4: Ipv4Addr, softwire: &Softwire) -> Option<Row> {
        let ports = self.ports_of(ipv4, softwire)?;
        let br = (*self.br(softwire.br())).into();
        let binding = Binding::new(ipv4, ports, softwire.b4().into(), br).ok()?;
        Some(Row {
            binding,
            origin: softwire.origin(),
            id: softwire.id(),
            mtu_class: softwire.mtu_class(),
        })
    }

    fn check_free(&self, slot: Slot, binding: &Binding) -> Result<(), Refusal> {
        let (ipv4, ports) = (binding.ipv4(), binding.ports());
        let given = ports.split();
        if slot.is_vacant() {
            return Ok(());
        }
        if slot.split() != normal(given) {
            let present = slot.split();
            return Err(Refusal::Split {
                ipv4,
                given,
                present,
            });
        }
        match self.get(ipv4, ports) {
            Some(Row {
                binding: holder,
                origin,
                ..
            }) => Err(Refusal::Overlap {
                ipv4,
                ports,
                holder,
                origin,
            }),
            None => Ok(()),
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

fn find_br(table: &Table, br: Ipv6Addr) -> Result<BrIndex, Refusal> {
    table.find_br(&br.octets()).ok_or(Refusal::UnknownBr(br))
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
const fn most_bytes(split: PortSplit) -> usize {
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
