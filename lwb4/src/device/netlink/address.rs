//! Addresses that we put on interfaces: the softwire's inner one, and a tunnel address that DHCPv6
//! provisioning constructs (LW-023).

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use netlink_packet_core::NLM_F_CREATE;
use netlink_packet_core::NLM_F_REPLACE;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressAttribute;
use netlink_packet_route::address::AddressFlags;
use netlink_packet_route::address::AddressMessage;

use crate::device::netlink::Done;
use crate::device::netlink::Netlink;
use crate::device::netlink::NetlinkError;
use crate::dhcpv6::Prefix;

impl Netlink {
    /// Puts the inner address, 192.0.0.2 as a rule, on the TUN device; the softwire's 192.0.0.0/29 is then
    /// reached through it (TN-040).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn add_inner_address(&mut self, interface: u32, inner: Ipv4Addr) -> Done {
        let message = message(interface, inner.into(), INNER_PREFIX);
        self.add(message)
    }

    /// Puts a constructed tunnel address on an interface, the access one as a rule, whose neighbours then find
    /// it there (LW-023). Duplicates are not looked for: the address is made of a lease that is ours.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn add_tunnel_address(&mut self, interface: u32, own: Ipv6Addr) -> Done {
        let mut message = message(interface, own.into(), 128);
        let flags = AddressFlags::Nodad | AddressFlags::Noprefixroute;
        message.attributes.push(AddressAttribute::Flags(flags));
        self.add(message)
    }

    /// Takes a tunnel address away again; that it is gone already is no failure.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove_tunnel_address(&mut self, interface: u32, own: Ipv6Addr) -> Done {
        let message = message(interface, own.into(), 128);
        let message = RouteNetlinkMessage::DelAddress(message);
        match self.change("remove the tunnel address", message, 0) {
            Err(error) if error.is(libc::EADDRNOTAVAIL) => Ok(()),
            done => done,
        }
    }

    /// The prefixes of the links that we have an address on, through this interface or through any. Those
    /// of link-local addresses and of single ones are none (LW-023).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn prefixes(&mut self, interface: Option<u32>) -> Result<Vec<Prefix>, NetlinkError> {
        let mut every = AddressMessage::default();
        every.header.family = AddressFamily::Inet6;
        let listed = self.list(RouteNetlinkMessage::GetAddress(every))?;
        let prefixes = listed.into_iter().filter_map(|answer| {
            let RouteNetlinkMessage::NewAddress(message) = answer else {
                return None;
            };
            let here = interface.is_none_or(|index| message.header.index == index);
            prefix(&message).filter(|_| here)
        });
        Ok(prefixes.collect())
    }

    fn add(&mut self, message: AddressMessage) -> Done {
        let message = RouteNetlinkMessage::NewAddress(message);
        self.change("add an address", message, NLM_F_CREATE | NLM_F_REPLACE)
    }
}

fn prefix(message: &AddressMessage) -> Option<Prefix> {
    let length = message.header.prefix_len;
    let address = message.attributes.iter().find_map(|it| match it {
        AddressAttribute::Address(IpAddr::V6(address)) => Some(*address),
        _ => None,
    })?;
    let local = address.is_unicast_link_local() || address.is_loopback();
    let prefix = Prefix::new(address, length).ok()?;
    (length <= LONGEST_PREFIX && !local).then_some(prefix)
}

fn message(interface: u32, address: IpAddr, prefix_len: u8) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    message.header.prefix_len = prefix_len;
    message.header.index = interface;
    message.attributes = vec![
        AddressAttribute::Local(address),
        AddressAttribute::Address(address),
    ];
    message
}

/// A link has as much for interface identifiers (RFC 4291 s2.5.1); what is longer is one host.
const LONGEST_PREFIX: u8 = 64;
/// 192.0.0.0/29 (RFC 6333 s5.7).
const INNER_PREFIX: u8 = 29;
