//! An IPv6 prefix whose bits beyond its length are 0.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use thiserror::Error;

/// An IPv6 prefix.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Prefix {
    address: Ipv6Addr,
    length: u8,
}

impl Prefix {
    /// The prefix of `length` bits that `address` is in; its other bits are dropped.
    ///
    /// # Errors
    /// When an address has fewer bits.
    pub const fn new(address: Ipv6Addr, length: u8) -> Result<Self, PrefixError> {
        if length > 128 {
            return Err(PrefixError::Length { length });
        }
        let address = Ipv6Addr::from_bits(address.to_bits() & mask(length));
        Ok(Self { address, length })
    }

    /// Its first address.
    #[must_use]
    pub const fn address(self) -> Ipv6Addr {
        self.address
    }

    /// How many bits it fixes.
    #[must_use]
    pub const fn length(self) -> u8 {
        self.length
    }

    /// The longer of two prefixes of which one is inside the other; `None` when they are apart.
    #[must_use]
    pub const fn overlap(self, other: Self) -> Option<Self> {
        let (outer, inner) = if self.length < other.length {
            (self, other)
        } else {
            (other, self)
        };
        let inside = inner.address.to_bits() & mask(outer.length) == outer.address.to_bits();
        if inside { Some(inner) } else { None }
    }

    /// `address` with the bits of the prefix put over its own.
    #[must_use]
    pub const fn over(self, address: Ipv6Addr) -> Ipv6Addr {
        Ipv6Addr::from_bits(address.to_bits() & !mask(self.length) | self.address.to_bits())
    }
}

const fn mask(length: u8) -> u128 {
    match u128::MAX.checked_shl(128 - length as u32) {
        Some(mask) => mask,
        None => 0,
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let malformed = || PrefixError::Text {
            text: text.to_owned(),
        };
        let (address, length) = text.split_once('/').ok_or_else(malformed)?;
        let address = address.parse().map_err(|_| malformed())?;
        Self::new(address, length.parse().map_err(|_| malformed())?)
    }
}

/// Why something is no prefix.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PrefixError {
    /// Longer than an address.
    #[error("a prefix length of {length}, more than 128")]
    Length {
        /// The length given.
        length: u8,
    },
    /// No address, a slash and a number.
    #[error("'{text}' is no IPv6 prefix")]
    Text {
        /// The text given.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn bits_beyond_the_length_are_dropped() {
        assert_eq!(prefix("2001:db8::1/32").to_string(), "2001:db8::/32");
        assert_eq!(prefix("ffff::/0").to_string(), "::/0");
        assert_eq!(prefix("::1/128").to_string(), "::1/128");
        assert!("::/129".parse::<Prefix>().is_err());
        assert!("2001:db8::".parse::<Prefix>().is_err());
    }

    #[test]
    fn the_overlap_is_the_longer_one() {
        let (short, long) = (prefix("2001:db8::/32"), prefix("2001:db8:b4::/56"));
        assert_eq!(short.overlap(long), Some(long));
        assert_eq!(long.overlap(short), Some(long));
        assert_eq!(long.overlap(prefix("2001:db8:b5::/48")), None);
    }
}
