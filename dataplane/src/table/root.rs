//! The table as its readers see it: from an IPv4 address to its slot, by arithmetic.
//!
//! ```text
//!  address  [ 16 bits ][ 8 ][ 8 ]
//!              │         │    │
//!            root ──► Subnets ──► Hosts ──► Slot ──► block of Softwires, by PSID
//! ```

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::port_set::PortSet;

use super::br::BrIndex;
use super::br::BrSet;
use super::key::Key;
use super::memory::Granule;
use super::memory::Memory;
use super::memory::Order;
use super::node::Hosts;
use super::node::Node;
use super::node::Subnets;
use super::slot::Slot;
use super::softwire::Softwire;
use super::softwire::Tag;
use super::sync::Frozen;
use super::sync::Ordering;

/// The binding table: which softwire owns a port of an IPv4 address (LW-013, LW-017).
///
/// Workers reach it through a [`Reader`](super::Reader); only the publisher changes it.
#[derive(Debug)]
pub struct Table {
    pub(super) memory: Memory,
    pub(super) brs: Arc<BrSet>,
    /// A reference to a [`Subnets`] node for each value of the first two octets.
    pub(super) root: Granule,
    /// A bit for each of them, set when the reference is there: 8 KiB that stay in the first-level cache.
    pub(super) served: Granule,
    pub(super) witness: Frozen<()>,
}

impl Table {
    /// The softwire that owns the key, if any.
    #[must_use]
    #[inline]
    pub fn lookup(&self, key: Key) -> Option<&Softwire> {
        let slot = self.slot(key.ipv4);
        let softwire = self.occupant(slot, slot.place(key.port));
        (softwire.tag() == slot.tag(key.port)).then_some(softwire)
    }

    /// Whether the table has a softwire on `ipv4` at all.
    #[must_use]
    #[inline]
    pub fn serves(&self, ipv4: u32) -> bool {
        let (word, bit) = served_bit(ipv4);
        let word = self.memory.word(self.served, word).load(Ordering::Acquire);
        word & bit != 0 && !self.slot(ipv4).is_vacant()
    }

    /// Whether softwires share `ipv4`, so that only ports can tell whose a packet is.
    #[must_use]
    #[inline]
    pub fn shares(&self, ipv4: u32) -> bool {
        self.serves(ipv4) && !self.slot(ipv4).is_whole()
    }

    /// The BR address numbered `index`.
    #[must_use]
    #[inline]
    pub fn br(&self, index: BrIndex) -> &[u8; 16] {
        self.brs.address(index)
    }

    /// The number of the BR address `address`, if it is one of ours.
    #[must_use]
    #[inline]
    pub fn find_br(&self, address: &[u8; 16]) -> Option<BrIndex> {
        self.brs.find(address)
    }

    /// The ports that `softwire`, found on `ipv4`, owns.
    #[must_use]
    pub fn ports_of(&self, ipv4: Ipv4Addr, softwire: &Softwire) -> Option<PortSet> {
        PortSet::new(self.slot(ipv4.to_bits()).split(), softwire.psid()).ok()
    }

    /// Lets loom see that the table is looked at; it must not have ended.
    #[inline(always)]
    pub(super) fn witness(&self) {
        self.witness.read();
    }

    /// The end of a table that nobody looks at any more.
    pub(super) fn end(self: Box<Self>) {
        #[cfg(loom)]
        self.witness.write(());
        drop(self);
    }

    /// What is known of one address.
    #[inline(always)]
    pub(super) fn slot(&self, ipv4: u32) -> Slot {
        let [.., third, fourth] = ipv4.to_be_bytes();
        let subnets = self.subnets(ipv4);
        let hosts = hosts(subnets.child(&self.memory, third));
        Slot::from_word(hosts.child(&self.memory, fourth))
    }

    #[inline(always)]
    pub(super) fn subnets(&self, ipv4: u32) -> Node<Subnets> {
        let reference = self.memory.half(self.root, root_index(ipv4));
        Node::from_reference(reference.load(Ordering::Acquire))
    }

    /// The entry in `place` of a block: a softwire, whichever it is, or a vacant one.
    #[inline(always)]
    pub(super) fn occupant(&self, slot: Slot, place: u32) -> &Softwire {
        let (granule, index) = self.occupant_at(slot, place);
        self.memory.softwire(granule, index)
    }

    #[inline(always)]
    pub(super) fn occupant_at(&self, slot: Slot, place: u32) -> (Granule, u32) {
        if slot.is_indexed() {
            let reference = self.memory.half(slot.block(), place);
            let granule = Granule::from_index(reference.load(Ordering::Acquire));
            (granule, 0)
        } else {
            (slot.block(), place)
        }
    }

    /// All addresses that have softwires, in order.
    pub(super) fn slots(&self) -> impl Iterator<Item = (Ipv4Addr, Slot)> {
        let memory = &self.memory;
        self.networks().flat_map(move |high| {
            self.subnets(high)
                .children(memory)
                .flat_map(move |(third, child)| {
                    let network = high | u32::from(third) << 8;
                    hosts(child).children(memory).map(move |(fourth, word)| {
                        let ipv4 = Ipv4Addr::from_bits(network | u32::from(fourth));
                        (ipv4, Slot::from_word(word))
                    })
                })
        })
    }

    /// The first addresses of the /16s that have softwires, in order.
    fn networks(&self) -> impl Iterator<Item = u32> {
        (0..ROOT_LENGTH.div_ceil(64)).flat_map(|index| {
            let word = self.memory.word(self.served, index).load(Ordering::Acquire);
            (0..64)
                .filter(move |bit| word >> bit & 1 != 0)
                .map(move |bit| (index * 64 + bit) << 16)
        })
    }

    /// The softwires of one address, in the order of their places.
    pub(super) fn members(&self, slot: Slot) -> impl Iterator<Item = (Granule, &Softwire)> {
        let places = if slot.is_vacant() {
            0
        } else {
            slot.shape().places()
        };
        (0..places as u32)
            .map(move |place| {
                let (granule, index) = self.occupant_at(slot, place);
                let at = Granule::from_index(granule.index() + index);
                (at, self.memory.softwire(granule, index))
            })
            .filter(|(_, softwire)| softwire.tag() != Tag::VACANT)
    }
}

#[inline(always)]
pub(super) fn hosts(child: u64) -> Node<Hosts> {
    Node::from_reference(child as u32)
}

#[inline(always)]
pub(super) const fn root_index(ipv4: u32) -> u32 {
    (ipv4 >> 16) & (ROOT_LENGTH - 1)
}

/// The word of the map of served networks that stands for `ipv4`, and the bit in it.
#[inline(always)]
pub(super) const fn served_bit(ipv4: u32) -> (u32, u64) {
    let index = root_index(ipv4);
    (index / 64, 1 << (index % 64))
}

/// One reference for each value of the first two octets.
#[cfg(not(loom))]
pub(super) const ROOT_LENGTH: u32 = 1 << 16;
/// Loom's model has addresses in one /16 only: it pays for every word.
#[cfg(loom)]
pub(super) const ROOT_LENGTH: u32 = 1;

pub(super) const ROOT_ORDER: Order = Order::holding(ROOT_LENGTH as usize * 4);
pub(super) const SERVED_ORDER: Order = Order::holding(ROOT_LENGTH as usize / 8);
