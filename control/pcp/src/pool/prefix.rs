//! Prefixes of the addresses that pools hand out and of the subscribers that they serve.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

/// Consecutive IPv4 addresses.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Ipv4Prefix {
    first: Ipv4Addr,
    length: u8,
}

impl Ipv4Prefix {
    /// The addresses that share the first `length` bits of `address`; `None` for more than 32 bits, or
    /// bits beyond them.
    #[must_use]
    pub const fn new(address: Ipv4Addr, length: u8) -> Option<Self> {
        if length > 32 || (length < 32 && address.to_bits() << length != 0) {
            return None;
        }
        Some(Self {
            first: address,
            length,
        })
    }

    /// Number of addresses.
    #[must_use]
    pub const fn count(self) -> u64 {
        1 << (32 - self.length)
    }

    /// The place of `address` in the prefix.
    pub(super) const fn index(self, address: Ipv4Addr) -> Option<usize> {
        let index = address.to_bits().wrapping_sub(self.first.to_bits());
        if (index as u64) < self.count() {
            return Some(index as usize);
        }
        None
    }

    pub(super) const fn nth(self, index: usize) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.first.to_bits() + index as u32)
    }
}

/// Consecutive IPv6 addresses.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Ipv6Prefix {
    first: Ipv6Addr,
    length: u8,
}

impl Ipv6Prefix {
    /// The addresses that share the first `length` bits of `address`; `None` for more than 128 bits, or
    /// bits beyond them.
    #[must_use]
    pub const fn new(address: Ipv6Addr, length: u8) -> Option<Self> {
        if length > 128 || (length < 128 && address.to_bits() << length != 0) {
            return None;
        }
        Some(Self {
            first: address,
            length,
        })
    }

    /// Whether `address` has the prefix.
    #[must_use]
    pub const fn contains(self, address: Ipv6Addr) -> bool {
        let differing = address.to_bits() ^ self.first.to_bits();
        self.length == 0 || differing >> (128 - self.length) == 0
    }
}
