//! The way of a burst: classify, look up, act, and a verdict for every packet (design s3).
//!
//! ```text
//!   Internet ──► from_internet ──► encap ──────────────► access
//!                                    ▲ hairpin (LW-019)
//!   access ────► from_access ──► decap ─────────────────► Internet
//! ```
//!
//! Plain functions run in a written order, each over the whole burst, so that the loads of one
//! packet's binding hide behind the work on the others. Packets stay where they are in the burst
//! until the end: what leaves, leaves in the order it came.

mod answer;
mod aside;
mod crowded;
mod detour;
mod doorway;
mod error;
mod express;
mod from_access;
mod from_internet;
mod gate;
mod hairpin;
mod inner;
mod ipv4_fragment;
mod ipv6_fragment;
mod ledger;
mod meeting;
mod outer;
mod punt;
mod refuse;
mod request;
mod rewrite;
#[cfg(test)]
pub(crate) mod tests;
mod traffic_class;
mod tunnel_error;
mod verdict;

use std::sync::Arc;

pub use detour::Detour;
pub use detour::Share;
pub use ledger::Ledger;
pub use verdict::Verdict;
pub use verdict::Verdicts;

use answer::Refusal;
use aside::Aside;
use doorway::Doorway;
use gate::Gate;
use inner::Inner;
use ipv6_fragment::TunnelFragment;
use outer::Outer;
use punt::Punt;
use traffic_class::TrafficClass;
use tunnel_error::TunnelError;
use verdict::Places;

use crate::drop_reason::DropReason;
use crate::forwarding::Forwarding;
use crate::forwarding::FrontHeader;
use crate::packet::Packet;
use crate::side::Side;
use crate::softwire_counters::SoftwireCounters;
use crate::table::Key;
use crate::table::PortKey;
use crate::wire::checksum;
use crate::wire::ethernet;
use crate::wire::ethernet::Mac;
use crate::wire::icmpv4;
use crate::wire::transport;
use crate::wire::transport::End;
use crate::wire::transport::Ends;
use crate::wire::transport::Ports;

/// The packet path between receiving and transmitting. One per worker.
#[derive(Debug)]
pub struct Pipeline {
    forwarding: Forwarding,
    traffic_class: TrafficClass,
    internet_gate: Gate,
    access_gate: Gate,
    internet_door: Doorway,
    access_door: Doorway,
    to_internet: FrontHeader,
    to_access: FrontHeader,
    softwire_counters: Option<Arc<SoftwireCounters>>,
}

impl Pipeline {
    /// A pipeline with these settings.
    #[must_use]
    pub fn new(forwarding: Forwarding) -> Self {
        let to_internet = FrontHeader::new(&forwarding.internet, ethernet::IPV4);
        let to_access = FrontHeader::new(&forwarding.access, ethernet::IPV6);
        Self {
            traffic_class: TrafficClass::new(forwarding.dscp),
            internet_gate: Gate::new(&forwarding.internet, ethernet::IPV4, 0x45, 0xff),
            access_gate: Gate::new(&forwarding.access, ethernet::IPV6, 0x60, 0xf0),
            internet_door: Doorway::new(&forwarding.internet, ethernet::IPV4),
            access_door: Doorway::new(&forwarding.access, ethernet::IPV6),
            forwarding,
            to_internet,
            to_access,
            softwire_counters: None,
        }
    }

    /// The same pipeline, counting what each softwire carries.
    #[must_use]
    pub fn with_softwire_counters(mut self, counters: Arc<SoftwireCounters>) -> Self {
        self.softwire_counters = Some(counters);
        self
    }

    /// Sends to another next hop from now on; without one nothing that is made for this side can leave.
    #[cold]
    pub fn set_next_hop(&mut self, side: Side, mac: Option<Mac>) {
        let forwarding = &mut self.forwarding;
        let link = match side {
            Side::Internet => &mut forwarding.internet,
            Side::Access => &mut forwarding.access,
        };
        link.next_hop_mac = mac;
        self.to_internet = FrontHeader::new(&forwarding.internet, ethernet::IPV4);
        self.to_access = FrontHeader::new(&forwarding.access, ethernet::IPV6);
    }

    /// The settings.
    #[must_use]
    pub fn forwarding(&self) -> &Forwarding {
        &self.forwarding
    }
}

/// The ports of a packet, of which `bytes` begins with its IPv4 header and may end before the packet does.
/// An ICMP error that does not sum up is not looked into (IC-004); one in fragments cannot be summed.
fn ends<P: Packet>(
    packet: &P,
    bytes: &[u8],
    inner: &Inner,
    subscriber: End,
) -> Result<Ends, DropReason> {
    let ipv4 = &inner.ipv4;
    let ends = transport::ends(bytes, ipv4, subscriber);
    if ipv4.protocol != transport::ICMP
        || !icmpv4::has_quote(bytes, ipv4)
        || ipv4.fragment.is_fragment()
        || matches!(
            ends,
            Err(DropReason::TransportTruncated | DropReason::Icmpv4Bad)
        )
    {
        return ends;
    }
    let at = inner.at() + usize::from(ipv4.header_len);
    if sums_up(packet, at, inner.at() + inner.len()) {
        ends
    } else {
        Err(DropReason::Icmpv4Bad)
    }
}

/// Whether the octets from `at` to `end`, whatever segments they lie in, have the sum of a message with
/// a right checksum.
#[cold]
fn sums_up<P: Packet>(packet: &P, at: usize, end: usize) -> bool {
    if let Some(message) = packet.head().get(at..end) {
        return checksum::sum(message) == 0xffff;
    }
    let (mut sum, mut chunk) = (0, [0; 512]);
    for at in (at..end).step_by(chunk.len()) {
        let part = &mut chunk[..(end - at).min(512)];
        if !packet.copy_out(at, part) {
            return false;
        }
        sum = checksum::add(sum, checksum::sum(part));
    }
    sum == 0xffff
}

/// What a packet is looked up by on the subscriber's side.
#[inline(always)]
fn key(ipv4: u32, ports: Ports) -> Key {
    let port = match ports {
        Ports::Port(port) => PortKey::port(port),
        Ports::None => PortKey::PORTLESS,
    };
    Key::new(ipv4, port)
}
