//! Packets from the Internet side: IPv4 that is encapsulated for the lwB4 which owns its
//! destination address and port (LW-017), or dropped (LW-018).

use arrayvec::ArrayVec;

use crate::burst::BURST_MAX;
use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::pipeline::Aside;
use crate::pipeline::Detour;
use crate::pipeline::Inner;
use crate::pipeline::Ledger;
use crate::pipeline::Pipeline;
use crate::pipeline::Places;
use crate::pipeline::Punt;
use crate::pipeline::Verdict;
use crate::pipeline::Verdicts;
use crate::pipeline::doorway::OddFrame;
use crate::pipeline::ends;
use crate::pipeline::express;
use crate::pipeline::express::Keys;
use crate::pipeline::express::Sent;
use crate::pipeline::key;
use crate::pipeline::refuse::Left;
use crate::table::Aims;
use crate::table::Key;
use crate::table::Softwire;
use crate::table::Table;
use crate::wire::ethernet;
use crate::wire::ethernet::Mac;
use crate::wire::ipv4;
use crate::wire::ipv4::Ipv4;
use crate::wire::transport;
use crate::wire::transport::End;
use crate::wire::transport::Ends;
use crate::wire::transport::Ports;

/// A packet that waits for its binding.
struct Waiting {
    index: u8,
    ports: Ports,
    inner: Inner,
}

/// What is known of a packet when it is turned away.
#[derive(Default)]
struct Seen {
    /// Octets of IPv4, when it is traffic of subscribers.
    received: Option<u32>,
    /// The packet, when its header is good.
    inner: Option<Inner>,
}

impl Waiting {
    fn key(&self) -> Key {
        key(self.inner.ipv4.destination, self.ports)
    }
}

impl Pipeline {
    /// Processes a burst from the Internet side; packets are changed in place.
    ///
    /// # Panics
    /// When there are more than [`BURST_MAX`](crate::burst::BURST_MAX) packets.
    pub fn from_internet<P: Packet>(
        &self,
        table: &Table,
        packets: &mut [P],
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Verdicts {
        let mut verdicts = Verdicts::all(Verdict::Access);
        for packet in packets.iter() {
            packet.prefetch();
        }
        let keys = self.express_keys_down(packets);
        let mut aims = Aims::new();
        let undone = if express::finds_nothing(&keys) {
            Places::first(packets.len())
        } else {
            table.aim_burst(&keys, &mut aims);
            let mut sent = Sent::default();
            let undone = self.express_encap(table, packets, &aims, &mut sent);
            ledger.receive(sent.packets, sent.ipv4);
            ledger.send_access(sent.packets, sent.ipv6);
            undone
        };
        if !undone.is_empty() {
            let left = Left {
                keys: &keys,
                aims: &aims,
                places: undone,
            };
            let (read, unread) = left.part();
            let read = self.refuse_usual_down(packets, read, &mut verdicts, detour, ledger);
            let unread = self.turn_away_down(table, packets, unread, &mut verdicts, detour, ledger);
            let undone = read.and(unread);
            if !undone.is_empty() {
                self.careful_down(table, packets, undone, &mut verdicts, detour, ledger);
            }
        }
        verdicts
    }

    /// Does with every care what the express lane has left.
    #[inline(never)]
    fn careful_down<P: Packet>(
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
            match self.wait_down(table, index, &mut packets[index], detour, ledger) {
                Ok(one) => {
                    keys.push(one.key());
                    careful.push(one);
                }
                Err(verdict) => verdicts.set(index, verdict),
            }
        }
        let mut hits = [const { None }; BURST_MAX];
        table.lookup_burst(&keys, &mut hits);
        for (one, hit) in careful.iter().zip(hits) {
            let index = usize::from(one.index);
            let verdict = self.act_down(table, &mut packets[index], one, hit, detour, ledger);
            if verdict != Verdict::Access {
                verdicts.set(index, verdict);
            }
        }
    }

    /// Reads a packet with every care, until only its binding is missing.
    #[inline(never)]
    fn wait_down<P: Packet>(
        &self,
        table: &Table,
        index: usize,
        packet: &mut P,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Result<Waiting, Verdict> {
        let mut seen = Seen::default();
        match self.classify_internet(table, packet, &mut seen, detour) {
            Ok((inner, ports)) => {
                ledger.receive(1, u32::from(inner.ipv4.total_len));
                Ok(Waiting {
                    index: index as u8,
                    ports,
                    inner,
                })
            }
            Err(aside) => Err(match (aside, seen.inner) {
                (Aside::Done(Verdict::Drop(reason)), Some(inner)) => {
                    ledger.receive(1, u32::from(inner.ipv4.total_len));
                    self.refuse_down(packet, &inner, reason.into(), detour, ledger)
                }
                (Aside::Punt(punt), _) => self.punt(index, punt, detour),
                (Aside::Done(verdict), _) => ledger.turn_away(verdict, seen.received),
                // Of tunnels nobody hears on this side.
                (Aside::TunnelError(_) | Aside::Fragment(_), _) => Verdict::Absorbed,
                (Aside::Hold(name), _) => {
                    let bytes = seen.received.unwrap_or_default();
                    self.hold(packet, bytes, name, detour, ledger)
                }
            }),
        }
    }

    /// Encapsulates a packet that was read with care, or says why not.
    #[inline(never)]
    fn act_down<P: Packet>(
        &self,
        table: &Table,
        packet: &mut P,
        one: &Waiting,
        softwire: Option<&Softwire>,
        detour: &mut Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Verdict {
        let inner = &one.inner;
        let outcome = match softwire {
            Some(softwire) => {
                self.encapsulate(table, packet, inner, inner.ipv4.tos, softwire, detour)
            }
            None => Err(no_softwire(table, &inner.ipv4, one.ports).into()),
        };
        match outcome {
            Ok(sent) => self.sent_access(sent, ledger),
            Err(refusal) => self.refuse_down(packet, inner, refusal, detour, ledger),
        }
    }

    fn classify_internet<P: Packet>(
        &self,
        table: &Table,
        packet: &P,
        seen: &mut Seen,
        detour: &mut Detour<P>,
    ) -> Result<(Inner, Ports), Aside> {
        let head = packet.head();
        let ipv4_at = match self.internet_door.payload_at(packet, head) {
            Some(at) => at,
            None => self.judge_odd_internet(packet)?,
        };
        let bytes = &head[ipv4_at..];
        let available = packet.len() - ipv4_at;
        seen.received = Some(available as u32);
        let ipv4 = Ipv4::parse(bytes, available, packet.ipv4_checksum_is_good())?;
        seen.received = Some(u32::from(ipv4.total_len));
        if ipv4.destination == self.forwarding.internet_address {
            return Err(Aside::Punt(Punt::from_internet(&ipv4)));
        }
        let inner = Inner::new(ipv4, ipv4_at, available);
        seen.inner = Some(inner);
        let ends = self.admit_internet(table, packet, bytes, &inner, detour)?;
        Ok((inner, ends.destination))
    }

    /// What becomes of a frame that does not look like the usual; IPv4 may still be in it.
    #[cold]
    fn judge_odd_internet<P: Packet>(&self, packet: &P) -> Result<usize, Aside> {
        let link = &self.forwarding.internet;
        let frame = OddFrame::read(packet, link)?;
        let for_us = frame.destination == link.mac;
        match frame.ether_type {
            ethernet::IPV4 if for_us => Ok(frame.payload_at),
            ethernet::ARP if for_us || frame.destination == Mac::BROADCAST => {
                Err(Aside::Punt(Punt::arp(packet, frame.payload_at)))
            }
            _ if !for_us => Err(DropReason::WrongMac.into()),
            _ => Err(DropReason::UnknownEtherType.into()),
        }
    }

    /// What can be said against a good header before its binding is known.
    fn admit_internet<P: Packet>(
        &self,
        table: &Table,
        packet: &P,
        bytes: &[u8],
        inner: &Inner,
        detour: &mut Detour<P>,
    ) -> Result<Ends, Aside> {
        let ipv4 = &inner.ipv4;
        ipv4.check_source()?;
        if ipv4::is_softwire_internal(ipv4.source) {
            return Err(DropReason::SoftwireRange.into());
        }
        if ipv4.ttl <= 1 {
            return Err(DropReason::TtlExpired.into());
        }
        if ipv4.protocol == transport::ICMP && !self.forwarding.internet_icmp.allow_incoming {
            return Err(DropReason::IcmpPolicy.into());
        }
        let ends = ends(packet, bytes, inner, End::Destination);
        if ipv4.fragment.is_fragment() {
            let whose = (ipv4, ipv4.destination);
            return self.ends_of_fragment(table, whose, None, ends, detour);
        }
        Ok(ends?)
    }
}

/// Why a destination has no softwire: nobody has it or may have it, or its protocol cannot tell
/// subscribers apart.
#[cold]
pub(super) fn no_softwire(table: &Table, ipv4: &Ipv4, ports: Ports) -> DropReason {
    if ipv4::is_softwire_internal(ipv4.destination) {
        DropReason::SoftwireRange
    } else if ports == Ports::None && table.serves(ipv4.destination) {
        DropReason::NoPorts
    } else {
        DropReason::NoSoftwire
    }
}
