//! Prefixes of the addresses that pools hand out and of the subscribers that they serve.

use std::fmt;
use std::net::IpAddr;
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
        let (address, length) = parts(text, 32)?;
        Self::new(address, length).ok_or_else(|| {
            let behind = u32::MAX.checked_shr(length.into()).unwrap_or(0);
            let meant = Ipv4Addr::from_bits(address.to_bits() & !behind);
            NoPrefix::behind(text, meant, length)
        })
    }
}

impl FromStr for Ipv6Prefix {
    type Err = NoPrefix;

    fn from_str(text: &str) -> Result<Self, NoPrefix> {
        let (address, length) = parts(text, 128)?;
        Self::new(address, length).ok_or_else(|| {
            let behind = u128::MAX.checked_shr(length.into()).unwrap_or(0);
            let meant = Ipv6Addr::from_bits(address.to_bits() & !behind);
            NoPrefix::behind(text, meant, length)
        })
    }
}

/// Why a text is no prefix.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum NoPrefix {
    /// No address with at most a slash and a number of its bits.
    #[error("{0:?} is not an address and a prefix length")]
    Malformed(String),
    /// An address inside the prefix, or a length that is too small.
    #[error(
        "{text:?} has bits set behind its first {length}, expected \"{meant}/{length}\" or a greater length"
    )]
    Behind {
        /// The text given.
        text: String,
        /// The first address of the prefix with that length.
        meant: IpAddr,
        /// The length given.
        length: u8,
    },
}

impl NoPrefix {
    fn behind(text: &str, meant: impl Into<IpAddr>, length: u8) -> Self {
        Self::Behind {
            text: text.to_owned(),
            meant: meant.into(),
            length,
        }
    }
}

/// Address and length; a lone address is all of its bits.
fn parts<A: FromStr>(text: &str, bits: u8) -> Result<(A, u8), NoPrefix> {
    let (address, length) = match text.split_once('/') {
        None => (text, Some(bits)),
        Some((address, length)) => (address, length.parse().ok()),
    };
    let length = length.filter(|length| *length <= bits);
    address
        .parse()
        .ok()
        .zip(length)
        .ok_or_else(|| NoPrefix::Malformed(text.to_owned()))
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
        for text in [
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2.0/-1",
            "x/8",
            "/8",
            "",
        ] {
            let malformed = Err(NoPrefix::Malformed(text.to_owned()));
            assert_eq!(text.parse::<Ipv4Prefix>(), malformed);
            assert_eq!(text.parse::<Ipv6Prefix>().map(drop), malformed.map(drop));
        }
        assert!("2001:db8::/129".parse::<Ipv6Prefix>().is_err());
    }

    #[test]
    fn bits_behind_the_length_are_told_with_what_was_meant() {
        for (text, meant) in [
            ("192.0.2.1/24", "192.0.2.0/24"),
            ("192.0.2.1/31", "192.0.2.0/31"),
            ("128.0.0.0/0", "0.0.0.0/0"),
        ] {
            let error = text.parse::<Ipv4Prefix>().unwrap_err().to_string();
            assert!(error.contains(&format!("expected \"{meant}\"")), "{error}");
            assert!(meant.parse::<Ipv4Prefix>().is_ok());
        }
        for (text, meant) in [
            ("2001:db8::1/64", "2001:db8::/64"),
            ("2001:db8:b7::/46", "2001:db8:b4::/46"),
            ("2001:db8::1/127", "2001:db8::/127"),
            ("8000::/0", "::/0"),
        ] {
            let error = text.parse::<Ipv6Prefix>().unwrap_err().to_string();
            assert!(error.contains(&format!("expected \"{meant}\"")), "{error}");
            assert!(meant.parse::<Ipv6Prefix>().is_ok());
        }
    }
}
