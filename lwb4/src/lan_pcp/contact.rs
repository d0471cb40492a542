//! Where requests come from, and where messages go.

use std::net::Ipv4Addr;
use std::net::SocketAddrV4;

use pcp::wire::Message;

/// A client, and the way to it. Whatever it hears comes from the address that it asked (PC-105), by the
/// interface that its request came in by.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Contact {
    /// The LAN host and the port that it asked from (PC-146).
    pub client: SocketAddrV4,
    /// Which of our addresses it asked.
    pub server: Ipv4Addr,
    /// The number of the LAN interface, as the kernel has it.
    pub interface: u32,
}

impl Contact {
    /// Whether somebody can be there: neither nobody, nor everybody.
    pub(super) fn is_a_host(&self) -> bool {
        is_a_host(*self.client.ip()) && self.client.port() != 0
    }
}

/// Whether an address can be one host's.
pub(super) const fn is_a_host(address: Ipv4Addr) -> bool {
    !(address.is_unspecified() || address.is_multicast() || address.is_broadcast())
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Destination {
    /// One client.
    Client(Contact),
    /// Every host of every LAN: 224.0.0.1 port 5350 (PC-142).
    Everybody,
}

/// A message that nobody waits for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Datagram {
    /// Whom it is for.
    pub to: Destination,
    /// What it says.
    pub payload: Message,
}
