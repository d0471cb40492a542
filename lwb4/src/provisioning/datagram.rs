//! A UDP datagram that may be from the PCP server, and whether it is (PC-105, PC-143, FO-016).

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV4;

use pcp::wire::CLIENT_PORT;
use pcp::wire::SERVER_PORT;

use super::Drop;
use super::Tunnel;

/// A datagram for port 5350 or for the port that requests leave from.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// How it came.
    pub way: Way,
    /// Source address and port.
    pub source: SocketAddr,
    /// Destination address and port.
    pub destination: SocketAddr,
    /// The UDP payload.
    pub payload: &'a [u8],
}

/// How a datagram came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// In the tunnel.
    Tunnel {
        /// The source of the outer header.
        outer_source: Ipv6Addr,
        /// Where the outer header was going.
        outer_destination: OuterDestination,
    },
    /// Without a tunnel, from a server with an IPv6 address.
    Plain,
}

/// Where a tunnel packet was going.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OuterDestination {
    /// To the lwB4's own end.
    Own,
    /// To the IPv6 group that lwB4s join for announcements.
    Group,
}

/// Who may say what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Admitted {
    /// From the server to the port that requests leave from: anything.
    Unicast,
    /// From the server to the group: announcements only.
    Group,
}

impl Datagram<'_> {
    /// Whether it is from `server`, through `tunnel` if that is how the server is asked, and for us.
    pub(super) fn admit(
        &self,
        tunnel: Tunnel,
        server: IpAddr,
        own: SocketAddr,
    ) -> Result<Admitted, Drop> {
        let to_group = self.destination == SocketAddr::V4(ANNOUNCEMENTS);
        let outer_group = match (self.way, server) {
            (
                Way::Tunnel {
                    outer_source,
                    outer_destination,
                },
                IpAddr::V4(_),
            ) if outer_source == tunnel.remote => outer_destination == OuterDestination::Group,
            (Way::Plain, IpAddr::V6(_)) => false,
            _ => return Err(Drop::PcpNotOurs),
        };
        if self.source != SocketAddr::new(server, SERVER_PORT) {
            return Err(Drop::PcpNotOurs);
        }
        match (to_group, outer_group) {
            (true, _) => Ok(Admitted::Group),
            (false, true) => Err(Drop::PcpNotForGroup),
            (false, false) if self.destination == own => Ok(Admitted::Unicast),
            (false, false) => Err(Drop::PcpNotOurs),
        }
    }
}

/// Where announcements for everybody go (RFC 6887 s14.1.3).
const ANNOUNCEMENTS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 1), CLIENT_PORT);
