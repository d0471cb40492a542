//! Changing one end of a packet in place, with all checksums that cover it (RFC 1624).

use std::net::Ipv4Addr;

use crate::checksum::Delta;
use crate::nat::checksum::Checksum;
use crate::nat::packet::DESTINATION;
use crate::nat::packet::HEADER_CHECKSUM;
use crate::nat::packet::IDENTIFICATION;
use crate::nat::packet::Ipv4;
use crate::nat::packet::Layout;
use crate::nat::packet::SOURCE;
use crate::nat::packet::read16;
use crate::nat::packet::write16;

/// Which end of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    Source,
    Destination,
}

/// Changes the address of one end and the IPv4 header's checksum; says what that does to checksums over
/// the pseudo-header.
pub(super) fn address(packet: &mut [u8], ip: &mut Ipv4, end: End, to: Ipv4Addr) -> Delta {
    let (at, field) = match end {
        End::Source => (SOURCE, &mut ip.source),
        End::Destination => (DESTINATION, &mut ip.destination),
    };
    let delta = Delta::long(u32::from(*field), u32::from(to));
    *field = to;
    packet[at..at + 4].copy_from_slice(&to.octets());
    let old = read16(packet, HEADER_CHECKSUM);
    write16(packet, HEADER_CHECKSUM, delta.apply(old));
    delta
}

/// Changes address and port of one end, in a packet with ports, and all its checksums.
pub(super) fn end(
    packet: &mut [u8],
    ip: &mut Ipv4,
    layout: Layout,
    end: End,
    to: (Ipv4Addr, u16),
    checksum: Checksum,
) {
    let addresses = address(packet, ip, end, to.0);
    let transport = &mut packet[ip.header..ip.total];
    let port_at = port_at(layout, end);
    let ports = port_at.map_or(Delta::default(), |at| {
        let old = read16(transport, at);
        write16(transport, at, to.1);
        Delta::word(old, to.1)
    });
    if let Some(at) = layout.checksum_at() {
        let old = read16(transport, at);
        let new = transport_checksum(layout, old, addresses, ports, checksum);
        write16(transport, at, new);
    } else if layout == Layout::Icmp {
        let old = read16(transport, ICMP_CHECKSUM);
        write16(transport, ICMP_CHECKSUM, ports.apply(old));
    }
}

/// The checksum of a transport whose addresses and ports changed.
pub(super) fn transport_checksum(
    layout: Layout,
    old: u16,
    addresses: Delta,
    ports: Delta,
    checksum: Checksum,
) -> u16 {
    match (checksum, layout, old) {
        (Checksum::Partial, _, _) => addresses.apply_to_sum(old),
        (Checksum::Complete, Layout::Udp, 0) => 0,
        // 0 would say that there is none (RFC 768); both are zero in ones' complement.
        (Checksum::Complete, Layout::Udp, _) => match addresses.and(ports).apply(old) {
            0 => 0xffff,
            new => new,
        },
        (Checksum::Complete, _, _) => addresses.and(ports).apply(old),
    }
}

/// Gives the packet another identification.
pub(super) fn identification(packet: &mut [u8], ip: &mut Ipv4, to: u16) {
    let delta = Delta::word(ip.identification, to);
    ip.identification = to;
    write16(packet, IDENTIFICATION, to);
    let old = read16(packet, HEADER_CHECKSUM);
    write16(packet, HEADER_CHECKSUM, delta.apply(old));
}

/// Where the port of one end is in a transport header. ICMP queries have one identifier for both.
pub(super) const fn port_at(layout: Layout, end: End) -> Option<usize> {
    match (layout, end) {
        (Layout::Opaque, _) => None,
        (Layout::Icmp, _) => Some(ICMP_IDENTIFIER),
        (_, End::Source) => Some(0),
        (_, End::Destination) => Some(2),
    }
}

/// Where ICMP has its checksum, and a query its identifier (RFC 792).
pub(super) const ICMP_CHECKSUM: usize = 2;
const ICMP_IDENTIFIER: usize = 4;
