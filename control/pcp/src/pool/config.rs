//! What an operator says about a pool.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use super::prefix::Ipv4Prefix;
use super::prefix::Ipv6Prefix;
use crate::port_set::PortRange;
use crate::port_set::PortSet;

/// Addresses, how they are divided, and whom they are for.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// What people call it.
    pub name: String,
    /// The addresses.
    pub prefix: Ipv4Prefix,
    /// Bits of a PSID: an address has `2^psid_length` sets. 0 hands out whole addresses.
    pub psid_length: u8,
    /// The lwAFTR's end of the softwires that get sets from here.
    pub br: Ipv6Addr,
    /// Who picks the sets.
    pub owner: Owner,
    /// Softwire ends that it serves; an empty list serves nobody.
    pub clients: Vec<Ipv6Prefix>,
    /// Addresses that are not handed out.
    pub reserved: Vec<Ipv4Addr>,
    /// Sets of shared addresses that meet these ports are not handed out (LW-010).
    pub exclude_ports: Vec<PortRange>,
    /// Whether sets of shared addresses with UDP 5350 or 5351 are handed out (PC-040, C-04).
    pub pcp_ports: PcpPorts,
}

/// Who picks the sets of a pool (LW-006).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Owner {
    /// This server, for lwB4s that ask.
    Pcp,
    /// Another system, such as a DHCP server, through the management listener of this number: its exact
    /// suggestion or nothing (DH-051).
    ThirdParty(u16),
}

/// What happens to sets that hold the ports of PCP itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PcpPorts {
    /// They are kept back.
    Excluded,
    /// They are handed out like all others.
    Included,
}

impl PoolConfig {
    /// Whether the pool keeps `set` back. Whole addresses are never kept back for their ports.
    pub(super) fn withholds(&self, set: PortSet) -> bool {
        if self.reserved.contains(&set.address()) {
            return true;
        }
        let ports = set.ports();
        let excluded = self.exclude_ports.iter().any(|range| range.meets(ports));
        let has_pcp = self.pcp_ports == PcpPorts::Excluded
            && (ports.contains(crate::wire::CLIENT_PORT)
                || ports.contains(crate::wire::SERVER_PORT));
        !set.is_whole() && (excluded || has_pcp)
    }
}
