//! What changes about addresses, links and routes, as it changes (LW-026).

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::RouteProtocol;
use netlink_sys::Socket;
use netlink_sys::SocketAddr;
use netlink_sys::protocols::NETLINK_ROUTE;

use crate::device::netlink::NetlinkError;
use crate::device::netlink::messages;
use crate::device::netlink::route::PROTOCOL;

/// Hears of changes.
pub struct Monitor {
    socket: Socket,
}

/// What may be otherwise than before; several changes are told as one. Ask then [`super::super::source`],
/// [`super::Netlink::way_to`] and [`super::super::sysctl`] again, and compare.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Changed {
    /// IPv6 addresses, or the routes that choose among them: perhaps the tunnel address.
    pub ipv6: bool,
    /// Links: an MTU, or one that went up or down.
    pub links: bool,
    /// IPv4 routes of others: perhaps ours are gone, or lead elsewhere.
    pub ipv4_routes: bool,
}

impl Changed {
    /// Whether anything is.
    #[must_use]
    pub fn anything(self) -> bool {
        self != Self::default()
    }
}

impl Monitor {
    /// Hears of what happens from now on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn open() -> Result<Self, NetlinkError> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        for group in [
            libc::RTNLGRP_LINK,
            libc::RTNLGRP_IPV6_IFADDR,
            libc::RTNLGRP_IPV6_ROUTE,
            libc::RTNLGRP_IPV4_ROUTE,
        ] {
            socket.add_membership(group)?;
        }
        socket.set_non_blocking(true)?;
        Ok(Self { socket })
    }

    /// What changed since the last call.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn take(&self) -> io::Result<Changed> {
        let mut changed = Changed::default();
        loop {
            match self.socket.recv_from_full() {
                Ok((bytes, _)) => {
                    for message in messages(&bytes).flatten() {
                        if let NetlinkPayload::InnerMessage(message) = message.1 {
                            note(&mut changed, &message);
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(changed),
                // So much happened that the kernel did not keep it all.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    changed = Changed {
                        ipv6: true,
                        links: true,
                        ipv4_routes: true,
                    };
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn note(changed: &mut Changed, message: &RouteNetlinkMessage) {
    match message {
        RouteNetlinkMessage::NewLink(_) | RouteNetlinkMessage::DelLink(_) => changed.links = true,
        RouteNetlinkMessage::NewAddress(_) | RouteNetlinkMessage::DelAddress(_) => {
            changed.ipv6 = true;
        }
        RouteNetlinkMessage::NewRoute(route) | RouteNetlinkMessage::DelRoute(route) => {
            let is_ours = route.header.protocol == RouteProtocol::Other(PROTOCOL);
            match route.header.address_family {
                AddressFamily::Inet6 => changed.ipv6 = true,
                AddressFamily::Inet if !is_ours => changed.ipv4_routes = true,
                _ => {}
            }
        }
        _ => {}
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
