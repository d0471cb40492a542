//! A binding: which lwB4 owns which port set of which IPv4 address, and by which BR it is served
//! (RFC 7596 s4).
//!
//! A `Binding` is valid in itself; whether it agrees with the others is the table's question.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use thiserror::Error;

use crate::port_set::PortSet;

/// One softwire as operators and control know it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Binding {
    ipv4: Ipv4Addr,
    ports: PortSet,
    b4: Ipv6Addr,
    br: Ipv6Addr,
}

impl Binding {
    /// Binds the set `ports` of `ipv4` to the lwB4 at `b4`, served from the BR address `br`.
    ///
    /// # Errors
    /// When an address cannot stand in that place: not unicast, a softwire-internal IPv4 address
    /// (TN-043), or two tunnel ends that are the same node (TN-006).
    pub fn new(
        ipv4: Ipv4Addr,
        ports: PortSet,
        b4: Ipv6Addr,
        br: Ipv6Addr,
    ) -> Result<Self, BindingError> {
        if !is_public_unicast(ipv4) {
            return Err(BindingError::Ipv4(ipv4));
        }
        if !is_tunnel_end(b4) {
            return Err(BindingError::B4(b4));
        }
        if !is_tunnel_end(br) {
            return Err(BindingError::Br(br));
        }
        if b4 == br {
            return Err(BindingError::SameEnds(b4));
        }
        Ok(Self {
            ipv4,
            ports,
            b4,
            br,
        })
    }

    /// The shared or whole public IPv4 address.
    #[must_use]
    pub const fn ipv4(&self) -> Ipv4Addr {
        self.ipv4
    }

    /// The ports of it that this softwire owns.
    #[must_use]
    pub const fn ports(&self) -> PortSet {
        self.ports
    }

    /// The lwB4's tunnel address.
    #[must_use]
    pub const fn b4(&self) -> Ipv6Addr {
        self.b4
    }

    /// The border router's tunnel address for this softwire.
    #[must_use]
    pub const fn br(&self) -> Ipv6Addr {
        self.br
    }
}

/// Why addresses cannot form a binding.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BindingError {
    /// The IPv4 address cannot be a subscriber's.
    #[error("IPv4 address {0} cannot be bound: not a unicast address for subscribers")]
    Ipv4(Ipv4Addr),
    /// The lwB4 address cannot be the end of a tunnel.
    #[error("B4 address {0} cannot be a tunnel end: not unicast")]
    B4(Ipv6Addr),
    /// The BR address cannot be the end of a tunnel.
    #[error("BR address {0} cannot be a tunnel end: not unicast")]
    Br(Ipv6Addr),
    /// Both ends are the same node (RFC 2473 s4.1.2).
    #[error("B4 and BR are both {0}: the tunnel would end where it begins")]
    SameEnds(Ipv6Addr),
}

/// 0/8, loopback, 192.0.0.0/29 (the softwire's own, RFC 7335), multicast and class E cannot be bound.
fn is_public_unicast(address: Ipv4Addr) -> bool {
    let softwire_internal = u32::from(address) >> 3 == u32::from(Ipv4Addr::new(192, 0, 0, 0)) >> 3;
    let [first, ..] = address.octets();
    (1..=223).contains(&first) && first != 127 && !softwire_internal
}

fn is_tunnel_end(address: Ipv6Addr) -> bool {
    !(address.is_unspecified() || address.is_loopback() || address.is_multicast())
}

#[cfg(test)]
mod tests {
    use super::*;

    const B4: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    const BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

    #[test]
    fn addresses_that_no_subscriber_can_have_are_refused() {
        for text in [
            "0.0.0.1",
            "127.0.0.1",
            "192.0.0.0",
            "192.0.0.7",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            let ipv4 = text.parse().unwrap();
            assert_eq!(
                Binding::new(ipv4, PortSet::WHOLE, B4, BR),
                Err(BindingError::Ipv4(ipv4))
            );
        }
        for text in ["1.0.0.0", "192.0.0.8", "198.51.100.1", "223.255.255.255"] {
            assert!(Binding::new(text.parse().unwrap(), PortSet::WHOLE, B4, BR).is_ok());
        }
    }

    #[test]
    fn tn_006_a_tunnel_has_two_different_unicast_ends() {
        let ipv4 = Ipv4Addr::new(192, 0, 2, 1);
        let bind = |b4, br| Binding::new(ipv4, PortSet::WHOLE, b4, br).unwrap_err();
        assert_eq!(bind(BR, BR), BindingError::SameEnds(BR));
        let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
        assert_eq!(bind(group, BR), BindingError::B4(group));
        assert_eq!(
            bind(B4, Ipv6Addr::UNSPECIFIED),
            BindingError::Br(Ipv6Addr::UNSPECIFIED)
        );
    }
}
