//! Port sets: how the subscribers behind one IPv4 address divide its ports (RFC 7597 s5.1, App. B).
//!
//! ```text
//!  port (16 bits) = [ A : a bits ][ PSID : k bits ][ j : m bits ]     a + k + m = 16
//! ```
//!
//! `a` is the PSID offset, `k` the PSID length. With `a > 0` the block `A = 0`, the ports below
//! `2^(16-a)`, belongs to nobody (GM-001). With `k = 0` there is no PSID: the whole address, with
//! every port and every protocol, belongs to one subscriber (GM-003).

use std::fmt;
use std::ops::RangeInclusive;

use thiserror::Error;

/// How an IPv4 address is divided into port sets; the same for all softwires of one address (GM-001).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PortSplit {
    offset: u8,
    length: u8,
}

impl PortSplit {
    /// The undivided address.
    pub const WHOLE: Self = Self {
        offset: 0,
        length: 0,
    };

    /// A division with `offset` bits before the PSID and a PSID of `length` bits.
    ///
    /// # Errors
    /// When offset and length together need more than the 16 bits that a port has.
    pub const fn new(offset: u8, length: u8) -> Result<Self, PortSetError> {
        if offset > 16 || length > 16 || offset + length > 16 {
            return Err(PortSetError::Split { offset, length });
        }
        Ok(Self { offset, length })
    }

    /// The PSID offset `a`, in bits.
    #[must_use]
    pub const fn offset(self) -> u8 {
        self.offset
    }

    /// The PSID length `k`, in bits.
    #[must_use]
    pub const fn length(self) -> u8 {
        self.length
    }

    /// Number of port sets an address is divided into: the sharing ratio `2^k`.
    #[must_use]
    pub const fn sets(self) -> u32 {
        1 << self.length
    }

    /// Whether one subscriber has the address to itself, port-less protocols included.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.length == 0
    }

    /// The PSID of the set that holds `port`, or `None` for a port that no set holds (GM-001).
    #[must_use]
    #[inline]
    pub const fn psid_of(self, port: u16) -> Option<u16> {
        if self.length == 0 {
            return Some(0);
        }
        if self.offset > 0 && port >> (16 - self.offset) == 0 {
            return None;
        }
        let shift = 16 - self.offset - self.length;
        let mask = ((1_u32 << self.length) - 1) as u16;
        Some((port >> shift) & mask)
    }
}

impl fmt::Display for PortSplit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a={} k={}", self.offset, self.length)
    }
}

/// One port set: a division of an address and the number of a set in it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PortSet {
    split: PortSplit,
    psid: u16,
}

impl PortSet {
    /// All ports of an address.
    pub const WHOLE: Self = Self {
        split: PortSplit::WHOLE,
        psid: 0,
    };

    /// The set number `psid` of `split`.
    ///
    /// # Errors
    /// When the PSID does not fit in the PSID length.
    pub const fn new(split: PortSplit, psid: u16) -> Result<Self, PortSetError> {
        if psid as u32 >= split.sets() {
            return Err(PortSetError::Psid {
                psid,
                length: split.length,
            });
        }
        Ok(Self { split, psid })
    }

    /// The division of the address that this set is part of.
    #[must_use]
    pub const fn split(self) -> PortSplit {
        self.split
    }

    /// The set's number, as a plain value (GM-005).
    #[must_use]
    pub const fn psid(self) -> u16 {
        self.psid
    }

    /// Whether `port` is in the set.
    #[must_use]
    pub fn contains(self, port: u16) -> bool {
        self.split.psid_of(port) == Some(self.psid)
    }

    /// The runs of consecutive ports that make up the set, lowest first (RFC 7597 App. B).
    pub fn ranges(self) -> impl Iterator<Item = RangeInclusive<u16>> {
        let PortSplit { offset, length } = self.split;
        let whole = length == 0;
        let (offset, length) = if whole {
            (0, 0)
        } else {
            (u32::from(offset), u32::from(length))
        };
        let run_bits = 16 - offset - length;
        let first_block = u32::from(offset > 0);
        (first_block..1 << offset).map(move |block| {
            let first = (block << (16 - offset)) | (u32::from(self.psid) << run_bits);
            let last = first + (1 << run_bits) - 1;
            first as u16..=last as u16
        })
    }
}

impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} psid={}", self.split, self.psid)
    }
}

/// Why numbers do not name a port set.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum PortSetError {
    /// Offset and length need more bits than a port has.
    #[error("PSID offset {offset} and PSID length {length} need more than the 16 bits of a port")]
    Split {
        /// The PSID offset `a` given.
        offset: u8,
        /// The PSID length `k` given.
        length: u8,
    },
    /// The PSID has more bits than the PSID length.
    #[error("PSID {psid} is out of range for PSID length {length}")]
    Psid {
        /// The PSID given.
        psid: u16,
        /// The PSID length `k` it must fit.
        length: u8,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(offset: u8, length: u8, psid: u16) -> PortSet {
        PortSet::new(PortSplit::new(offset, length).unwrap(), psid).unwrap()
    }

    #[test]
    fn gm_004_vectors_of_the_generalized_modulus_algorithm() {
        let ranges: Vec<_> = set(6, 8, 0x34).ranges().collect();
        assert_eq!(ranges.len(), 63);
        assert_eq!(ranges[0], 1232..=1235);
        assert_eq!(ranges[1], 2256..=2259);
        assert_eq!(ranges[62], 64720..=64723);
        let ranges: Vec<_> = set(6, 8, 0).ranges().collect();
        assert_eq!(
            (ranges[0].clone(), ranges[62].clone()),
            (1024..=1027, 64512..=64515)
        );
        for (length, psid, range) in [
            (6, 0, 0..=1023),
            (5, 13, 26624..=28671),
            (6, 26, 26624..=27647),
            (10, 16, 1024..=1087),
        ] {
            assert_eq!(set(0, length, psid).ranges().collect::<Vec<_>>(), [range]);
        }
    }

    #[test]
    fn gm_001_ports_below_the_first_block_belong_to_nobody() {
        let split = PortSplit::new(6, 8).unwrap();
        assert!((0..1024).all(|port| split.psid_of(port).is_none()));
        assert!((1024..=u16::MAX).all(|port| split.psid_of(port).is_some()));
    }

    #[test]
    fn gm_003_a_whole_address_has_every_port_whatever_the_offset() {
        for offset in 0..=16 {
            let set = set(offset, 0, 0);
            assert!((0..=u16::MAX).all(|port| set.contains(port)));
            assert_eq!(set.ranges().collect::<Vec<_>>(), [0..=u16::MAX]);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_numbers() {
        assert_eq!(
            PortSplit::new(10, 7),
            Err(PortSetError::Split {
                offset: 10,
                length: 7
            })
        );
        assert_eq!(
            PortSplit::new(255, 255),
            Err(PortSetError::Split {
                offset: 255,
                length: 255
            })
        );
        let split = PortSplit::new(0, 4).unwrap();
        assert_eq!(
            PortSet::new(split, 16),
            Err(PortSetError::Psid {
                psid: 16,
                length: 4
            })
        );
    }

    proptest! {
        #[test]
        fn ranges_and_membership_agree(offset in 0_u8..=16, length in 0_u8..=16, bits: u16) {
            prop_assume!(offset + length <= 16);
            let psid = (u32::from(bits) % (1 << length)) as u16;
            let set = set(offset, length, psid);
            let mut listed = vec![false; 1 << 16];
            for port in set.ranges().flatten() {
                listed[usize::from(port)] = true;
            }
            for port in 0..=u16::MAX {
                prop_assert_eq!(listed[usize::from(port)], set.contains(port));
            }
        }
    }
}
