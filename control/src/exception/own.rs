//! The addresses that the control thread answers for.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::wire::ethernet::Mac;

/// Addresses of this box.
#[derive(Clone, Debug)]
pub struct Own {
    /// Ethernet address on the Internet side.
    pub internet_mac: Mac,
    /// Address on the Internet side.
    pub internet: Ipv4Addr,
    /// Ethernet address on the access side.
    pub access_mac: Mac,
    /// Address on the access side.
    pub access: Ipv6Addr,
    /// The BR addresses, where tunnels end.
    pub brs: Vec<Ipv6Addr>,
    /// Address inside the tunnels (TN-041).
    pub aftr: Ipv4Addr,
    /// Hop limit of what is sent from here.
    pub hop_limit: u8,
}

impl Own {
    /// Whether an IPv6 address is one of ours.
    #[must_use]
    pub fn has_ipv6(&self, address: Ipv6Addr) -> bool {
        address == self.access || self.brs.contains(&address)
    }

    /// Every IPv6 address of ours, each once.
    pub fn ipv6(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        let brs = self.brs.iter().copied();
        std::iter::once(self.access).chain(brs.filter(|br| *br != self.access))
    }
}
