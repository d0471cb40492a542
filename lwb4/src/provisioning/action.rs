//! What there is to do for provisioning.

use std::net::SocketAddr;

use pcp::instant::Instant;
use pcp::wire::Message;

use super::Event;
use super::Tunnel;
use super::memory::Remembered;
use crate::external::ExternalSet;

/// What the daemon has to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Send this UDP payload: through the tunnel when the addresses are IPv4, as it is when they are IPv6.
    Send {
        /// The tunnel to use; a set is given back by the one that it came by.
        tunnel: Tunnel,
        /// Source address and port; the port stays the same as long as the process lives (PC-145).
        source: SocketAddr,
        /// The server.
        destination: SocketAddr,
        /// The payload.
        payload: Box<Message>,
    },
    /// Use these sets and no others from now on. The NAT drops what it translated to any that is not among
    /// them (LW-027), and the LAN's PCP server tells its clients (PX-001).
    Sets(Vec<ExternalSet>),
    /// Write this down; see [`super::memory`].
    Remember(Remembered),
    /// Ask whoever gave the sets again, by DHCPv6 (LW-026, LW-032).
    Reprovision,
    /// Something to log.
    Tell(Event),
}

/// A set in use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Held {
    /// The set.
    pub set: ExternalSet,
    /// When it ends unless it is renewed; `None` for one that the configuration gives.
    pub expires: Option<Instant>,
}
