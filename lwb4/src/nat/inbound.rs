//! Packets from the tunnel.

use pcp::instant::Instant;

use crate::nat::Inbound;
use crate::nat::Nat;
use crate::nat::Way;
use crate::nat::checksum::Checksum;
use crate::nat::drop::NatDrop;
use crate::nat::flow::Flow;
use crate::nat::fragments::Datagram;
use crate::nat::icmp;
use crate::nat::packet::Ipv4;
use crate::nat::packet::Layout;
use crate::nat::quote::Quote;
use crate::nat::rewrite;
use crate::nat::rewrite::End;
use crate::nat::tcp::Side;

impl Nat {
    /// Translates a packet from the tunnel in place, if somebody on the LAN waits for it.
    pub fn inbound(&mut self, packet: &mut [u8], checksum: Checksum, now: Instant) -> Inbound {
        self.advance(now);
        let mut ip = match Ipv4::parse(packet) {
            Ok(ip) => ip,
            Err(reason) => return self.turn_away(reason),
        };
        let arrived = Datagram::of(&ip, Side::Outside);
        let result = if ip.is_later_fragment() {
            self.later_fragment(packet, &mut ip, Side::Outside, now)
        } else {
            self.translate_inbound(packet, &mut ip, checksum, now)
                .map_err(Some)
        };
        match result {
            Ok(way) => {
                if ip.is_first_fragment() {
                    self.first_fragment(arrived, &ip, way, now);
                }
                self.count(way);
                Inbound::ToLan
            }
            Err(None) => Inbound::Held,
            Err(Some(reason)) => self.turn_away(reason),
        }
    }

    fn turn_away(&mut self, reason: NatDrop) -> Inbound {
        self.counters.drop(reason);
        Inbound::Drop(reason)
    }

    fn translate_inbound(
        &mut self,
        packet: &mut [u8],
        ip: &mut Ipv4,
        checksum: Checksum,
        now: Instant,
    ) -> Result<Way, NatDrop> {
        let layout = ip.layout()?;
        if layout == Layout::Icmp {
            let kind = packet[ip.header];
            if icmp::is_error(kind) {
                self.inbound_error(packet, ip)?;
                return Ok(Way::ToLan);
            }
            if !icmp::is_reply(kind) {
                return Err(NatDrop::IcmpType);
            }
        }
        let flow = Flow::read(packet, ip, layout);
        if !self.is_ours(layout, flow.destination) {
            let is_shared = layout == Layout::Opaque && self.table.sets.has_address(ip.destination);
            return Err(if is_shared {
                NatDrop::NoPorts
            } else {
                NatDrop::NotInSet
            });
        }
        let admitted = self.admit(packet, ip, &flow, checksum);
        if admitted.is_err() && flow.opens() && self.config.answer_unsolicited_syn {
            let ends = [flow.source, flow.destination];
            self.syns.wait(packet, ip, ends, now);
        }
        admitted.map(|()| Way::ToLan)
    }

    /// Lets a packet to an end of ours in to the LAN host whose mapping it is.
    pub(super) fn admit(
        &mut self,
        packet: &mut [u8],
        ip: &mut Ipv4,
        flow: &Flow,
        checksum: Checksum,
    ) -> Result<(), NatDrop> {
        let id = self.table.external(flow.protocol, flow.destination);
        let id = id.ok_or(NatDrop::NoMapping)?;
        self.enter(id, flow)?;
        let mapping = self.table.mappings.peek(id).ok_or(NatDrop::NoMapping)?;
        let to = (*mapping.internal.ip(), mapping.internal.port());
        rewrite::end(packet, ip, flow.layout, End::Destination, to, checksum);
        Ok(())
    }

    /// An error about a packet that a LAN host has sent (RFC 5508 REQ-4). Whoever sends it is not asked
    /// for: any router may (IC-019), and nothing ends by it (NT-013).
    pub(super) fn inbound_error(
        &mut self,
        packet: &mut [u8],
        ip: &mut Ipv4,
    ) -> Result<(), NatDrop> {
        let quote = Quote::read(packet, ip)?;
        if *quote.source.ip() != ip.destination || !quote.asks() {
            return Err(NatDrop::IcmpNoMapping);
        }
        if !self.is_ours(quote.layout(), quote.source) {
            return Err(NatDrop::NotInSet);
        }
        let id = self.table.external(quote.protocol(), quote.source);
        let mapping = id.and_then(|id| self.table.mappings.peek(id));
        let internal = mapping.ok_or(NatDrop::IcmpNoMapping)?.internal;
        quote.rewrite(packet, ip, End::Source, internal);
        rewrite::address(packet, ip, End::Destination, *internal.ip());
        Ok(())
    }
}
