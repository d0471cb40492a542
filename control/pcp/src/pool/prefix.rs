//! Prefixes of the addresses that pools hand out and of the subscribers that they serve.

use std::fmt;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::str::FromStr;

use thiserror::Error;

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

    /// The first and the last address.
    #[must_use]
    pub const fn ends(self) -> [Ipv4Addr; 2] {
        [self.first, self.nth(self.count() as usize - 1)]
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

impl fmt::Display for Ipv4Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.length)
    }
}

impl fmt::Display for Ipv6Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.length)
    }
}

impl FromStr for Ipv4Prefix {
    type Err = NoPrefix;

    fn from_str(text: &str) -> Result<Self, NoPrefix> {
        parts(text, 32)
            .and_then(|(address, length)| Self::new(address, length))
            .ok_or_else(|| NoPrefix(text.to_owned()))
    }
}

impl FromStr for Ipv6Prefix {
    type Err = NoPrefix;

    fn from_str(text: &str) -> Result<Self, NoPrefix> {
        parts(text, 128)
            .and_then(|(address, length)| Self::new(address, length))
            .ok_or_else(|| NoPrefix(text.to_owned()))
    }
}

/// A text that is no prefix.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("'{0}' is not an address and a prefix length with no bits beyond it")]
pub struct NoPrefix(String);

/// Address and length; a lone address is all of its bits.
fn parts<A: FromStr>(text: &str, bits: u8) -> Option<(A, u8)> {
    let (address, length) = match text.split_once('/') {
        None => (text, bits),
        Some((address, length)) => (address, length.parse().ok()?),
    };
    Some((address.parse().ok()?, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_read_as_it_is_written() {
        for text in ["192.0.2.0/24", "0.0.0.0/0", "192.0.2.1/32"] {
            assert_eq!(text.parse::<Ipv4Prefix>().unwrap().to_string(), text);
        }
        for text in ["2001:db8::/32", "::/0", "2001:db8::1/128"] {
            assert_eq!(text.parse::<Ipv6Prefix>().unwrap().to_string(), text);
        }
        assert_eq!("192.0.2.1".parse::<Ipv4Prefix>().unwrap().count(), 1);
        for text in ["192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "x/8", ""] {
            assert!(text.parse::<Ipv4Prefix>().is_err(), "{text}");
        }
        assert!("2001:db8::1/64".parse::<Ipv6Prefix>().is_err());
    }
}
