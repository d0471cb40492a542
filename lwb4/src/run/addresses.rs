//! Our own addresses on the WAN: those that DHCPv6 leases, and the one that a binding makes (LW-023). None
//! stays there that we have put there and use no more.

use std::net::Ipv6Addr;

use tracing::warn;

use crate::device::netlink::Netlink;

/// What we have put on interfaces.
#[derive(Debug)]
pub(super) struct Addresses {
    /// The interface towards the access network, if it is named.
    wan: Option<u32>,
    /// The address that we made, and the interface that it is on.
    constructed: Option<(u32, Ipv6Addr)>,
    leased: Vec<Ipv6Addr>,
}

impl Addresses {
    /// None so far, on this interface.
    pub(super) const fn on(wan: Option<u32>) -> Self {
        Self {
            wan,
            constructed: None,
            leased: Vec::new(),
        }
    }

    /// Has this address of ours, towards that lwAFTR, and no other that we made (LW-023).
    pub(super) fn construct(
        &mut self,
        wanted: Option<(Ipv6Addr, Ipv6Addr)>,
        netlink: &mut Netlink,
    ) {
        let wanted = wanted.and_then(|(br, own)| {
            let interface = self.wan.or_else(|| {
                let way = netlink.way_to(br).ok()?;
                Some(way.interface)
            });
            interface.map(|interface| (interface, own))
        });
        if wanted == self.constructed {
            return;
        }
        if let Some((interface, own)) = self.constructed.take()
            && let Err(error) = netlink.remove_tunnel_address(interface, own)
        {
            warn!("{error}");
        }
        if let Some((interface, own)) = wanted {
            match netlink.add_tunnel_address(interface, own) {
                Ok(()) => self.constructed = wanted,
                Err(error) => warn!("{error}"),
            }
        }
    }

    /// Has these leased addresses on the WAN, and none that was leased before.
    pub(super) fn lease(&mut self, addresses: &[Ipv6Addr], netlink: &mut Netlink) {
        let Some(interface) = self.wan else {
            return;
        };
        for old in self.leased.iter().filter(|old| !addresses.contains(old)) {
            if let Err(error) = netlink.remove_tunnel_address(interface, *old) {
                warn!("{error}");
            }
        }
        for new in addresses.iter().filter(|new| !self.leased.contains(new)) {
            if let Err(error) = netlink.add_tunnel_address(interface, *new) {
                warn!("{error}");
            }
        }
        self.leased = addresses.to_vec();
    }
}
