//! TCP and UDP as far as the tunnel must know them: where they are, and their checksums.

use crate::checksum;
use crate::tunnel::drop_reason::DropReason;
use crate::tunnel::ipv4;
use crate::tunnel::ipv4::Ipv4;

/// Octets of a TCP header without options (RFC 9293 s3.1).
pub const TCP_HEADER: usize = 20;
/// Octets of a UDP header (RFC 768).
pub const UDP_HEADER: usize = 8;

/// How the transport checksum of a packet stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It sums, or there is none.
    Whole,
    /// It holds only the sum of the pseudo header: the packet never was on a wire like this.
    Partial,
    /// It is wrong; whoever receives the packet will see it.
    Wrong,
}

/// Octets of the network and transport headers of a whole packet, or of a first fragment; `None` for
/// other protocols, and where the header is cut.
#[must_use]
pub fn headers_len(packet: &[u8], ipv4: &Ipv4) -> Option<usize> {
    if !ipv4.is_first() {
        return None;
    }
    let payload = packet.get(ipv4.header_len..ipv4.total_len)?;
    let len = match ipv4.protocol {
        ipv4::TCP => usize::from(payload.get(12)? >> 4) * 4,
        ipv4::UDP => UDP_HEADER,
        _ => return None,
    };
    let least = if ipv4.protocol == ipv4::TCP {
        TCP_HEADER
    } else {
        UDP_HEADER
    };
    (len >= least && payload.len() >= len).then_some(ipv4.header_len + len)
}

/// Where the checksum stands, in octets from the start of the transport header.
#[must_use]
pub const fn checksum_offset(protocol: u8) -> Option<usize> {
    match protocol {
        ipv4::TCP => Some(16),
        ipv4::UDP => Some(6),
        _ => None,
    }
}

/// Looks at the transport checksum of a TCP or UDP packet.
///
/// A checksum that happens to equal the sum of the pseudo header although it is whole counts as whole.
#[must_use]
pub fn state(packet: &[u8], ipv4: &Ipv4) -> State {
    let Some((field, payload)) = field(packet, ipv4) else {
        return State::Whole;
    };
    if ipv4.protocol == ipv4::UDP && field == 0 {
        return State::Whole;
    }
    let pseudo = ipv4.pseudo_header_sum(payload.len());
    if checksum::add(pseudo, checksum::sum(payload)) == 0xffff {
        State::Whole
    } else if field == pseudo {
        State::Partial
    } else {
        State::Wrong
    }
}

/// Whether the checksum may be partial, without summing the payload.
#[must_use]
pub fn may_be_partial(packet: &[u8], ipv4: &Ipv4) -> bool {
    field(packet, ipv4)
        .is_some_and(|(field, payload)| field == ipv4.pseudo_header_sum(payload.len()))
}

/// Does the rest of a checksum that holds the sum of the pseudo header: sums the packet from `start` on
/// into the field at `start + offset`.
///
/// # Errors
/// [`DropReason::BadOffload`] when the places are outside of the packet.
pub fn complete(packet: &mut [u8], start: usize, offset: usize) -> Result<(), DropReason> {
    let summed = packet.get_mut(start..).ok_or(DropReason::BadOffload)?;
    let checksum = not_zero(!checksum::sum(summed));
    let field = summed
        .get_mut(offset..offset + 2)
        .ok_or(DropReason::BadOffload)?;
    field.copy_from_slice(&checksum.to_be_bytes());
    Ok(())
}

/// UDP says by 0 that there is no checksum, so its 0 is written as what equals it (RFC 768); TCP does not
/// mind.
#[must_use]
pub const fn not_zero(checksum: u16) -> u16 {
    if checksum == 0 { 0xffff } else { checksum }
}

/// The checksum of a packet that is no fragment, and all that it sums.
fn field<'p>(packet: &'p [u8], ipv4: &Ipv4) -> Option<(u16, &'p [u8])> {
    let at = checksum_offset(ipv4.protocol)?;
    if ipv4.is_fragment() {
        return None;
    }
    let payload = packet.get(ipv4.header_len..ipv4.total_len)?;
    let field = payload.get(at..at + 2)?;
    Some((u16::from_be_bytes([field[0], field[1]]), payload))
}
