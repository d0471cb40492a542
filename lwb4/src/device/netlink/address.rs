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

    fn add(&mut self, message: AddressMessage) -> Done {
        let message = RouteNetlinkMessage::NewAddress(message);
        self.change("add an address", message, NLM_F_CREATE | NLM_F_REPLACE)
    }
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

/// 192.0.0.0/29 (RFC 6333 s5.7).
const INNER_PREFIX: u8 = 29;
