//! Who asks: the client that a mapping belongs to, and the subscriber that a quota is for.
//!
//! Every lwB4 is 192.0.0.2 inside its tunnel, so a client is its tunnel's end and its inner address
//! together (C-06, PS-052). A subscriber is the IPv6 prefix that the operator delegated (RFC 7785).

use std::fmt;
use std::net::IpAddr;
use std::net::Ipv6Addr;

/// A PCP client as the lwAFTR tells it from all others.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Client {
    /// The IPv6 end of the softwire.
    pub outer: Ipv6Addr,
    /// The client's own address: 192.0.0.2 in a tunnel, the same as `outer` without one.
    pub inner: IpAddr,
}

impl Client {
    /// Whether `other` may be this client after its IPv6 address changed (FO-003).
    #[must_use]
    pub fn may_have_moved_to(&self, other: &Self) -> bool {
        self.outer != other.outer
            && (self.inner == other.inner
                || (self.inner == IpAddr::V6(self.outer) && other.inner == IpAddr::V6(other.outer)))
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.inner, self.outer)
    }
}

/// A delegated prefix: the address of a softwire's end with its host part cleared.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Subscriber([u8; 16]);

impl Subscriber {
    /// The subscriber behind `outer` where prefixes have `prefix_length` bits; 128 is the most.
    #[must_use]
    pub fn of(outer: Ipv6Addr, prefix_length: u8) -> Self {
        let mask = match 128_u32.saturating_sub(u32::from(prefix_length)) {
            128 => 0,
            host_bits => u128::MAX << host_bits,
        };
        Self((outer.to_bits() & mask).to_be_bytes())
    }

    /// The first address of the prefix.
    #[must_use]
    pub const fn prefix(self) -> Ipv6Addr {
        Ipv6Addr::from_octets(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ps_052_a_subscriber_is_a_prefix_of_any_length() {
        let outer: Ipv6Addr = "2001:db8:1:2ff::1".parse().unwrap();
        for (length, prefix) in [
            (0, "::"),
            (56, "2001:db8:1:200::"),
            (128, "2001:db8:1:2ff::1"),
            (255, "2001:db8:1:2ff::1"),
        ] {
            let prefix: Ipv6Addr = prefix.parse().unwrap();
            assert_eq!(Subscriber::of(outer, length).prefix(), prefix);
        }
    }
}
