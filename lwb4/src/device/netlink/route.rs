//! Routes into the tunnel, and the way to the lwAFTR.
//!
//! Ours carry the protocol number [`PROTOCOL`]; `ip route show proto 46` lists them.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use netlink_packet_core::NLM_F_CREATE;
use netlink_packet_core::NLM_F_EXCL;
use netlink_packet_core::NLM_F_REPLACE;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::RouteAddress;
use netlink_packet_route::route::RouteAttribute;
use netlink_packet_route::route::RouteHeader;
use netlink_packet_route::route::RouteMessage;
use netlink_packet_route::route::RouteMetric;
use netlink_packet_route::route::RouteProtocol;
use netlink_packet_route::route::RouteScope;
use netlink_packet_route::route::RouteType;

use crate::device::netlink::Done;
use crate::device::netlink::Netlink;
use crate::device::netlink::NetlinkError;

/// A network that is reached through the tunnel.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Network {
    /// Its address; 0.0.0.0 for the default route.
    pub address: Ipv4Addr,
    /// Bits of its prefix; 0 for the default route.
    pub prefix_len: u8,
}

impl Network {
    /// All of the Internet.
    pub const DEFAULT: Self = Self {
        address: Ipv4Addr::UNSPECIFIED,
        prefix_len: 0,
    };
}

/// How the lwAFTR is reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Way {
    /// The index of the interface that packets to it leave by.
    pub interface: u32,
    /// Octets of an IPv6 packet that this interface takes, or the route, if it says less.
    pub mtu: u32,
}

impl Netlink {
    /// Leads a network into the tunnel, with a metric: the least one wins.
    ///
    /// # Errors
    /// When the system refuses, as when there is such a route with this metric, whoever's it is; ours are
    /// removed first by [`Self::remove_routes`].
    pub fn add_route(&mut self, tun: u32, network: Network, metric: u32) -> Done {
        let mut message = RouteMessage::default();
        message.header = header(AddressFamily::Inet);
        message.header.destination_prefix_length = network.prefix_len;
        message.header.protocol = RouteProtocol::Other(PROTOCOL);
        message.header.scope = RouteScope::Link;
        message.header.kind = RouteType::Unicast;
        message.attributes = vec![RouteAttribute::Oif(tun), RouteAttribute::Priority(metric)];
        if network.prefix_len > 0 {
            let destination = RouteAddress::Inet(network.address);
            message
                .attributes
                .push(RouteAttribute::Destination(destination));
        }
        let message = RouteNetlinkMessage::NewRoute(message);
        self.change("add a route", message, NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Makes every address of an IPv6 prefix one of this host's, as for a swarm of lwB4s.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn add_local_prefix(&mut self, prefix: Ipv6Addr, prefix_len: u8) -> Done {
        let mut message = RouteMessage::default();
        message.header = RouteHeader {
            table: RT_TABLE_LOCAL,
            ..header(AddressFamily::Inet6)
        };
        message.header.destination_prefix_length = prefix_len;
        message.header.protocol = RouteProtocol::Other(PROTOCOL);
        message.header.kind = RouteType::Local;
        message.attributes = vec![
            RouteAttribute::Oif(LOOPBACK),
            RouteAttribute::Destination(RouteAddress::Inet6(prefix)),
        ];
        let message = RouteNetlinkMessage::NewRoute(message);
        self.change("make a prefix local", message, NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Removes every route of ours, also what a crash has left, and no other. Says how many there were.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove_routes(&mut self) -> Result<usize, NetlinkError> {
        let mut listed = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut every = RouteMessage::default();
            every.header.address_family = family;
            listed.extend(self.list(RouteNetlinkMessage::GetRoute(every))?);
        }
        let mut removed = 0;
        for answer in listed {
            let RouteNetlinkMessage::NewRoute(route) = answer else {
                continue;
            };
            if route.header.protocol == RouteProtocol::Other(PROTOCOL) {
                self.change("remove a route", RouteNetlinkMessage::DelRoute(route), 0)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// How the lwAFTR is reached now.
    ///
    /// # Errors
    /// When it is not.
    pub fn way_to(&mut self, lwaftr: Ipv6Addr) -> Result<Way, NetlinkError> {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet6;
        message.header.destination_prefix_length = 128;
        message.attributes = vec![RouteAttribute::Destination(IpAddr::V6(lwaftr).into())];
        let answers = self.ask(RouteNetlinkMessage::GetRoute(message), 0)?;
        let Some(RouteNetlinkMessage::NewRoute(route)) = answers.into_iter().next() else {
            return Err(NetlinkError::Missing("route to the lwAFTR"));
        };
        let interface = route
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                RouteAttribute::Oif(index) => Some(*index),
                _ => None,
            });
        let interface = interface.ok_or(NetlinkError::Missing("interface towards the lwAFTR"))?;
        let of_link = self.mtu(interface)?;
        let mtu = mtu_of(&route).map_or(of_link, |of_route| of_route.min(of_link));
        Ok(Way { interface, mtu })
    }
}

/// What the route itself says.
fn mtu_of(route: &RouteMessage) -> Option<u32> {
    let metrics = route
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Metrics(metrics) => Some(metrics),
            _ => None,
        })?;
    metrics.iter().find_map(|metric| match metric {
        RouteMetric::Mtu(mtu) if *mtu > 0 => Some(*mtu),
        _ => None,
    })
}

fn header(family: AddressFamily) -> RouteHeader {
    RouteHeader {
        address_family: family,
        table: RouteHeader::RT_TABLE_MAIN,
        ..RouteHeader::default()
    }
}

/// The table that says which addresses are ours (`linux/rtnetlink.h`).
const RT_TABLE_LOCAL: u8 = 255;
/// The loopback device is the first in every namespace.
const LOOPBACK: u32 = 1;
/// Who set up a route (rtnetlink(7), `rtm_protocol`): a number that nobody else has in
/// `/etc/iproute2/rt_protos`, for 4 over 6.
pub const PROTOCOL: u8 = 46;
