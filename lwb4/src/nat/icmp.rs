//! ICMP types and what a NAT does with them (RFC 792; RFC 5508 s3, s4; IC-003).

use std::net::Ipv4Addr;

use crate::checksum;
use crate::nat::packet::Ipv4;
use crate::nat::packet::protocol;
use crate::nat::packet::write16;

/// Queries, whose identifier is translated as a source port is.
pub(super) const fn is_query(kind: u8) -> bool {
    matches!(kind, ECHO | TIMESTAMP)
}

/// What comes back of them.
pub(super) const fn is_reply(kind: u8) -> bool {
    matches!(kind, ECHO_REPLY | TIMESTAMP_REPLY)
}

/// Messages that quote the packet that they are about. Redirects stay on their link.
pub(super) const fn is_error(kind: u8) -> bool {
    matches!(
        kind,
        UNREACHABLE | SOURCE_QUENCH | TIME_EXCEEDED | PARAMETER
    )
}

pub(super) const ECHO_REPLY: u8 = 0;
pub(super) const UNREACHABLE: u8 = 3;
const SOURCE_QUENCH: u8 = 4;
pub(super) const ECHO: u8 = 8;
pub(super) const TIME_EXCEEDED: u8 = 11;
pub(super) const PARAMETER: u8 = 12;
const TIMESTAMP: u8 = 13;
const TIMESTAMP_REPLY: u8 = 14;

/// Codes of [`UNREACHABLE`].
pub(super) const PORT: u8 = 3;
pub(super) const PROHIBITED: u8 = 13;

/// Length of an ICMP header.
pub(super) const HEADER: usize = 8;

/// Whether anybody may hear of this packet's end (RFC 1812 s4.3.2.7, IC-013).
pub(super) fn may_be_answered(packet: &[u8], ip: &Ipv4) -> bool {
    let is_host = |address: Ipv4Addr| {
        !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast()
    };
    let is_error = ip.protocol == protocol::ICMP
        && packet
            .get(ip.header)
            .is_none_or(|kind| !is_query(*kind) && !is_reply(*kind));
    is_host(ip.source) && is_host(ip.destination) && !ip.is_later_fragment() && !is_error
}

/// An error of type 3 from `source` about `packet`, which is quoted as far as 576 octets allow.
pub(super) fn unreachable(source: Ipv4Addr, code: u8, packet: &[u8], ip: &Ipv4) -> Vec<u8> {
    let quote = &packet[..ip.total.min(LONGEST - 20 - HEADER)];
    let total = 20 + HEADER + quote.len();
    let mut error = vec![0; 20 + HEADER];
    error[0] = 0x45;
    // Precedence 6 (RFC 1812 s4.3.2.5).
    error[1] = 0xc0;
    write16(&mut error, 2, total as u16);
    error[8] = TTL;
    error[9] = protocol::ICMP;
    error[12..16].copy_from_slice(&source.octets());
    error[16..20].copy_from_slice(&ip.source.octets());
    error[20] = UNREACHABLE;
    error[21] = code;
    error.extend_from_slice(quote);
    let header = !checksum::sum(&error[..20]);
    write16(&mut error, 10, header);
    let message = !checksum::sum(&error[20..]);
    write16(&mut error, 22, message);
    error
}

/// The reply to an echo request for an address of ours.
pub(super) fn echo_reply(packet: &[u8], ip: &Ipv4) -> Vec<u8> {
    let mut reply = packet[..ip.total].to_vec();
    reply[8] = TTL;
    reply[12..16].copy_from_slice(&ip.destination.octets());
    reply[16..20].copy_from_slice(&ip.source.octets());
    write16(&mut reply, 10, 0);
    let header = !checksum::sum(&reply[..ip.header]);
    write16(&mut reply, 10, header);
    reply[ip.header] = ECHO_REPLY;
    write16(&mut reply, ip.header + 2, 0);
    let message = !checksum::sum(&reply[ip.header..]);
    write16(&mut reply, ip.header + 2, message);
    reply
}

/// RFC 1812 s4.3.2.3.
const LONGEST: usize = 576;

/// RFC 1700's recommendation.
const TTL: u8 = 64;
