//! Fragments for which no room would be made: while those that wait take all the room there is, most of
//! a flood of others is dropped here, before anything about them is stored, moved or allocated.
//!
//! What is dropped here would be dropped on the careful path, for the same reason, if it came in a burst
//! of its own; a property test holds the two against each other. So only fragments are judged that look as
//! they usually do, and that would have to wait. A fragment may be of a datagram that an earlier one of the
//! burst makes known: which those are is remembered by a bit of their hashes, and they go the careful way.

mod ahead;
#[cfg(test)]
mod tests;

use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::pipeline::Detour;
use crate::pipeline::Ledger;
use crate::pipeline::Pipeline;
use crate::pipeline::Places;
use crate::pipeline::Verdict;
use crate::pipeline::Verdicts;
use crate::pipeline::doorway::Doorway;
use crate::pipeline::from_access::skip_destination_options;
use crate::pipeline::gate::Gate;
use crate::pipeline::ipv4_fragment::name;
use crate::table::Table;
use crate::virtual_reassembly::VirtualReassembly;
use crate::wire::ethernet;
use crate::wire::fragment;
use crate::wire::fragment::FragmentHeader;
use crate::wire::ipv4;
use crate::wire::ipv4::Ipv4;
use crate::wire::ipv6;
use crate::wire::ipv6::Ipv6;
use crate::wire::transport;

use ahead::Ahead;
use ahead::Newcomer;
use ahead::Seen;

impl Pipeline {
    /// Drops fragments from the Internet for which no room would be made. Returns the places of the
    /// other packets.
    #[inline(always)]
    pub(super) fn turn_away_down<P: Packet>(
        &self,
        table: &Table,
        packets: &[P],
        places: Places,
        verdicts: &mut Verdicts,
        detour: &Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Places {
        if !detour.down.is_crowded() {
            return places;
        }
        self.crowded_down(table, packets, places, verdicts, detour, ledger)
    }

    /// The same for fragments from lwB4s, of tunnel packets and in them.
    #[inline(always)]
    pub(super) fn turn_away_up<P: Packet>(
        &self,
        table: &Table,
        packets: &[P],
        places: Places,
        verdicts: &mut Verdicts,
        detour: &Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Places {
        if !detour.up.is_crowded() && !detour.reassembly.is_crowded() {
            return places;
        }
        self.crowded_up(table, packets, places, verdicts, detour, ledger)
    }

    #[inline(never)]
    fn crowded_down<P: Packet>(
        &self,
        table: &Table,
        packets: &[P],
        places: Places,
        verdicts: &mut Verdicts,
        detour: &Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Places {
        let (mut others, mut ahead) = (Places::default(), Ahead::default());
        let (mut dropped, mut octets) = (0, 0);
        for index in places {
            let packet = &packets[index];
            let seen = self.see_down(table, packet, &detour.down);
            if let Seen::Ipv4(one) = seen
                && let Some(others) = ahead.ipv4.before(one)
            {
                let sender = ipv4_sender(packet.head(), self.internet_gate.ip_at());
                if detour
                    .down
                    .turns_away(one.hash, &sender, others, detour.now)
                {
                    verdicts.set(index, Verdict::Drop(DropReason::Ipv4FragmentNoRoom));
                    (dropped, octets) = (dropped + 1, octets + one.bytes);
                    continue;
                }
            }
            ahead.add(seen);
            others.mark(index);
        }
        ledger.drop_fragments(DropReason::Ipv4FragmentNoRoom, dropped, octets);
        others
    }

    #[inline(never)]
    fn crowded_up<P: Packet>(
        &self,
        table: &Table,
        packets: &[P],
        places: Places,
        verdicts: &mut Verdicts,
        detour: &Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Places {
        let (mut others, mut ahead) = (Places::default(), Ahead::default());
        let (mut outer, mut inner, mut octets) = (0, 0, 0);
        let now = detour.now;
        for index in places {
            let packet = &packets[index];
            let seen = self.see_up(table, packet, detour);
            let sender = ipv6_sender(packet.head(), self.access_gate.ip_at());
            if let Seen::Ipv6(one) = seen
                && let Some(others) = ahead.ipv6.before(one)
                && detour.reassembly.turns_away(one.hash, sender, others, now)
            {
                verdicts.set(index, Verdict::Drop(DropReason::Ipv6FragmentNoRoom));
                outer += 1;
                continue;
            }
            if let Seen::Ipv4(one) = seen
                && let Some(others) = ahead.ipv4.before(one)
                && detour.up.turns_away(one.hash, sender, others, now)
            {
                verdicts.set(index, Verdict::Drop(DropReason::Ipv4FragmentNoRoom));
                (inner, octets) = (inner + 1, octets + one.bytes);
                continue;
            }
            ahead.add(seen);
            others.mark(index);
        }
        ledger.turn_away_many(DropReason::Ipv6FragmentNoRoom, outer);
        ledger.drop_fragments(DropReason::Ipv4FragmentNoRoom, inner, octets);
        others
    }

    #[inline(always)]
    fn see_down<P: Packet, H>(
        &self,
        table: &Table,
        packet: &P,
        store: &VirtualReassembly<H>,
    ) -> Seen {
        let head = packet.head();
        let Some((at, is_usual_frame)) = at(&self.internet_gate, &self.internet_door, packet)
        else {
            return Seen::Unclear;
        };
        let is_good = packet.ipv4_checksum_is_good();
        let Ok(ipv4) = Ipv4::parse(&head[at..], packet.len() - at, is_good) else {
            return Seen::NoFragment;
        };
        if !ipv4.fragment.is_fragment() {
            return Seen::NoFragment;
        }
        Seen::Ipv4(Newcomer {
            hash: store.hash(&name(&ipv4, None)),
            bytes: u32::from(ipv4.total_len),
            must_wait: is_usual_frame
                && is_usual(&ipv4)
                && ipv4.ttl > 1
                && ipv4.destination != self.forwarding.internet_address
                && table.shares(ipv4.destination),
        })
    }

    #[inline(always)]
    fn see_up<P: Packet>(&self, table: &Table, packet: &P, detour: &Detour<P>) -> Seen {
        let Some((at, is_usual_frame)) = at(&self.access_gate, &self.access_door, packet) else {
            return Seen::Unclear;
        };
        let bytes = &packet.head()[at..];
        let Ok(ipv6) = Ipv6::parse(bytes, packet.len() - at) else {
            return Seen::NoFragment;
        };
        if table.find_br(&ipv6.destination).is_none() {
            return Seen::NoFragment;
        }
        let payload = &bytes[ipv6::HEADER..];
        let payload = payload.get(..ipv6.payload_len).unwrap_or(payload);
        let Ok((next_header, behind)) = skip_destination_options(payload, ipv6.next_header) else {
            return Seen::NoFragment;
        };
        let len = ipv6.payload_len - behind;
        let mut seen = match next_header {
            ipv6::FRAGMENT => self.see_fragment(&ipv6, &payload[behind..], len, detour),
            ipv6::IPV4 => see_inner(table, &ipv6, &payload[behind..], len, &detour.up),
            _ => Seen::NoFragment,
        };
        if let Seen::Ipv4(one) | Seen::Ipv6(one) = &mut seen {
            one.must_wait &= is_usual_frame && behind == 0;
        }
        seen
    }

    /// A fragment of a tunnel packet, which `payload` begins with, of `len` octets.
    #[inline(always)]
    fn see_fragment<P: Packet>(
        &self,
        ipv6: &Ipv6,
        payload: &[u8],
        len: usize,
        detour: &Detour<P>,
    ) -> Seen {
        let Some(header) = payload.first_chunk() else {
            return Seen::NoFragment;
        };
        let header = FragmentHeader::read(header);
        let start = usize::from(header.offset_octets);
        let Some(len) = len.checked_sub(fragment::HEADER) else {
            return Seen::NoFragment;
        };
        let (source, destination, name) = (&ipv6.source, &ipv6.destination, header.identification);
        // What the others are told about is for the careful path, and so are requests, which have room of
        // their own.
        let is_good = len > 0
            && (!header.more || len.is_multiple_of(8))
            && start + len <= usize::from(u16::MAX)
            && !header.is_atomic()
            && (start > 0 || holds_ipv4_header(&header, payload));
        let is_request = (start == 0
            && self.begins_request(header.next_header, &payload[fragment::HEADER..]))
            || !detour.requests.is_empty()
                && detour
                    .requests
                    .has(detour.requests.hash(source, destination, name));
        Seen::Ipv6(Newcomer {
            hash: detour.reassembly.hash(source, destination, name),
            bytes: 0,
            must_wait: is_good && !is_request,
        })
    }
}

/// Where the IP header of an expected frame is, and whether the frame looks as it usually does.
#[inline(always)]
fn at<P: Packet>(gate: &Gate, door: &Doorway, packet: &P) -> Option<(usize, bool)> {
    let head = packet.head();
    let front = head.first_chunk::<FRONT>();
    if front.is_some_and(|front| gate.admits(packet, front)) && head.len() >= gate.ip_at() {
        return Some((gate.ip_at(), true));
    }
    door.payload_at(packet, head).map(|at| (at, false))
}

/// Whether a first fragment has the whole header of an IPv4 packet without options.
#[inline(always)]
fn holds_ipv4_header(header: &FragmentHeader, payload: &[u8]) -> bool {
    header.next_header == ipv6::IPV4
        && payload.len() >= fragment::HEADER + ipv4::HEADER
        && payload[fragment::HEADER] == ipv4::VERSION_4_WITHOUT_OPTIONS
}

/// What a tunnel packet carries, `len` octets, as far as it is in the first segment.
#[inline(always)]
fn see_inner<H>(
    table: &Table,
    ipv6: &Ipv6,
    inner: &[u8],
    len: usize,
    store: &VirtualReassembly<H>,
) -> Seen {
    let Ok(ipv4) = Ipv4::parse(inner, len, false) else {
        return Seen::NoFragment;
    };
    if !ipv4.fragment.is_fragment() {
        return Seen::NoFragment;
    }
    Seen::Ipv4(Newcomer {
        hash: store.hash(&name(&ipv4, Some(ipv6.source))),
        bytes: (ipv6::HEADER + ipv6.payload_len) as u32,
        must_wait: is_usual(&ipv4)
            && !ipv4::is_softwire_internal(ipv4.destination)
            && table.shares(ipv4.source),
    })
}

/// Whether this is a later fragment of a protocol with ports, whose sender may be one. About ICMP there is
/// more to say.
#[inline(always)]
fn is_usual(ipv4: &Ipv4) -> bool {
    !ipv4.fragment.is_first()
        && matches!(ipv4.protocol, transport::TCP | transport::UDP)
        && ipv4.check_source().is_ok()
        && !ipv4::is_softwire_internal(ipv4.source)
}

/// The source of the IPv4 packet at `at`, as a limiter knows it.
#[inline(always)]
fn ipv4_sender(head: &[u8], at: usize) -> [u8; 16] {
    let source = head.get(at + 12..).and_then(<[u8]>::first_chunk);
    u128::from(source.map_or(0, |source| u32::from_be_bytes(*source))).to_be_bytes()
}

/// The source of the IPv6 packet at `at`.
#[inline(always)]
fn ipv6_sender(head: &[u8], at: usize) -> &[u8; 16] {
    let source = head.get(at + 8..).and_then(<[u8]>::first_chunk);
    source.unwrap_or(&[0; 16])
}

/// As much of a frame as the gates look at.
const FRONT: usize = ethernet::HEADER + 6;
