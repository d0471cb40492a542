//! What a worker knows of its surroundings: addresses, neighbours, tags, limits and policy.
//!
//! Fixed while the daemon runs; bindings, which change, are in the table. Values are valid by the
//! time they get here: the configuration has checked them.

use std::time::Duration;

use crate::limiter::Rates;
use crate::punt_limits::PuntLimits;
use crate::virtual_reassembly;
use crate::wire::ethernet;
use crate::wire::ethernet::Mac;

/// Settings of the forwarding plane.
#[derive(Clone, Debug)]
pub struct Forwarding {
    /// The side towards the IPv4 Internet.
    pub internet: Link,
    /// Our own IPv4 address there, in host order.
    pub internet_address: u32,
    /// The side towards the lwB4s.
    pub access: Link,
    /// Our own IPv6 address there.
    pub access_address: [u8; 16],
    /// Address that lwB4s reach us by inside the softwire (TN-041), in host order.
    pub aftr_address: u32,
    /// Hop limit of the tunnel header (TN-002).
    pub hop_limit: u8,
    /// How DSCP crosses the tunnel.
    pub dscp: Dscp,
    /// Largest TCP segment a SYN may offer, in octets; absent: offers are left alone (FR-016).
    pub mss_clamp: Option<u16>,
    /// Whether the MTU of paths to lwB4s is learned from ICMPv6 (FR-004).
    pub path_mtu_discovery: bool,
    /// Whether lwB4s of this box reach each other (LW-019).
    pub hairpinning: bool,
    /// How many IPv6 fragments may wait for others (FR-008).
    pub reassembly: Reassembly,
    /// What is remembered of IPv4 fragments, in each direction (FR-012).
    pub fragment_cache: FragmentCache,
    /// How many packets for the box itself go up to control.
    pub punts: PuntLimits,
    /// Whether PCP is spoken without a tunnel, to our IPv6 addresses.
    pub plain_ipv6_pcp: bool,
    /// What is done with ICMPv4 on the Internet side (RFC 7596 s8.1).
    pub internet_icmp: Icmp,
    /// What is done with ICMPv6, and with ICMPv4 in tunnels, on the access side (RFC 7596 s8).
    pub access_icmp: Icmp,
}

/// Bounds of IPv6 reassembly, over all workers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reassembly {
    /// Packets that may be incomplete at once.
    pub max_packets: usize,
    /// Fragments of one packet.
    pub max_fragments: usize,
    /// From the first fragment to the last.
    pub timeout: Duration,
}

impl Default for Reassembly {
    /// What holds unless the operator says otherwise.
    fn default() -> Self {
        Self {
            max_packets: 20_000,
            max_fragments: 40,
            timeout: Duration::from_secs(60),
        }
    }
}

/// Bounds of virtual reassembly, over all workers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FragmentCache {
    /// Datagrams that are remembered at once, and fragments that may wait for their first.
    pub max_packets: usize,
    /// How long.
    pub timeout: Duration,
}

impl Default for FragmentCache {
    /// What holds unless the operator says otherwise.
    fn default() -> Self {
        Self {
            max_packets: 20_000,
            timeout: virtual_reassembly::DEFAULT_TIMEOUT,
        }
    }
}

/// The ICMP policy of a side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Icmp {
    /// Whether ICMP from this side is let in at all (IC-003, IC-007).
    pub allow_incoming: bool,
    /// Whether errors are sent to this side.
    pub generate_errors: bool,
    /// How many, at most (IC-012).
    pub rates: Rates,
}

impl Default for Icmp {
    /// What holds unless the operator says otherwise.
    fn default() -> Self {
        Self {
            allow_incoming: true,
            generate_errors: true,
            rates: Rates {
                per_second: 1000,
                burst: 100,
                per_source: 10,
            },
        }
    }
}

/// One side's link.
#[derive(Clone, Debug)]
pub struct Link {
    /// Our Ethernet address.
    pub mac: Mac,
    /// The next hop's Ethernet address; absent while it is not known, and then nothing can be sent.
    pub next_hop_mac: Option<Mac>,
    /// The VLAN we live in.
    pub vlan: Option<u16>,
    /// Whether the device puts the VLAN tag on; otherwise we write it.
    pub vlan_by_device: bool,
    /// Largest IP packet, in octets, without Ethernet and VLAN.
    pub mtu: usize,
}

/// How the DSCP of a packet crosses the tunnel (EC-001).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dscp {
    /// Copied in and copied back out: the uniform model of RFC 2983.
    Copy,
    /// This DSCP outside, the inner one untouched: the pipe model.
    Fixed(u8),
}

/// The Ethernet header of every frame we send of one kind on one side, ready to copy.
#[derive(Clone, Debug)]
pub(crate) struct FrontHeader {
    octets: [u8; ethernet::TAGGED_HEADER],
    len: usize,
    /// Tag that the device must put on.
    pub(crate) device_tag: Option<u16>,
}

impl FrontHeader {
    /// The header for frames with `ether_type` on `link`.
    pub(crate) fn new(link: &Link, ether_type: u16) -> Self {
        let mut octets = [0; ethernet::TAGGED_HEADER];
        if let Some(next_hop) = link.next_hop_mac {
            octets[..6].copy_from_slice(&next_hop.0);
        }
        octets[6..12].copy_from_slice(&link.mac.0);
        let (written_tag, device_tag) = if link.vlan_by_device {
            (None, link.vlan)
        } else {
            (link.vlan, None)
        };
        let mut len = 12;
        if let Some(id) = written_tag {
            octets[12..14].copy_from_slice(&ethernet::VLAN.to_be_bytes());
            octets[14..16].copy_from_slice(&id.to_be_bytes());
            len = 16;
        }
        octets[len..len + 2].copy_from_slice(&ether_type.to_be_bytes());
        Self {
            octets,
            len: len + 2,
            device_tag,
        }
    }

    /// Octets the header takes in the frame.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Writes the header to the front of a frame that has at least these octets.
    #[inline]
    pub(crate) fn write(&self, frame: &mut [u8]) {
        // Two copies of a known length instead of one of a length known only at run time.
        if self.len == ethernet::TAGGED_HEADER {
            frame[..ethernet::TAGGED_HEADER].copy_from_slice(&self.octets);
        } else {
            frame[..ethernet::HEADER].copy_from_slice(&self.octets[..ethernet::HEADER]);
        }
    }
}
