//! Packets from the LAN.

use std::net::SocketAddrV4;

use pcp::instant::Instant;

use crate::nat::Nat;
use crate::nat::Outbound;
use crate::nat::Way;
use crate::nat::checksum::Checksum;
use crate::nat::choose::Choice;
use crate::nat::config::Identification;
use crate::nat::drop::NatDrop;
use crate::nat::flow::Flow;
use crate::nat::fragments::Datagram;
use crate::nat::fragments::Fate;
use crate::nat::icmp;
use crate::nat::packet::Ipv4;
use crate::nat::packet::Layout;
use crate::nat::packet::protocol;
use crate::nat::quote::Quote;
use crate::nat::rewrite;
use crate::nat::rewrite::End;
use crate::nat::sessions::MappingId;
use crate::nat::tcp::Side;

impl Nat {
    /// Translates a packet from the LAN in place. What is not translated may have changed as well, if it is
    /// dropped.
    pub fn outbound(&mut self, packet: &mut [u8], checksum: Checksum, now: Instant) -> Outbound {
        self.advance(now);
        let mut ip = match Ipv4::parse(packet) {
            Ok(ip) => ip,
            Err(reason) => return self.refuse(reason),
        };
        if ip.is_later_fragment() {
            return match self.later_fragment(packet, &mut ip, Side::Inside, now) {
                Ok(way) => self.left(way),
                Err(None) => Outbound::Held,
                Err(Some(reason)) => self.refuse(reason),
            };
        }
        if self.is_echo_to_ourselves(packet, &ip) {
            self.counters.answered += 1;
            return Outbound::Reply(icmp::echo_reply(packet, &ip));
        }
        let arrived = Datagram::of(&ip, Side::Inside);
        match self.translate_outbound(packet, &mut ip, checksum) {
            Ok(way) => {
                if ip.is_first_fragment() {
                    self.first_fragment(arrived, &ip, way, now);
                }
                self.left(way)
            }
            Err(reason) => self.refuse_or_answer(reason, packet, &ip, now),
        }
    }

    fn left(&mut self, way: Way) -> Outbound {
        self.count(way);
        match way {
            Way::Hairpin => Outbound::Hairpin,
            Way::ToTunnel | Way::ToLan => Outbound::ToTunnel,
        }
    }

    fn translate_outbound(
        &mut self,
        packet: &mut [u8],
        ip: &mut Ipv4,
        checksum: Checksum,
    ) -> Result<Way, NatDrop> {
        let layout = ip.layout()?;
        if layout == Layout::Icmp {
            let kind = packet[ip.header];
            if icmp::is_error(kind) {
                return self.outbound_error(packet, ip);
            }
            if !icmp::is_query(kind) {
                return Err(NatDrop::IcmpType);
            }
        }
        let flow = Flow::read(packet, ip, layout);
        let hairpins = layout != Layout::Icmp && self.is_ours(layout, flow.destination);
        if hairpins
            && self
                .table
                .external(flow.protocol, flow.destination)
                .is_none()
        {
            return Err(NatDrop::NoMapping);
        }
        let id = self.mapping_for(&flow)?;
        self.leave(id, &flow)?;
        let Some(mapping) = self.table.mappings.peek(id) else {
            return Err(NatDrop::NoMapping);
        };
        let external = mapping.external;
        if flow.opens() {
            self.syns.solicit(external.end, flow.destination);
        }
        if self.config.identification == Identification::FromSet
            && !ip.is_atomic()
            && let Some(identification) = self.table.sets.identification(external.set)
        {
            rewrite::identification(packet, ip, identification);
        }
        let to = (*external.end.ip(), external.end.port());
        rewrite::end(packet, ip, layout, End::Source, to, checksum);
        if !hairpins {
            return Ok(Way::ToTunnel);
        }
        let flow = Flow {
            source: external.end,
            ..flow
        };
        self.admit(packet, ip, &flow, checksum)?;
        Ok(Way::Hairpin)
    }

    /// The mapping that a packet leaves by, made if need be.
    fn mapping_for(&mut self, flow: &Flow) -> Result<MappingId, NatDrop> {
        if let Some(id) = self.table.internal(flow.protocol, flow.source) {
            return Ok(id);
        }
        if flow.resets() {
            return Err(NatDrop::StrayReset);
        }
        if self.table.sessions.len() >= self.table.limits.sessions {
            return Err(NatDrop::SessionLimit);
        }
        let keep_parity = self.config.keep_parity && flow.protocol != protocol::ICMP;
        let choice = Choice::Any { keep_parity };
        let id = self.table.make(flow.protocol, flow.source, choice)?;
        self.counters.mappings_made += 1;
        Ok(id)
    }

    /// An error of a LAN host about a packet that it was sent: it speaks of our external end instead, and
    /// comes from there (RFC 5508 REQ-5). It refreshes nothing (NT-007).
    fn outbound_error(&mut self, packet: &mut [u8], ip: &mut Ipv4) -> Result<Way, NatDrop> {
        let quote = Quote::read(packet, ip)?;
        if *quote.source.ip() != ip.destination || !quote.answers() {
            return Err(NatDrop::IcmpNoMapping);
        }
        let id = self.table.internal(quote.protocol(), quote.destination);
        let mapping = id.and_then(|id| self.table.mappings.peek(id));
        let external = mapping.ok_or(NatDrop::IcmpNoMapping)?.external.end;
        quote.rewrite(packet, ip, End::Destination, external);
        rewrite::address(packet, ip, End::Source, *external.ip());
        if !self.is_ours(quote.layout(), quote.source) {
            return Ok(Way::ToTunnel);
        }
        self.inbound_error(packet, ip)?;
        Ok(Way::Hairpin)
    }

    /// Whether packets to this end are for us alone (C-11).
    pub(super) fn is_ours(&self, layout: Layout, end: SocketAddrV4) -> bool {
        match layout {
            Layout::Opaque => self.table.sets.is_whole(*end.ip()),
            _ => self.table.sets.has(*end.ip(), end.port()),
        }
    }

    fn is_echo_to_ourselves(&self, packet: &[u8], ip: &Ipv4) -> bool {
        ip.protocol == protocol::ICMP
            && ip.total >= ip.header + icmp::HEADER
            && packet[ip.header] == icmp::ECHO
            && !ip.is_first_fragment()
            && self.table.sets.has_address(ip.destination)
    }

    fn refuse(&mut self, reason: NatDrop) -> Outbound {
        self.counters.drop(reason);
        Outbound::Drop(reason)
    }

    /// Drops a packet; when there is no room for its session, its sender hears of it (NT-020).
    fn refuse_or_answer(
        &mut self,
        reason: NatDrop,
        packet: &[u8],
        ip: &Ipv4,
        now: Instant,
    ) -> Outbound {
        self.counters.drop(reason);
        let answers = self.config.answer_exhaustion && is_exhaustion(reason);
        if !answers || !icmp::may_be_answered(packet, ip) || !self.may_answer(now) {
            return Outbound::Drop(reason);
        }
        let router = self.config.router;
        Outbound::Reply(icmp::unreachable(router, icmp::PROHIBITED, packet, ip))
    }

    /// What became of a first fragment becomes of all.
    pub(super) fn first_fragment(&mut self, arrived: Datagram, ip: &Ipv4, way: Way, now: Instant) {
        let fate = Fate {
            source: ip.source,
            destination: ip.destination,
            identification: ip.identification,
            way,
        };
        for mut packet in self.fragments.learn(arrived, fate, now) {
            if let Ok(mut ip) = Ipv4::parse(&packet) {
                fate.share(&mut packet, &mut ip);
                self.count(way);
                self.release(packet, way);
            }
        }
    }

    /// Sends another fragment after its first; `Err(None)` when it waits for that.
    pub(super) fn later_fragment(
        &mut self,
        packet: &mut [u8],
        ip: &mut Ipv4,
        from: Side,
        now: Instant,
    ) -> Result<Way, Option<NatDrop>> {
        if ip.protocol == protocol::TCP && ip.offset() < LEAST_TCP_OFFSET {
            return Err(Some(NatDrop::FragmentOverHeader));
        }
        let datagram = Datagram::of(ip, from);
        if let Some(fate) = self.fragments.fate(&datagram) {
            fate.share(packet, ip);
            return Ok(fate.way);
        }
        let is_held = self.fragments.hold(datagram, &packet[..ip.total], now);
        let no_room = std::mem::take(&mut self.fragments.no_room);
        self.counters.add_drops(NatDrop::FragmentNoRoom, no_room);
        if !is_held {
            return Err(Some(NatDrop::FragmentNoRoom));
        }
        self.counters.held += 1;
        Err(None)
    }
}

/// Whether a packet was dropped because nothing was left for it.
const fn is_exhaustion(reason: NatDrop) -> bool {
    matches!(
        reason,
        NatDrop::NoSet
            | NatDrop::NoPorts
            | NatDrop::EndTaken
            | NatDrop::PortsExhausted
            | NatDrop::HostLimit
            | NatDrop::MappingLimit
            | NatDrop::SessionLimit
    )
}

/// A first fragment with a whole TCP header has 24 octets or more, for they come in eights.
const LEAST_TCP_OFFSET: usize = 24;
