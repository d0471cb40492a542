//! What the table stores for one IPv4 address: how its ports are split and where its softwires lie,
//! packed in one atomic word, so that a reader sees both change at once.
//!
//! ```text
//!  63    51 50   47 46   42 41   37 36   32 31              0
//!  [ zero ][ skip  ][ j    ][ m    ][ k    ][ block          ]
//! ```
//!
//! `k` is the PSID length and `m` the number of port bits below the PSID (`a = 16 - m - k`). The block has
//! `2^j` places, and PSID `p` lives in place `(p >> skip) mod 2^j`: as few places as keep apart the PSIDs
//! in use. One PSID takes one place, a full address `2^k`. The all-zero word is "no such address".

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
        let word = u64::from(block.index())
            | u64::from(split.length()) << 32
            | u64::from(below) << 37
            | u64::from(shape.places_log2) << 42
            | u64::from(shape.skip) << 47;
        Self(word)
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

    #[inline(always)]
    pub(super) const fn block(self) -> Granule {
        Granule::from_index(self.0 as u32)
    }

    /// How the address is split; a whole address reads back with offset 0 (GM-003).
    pub(super) fn split(self) -> PortSplit {
        let length = self.length();
        let offset = 16 - self.below() - length;
        PortSplit::new(offset as u8, length as u8).unwrap_or(PortSplit::WHOLE)
    }

    pub(super) const fn shape(self) -> Shape {
        Shape {
            places_log2: (self.0 >> 42 & 31) as u8,
            skip: (self.0 >> 47 & 15) as u8,
        }
    }

    /// Whether the block holds references to entries instead of the entries themselves.
    #[inline(always)]
    pub(super) const fn is_indexed(self) -> bool {
        self.shape().is_indexed()
    }

    /// The place in the block, and what stands there if the packet belongs to a softwire: branch-free.
    #[inline(always)]
    pub(super) const fn aim(self, port: PortKey) -> (u32, Tag) {
        let length = self.length();
        let number = port.number();
        let psid = number >> self.below() & ((1 << length) - 1);
        // With a > 0 the first 2^(16-a) ports are nobody's (GM-001); 2^16 stands for a = 0: none are.
        let first = 1 << (self.below() + length) & 0xffff;
        let owned = if port.is_port() {
            number >= first
        } else {
            length == 0 && !port.is_skip()
        };
        let tag = if owned { Tag::bound(psid) } else { Tag::NOBODY };
        (self.shape().place(psid), tag)
    }

    #[inline(always)]
    const fn length(self) -> u32 {
        (self.0 >> 32 & 31) as u32
    }

    #[inline(always)]
    const fn below(self) -> u32 {
        (self.0 >> 37 & 31) as u32
    }
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
        psid >> self.skip & ((1 << self.places_log2) - 1)
    }
}
