//! Packets from the access side: IPv4 in IPv6 that is checked against the binding of its inner
//! source (LW-013), decapsulated, and sent to the Internet or back into a softwire (LW-020).

use crate::drop_reason::DropReason;
use crate::forwarding::Dscp;
use crate::packet::Packet;
use crate::pipeline::BURST_MAX;
use crate::pipeline::Judgement;
use crate::pipeline::Pipeline;
use crate::pipeline::admit_frame;
use crate::pipeline::from_internet::no_softwire;
use crate::pipeline::key;
use crate::pipeline::verdict::Judged;
use crate::pipeline::verdict::Verdict;
use crate::table::BrIndex;
use crate::table::Key;
use crate::table::Softwire;
use crate::table::Table;
use crate::wire::ecn;
use crate::wire::ethernet;
use crate::wire::ipv4::Ipv4;
use crate::wire::ipv4::{self};
use crate::wire::ipv6::Ipv6;
use crate::wire::ipv6::{self};
use crate::wire::transport::End;
use crate::wire::transport::Ports;
use crate::wire::transport::{self};

/// A packet that waits for the binding of its inner source.
#[derive(Clone, Copy)]
struct Seen {
    br: BrIndex,
    outer_source: [u8; 16],
    traffic_class: u8,
    ipv4_at: usize,
    ipv4: Ipv4,
    ports: Ports,
}

/// A packet that goes back into a softwire.
#[derive(Clone, Copy)]
struct Turning {
    ipv4_at: usize,
    ipv4: Ipv4,
    tos: u8,
    ports: Ports,
}

/// Where a checked packet goes on.
enum Onward {
    Internet(u32),
    Hairpin(Turning),
}

impl Pipeline {
    /// Processes a burst from the access side; packets are changed in place.
    ///
    /// # Panics
    /// When there are more than [`BURST_MAX`] packets.
    pub fn from_access<P: Packet>(&self, table: &Table, packets: &mut [P]) -> Judgement {
        let mut seen = [const { None }; BURST_MAX];
        let mut keys = [Key::SKIP; BURST_MAX];
        let mut judgement = Judgement::new();
        for packet in packets.iter() {
            packet.prefetch();
        }
        for (index, packet) in packets.iter().enumerate() {
            let mut received = None;
            let verdict = match self.classify_access(table, packet, &mut received) {
                Ok(one) => {
                    keys[index] = key(one.ipv4.source, one.ports);
                    seen[index] = Some(one);
                    Verdict::Internet
                }
                Err(verdict) => verdict,
            };
            judgement.push(Judged {
                verdict,
                received,
                sent: 0,
            });
        }
        let mut hits = [const { None }; BURST_MAX];
        table.lookup_burst(&keys[..packets.len()], &mut hits[..packets.len()]);
        let mut turning = [const { None }; BURST_MAX];
        let mut any_turning = false;
        for (index, packet) in packets.iter_mut().enumerate() {
            let Some(seen) = &seen[index] else { continue };
            match self.act_access(table, packet, seen, hits[index]) {
                Ok(Onward::Internet(sent)) => judgement[index].sent = sent,
                Ok(Onward::Hairpin(one)) => {
                    turning[index] = Some(one);
                    any_turning = true;
                }
                Err(reason) => judgement[index].verdict = reason.into(),
            }
        }
        if any_turning {
            self.hairpin(table, packets, &turning, &mut judgement);
        }
        judgement
    }

    #[inline]
    fn classify_access<P: Packet>(
        &self,
        table: &Table,
        packet: &P,
        received: &mut Option<u32>,
    ) -> Result<Seen, Verdict> {
        let forwarding = &self.forwarding;
        let frame = admit_frame(packet, &forwarding.access)?;
        let for_us = frame.destination == forwarding.access.mac;
        if !for_us && !frame.destination.is_group() {
            return Err(DropReason::WrongMac.into());
        }
        if frame.ether_type != ethernet::IPV6 {
            let reason = if for_us {
                DropReason::UnknownEtherType
            } else {
                DropReason::WrongMac
            };
            return Err(reason.into());
        }
        let ipv6_at = frame.payload_at;
        let bytes = &packet.head()[ipv6_at..];
        let ipv6 = Ipv6::parse(bytes, packet.len() - ipv6_at)?;
        if !for_us {
            return Err(self.judge_multicast(&ipv6));
        }
        let Some(br) = table.find_br(&ipv6.destination) else {
            return Err(self.judge_interface(&ipv6));
        };
        let extensions = self.tunnel_payload(bytes, &ipv6)?;
        *received = Some((ipv6::HEADER + ipv6.payload_len) as u32);
        let inner_at = ipv6::HEADER + extensions;
        let inner = bytes.get(inner_at..).ok_or(DropReason::BadIpv4Header)?;
        // What lies behind the outer payload is padding, even if it looks like a header (TN-007).
        let inner_len = ipv6.payload_len - extensions;
        let inner = inner.get(..inner_len).unwrap_or(inner);
        let ipv4 = Ipv4::parse(inner, inner_len, false)?;
        let ports = self.admit_access(inner, &ipv4)?;
        Ok(Seen {
            br,
            outer_source: ipv6.source,
            traffic_class: ipv6.traffic_class,
            ipv4_at: ipv6_at + inner_at,
            ipv4,
            ports,
        })
    }

    /// A multicast frame is for the control thread if it is neighbour discovery that may concern us
    /// (RFC 4861 s7.2: solicited-node groups and all nodes).
    #[cold]
    fn judge_multicast(&self, ipv6: &Ipv6) -> Verdict {
        let group = u128::from_be_bytes(ipv6.destination);
        let is_ours = group == ALL_NODES || group >> 24 == SOLICITED_NODE >> 24;
        match (ipv6.next_header, is_ours) {
            (ipv6::ICMPV6, true) => Verdict::Punt,
            (_, true) => DropReason::UnknownNextHeader.into(),
            (_, false) => DropReason::Ipv6NotForUs.into(),
        }
    }

    /// A unicast packet that is not for a BR address may be for the interface itself.
    #[cold]
    fn judge_interface(&self, ipv6: &Ipv6) -> Verdict {
        if ipv6.destination == self.forwarding.access_address && ipv6.next_header != ipv6::IPV4 {
            Verdict::Punt
        } else {
            DropReason::Ipv6NotForUs.into()
        }
    }

    /// Octets of destination options before the inner IPv4 packet (TN-005); whatever else a BR
    /// address is sent ends here.
    #[inline]
    fn tunnel_payload(&self, bytes: &[u8], ipv6: &Ipv6) -> Result<usize, Verdict> {
        if ipv6.next_header == ipv6::IPV4 {
            return Ok(0);
        }
        self.judge_tunnel_end(bytes, ipv6)
    }

    #[cold]
    fn judge_tunnel_end(&self, bytes: &[u8], ipv6: &Ipv6) -> Result<usize, Verdict> {
        let payload = bytes.get(ipv6::HEADER..).ok_or(DropReason::BadIpv6Header)?;
        let payload = &payload[..payload.len().min(ipv6.payload_len)];
        let mut next_header = ipv6.next_header;
        let mut at = 0;
        while next_header == ipv6::DESTINATION_OPTIONS {
            let option: &[u8; 2] = payload
                .get(at..)
                .and_then(<[u8]>::first_chunk)
                .ok_or(DropReason::BadIpv6Header)?;
            next_header = option[0];
            at += (usize::from(option[1]) + 1) * 8;
        }
        if at > payload.len() {
            return Err(DropReason::BadIpv6Header.into());
        }
        match next_header {
            ipv6::IPV4 => Ok(at),
            ipv6::FRAGMENT => Err(DropReason::Ipv6Fragment.into()),
            ipv6::ICMPV6 => Err(judge_icmpv6(&payload[at..])),
            _ if ipv6.destination == self.forwarding.access_address => Err(Verdict::Punt),
            ipv6::UDP => Err(Verdict::Punt),
            _ => Err(DropReason::UnknownNextHeader.into()),
        }
    }

    /// What can be said about the inner packet before its binding is known (LW-020 steps 4, 5).
    #[inline]
    fn admit_access(&self, inner: &[u8], ipv4: &Ipv4) -> Result<Ports, Verdict> {
        ipv4.check_source()?;
        let internal = ipv4::is_softwire_internal(ipv4.source);
        if internal || ipv4::is_softwire_internal(ipv4.destination) {
            let exception = internal && ipv4.destination == self.forwarding.aftr_address;
            return Err(if exception {
                Verdict::Punt
            } else {
                DropReason::SoftwireRange.into()
            });
        }
        if ipv4.is_fragment {
            return Err(DropReason::Ipv4Fragment.into());
        }
        Ok(transport::subscriber_port(inner, ipv4, End::Source)?)
    }

    /// Validates the source, applies the tunnel's exit rules, and sends the packet onward.
    #[inline]
    fn act_access<P: Packet>(
        &self,
        table: &Table,
        packet: &mut P,
        seen: &Seen,
        softwire: Option<&Softwire>,
    ) -> Result<Onward, DropReason> {
        let softwire = softwire.ok_or_else(|| unbound(table, seen))?;
        if softwire.b4() != seen.outer_source {
            return Err(DropReason::WrongB4);
        }
        if softwire.br() != seen.br {
            return Err(DropReason::WrongBr);
        }
        let tos = self.egress_tos(seen.ipv4.tos, seen.traffic_class)?;
        if seen.ipv4.ttl <= 1 {
            return Err(DropReason::TtlExpired);
        }
        if !table.serves(seen.ipv4.destination) {
            seen.ipv4.check_destination()?;
            let sent = self.decapsulate(packet, seen.ipv4_at, &seen.ipv4, tos)?;
            return Ok(Onward::Internet(sent));
        }
        self.turn(packet, seen, tos).map(Onward::Hairpin)
    }

    /// ToS of the inner packet once it is out of the tunnel (EC-001, EC-003).
    #[inline]
    fn egress_tos(&self, inner: u8, outer: u8) -> Result<u8, DropReason> {
        let ecn = ecn::egress(inner, outer).ok_or(DropReason::CongestionNotHeard)?;
        let dscp = match self.forwarding.dscp {
            Dscp::Copy => outer & !3,
            Dscp::Fixed(_) => inner & !3,
        };
        Ok(dscp | ecn)
    }

    /// Prepares a packet for another lwB4 of this box: it is looked up again by its destination.
    #[cold]
    fn turn<P: Packet>(&self, packet: &P, seen: &Seen, tos: u8) -> Result<Turning, DropReason> {
        if !self.forwarding.hairpinning {
            return Err(DropReason::HairpinDisabled);
        }
        let inner = packet
            .head()
            .get(seen.ipv4_at..)
            .ok_or(DropReason::BadIpv4Header)?;
        let ports = transport::subscriber_port(inner, &seen.ipv4, End::Destination)?;
        Ok(Turning {
            ipv4_at: seen.ipv4_at,
            ipv4: seen.ipv4,
            tos,
            ports,
        })
    }

    /// Sends decapsulated packets through the ordinary downstream lookup (LW-020a).
    #[cold]
    fn hairpin<P: Packet>(
        &self,
        table: &Table,
        packets: &mut [P],
        turning: &[Option<Turning>; BURST_MAX],
        judgement: &mut Judgement,
    ) {
        let mut keys = [Key::SKIP; BURST_MAX];
        for (asked, one) in keys.iter_mut().zip(turning) {
            if let Some(one) = one {
                *asked = key(one.ipv4.destination, one.ports);
            }
        }
        let mut hits = [const { None }; BURST_MAX];
        table.lookup_burst(&keys[..packets.len()], &mut hits[..packets.len()]);
        for (index, packet) in packets.iter_mut().enumerate() {
            let Some(one) = &turning[index] else { continue };
            let sent = match hits[index] {
                Some(softwire) => {
                    self.encapsulate(table, packet, one.ipv4_at, &one.ipv4, one.tos, softwire)
                }
                None => Err(no_softwire(table, &one.ipv4, one.ports)),
            };
            match sent {
                Ok(sent) => {
                    judgement[index].verdict = Verdict::Hairpin;
                    judgement[index].sent = sent;
                }
                Err(reason) => judgement[index].verdict = reason.into(),
            }
        }
    }
}

/// Why an inner source has no softwire (LW-014).
#[cold]
fn unbound(table: &Table, seen: &Seen) -> DropReason {
    if seen.ports == Ports::None && table.serves(seen.ipv4.source) {
        DropReason::NoPorts
    } else {
        DropReason::UnboundSource
    }
}

/// ICMPv6 sent to a BR address: informational messages are the control thread's (RFC 4443 s2.1).
fn judge_icmpv6(message: &[u8]) -> Verdict {
    match message.first() {
        None => DropReason::BadIpv6Header.into(),
        Some(kind) if *kind < FIRST_INFORMATIONAL => DropReason::Icmpv6Error.into(),
        Some(_) => Verdict::Punt,
    }
}

/// ICMPv6 types from here on are no errors (RFC 4443 s2.1).
const FIRST_INFORMATIONAL: u8 = 128;
/// ff02::1.
const ALL_NODES: u128 = 0xff02_0000_0000_0000_0000_0000_0000_0001;
/// ff02::1:ff00:0/104 (RFC 4291 s2.7.1).
const SOLICITED_NODE: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;
