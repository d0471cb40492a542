//! Packets from the access side: IPv4 in IPv6 that is checked against the binding of its inner
//! source (LW-013), decapsulated, and sent to the Internet or back into a softwire (LW-020).

use arrayvec::ArrayVec;

use crate::burst::BURST_MAX;
use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::pipeline::Aside;
use crate::pipeline::Detour;
use crate::pipeline::Inner;
use crate::pipeline::Ledger;
use crate::pipeline::Outer;
use crate::pipeline::Pipeline;
use crate::pipeline::Places;
use crate::pipeline::Punt;
use crate::pipeline::Refusal;
use crate::pipeline::TunnelError;
use crate::pipeline::TunnelFragment;
use crate::pipeline::Verdict;
use crate::pipeline::Verdicts;
use crate::pipeline::doorway::OddFrame;
use crate::pipeline::ends;
use crate::pipeline::express;
use crate::pipeline::express::Keys;
use crate::pipeline::express::Sent;
use crate::pipeline::hairpin::Turning;
use crate::pipeline::ipv6_fragment::At;
use crate::pipeline::key;
use crate::pipeline::refuse::Left;
use crate::pipeline::rewrite::Sent as Leaving;
use crate::reassembly::Fragment;
use crate::table::Aims;
use crate::table::Key;
use crate::table::Softwire;
use crate::table::Table;
use crate::wire::ecn;
use crate::wire::ethernet;
use crate::wire::icmpv6::FIRST_INFORMATIONAL;
use crate::wire::ipv4;
use crate::wire::ipv4::Ipv4;
use crate::wire::ipv6;
use crate::wire::ipv6::Ipv6;
use crate::wire::transport::End;
use crate::wire::transport::Ends;
use crate::wire::transport::Ports;

/// A packet that waits for the binding of its inner source.
struct Waiting {
    index: u8,
    ends: Ends,
    inner: Inner,
    outer: Outer,
}

impl Waiting {
    fn key(&self) -> Key {
        key(self.inner.ipv4.source, self.ends.source)
    }
}

/// Where a checked packet goes on.
enum Onward {
    Internet(Leaving),
    Hairpin(Turning),
    /// It is for this box itself.
    Control(Punt),
}

impl Pipeline {
    /// Processes a burst from the access side; packets are changed in place.
    ///
    /// # Panics
    /// When there are more than [`BURST_MAX`](crate::burst::BURST_MAX) packets.
    pub fn from_access<P: Packet>(
        &self,
        table: &Table,
        packets: &mut [P],
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Verdicts {
        let mut verdicts = Verdicts::all(Verdict::Internet);
        for packet in packets.iter() {
            packet.prefetch();
        }
        let keys = self.express_keys_up(packets);
        let mut aims = Aims::new();
        let undone = if express::finds_nothing(&keys) {
            Places::first(packets.len())
        } else {
            table.aim_burst(&keys, &mut aims);
            let mut sent = Sent::default();
            let undone = self.express_decap(table, packets, &aims, &mut sent);
            ledger.receive(sent.packets, sent.ipv6);
            ledger.send_internet(sent.packets, sent.ipv4);
            undone
        };
        if !undone.is_empty() {
            let left = Left {
                keys: &keys,
                aims: &aims,
                places: undone,
            };
            let (read, unread) = left.part();
            let read = self.refuse_usual_up(table, packets, read, &mut verdicts, detour, ledger);
            let unread = self.punt_requests(table, packets, unread, &mut verdicts, detour);
            let unread = self.turn_away_up(table, packets, unread, &mut verdicts, detour, ledger);
            let undone = read.and(unread);
            if !undone.is_empty() {
                self.careful_up(table, packets, undone, &mut verdicts, detour, ledger);
            }
        }
        verdicts
    }

    /// Does with every care what the express lane has left.
    #[inline(never)]
    fn careful_up<P: Packet>(
        &self,
        table: &Table,
        packets: &mut [P],
        places: Places,
        verdicts: &mut Verdicts,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) {
        let mut keys = Keys::new();
        let mut careful = ArrayVec::<Waiting, BURST_MAX>::new();
        for index in places {
            match self.wait_up(table, index, &mut packets[index], detour, ledger) {
                Ok(one) => {
                    keys.push(one.key());
                    careful.push(one);
                }
                Err(verdict) => verdicts.set(index, verdict),
            }
        }
        if careful.is_empty() {
            return;
        }
        let mut hits = [const { None }; BURST_MAX];
        table.lookup_burst(&keys, &mut hits);
        let mut turning = ArrayVec::<Turning, BURST_MAX>::new();
        for (one, hit) in careful.iter().zip(hits) {
            let index = usize::from(one.index);
            let packet = &mut packets[index];
            match self.act_access(table, packet, one, hit, detour) {
                Ok(Onward::Internet(sent)) => {
                    let verdict = self.sent_internet(sent, ledger);
                    if verdict != Verdict::Internet {
                        verdicts.set(index, verdict);
                    }
                }
                Ok(Onward::Hairpin(one)) => turning.push(one),
                Ok(Onward::Control(punt)) => {
                    verdicts.set(index, self.punt(index, punt, detour));
                    ledger.is_for_control(one.outer.bytes());
                }
                Err(refusal) => {
                    let both = (&one.outer, &one.inner);
                    let verdict = self.refuse_up(table, packet, both, refusal, detour, ledger);
                    verdicts.set(index, verdict);
                }
            }
        }
        if !turning.is_empty() {
            self.hairpin(table, packets, &turning, verdicts, detour, ledger);
        }
    }

    /// Reads a packet with every care, until only its binding is missing.
    #[inline(never)]
    fn wait_up<P: Packet>(
        &self,
        table: &Table,
        index: usize,
        packet: &mut P,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Result<Waiting, Verdict> {
        let mut received = None;
        let mut classified = self.classify_access(table, packet, &mut received, detour);
        if let Err(Aside::Fragment(fragment)) = &classified {
            if let Some(verdict) = self.reassemble(packet, fragment, detour, ledger) {
                return Err(verdict);
            }
            classified = self.classify_access(table, packet, &mut received, detour);
        }
        match classified {
            Ok((outer, inner, ends)) => {
                ledger.receive(1, outer.bytes());
                Ok(Waiting {
                    index: index as u8,
                    ends,
                    inner,
                    outer,
                })
            }
            Err(Aside::Punt(punt)) => Err(self.punt(index, punt, detour)),
            Err(Aside::Done(verdict)) => Err(ledger.turn_away(verdict, received)),
            Err(Aside::TunnelError(error)) => Err(self.hear(table, packet, &error, detour, ledger)),
            // Fragments of fragments are nothing that a tunnel's other end would send.
            Err(Aside::Fragment(_)) => {
                Err(ledger.turn_away(DropReason::UnknownNextHeader.into(), None))
            }
            Err(Aside::Hold(name)) => {
                let bytes = received.unwrap_or_default();
                Err(self.hold(packet, bytes, name, detour, ledger))
            }
        }
    }

    fn classify_access<P: Packet>(
        &self,
        table: &Table,
        packet: &P,
        received: &mut Option<u32>,
        detour: &mut Detour<P>,
    ) -> Result<(Outer, Inner, Ends), Aside> {
        let head = packet.head();
        let ipv6_at = match self.access_door.payload_at(packet, head) {
            Some(at) => at,
            None => self.judge_odd_access(packet)?,
        };
        let bytes = &head[ipv6_at..];
        let ipv6 = Ipv6::parse(bytes, packet.len() - ipv6_at)?;
        let br = table
            .find_br(&ipv6.destination)
            .ok_or_else(|| self.judge_interface(packet, ipv6_at, &ipv6))?;
        let extensions = match ipv6.next_header {
            ipv6::IPV4 => 0,
            _ => self.judge_tunnel_end(packet, ipv6_at, &ipv6)?,
        };
        let outer = Outer {
            source: ipv6.source,
            br,
            payload_len: ipv6.payload_len as u16,
            traffic_class: ipv6.traffic_class,
            at: ipv6_at as u8,
        };
        *received = Some(outer.bytes());
        let inner_at = ipv6::HEADER + extensions;
        let inner_len = ipv6.payload_len - extensions;
        let inner = bytes.get(inner_at..).ok_or(DropReason::BadIpv4Header)?;
        // What lies behind the outer payload is padding, even if it looks like a header (TN-007).
        let inner = inner.get(..inner_len).unwrap_or(inner);
        let ipv4 = Ipv4::parse(inner, inner_len, false)?;
        let behind = packet.len() - ipv6_at - inner_at;
        let bytes = inner;
        let inner = Inner::new(ipv4, ipv6_at + inner_at, behind);
        let ends = self.admit_access(table, packet, bytes, (&outer, &inner), detour)?;
        Ok((outer, inner, ends))
    }

    /// What can be said about the inner packet before its binding is known (LW-020 steps 4, 5).
    fn admit_access<P: Packet>(
        &self,
        table: &Table,
        packet: &P,
        bytes: &[u8],
        (outer, inner): (&Outer, &Inner),
        detour: &mut Detour<P>,
    ) -> Result<Ends, Aside> {
        let ipv4 = &inner.ipv4;
        ipv4.check_source()?;
        let internal = ipv4::is_softwire_internal(ipv4.source);
        if internal || ipv4::is_softwire_internal(ipv4.destination) {
            let exception = internal && ipv4.destination == self.forwarding.aftr_address;
            return Err(if exception {
                Aside::Punt(self.punt_tunnelled(packet, inner, &outer.source))
            } else {
                DropReason::SoftwireRange.into()
            });
        }
        let ends = ends(packet, bytes, inner, End::Source);
        if ipv4.fragment.is_fragment() {
            let (whose, b4) = ((ipv4, ipv4.source), Some(outer.source));
            return self.ends_of_fragment(table, whose, b4, ends, detour);
        }
        Ok(ends?)
    }

    /// Validates the source, applies the tunnel's exit rules, and sends the packet onward.
    #[inline(never)]
    fn act_access<P: Packet>(
        &self,
        table: &Table,
        packet: &mut P,
        one: &Waiting,
        softwire: Option<&Softwire>,
        detour: &mut Detour<P>,
    ) -> Result<Onward, Refusal> {
        let softwire = softwire.ok_or_else(|| Refusal::Unbound(unbound(table, one)))?;
        if softwire.b4() != one.outer.source {
            return Err(Refusal::Unbound(DropReason::WrongB4));
        }
        if softwire.br() != one.outer.br {
            return Err(Refusal::Unbound(DropReason::WrongBr));
        }
        let inner = &one.inner;
        if inner.ipv4.destination == self.forwarding.internet_address {
            let punt = self.punt_bound(&inner.ipv4, &one.outer.source);
            return Ok(Onward::Control(punt));
        }
        let tos = self.egress_tos(inner.ipv4.tos, one.outer.traffic_class)?;
        if inner.ipv4.ttl <= 1 {
            return Err(DropReason::TtlExpired.into());
        }
        let onward = if table.serves(inner.ipv4.destination) {
            Onward::Hairpin(self.turn(packet, one.index, (&one.outer, inner), one.ends, tos)?)
        } else {
            inner.ipv4.check_destination()?;
            Onward::Internet(self.decapsulate(packet, inner, tos, detour)?)
        };
        if let Some(counters) = &self.softwire_counters {
            counters.count_up(softwire.id(), u32::from(inner.ipv4.total_len));
        }
        Ok(onward)
    }

    /// ToS of the inner packet once it is out of the tunnel (EC-001, EC-003).
    #[inline(always)]
    pub(super) fn egress_tos(&self, inner: u8, outer: u8) -> Result<u8, DropReason> {
        // Nothing was marked on the way: every cell of the table where both agree leaves it so.
        if inner == outer {
            return Ok(inner);
        }
        let ecn = ecn::egress(inner, outer).ok_or(DropReason::CongestionNotHeard)?;
        Ok(self.traffic_class.leaving(inner, outer) | ecn)
    }

    /// What becomes of a frame that does not look like the usual; IPv6 for us may still be in it.
    #[cold]
    fn judge_odd_access<P: Packet>(&self, packet: &P) -> Result<usize, Aside> {
        let link = &self.forwarding.access;
        let OddFrame {
            destination,
            ether_type,
            payload_at,
        } = OddFrame::read(packet, link)?;
        if destination == link.mac {
            let is_ipv6 = ether_type == ethernet::IPV6;
            return is_ipv6
                .then_some(payload_at)
                .ok_or(DropReason::UnknownEtherType.into());
        }
        if !destination.is_group() || ether_type != ethernet::IPV6 {
            return Err(DropReason::WrongMac.into());
        }
        let ipv6 = Ipv6::parse(&packet.head()[payload_at..], packet.len() - payload_at)?;
        Err(self.judge_multicast(packet, payload_at, &ipv6))
    }

    /// A unicast packet that is not for a BR address may be for the interface itself.
    #[cold]
    fn judge_interface<P: Packet>(&self, packet: &P, ipv6_at: usize, ipv6: &Ipv6) -> Aside {
        if ipv6.destination == self.forwarding.access_address && ipv6.next_header != ipv6::IPV4 {
            let upper = (ipv6.next_header, ipv6_at + ipv6::HEADER);
            Aside::Punt(self.punt_ipv6(packet, (ipv6_at, ipv6), upper))
        } else {
            DropReason::Ipv6NotForUs.into()
        }
    }

    /// Octets of destination options before the inner IPv4 packet (TN-005); whatever else a BR
    /// address is sent ends here.
    #[cold]
    fn judge_tunnel_end<P: Packet>(
        &self,
        packet: &P,
        ipv6_at: usize,
        ipv6: &Ipv6,
    ) -> Result<usize, Aside> {
        let payload = packet.head().get(ipv6_at + ipv6::HEADER..);
        let payload = payload.ok_or(DropReason::BadIpv6Header)?;
        let payload = &payload[..payload.len().min(ipv6.payload_len)];
        let (next_header, at) = skip_destination_options(payload, ipv6.next_header)?;
        let upper = (next_header, ipv6_at + ipv6::HEADER + at);
        match next_header {
            ipv6::IPV4 => Ok(at),
            ipv6::FRAGMENT => Err(Aside::Fragment(TunnelFragment {
                fragment: Fragment::parse(packet, ipv6_at, ipv6_at + ipv6::HEADER + at, ipv6)?,
                packet: At {
                    ipv6: *ipv6,
                    at: ipv6_at,
                },
            })),
            // Informational messages are the control thread's (RFC 4443 s2.1).
            ipv6::ICMPV6
                if payload
                    .get(at)
                    .is_some_and(|kind| *kind >= FIRST_INFORMATIONAL) =>
            {
                Err(Aside::Punt(self.punt_ipv6(packet, (ipv6_at, ipv6), upper)))
            }
            ipv6::ICMPV6 => Err(Aside::TunnelError(TunnelError {
                at: ipv6_at + ipv6::HEADER + at,
                len: ipv6.payload_len - at,
                ipv6: *ipv6,
            })),
            next_header => {
                let is_taken =
                    next_header == ipv6::UDP || ipv6.destination == self.forwarding.access_address;
                Err(if is_taken {
                    Aside::Punt(self.punt_ipv6(packet, (ipv6_at, ipv6), upper))
                } else {
                    DropReason::UnknownNextHeader.into()
                })
            }
        }
    }

    /// A multicast frame is for the control thread if it is neighbour discovery that may concern us
    /// (RFC 4861 s7.2: solicited-node groups and all nodes).
    #[cold]
    fn judge_multicast<P: Packet>(&self, packet: &P, ipv6_at: usize, ipv6: &Ipv6) -> Aside {
        let group = u128::from_be_bytes(ipv6.destination);
        let is_ours = group == ALL_NODES || group >> 24 == SOLICITED_NODE >> 24;
        match (ipv6.next_header, is_ours) {
            (ipv6::ICMPV6, true) => {
                let upper = (ipv6::ICMPV6, ipv6_at + ipv6::HEADER);
                Aside::Punt(self.punt_ipv6(packet, (ipv6_at, ipv6), upper))
            }
            (_, true) => DropReason::UnknownNextHeader.into(),
            (_, false) => DropReason::Ipv6NotForUs.into(),
        }
    }
}

/// What follows the destination options, and where. More of them than a node would ever have reason
/// to send are refused, so that the walk and the inner packet's place stay bounded.
pub(super) fn skip_destination_options(
    payload: &[u8],
    first: u8,
) -> Result<(u8, usize), DropReason> {
    let (mut next_header, mut at) = (first, 0);
    while next_header == ipv6::DESTINATION_OPTIONS {
        let option: &[u8; 2] = payload
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(DropReason::BadIpv6Header)?;
        next_header = option[0];
        at += (usize::from(option[1]) + 1) * 8;
    }
    if at > payload.len() || at > OPTIONS_MAX {
        return Err(DropReason::BadIpv6Header);
    }
    Ok((next_header, at))
}

/// Why an inner source has no softwire (LW-014).
#[cold]
fn unbound(table: &Table, one: &Waiting) -> DropReason {
    if one.ends.source == Ports::None && table.serves(one.inner.ipv4.source) {
        DropReason::NoPorts
    } else {
        DropReason::UnboundSource
    }
}

/// Octets of destination options that are gone through; a tunnel's encapsulation limit takes 8.
const OPTIONS_MAX: usize = 128;
/// ff02::1.
const ALL_NODES: u128 = 0xff02_0000_0000_0000_0000_0000_0000_0001;
/// ff02::1:ff00:0/104 (RFC 4291 s2.7.1).
const SOLICITED_NODE: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;
