//! What the table stores for one IPv4 address: how its ports are split and where its softwires lie,
//! packed in one atomic word, so that a reader sees both change at once.
//!
//! ```text
//!  63    56 55    48 47    40 39    32 31              0
//!  [ shift ][ j     ][ m     ][ k     ][ block          ]
//! ```
//!
//! `k` is the PSID length and `m` the number of port bits below the PSID (`a = 16 - m - k`). The block has
//! `2^j` places, and a port belongs in place `(port >> shift) mod 2^j`. Those `j` bits are bits of the PSID:
//! as few as keep apart the PSIDs in use. One PSID takes one place, a full address `2^k`. The all-zero
//! word is "no such address". Whole bytes, because shift counts in byte registers cost no masking.

use crate::port_set::PortSplit;

use super::key::PortKey;
use super::memory::Granule;
use super::softwire::Tag;

/// The packed word of one IPv4 address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Slot(u64);

impl Slot {
    pub(super) fn new(block: Granule, split: PortSplit, shape: Shape) -> Self {
        let split = normal(split);
        let below = 16 - split.offset() - split.length();
        let bytes = [split.length(), below, shape.places_log2, below + shape.skip];
        Self(u64::from(block.index()) | u64::from(u32::from_le_bytes(bytes)) << 32)
    }

    #[inline(always)]
    pub(super) const fn from_word(word: u64) -> Self {
        Self(word)
    }

    #[inline(always)]
    pub(super) const fn word(self) -> u64 {
        self.0
    }

    #[inline(always)]
    pub(super) const fn is_vacant(self) -> bool {
        self.0 == 0
    }

    /// Whether the address is one softwire's alone.
    #[inline(always)]
    pub(super) const fn is_whole(self) -> bool {
        self.length() == 0
    }

    #[inline(always)]
    pub(super) const fn block(self) -> Granule {
        Granule::from_index(self.0 as u32)
    }

    /// How the address is split; a whole address reads back with offset 0 (GM-003).
    pub(super) fn split(self) -> PortSplit {
        let length = self.length();
        PortSplit::new(16 - self.below() - length, length).unwrap_or(PortSplit::WHOLE)
    }

    pub(super) const fn shape(self) -> Shape {
        Shape {
            places_log2: self.places_log2(),
            skip: self.shift() - self.below(),
        }
    }

    /// Whether the block holds references to entries instead of the entries themselves.
    #[inline(always)]
    pub(super) const fn is_indexed(self) -> bool {
        self.places_log2() > Shape::INLINE_LOG2
    }

    /// The place of a packet in the block; whatever has no port is in place 0 of a whole address.
    #[inline(always)]
    pub(super) const fn place(self, port: PortKey) -> u32 {
        low_bits(port.number() >> (self.shift() & 31), self.places_log2())
    }

    /// What stands in that place if the port belongs to a softwire; for keys that are ports.
    #[inline(always)]
    pub(super) const fn tag_of_port(self, port: PortKey) -> Tag {
        let number = port.number();
        let psid = low_bits(number >> (self.below() & 31), self.length());
        // With a > 0 the first 2^(16-a) ports are nobody's (GM-001); 2^16 stands for a = 0: none are.
        let first = (1 << ((self.below() + self.length()) & 31)) & 0xffff;
        if number >= first {
            Tag::bound(psid)
        } else {
            Tag::NOBODY
        }
    }

    /// What stands in the place if the packet belongs to a softwire.
    #[inline(always)]
    pub(super) const fn tag(self, port: PortKey) -> Tag {
        if port.is_port() {
            self.tag_of_port(port)
        } else if self.length() == 0 && !port.is_skip() {
            Tag::bound(0)
        } else {
            Tag::NOBODY
        }
    }

    #[inline(always)]
    const fn length(self) -> u8 {
        (self.0 >> 32) as u8
    }

    #[inline(always)]
    const fn below(self) -> u8 {
        (self.0 >> 40) as u8
    }

    #[inline(always)]
    const fn places_log2(self) -> u8 {
        (self.0 >> 48) as u8
    }

    #[inline(always)]
    const fn shift(self) -> u8 {
        (self.0 >> 56) as u8
    }
}

#[inline(always)]
const fn low_bits(value: u32, bits: u8) -> u32 {
    value & ((1 << (bits & 31)) - 1)
}

/// A whole address has no PSID, so its offset says nothing (GM-003).
pub(super) const fn normal(split: PortSplit) -> PortSplit {
    if split.is_whole() {
        PortSplit::WHOLE
    } else {
        split
    }
}

/// How a block is addressed by PSID: `2^places_log2` places, chosen by the bits above the lowest `skip`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Shape {
    pub(super) places_log2: u8,
    pub(super) skip: u8,
}

impl Shape {
    /// One place for whatever single PSID is in use.
    pub(super) const SINGLE: Self = Self {
        places_log2: 0,
        skip: 0,
    };
    /// Up to this many places the entries lie in the block itself; a change copies at most 2 KiB.
    const INLINE_LOG2: u8 = 6;

    /// The smallest shape that gives each of `psids` a place of its own.
    pub(super) fn smallest(psids: &[u16], split: PortSplit) -> Self {
        let needed = psids.len().next_power_of_two().trailing_zeros() as u8;
        let length = split.length();
        (needed..length)
            .flat_map(|places_log2| {
                (0..=length - places_log2).map(move |skip| Self { places_log2, skip })
            })
            .find(|shape| shape.separates(psids))
            .unwrap_or(Self {
                places_log2: length,
                skip: 0,
            })
    }

    /// Whether no two of `psids` share a place.
    pub(super) fn separates(self, psids: &[u16]) -> bool {
        if psids.len() > self.places() {
            return false;
        }
        if self.is_indexed() {
            self.all_apart(psids, &mut vec![0; self.places() / 64])
        } else {
            self.all_apart(psids, &mut [0])
        }
    }

    /// `taken` has a bit for each place, all clear.
    fn all_apart(self, psids: &[u16], taken: &mut [u64]) -> bool {
        psids.iter().all(|&psid| {
            let place = self.place(psid.into());
            let bit = 1 << (place % 64);
            let word = &mut taken[place as usize / 64];
            let free = *word & bit == 0;
            *word |= bit;
            free
        })
    }

    #[inline(always)]
    pub(super) const fn is_indexed(self) -> bool {
        self.places_log2 > Self::INLINE_LOG2
    }

    pub(super) const fn places(self) -> usize {
        1 << self.places_log2
    }

    #[inline(always)]
    pub(super) const fn place(self, psid: u32) -> u32 {
        low_bits(psid >> self.skip, self.places_log2)
    }
}
