//! The table's softwires as rows, for those who manage it: exact questions, listings, and conflicts.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crate::binding::Binding;
use crate::port_set::PortSet;

use super::br::BrIndex;
use super::key::Key;
use super::refusal::Refusal;
use super::root::Table;
use super::slot::Slot;
use super::slot::normal;
use super::softwire::Origin;
use super::softwire::PathMtu;
use super::softwire::Softwire;
use super::softwire::SoftwireId;
use super::softwire::Tag;

/// A softwire of the table with all that is known of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Row {
    /// The binding; a whole address always reads back with PSID offset 0 (GM-003).
    pub binding: Binding,
    /// Where it came from.
    pub origin: Origin,
    /// Its number.
    pub id: SoftwireId,
    /// What its path takes.
    pub path_mtu: PathMtu,
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
        self.slots()
            .flat_map(move |(ipv4, slot)| self.rows_of(ipv4, slot))
    }

    /// The softwires of one address.
    pub(super) fn rows_of(&self, ipv4: Ipv4Addr, slot: Slot) -> impl Iterator<Item = Row> {
        self.members(slot)
            .filter_map(move |(_, softwire)| self.row(ipv4, softwire))
    }

    /// Whether `binding` names one of the BR addresses.
    pub(super) fn check_br(&self, binding: &Binding) -> Result<(), Refusal> {
        find_br(self, binding.br()).map(drop)
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
            path_mtu: softwire.path_mtu(),
        })
    }

    pub(super) fn check_free(&self, slot: Slot, binding: &Binding) -> Result<(), Refusal> {
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

pub(super) fn find_br(table: &Table, br: Ipv6Addr) -> Result<BrIndex, Refusal> {
    table.find_br(&br.octets()).ok_or(Refusal::UnknownBr(br))
}
