//! Runs of ports, and the sets that an address is divided into (RFC 7597 s5.1 with a PSID offset of 0).
//!
//! A set is `2^(16 - k)` ports from a multiple of as many, so that a run of ports on the wire and a PSID
//! in the data plane say the same. With `k = 0` it is the whole address, port 0 and protocols without
//! ports included; PORT_SET can only spell that as 65535 ports from 1 (PS-040).

use std::fmt;
use std::net::Ipv4Addr;

use thiserror::Error;

/// Consecutive ports, at least one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// Every port.
    pub const ALL: Self = Self {
        first: 0,
        last: u16::MAX,
    };

    /// The ports from `first` to `last`; `None` when there are none.
    #[must_use]
    pub const fn new(first: u16, last: u16) -> Option<Self> {
        if first > last {
            return None;
        }
        Some(Self { first, last })
    }

    /// `size` ports from `first`, as many of them as exist; one when `size` is 0.
    #[must_use]
    pub const fn sized(first: u16, size: u16) -> Self {
        Self {
            first,
            last: first.saturating_add(size.saturating_sub(1)),
        }
    }

    /// The lowest port.
    #[must_use]
    pub const fn first(self) -> u16 {
        self.first
    }

    /// The highest port.
    #[must_use]
    pub const fn last(self) -> u16 {
        self.last
    }

    /// Number of ports, from 1 to 65536.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.last as u32 - self.first as u32 + 1
    }

    /// Whether `port` is among them.
    #[must_use]
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }

    /// Whether the two share a port.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// One of the sets that an IPv4 address is divided into.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct PortSet {
    address: Ipv4Addr,
    psid: u16,
    psid_length: u8,
}

impl PortSet {
    /// The set number `psid` of the `2^psid_length` of `address`.
    ///
    /// # Errors
    /// When the PSID length has more than 16 bits, or the PSID more than that length.
    pub const fn new(address: Ipv4Addr, psid_length: u8, psid: u16) -> Result<Self, PortSetError> {
        if psid_length > 16 {
            return Err(PortSetError::Length { psid_length });
        }
        if psid as u32 >= 1 << psid_length {
            return Err(PortSetError::Psid { psid, psid_length });
        }
        Ok(Self {
            address,
            psid,
            psid_length,
        })
    }

    /// The public address.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        self.address
    }

    /// The set's number on its address.
    #[must_use]
    pub const fn psid(self) -> u16 {
        self.psid
    }

    /// Bits of a PSID on this address: the sharing ratio is `2^psid_length`.
    #[must_use]
    pub const fn psid_length(self) -> u8 {
        self.psid_length
    }

    /// Whether the address is not shared.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.psid_length == 0
    }

    /// The set's ports; internal and external ones are the same numbers, because nothing translates.
    #[must_use]
    pub const fn ports(self) -> PortRange {
        let bits = 16 - self.psid_length as u32;
        let first = (self.psid as u32) << bits;
        PortRange {
            first: first as u16,
            last: (first + (1 << bits) - 1) as u16,
        }
    }

    /// The ports as a request or a response can spell them: without port 0 for a whole address (PS-040).
    #[must_use]
    pub const fn spelled(self) -> PortRange {
        if self.is_whole() {
            return PortRange {
                first: 1,
                last: u16::MAX,
            };
        }
        self.ports()
    }

    /// Whether the set lies inside `wanted`, as far as that can be spelled (PS-015).
    #[must_use]
    pub const fn is_inside(self, wanted: PortRange) -> bool {
        let ports = self.spelled();
        wanted.first <= ports.first && ports.last <= wanted.last
    }
}

impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = self.ports();
        write!(f, "{} {}-{}", self.address, ports.first, ports.last)
    }
}

/// Why numbers do not name a set.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum PortSetError {
    /// A port has 16 bits.
    #[error("a PSID length of {psid_length} is more than the 16 bits of a port")]
    Length {
        /// The PSID length given.
        psid_length: u8,
    },
    /// The PSID has more bits than its length.
    #[error("PSID {psid} is out of range for PSID length {psid_length}")]
    Psid {
        /// The PSID given.
        psid: u16,
        /// The PSID length it must fit.
        psid_length: u8,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gm_004_ps_040_the_ports_of_a_set() {
        let address = Ipv4Addr::new(192, 0, 2, 5);
        for (psid_length, psid, first, last) in [
            (5, 13, 26624, 28671),
            (6, 26, 26624, 27647),
            (16, 65535, 65535, 65535),
            (0, 0, 0, 65535),
        ] {
            let set = PortSet::new(address, psid_length, psid).unwrap();
            assert_eq!(set.ports(), PortRange::new(first, last).unwrap());
        }
        let whole = PortSet::new(address, 0, 0).unwrap();
        assert_eq!(whole.spelled(), PortRange::sized(1, 65535));
        assert!(whole.is_inside(PortRange::sized(1, 65535)));
        assert!(!whole.is_inside(PortRange::sized(2, 65535)));
        assert!(PortSet::new(address, 17, 0).is_err());
        assert!(PortSet::new(address, 5, 32).is_err());
    }

    #[test]
    fn a_range_ends_where_ports_end() {
        assert_eq!(PortRange::sized(65000, 1000).last(), 65535);
        assert_eq!(PortRange::sized(7, 0), PortRange::sized(7, 1));
        assert!(PortRange::sized(1, 10).meets(PortRange::sized(10, 1)));
        assert!(!PortRange::sized(1, 10).meets(PortRange::sized(11, 1)));
        assert_eq!(PortRange::ALL.count(), 65536);
    }
}
