//! Our own address on a side, with the network it lives in when the operator names it.

use std::fmt;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::str::FromStr;

use thiserror::Error;

/// A unicast address and, optionally, the prefix length of its network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InterfaceAddress<A> {
    address: A,
    prefix_length: Option<u8>,
}

impl<A: IpAddress> InterfaceAddress<A> {
    /// Our address.
    pub fn address(self) -> A {
        self.address
    }

    /// Bits of the network part, when given.
    pub fn prefix_length(self) -> Option<u8> {
        self.prefix_length
    }

    /// Whether `other` is reachable on the link: always, when no network is given.
    pub fn reaches(self, other: A) -> bool {
        let Some(length) = self.prefix_length else {
            return true;
        };
        let host_bits = u32::from(A::BITS - length);
        let differing = self.address.bits() ^ other.bits();
        differing.checked_shr(host_bits).unwrap_or(0) == 0 || other.is_link_local()
    }
}

impl<A: fmt::Display> fmt::Display for InterfaceAddress<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix_length {
            None => write!(f, "{}", self.address),
            Some(length) => write!(f, "{}/{length}", self.address),
        }
    }
}

impl<A: IpAddress> FromStr for InterfaceAddress<A> {
    type Err = NoInterfaceAddress;

    fn from_str(text: &str) -> Result<Self, NoInterfaceAddress> {
        let error = || NoInterfaceAddress(text.to_owned());
        let (address, prefix_length) = match text.split_once('/') {
            None => (text, None),
            Some((address, length)) => (address, Some(length.parse().map_err(|_| error())?)),
        };
        let address: A = address.parse().map_err(|_| error())?;
        let length_fits = prefix_length.is_none_or(|length| (1..=A::BITS).contains(&length));
        let valid = address.is_unicast() && length_fits;
        if valid {
            Ok(Self {
                address,
                prefix_length,
            })
        } else {
            Err(error())
        }
    }
}

/// A text that is no address of an interface.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("'{0}' is not a unicast address with an optional prefix length")]
pub struct NoInterfaceAddress(String);

/// What both families of addresses have in common here.
pub trait IpAddress: Copy + Eq + FromStr + fmt::Display + Into<IpAddr> {
    /// Bits of an address.
    const BITS: u8;
    /// The address as a number.
    fn bits(self) -> u128;
    /// Whether one node can have it.
    fn is_unicast(self) -> bool;
    /// Whether it is valid on every link, whatever the link's networks.
    fn is_link_local(self) -> bool;
}

impl IpAddress for Ipv4Addr {
    const BITS: u8 = 32;

    fn bits(self) -> u128 {
        u32::from(self).into()
    }

    fn is_unicast(self) -> bool {
        let [first, ..] = self.octets();
        (1..=223).contains(&first) && first != 127
    }

    fn is_link_local(self) -> bool {
        false
    }
}

impl IpAddress for Ipv6Addr {
    const BITS: u8 = 128;

    fn bits(self) -> u128 {
        self.into()
    }

    fn is_unicast(self) -> bool {
        !(self.is_unspecified() || self.is_loopback() || self.is_multicast())
    }

    fn is_link_local(self) -> bool {
        self.is_unicast_link_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(text: &str) -> InterfaceAddress<Ipv4Addr> {
        text.parse().unwrap()
    }

    #[test]
    fn the_prefix_length_is_optional_and_limits_what_the_link_reaches() {
        assert!(v4("10.0.0.1").reaches(Ipv4Addr::new(192, 0, 2, 1)));
        assert!(v4("10.0.0.1/24").reaches(Ipv4Addr::new(10, 0, 0, 254)));
        assert!(!v4("10.0.0.1/24").reaches(Ipv4Addr::new(10, 0, 1, 254)));
        assert!(!v4("10.0.0.1/32").reaches(Ipv4Addr::new(10, 0, 0, 2)));
        let v6: InterfaceAddress<Ipv6Addr> = "2001:db8::1/64".parse().unwrap();
        assert!(v6.reaches("2001:db8::ffff".parse().unwrap()));
        assert!(v6.reaches("fe80::1".parse().unwrap()));
        assert!(!v6.reaches("2001:db8:0:1::1".parse().unwrap()));
    }

    #[test]
    fn what_no_interface_can_have_is_refused() {
        for text in [
            "",
            "10.0.0.1/",
            "10.0.0.1/0",
            "10.0.0.1/33",
            "224.0.0.1",
            "127.0.0.1",
            "::1",
        ] {
            assert!(
                text.parse::<InterfaceAddress<Ipv4Addr>>().is_err(),
                "{text}"
            );
        }
        for text in ["::", "::1", "ff02::1", "2001:db8::1/129", "10.0.0.1"] {
            assert!(
                text.parse::<InterfaceAddress<Ipv6Addr>>().is_err(),
                "{text}"
            );
        }
    }
}
