//! Packets for this box itself: of which class they are, and of whom.
//!
//! A class chooses a ring and a rate, no more: whoever takes the packet reads it with every care.

use crate::packet::Packet;
use crate::pipeline::Detour;
use crate::pipeline::Inner;
use crate::pipeline::Pipeline;
use crate::pipeline::Verdict;
use crate::punt::PuntClass;
use crate::wire::ipv4::Ipv4;
use crate::wire::ipv6;
use crate::wire::ipv6::Ipv6;
use crate::wire::transport;

/// A packet for the control thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Punt {
    class: PuntClass,
    source: [u8; 16],
}

impl Punt {
    /// ARP, at `at` in its frame.
    #[cold]
    pub(super) fn arp<P: Packet>(packet: &P, at: usize) -> Self {
        Self::of_neighbour(packet, at + ARP_TARGET)
    }

    /// An IPv4 packet from the Internet, where no PCP is heard (PC-001).
    #[cold]
    pub(super) fn from_internet(ipv4: &Ipv4) -> Self {
        Self {
            class: class_of_ipv4(ipv4.protocol),
            source: u128::from(ipv4.source).to_be_bytes(),
        }
    }

    /// A neighbour speaks of an address whose last octets are at `about`. A router that looks for all the
    /// world on its link must not go unheard when it looks for us, so both make the source.
    fn of_neighbour<P: Packet>(packet: &P, about: usize) -> Self {
        let mut source = [0; 16];
        let (mac, target) = source.split_at_mut(8);
        // What is not there is zero, and the packet is worth nothing.
        let _ = packet.copy_out(SOURCE_MAC_AT, &mut mac[..6]) && packet.copy_out(about, target);
        Self {
            class: PuntClass::Neighbour,
            source,
        }
    }
}

impl Pipeline {
    /// Sends packet number `index` of a burst up. Whether its source may send one more is asked when it goes
    /// ([`Detour::allows_up`]): until then its bucket has come near.
    #[cold]
    pub(super) fn punt<P: Packet>(
        &self,
        index: usize,
        punt: Punt,
        detour: &mut Detour<P>,
    ) -> Verdict {
        let Punt { class, source } = punt;
        detour.punts[class as usize].prefetch(&source);
        detour.sources[index] = source;
        Verdict::Punt(class)
    }

    /// A packet to an IPv6 address of ours, with `next_header` at `at` in its frame.
    #[cold]
    pub(super) fn punt_ipv6<P: Packet>(
        &self,
        packet: &P,
        (ipv6_at, ipv6): (usize, &Ipv6),
        (next_header, at): (u8, usize),
    ) -> Punt {
        let class = match next_header {
            ipv6::ICMPV6 if is_neighbour_discovery(packet, ipv6_at, at) => {
                return Punt::of_neighbour(packet, at + ND_TARGET);
            }
            ipv6::ICMPV6 => PuntClass::Icmp,
            ipv6::UDP if self.forwarding.plain_ipv6_pcp && is_to_pcp(packet, at) => PuntClass::Pcp,
            _ => PuntClass::Other,
        };
        self.of_subscriber(class, &ipv6.source)
    }

    /// What a lwB4 sends to the address by which it reaches us (TN-041). A request is far too small to be
    /// fragmented (1100 octets, RFC 6887 s7), so an IPv4 fragment is none.
    #[cold]
    pub(super) fn punt_tunnelled<P: Packet>(
        &self,
        packet: &P,
        inner: &Inner,
        b4: &[u8; 16],
    ) -> Punt {
        let ipv4 = &inner.ipv4;
        let at = inner.at() + usize::from(ipv4.header_len);
        let is_pcp = ipv4.protocol == transport::UDP && !ipv4.fragment.is_fragment();
        if is_pcp && is_to_pcp(packet, at) {
            self.of_subscriber(PuntClass::Pcp, b4)
        } else {
            self.punt_bound(ipv4, b4)
        }
    }

    /// What a subscriber sends to our address on the Internet side.
    #[cold]
    pub(super) fn punt_bound(&self, ipv4: &Ipv4, b4: &[u8; 16]) -> Punt {
        self.of_subscriber(class_of_ipv4(ipv4.protocol), b4)
    }

    pub(super) fn of_subscriber(&self, class: PuntClass, address: &[u8; 16]) -> Punt {
        Punt {
            class,
            source: self.forwarding.punts.subscriber.of(address),
        }
    }
}

/// The class of an IPv4 packet where no PCP is spoken.
fn class_of_ipv4(protocol: u8) -> PuntClass {
    match protocol {
        transport::ICMP => PuntClass::Icmp,
        _ => PuntClass::Other,
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

/// Where a frame has its sender.
const SOURCE_MAC_AT: usize = 6;
/// Where ARP has the end of its target's hardware address, and then its target (RFC 826).
const ARP_TARGET: usize = 20;
/// Where neighbour discovery has the second half of its target (RFC 4861 s4.3).
const ND_TARGET: usize = 16;
/// Where the IPv6 header has its Hop Limit.
const HOP_LIMIT_AT: usize = 7;
/// ICMPv6 types of neighbour discovery: from here (RFC 4861 s4.1) …
const ROUTER_SOLICITATION: u8 = 133;
/// … to here (RFC 4861 s4.5).
const REDIRECT: u8 = 137;
/// RFC 6887 s7.
pub(super) const PCP_PORT: u16 = 5351;
