//! What a packet is looked up by: the IPv4 address of the subscriber's side and the port on it.
//!
//! Downstream that is the destination (LW-017), upstream the inner source (LW-013); for an ICMP echo
//! the Identifier stands in the port's place (LW-018).

use std::net::Ipv4Addr;

/// The port half of a [`Key`], in 32 bits so that a burst of keys is read without branches.
///
/// ```text
///  31        18 17      16      15        0
///  [ zero     ][ skip ][ none ][ port      ]
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(transparent)]
pub struct PortKey(u32);

impl PortKey {
    /// The packet's protocol has no ports: only a whole address can own it (GM-003).
    pub const PORTLESS: Self = Self(1 << 16);
    const SKIP: Self = Self(1 << 17);

    /// A transport port, or an ICMP echo Identifier.
    #[must_use]
    #[inline(always)]
    pub const fn port(port: u16) -> Self {
        Self(port as u32)
    }

    #[inline(always)]
    pub(super) const fn number(self) -> u32 {
        self.0 & 0xffff
    }

    /// Whether this is a port at all, and not [`PORTLESS`](Self::PORTLESS) or a place to skip.
    #[inline(always)]
    pub(super) const fn is_port(self) -> bool {
        self.0 >> 16 == 0
    }

    #[inline(always)]
    pub(super) const fn is_skip(self) -> bool {
        self.0 & Self::SKIP.0 != 0
    }
}

/// One question to the table.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(C)]
pub struct Key {
    /// The IPv4 address as a number, most significant octet first.
    pub ipv4: u32,
    /// The port on it.
    pub port: PortKey,
}

impl Key {
    /// A place in a burst that has nothing to ask; it never hits.
    pub const SKIP: Self = Self {
        ipv4: 0,
        port: PortKey::SKIP,
    };

    /// The key of `port` on `ipv4`.
    #[must_use]
    #[inline(always)]
    pub const fn new(ipv4: u32, port: PortKey) -> Self {
        Self { ipv4, port }
    }

    /// The key of a transport port or ICMP Identifier on `ipv4`.
    #[must_use]
    pub const fn of_port(ipv4: Ipv4Addr, port: u16) -> Self {
        Self::new(ipv4.to_bits(), PortKey::port(port))
    }

    /// The key of a packet without ports to or from `ipv4`.
    #[must_use]
    pub const fn portless(ipv4: Ipv4Addr) -> Self {
        Self::new(ipv4.to_bits(), PortKey::PORTLESS)
    }
}
