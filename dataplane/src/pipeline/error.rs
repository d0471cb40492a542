//! Turning a packet into the ICMP error about itself: the quote stays where it is, headers go in front.
//!
//! ```text
//!  to the Internet   Ethernet | IPv4 | ICMP | the offending IPv4 packet
//!  into a tunnel     Ethernet | IPv6 | IPv4 | ICMP | the offending IPv4 packet          (IC-019)
//!  to the access     Ethernet | IPv6 | ICMPv6 | the offending IPv6 packet               (IC-011)
//! ```

use crate::drop_reason::DropReason;
use crate::forwarding::FrontHeader;
use crate::packet::Packet;
use crate::pipeline::Ledger;
use crate::pipeline::Pipeline;
use crate::pipeline::Verdict;
use crate::pipeline::rewrite::place_front;
use crate::wire::icmpv4;
use crate::wire::icmpv4::Icmpv4Error;
use crate::wire::icmpv6;
use crate::wire::icmpv6::Icmpv6Error;
use crate::wire::ipv4;
use crate::wire::ipv6;

/// The packet that an error quotes, somewhere in its frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offender {
    /// Octets of the frame before it.
    pub(super) at: usize,
    /// Its octets.
    pub(super) len: usize,
    /// Its ToS, when it is IPv4.
    pub(super) tos: u8,
    /// Whoever sent it, and now hears of it, when it is IPv4; in host order.
    pub(super) source: u32,
}

/// A tunnel in our direction: from a BR address to a lwB4.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tunnel<'t> {
    pub(super) br: &'t [u8; 16],
    pub(super) b4: &'t [u8; 16],
}

impl Pipeline {
    /// Sends `error` about an IPv4 packet to the Internet, from our address there (IC-009, IC-013).
    pub(super) fn error_to_internet<P: Packet>(
        &self,
        packet: &mut P,
        offender: Offender,
        error: Icmpv4Error,
        ledger: &mut Ledger<'_>,
    ) -> Result<Verdict, DropReason> {
        let front = self.to_internet.len();
        let max = ICMPV4_ERROR_MAX.min(self.forwarding.internet.mtu);
        let len = quote(packet, offender, front, ipv4::HEADER + icmpv4::HEADER, max)?;
        let frame = packet.head_mut();
        self.to_internet.write(frame);
        write_icmpv4(
            &mut frame[front..],
            offender,
            self.forwarding.internet_address,
            error,
        );
        tag(packet, &self.to_internet);
        ledger.send_icmpv4_error(len as u32);
        Ok(Verdict::Internet)
    }

    /// Sends `error` about an IPv4 packet that came out of a tunnel back into it, from the address
    /// that the lwB4 knows us by inside (IC-019).
    pub(super) fn error_into_tunnel<P: Packet>(
        &self,
        packet: &mut P,
        offender: Offender,
        tunnel: Tunnel<'_>,
        error: Icmpv4Error,
        ledger: &mut Ledger<'_>,
    ) -> Result<Verdict, DropReason> {
        let front = self.to_access.len();
        let headers = ipv6::HEADER + ipv4::HEADER + icmpv4::HEADER;
        let max = ipv6::HEADER + ICMPV4_ERROR_MAX;
        let len = quote(packet, offender, front, headers, max)? - ipv6::HEADER;
        let frame = packet.head_mut();
        self.to_access.write(frame);
        let (header, inner) = frame[front..]
            .split_first_chunk_mut()
            .ok_or(DropReason::NoHeadroom)?;
        ipv6::write_tunnel_header(
            header,
            self.traffic_class.entering(error_tos(offender.tos)),
            len as u16,
            self.forwarding.hop_limit,
            tunnel.br,
            tunnel.b4,
        );
        write_icmpv4(inner, offender, self.forwarding.aftr_address, error);
        tag(packet, &self.to_access);
        ledger.send_icmpv4_error(len as u32);
        Ok(Verdict::Access)
    }

    /// Sends `error` about an IPv6 packet back to the lwB4 it came from, from the address that it was
    /// sent to (IC-011).
    pub(super) fn error_to_access<P: Packet>(
        &self,
        packet: &mut P,
        offender: Offender,
        tunnel: Tunnel<'_>,
        error: Icmpv6Error,
        ledger: &mut Ledger<'_>,
    ) -> Result<Verdict, DropReason> {
        let front = self.to_access.len();
        let headers = ipv6::HEADER + icmpv6::HEADER;
        let len = quote(packet, offender, front, headers, ICMPV6_ERROR_MAX)?;
        let frame = packet.head_mut();
        self.to_access.write(frame);
        let (header, message) = frame[front..]
            .split_first_chunk_mut()
            .ok_or(DropReason::NoHeadroom)?;
        let payload_len = (len - ipv6::HEADER) as u16;
        let hop_limit = self.forwarding.hop_limit;
        ipv6::write_header(
            header,
            0,
            payload_len,
            ipv6::ICMPV6,
            hop_limit,
            tunnel.br,
            tunnel.b4,
        );
        error.write(message, tunnel.br, tunnel.b4);
        tag(packet, &self.to_access);
        ledger.send_icmpv6_error(len as u32);
        Ok(Verdict::Access)
    }
}

/// Makes the frame `front` octets of Ethernet, `headers` octets of anything, and as much of the
/// offender as fits into `max` octets with them and one buffer holds. Returns the octets behind the
/// Ethernet header.
fn quote<P: Packet>(
    packet: &mut P,
    offender: Offender,
    front: usize,
    headers: usize,
    max: usize,
) -> Result<usize, DropReason> {
    let in_head = packet.head().len().saturating_sub(offender.at);
    let quoted = offender.len.min(max.saturating_sub(headers)).min(in_head);
    packet.truncate(offender.at + quoted);
    place_front(packet, offender.at, front + headers)?;
    Ok(headers + quoted)
}

/// Writes the IPv4 and ICMP headers; what follows them is the quote.
fn write_icmpv4(packet: &mut [u8], offender: Offender, source: u32, error: Icmpv4Error) {
    let total_len = packet.len() as u16;
    let Some((header, message)) = packet.split_first_chunk_mut() else {
        return;
    };
    ipv4::write_error_header(
        header,
        error_tos(offender.tos),
        total_len,
        source,
        offender.source,
    );
    error.write(message);
}

fn tag<P: Packet>(packet: &mut P, front: &FrontHeader) {
    if front.device_tag.is_some() {
        packet.insert_vlan(front.device_tag);
    }
}

/// The offender's ToS with precedence 6, internetwork control (RFC 1812 s4.3.2.5), and without ECN,
/// which an error's sender does not understand.
const fn error_tos(offender: u8) -> u8 {
    0xc0 | offender & 0x1c
}

/// Octets of an ICMPv4 error at most (RFC 1812 s4.3.2.3).
const ICMPV4_ERROR_MAX: usize = 576;
/// Octets of an ICMPv6 error at most: every link carries them (RFC 4443 s2.4(c)).
const ICMPV6_ERROR_MAX: usize = 1280;
