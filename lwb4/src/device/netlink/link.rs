//! Links: their MTU, and whether they are up.

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::AfSpecInet6;
use netlink_packet_route::link::AfSpecUnspec;
use netlink_packet_route::link::In6AddrGenMode;
use netlink_packet_route::link::LinkAttribute;
use netlink_packet_route::link::LinkFlags;
use netlink_packet_route::link::LinkMessage;

use crate::device::netlink::Done;
use crate::device::netlink::Netlink;
use crate::device::netlink::NetlinkError;

impl Netlink {
    /// Brings the TUN device up with an MTU, in octets of an IPv4 packet. It should not be below the LAN's, so
    /// that the kernel itself neither fragments nor refuses for the tunnel's sake (FR-001). No IPv6 is
    /// spoken on it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn bring_up(&mut self, interface: u32, mtu: u16) -> Done {
        let mut quiet = LinkMessage::default();
        quiet.header.index = interface;
        let silent = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
        quiet.attributes = vec![
            LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![silent])]),
            LinkAttribute::Mtu(mtu.into()),
        ];
        let set = RouteNetlinkMessage::SetLink(quiet.clone());
        if let Err(error) = self.change("configure the tun device", set, 0) {
            // A kernel without IPv6 there needs no silencing.
            if !error.is(libc::EAFNOSUPPORT) && !error.is(libc::EOPNOTSUPP) {
                return Err(error);
            }
            quiet.attributes = vec![LinkAttribute::Mtu(mtu.into())];
            let set = RouteNetlinkMessage::SetLink(quiet.clone());
            self.change("set the tun device's mtu", set, 0)?;
        }
        quiet.attributes.clear();
        quiet.header.flags = LinkFlags::Up;
        quiet.header.change_mask = LinkFlags::Up;
        self.change(
            "bring the tun device up",
            RouteNetlinkMessage::SetLink(quiet),
            0,
        )
    }

    /// The Ethernet address of an interface; all 0 where it has none.
    ///
    /// # Errors
    /// When there is no such interface.
    pub fn hardware_address(&mut self, interface: u32) -> Result<[u8; 6], NetlinkError> {
        let mut message = LinkMessage::default();
        message.header.index = interface;
        let answers = self.ask(RouteNetlinkMessage::GetLink(message), 0)?;
        let mut attributes = answers.into_iter().flat_map(|answer| match answer {
            RouteNetlinkMessage::NewLink(link) => link.attributes,
            _ => Vec::new(),
        });
        let address = attributes.find_map(|attribute| match attribute {
            LinkAttribute::Address(octets) => octets.try_into().ok(),
            _ => None,
        });
        Ok(address.unwrap_or_default())
    }

    /// The MTU of an interface, in octets of a packet.
    ///
    /// # Errors
    /// When there is no such interface.
    pub fn mtu(&mut self, interface: u32) -> Result<u32, NetlinkError> {
        let mut message = LinkMessage::default();
        message.header.index = interface;
        let answers = self.ask(RouteNetlinkMessage::GetLink(message), 0)?;
        let mtu = answers.into_iter().find_map(|answer| match answer {
            RouteNetlinkMessage::NewLink(link) => mtu_of(&link),
            _ => None,
        });
        mtu.ok_or(NetlinkError::Missing("mtu of the interface"))
    }
}

fn mtu_of(link: &LinkMessage) -> Option<u32> {
    link.attributes
        .iter()
        .find_map(|attribute| match attribute {
            LinkAttribute::Mtu(mtu) => Some(*mtu),
            _ => None,
        })
}
