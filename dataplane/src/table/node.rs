//! The two inner levels of the walk: the third octet's node (`Subnets`) and the fourth octet's (`Hosts`).
//!
//! A node with many children is dense: an array indexed by the octet. One with few is packed: a bitmap of
//! the octets present (32 bytes), then their children in order, found by counting bits. So a lone address
//! costs a line or two, and a full /24 one access. Structure (bitmap, size) never changes while published:
//! a new child means a new node. A child's *value* is replaced in place.

use std::marker::PhantomData;

use super::memory::Granule;
use super::memory::Memory;
use super::memory::Order;
use super::memory::WordPlace;
use super::sync::Ordering;

/// What differs between the levels: the size of a child and when a node turns dense.
pub(super) trait Level: Copy {
    /// A child's bytes in memory; its value is widened to 64 bits. Zero is "no child".
    const CHILD_BYTES: usize;
    /// The largest packed node; with more children a node is dense.
    const LARGEST_PACKED: Order;

    fn load(memory: &Memory, node: Granule, index: u32) -> u64;
    fn store(memory: &Memory, node: Granule, index: u32, value: u64);

    /// The place of a packed node's first child, behind the bitmap.
    const FIRST: u32 = (BITMAP_BYTES / Self::CHILD_BYTES) as u32;
    const DENSE_ORDER: Order = Order::holding(256 * Self::CHILD_BYTES);
    /// How many children a packed node can have.
    const PACKED_CHILDREN: u32 =
        ((Self::LARGEST_PACKED.bytes() - BITMAP_BYTES) / Self::CHILD_BYTES) as u32;
}

/// The fourth octet's level: children are [`Slot`](super::slot::Slot) words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Hosts;

impl Level for Hosts {
    const CHILD_BYTES: usize = 8;
    /// 28 addresses; a dense node costs at most 71 bytes an address then.
    const LARGEST_PACKED: Order = Order::holding(256);

    #[inline(always)]
    fn load(memory: &Memory, node: Granule, index: u32) -> u64 {
        memory.word(node, index).load(Ordering::Acquire)
    }

    fn store(memory: &Memory, node: Granule, index: u32, value: u64) {
        memory.word(node, index).store(value, Ordering::Release);
    }
}

/// The third octet's level: children are references to [`Hosts`] nodes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Subnets;

impl Level for Subnets {
    const CHILD_BYTES: usize = 4;
    /// 24 subnets; a dense node costs at most 41 bytes a subnet then.
    const LARGEST_PACKED: Order = Order::holding(128);

    #[inline(always)]
    fn load(memory: &Memory, node: Granule, index: u32) -> u64 {
        memory.half(node, index).load(Ordering::Acquire).into()
    }

    fn store(memory: &Memory, node: Granule, index: u32, value: u64) {
        memory
            .half(node, index)
            .store(value as u32, Ordering::Release);
    }
}

/// A reference to a node: its granule, which is even, with a mark in the lowest bit when it is dense.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Node<L> {
    reference: u32,
    level: PhantomData<L>,
}

impl<L: Level> Node<L> {
    /// No node; it reads as a packed node without children.
    pub(super) const NONE: Self = Self::from_reference(0);

    #[inline(always)]
    pub(super) const fn from_reference(reference: u32) -> Self {
        Self {
            reference,
            level: PhantomData,
        }
    }

    pub(super) const fn packed(granule: Granule) -> Self {
        Self::from_reference(granule.index())
    }

    pub(super) const fn dense(granule: Granule) -> Self {
        Self::from_reference(granule.index() | 1)
    }

    #[inline(always)]
    pub(super) const fn reference(self) -> u32 {
        self.reference
    }

    pub(super) const fn is_none(self) -> bool {
        self.reference == 0
    }

    #[inline(always)]
    pub(super) const fn is_dense(self) -> bool {
        self.reference & 1 != 0
    }

    #[inline(always)]
    pub(super) const fn granule(self) -> Granule {
        Granule::from_index(self.reference & !1)
    }

    /// The child of `octet`, zero if there is none.
    #[inline(always)]
    pub(super) fn child(self, memory: &Memory, octet: u8) -> u64 {
        match self.place(memory, octet) {
            Some(index) => L::load(memory, self.granule(), index),
            None => 0,
        }
    }

    /// Where the child of `octet` stands, if the node has a place for it.
    #[inline(always)]
    pub(super) fn place(self, memory: &Memory, octet: u8) -> Option<u32> {
        if self.is_dense() {
            Some(octet.into())
        } else {
            self.packed_place(memory, octet)
        }
    }

    /// Kept out of line, so that the walk through dense nodes has the registers to itself.
    #[inline(never)]
    fn packed_place(self, memory: &Memory, octet: u8) -> Option<u32> {
        let bitmap = Bitmap::read(memory, self.granule());
        bitmap.has(octet).then(|| L::FIRST + bitmap.rank(octet))
    }

    /// The octets that have a child, with it, in order.
    pub(super) fn children(self, memory: &Memory) -> impl Iterator<Item = (u8, u64)> {
        let (bitmap, first) = if self.is_dense() {
            (Bitmap::FULL, 0)
        } else {
            (Bitmap::read(memory, self.granule()), L::FIRST)
        };
        (first..)
            .zip(bitmap.octets())
            .map(move |(index, octet)| (octet, L::load(memory, self.granule(), index)))
            .filter(|&(_, child)| child != 0)
    }

    /// The size of the node's block.
    pub(super) fn order(self, memory: &Memory) -> Order {
        if self.is_dense() {
            L::DENSE_ORDER
        } else {
            packed_order::<L>(Bitmap::read(memory, self.granule()).len())
        }
    }
}

impl Node<Hosts> {
    /// Where the slot of `octet` stands, or a word that is always zero.
    #[inline(always)]
    pub(super) fn slot_place(self, memory: &Memory, octet: u8) -> WordPlace {
        match self.place(memory, octet) {
            Some(index) => WordPlace::new(self.granule(), index),
            None => WordPlace::NULL,
        }
    }
}

/// The size of a packed node with `children`.
pub(super) fn packed_order<L: Level>(children: u32) -> Order {
    Order::holding(64.max(BITMAP_BYTES + children as usize * L::CHILD_BYTES))
}

/// Which octets a packed node has children for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Bitmap([u64; 4]);

impl Bitmap {
    const FULL: Self = Self([u64::MAX; 4]);

    /// Relaxed, because the words never change while the node can be reached.
    #[inline(always)]
    fn read(memory: &Memory, node: Granule) -> Self {
        Self(std::array::from_fn(|index| {
            memory.word(node, index as u32).load(Ordering::Relaxed)
        }))
    }

    pub(super) fn write(self, memory: &Memory, node: Granule) {
        for (index, word) in (0..).zip(self.0) {
            memory.word(node, index).store(word, Ordering::Relaxed);
        }
    }

    pub(super) const fn insert(&mut self, octet: u8) {
        self.0[octet as usize / 64] |= 1 << (octet % 64);
    }

    fn octets(self) -> impl Iterator<Item = u8> {
        (0..4_u8).flat_map(move |index| {
            let mut left = self.0[usize::from(index)];
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as u8)?;
                left &= left - 1;
                Some(index * 64 + bit)
            })
        })
    }

    fn len(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    #[inline(always)]
    const fn has(self, octet: u8) -> bool {
        self.0[octet as usize / 64] >> (octet % 64) & 1 != 0
    }

    /// How many octets before this one are present; without branches.
    #[inline(always)]
    fn rank(self, octet: u8) -> u32 {
        let (word, bit) = (u32::from(octet / 64), octet % 64);
        let before = self.0[word as usize] & ((1 << bit) - 1);
        let whole = |index: u32| self.0[index as usize].count_ones() * u32::from(index < word);
        before.count_ones() + whole(0) + whole(1) + whole(2)
    }
}

const BITMAP_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rank_of_an_octet_counts_the_octets_before_it() {
        let mut bitmap = Bitmap::default();
        let octets = [0, 1, 63, 64, 127, 128, 200, 255];
        for octet in octets {
            bitmap.insert(octet);
        }
        assert_eq!(bitmap.len(), octets.len() as u32);
        for octet in 0..=255 {
            assert_eq!(bitmap.has(octet), octets.contains(&octet));
            let before = octets.iter().filter(|&&other| other < octet).count();
            assert_eq!(bitmap.rank(octet), before as u32, "{octet}");
        }
        assert_eq!(bitmap.octets().collect::<Vec<_>>(), octets);
    }

    #[test]
    fn packed_nodes_are_whole_cache_lines_and_end_where_dense_ones_begin() {
        assert_eq!(packed_order::<Hosts>(1).bytes(), 64);
        assert_eq!(packed_order::<Hosts>(4).bytes(), 64);
        assert_eq!(packed_order::<Hosts>(5).bytes(), 128);
        assert_eq!(Hosts::PACKED_CHILDREN, 28);
        assert_eq!(packed_order::<Hosts>(28), Hosts::LARGEST_PACKED);
        assert_eq!(Subnets::PACKED_CHILDREN, 24);
        assert_eq!(packed_order::<Subnets>(24), Subnets::LARGEST_PACKED);
        assert_eq!(
            (Hosts::DENSE_ORDER.bytes(), Subnets::DENSE_ORDER.bytes()),
            (2048, 1024)
        );
    }
}
