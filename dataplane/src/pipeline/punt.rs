//! Which class a packet for this box itself is of.
//!
//! A class chooses a ring and a rate, no more: whoever takes the packet reads it with every care.

use crate::packet::Packet;
use crate::pipeline::Inner;
use crate::pipeline::Pipeline;
use crate::punt::PuntClass;
use crate::wire::ipv6;
use crate::wire::transport;

impl Pipeline {
    /// The class of a packet to an IPv6 address of ours, with `next_header` at `at` in its frame.
    #[cold]
    pub(super) fn class_of_ipv6<P: Packet>(
        &self,
        packet: &P,
        ipv6_at: usize,
        (next_header, at): (u8, usize),
    ) -> PuntClass {
        match next_header {
            ipv6::ICMPV6 if is_neighbour_discovery(packet, ipv6_at, at) => PuntClass::Neighbour,
            ipv6::ICMPV6 => PuntClass::Icmp,
            ipv6::UDP if self.forwarding.plain_ipv6_pcp && is_to_pcp(packet, at) => PuntClass::Pcp,
            _ => PuntClass::Other,
        }
    }
}

/// The class of an IPv4 packet to an address of ours where no PCP is spoken (PC-001).
#[cold]
pub(super) fn class_of_ipv4(protocol: u8) -> PuntClass {
    match protocol {
        transport::ICMP => PuntClass::Icmp,
        _ => PuntClass::Other,
    }
}

/// The class of what a lwB4 sends to the address by which it reaches us (TN-041). A request is far too
/// small to be fragmented (1100 octets, RFC 6887 s7), so a fragment is none.
#[cold]
pub(super) fn class_of_tunnelled<P: Packet>(packet: &P, inner: &Inner) -> PuntClass {
    let ipv4 = &inner.ipv4;
    let at = inner.at() + usize::from(ipv4.header_len);
    let is_pcp = ipv4.protocol == transport::UDP && !ipv4.fragment.is_fragment();
    if is_pcp && is_to_pcp(packet, at) {
        PuntClass::Pcp
    } else {
        class_of_ipv4(ipv4.protocol)
    }
}

/// Whether an ICMPv6 message is neighbour discovery that no router has passed on (RFC 4861 s4): only
/// the link may say something of the link, so only that has the ring to itself.
fn is_neighbour_discovery<P: Packet>(packet: &P, ipv6_at: usize, at: usize) -> bool {
    let hop_limit = packet.head().get(ipv6_at + HOP_LIMIT_AT);
    let mut kind = [0];
    hop_limit == Some(&u8::MAX)
        && packet.copy_out(at, &mut kind)
        && (ROUTER_SOLICITATION..=REDIRECT).contains(&kind[0])
}

/// Whether the UDP header at `at`, in whatever segment it lies, names the PCP server's port.
fn is_to_pcp<P: Packet>(packet: &P, at: usize) -> bool {
    let mut port = [0; 2];
    packet.copy_out(at + 2, &mut port) && u16::from_be_bytes(port) == PCP_PORT
}

/// Where the IPv6 header has its Hop Limit.
const HOP_LIMIT_AT: usize = 7;
/// ICMPv6 types of neighbour discovery: from here (RFC 4861 s4.1) …
const ROUTER_SOLICITATION: u8 = 133;
/// … to here (RFC 4861 s4.5).
const REDIRECT: u8 = 137;
/// RFC 6887 s7.
const PCP_PORT: u16 = 5351;
