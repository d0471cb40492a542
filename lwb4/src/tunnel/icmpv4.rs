//! ICMPv4 errors that the tunnel's entry sends to LAN hosts (RFC 792, RFC 1191 s4, RFC 1812 s4.3.2).

use std::net::Ipv4Addr;

use crate::checksum;
use crate::tunnel::drop_reason::DropReason;
use crate::tunnel::ipv4;
use crate::tunnel::ipv4::Ipv4;

/// An error about a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Icmpv4Error {
    /// 3/1: the host, or the way to it, is not reachable.
    HostUnreachable,
    /// 3/4: too big, and not to be fragmented.
    FragmentationNeeded {
        /// Octets that the next hop takes.
        mtu: u16,
    },
}

/// The whole IPv4 packet that tells `error` to the source of `offender`.
///
/// `source` may be unspecified: [`crate::device::lan_icmp`] then has the kernel fill in the address of the
/// interface that it leaves by (IC-009).
///
/// # Errors
/// [`DropReason::NotAnswerable`] when nobody may be told: about errors, later fragments, and from or to
/// what is not one host (IC-012, IC-013).
pub fn error(offender: &[u8], error: Icmpv4Error, source: Ipv4Addr) -> Result<Vec<u8>, DropReason> {
    let ipv4 = Ipv4::parse_quoted(offender)?;
    let is_answerable = ipv4.is_first()
        && ipv4::is_unicast(ipv4.source)
        && ipv4::is_unicast(ipv4.destination)
        && !is_error(offender, &ipv4);
    if !is_answerable {
        return Err(DropReason::NotAnswerable);
    }
    let headers = ipv4::HEADER + HEADER;
    let quoted = offender.len().min(ipv4.total_len).min(LARGEST - headers);
    let total_len = (headers + quoted) as u16;
    let mut packet = vec![0; headers];
    packet.extend(&offender[..quoted]);
    let (header, message) = packet.split_at_mut(ipv4::HEADER);
    if let Some(header) = header.first_chunk_mut() {
        let tos = error_tos(ipv4.tos);
        ipv4::write_header(
            header,
            tos,
            total_len,
            ipv4::DEFAULT_TTL,
            ipv4::ICMP,
            source,
            ipv4.source,
        );
    }
    let (code, mtu) = match error {
        Icmpv4Error::HostUnreachable => (HOST_UNREACHABLE, 0),
        Icmpv4Error::FragmentationNeeded { mtu } => (FRAGMENTATION_NEEDED, mtu),
    };
    (message[0], message[1]) = (DESTINATION_UNREACHABLE, code);
    message[6..8].copy_from_slice(&mtu.to_be_bytes());
    let checksum = !checksum::sum(message);
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    Ok(packet)
}

/// Whether the packet is an ICMP message that is neither a question nor an answer (RFC 1122 s3.2.2); one
/// of unknown kind counts as an error.
fn is_error(packet: &[u8], ipv4: &Ipv4) -> bool {
    let kind = packet.get(ipv4.header_len).copied();
    let asks = |kind| matches!(kind, 0 | 8..=10 | 13..=18);
    ipv4.protocol == ipv4::ICMP && !kind.is_some_and(asks)
}

/// The offender's ToS with precedence 6, internetwork control (RFC 1812 s4.3.2.5), and without ECN, which
/// an error's sender does not understand.
const fn error_tos(offender: u8) -> u8 {
    0xc0 | offender & 0x1c
}

/// Octets of the header of an ICMP message.
const HEADER: usize = 8;
/// Octets of an error at most (RFC 1812 s4.3.2.3).
const LARGEST: usize = 576;
const DESTINATION_UNREACHABLE: u8 = 3;
const HOST_UNREACHABLE: u8 = 1;
const FRAGMENTATION_NEEDED: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::sample;
    use crate::tunnel::sample::hex;

    const AFTR: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 1);

    #[test]
    fn ic_013_ic_014_ic_015_an_error_is_what_scapy_writes() {
        let sent = hex(sample::SENT);
        for (kind, header) in [
            (
                Icmpv4Error::FragmentationNeeded { mtu: 1400 },
                sample::TOO_BIG,
            ),
            (Icmpv4Error::HostUnreachable, sample::UNREACHABLE),
        ] {
            let expected = [hex(header), sent.clone()].concat();
            assert_eq!(error(&sent, kind, AFTR).unwrap(), expected);
        }
    }

    #[test]
    fn ic_013_an_error_has_576_octets_at_most() {
        let mut long = hex(sample::SENT);
        long.resize(1500, 7);
        ipv4::set_lengths(&mut long[..20], 1500, 9);
        let error = error(&long, Icmpv4Error::HostUnreachable, AFTR).unwrap();
        assert_eq!(error.len(), 576);
        assert_eq!(error[28..], long[..548]);
        assert_eq!(checksum::sum(&error[20..]), 0xffff);
    }

    #[test]
    fn ic_012_ic_013_nobody_is_told_about_errors_fragments_and_groups() {
        let changed = |change: fn(&mut Vec<u8>)| {
            let mut packet = hex(sample::SENT);
            change(&mut packet);
            ipv4::set_lengths(&mut packet[..20], 52, 9);
            error(&packet, Icmpv4Error::HostUnreachable, AFTR)
        };
        let refused = Err(DropReason::NotAnswerable);
        assert_eq!(changed(|packet| packet[7] = 1), refused, "a later fragment");
        assert_eq!(changed(|packet| packet[12] = 0), refused);
        assert_eq!(changed(|packet| packet[16] = 224), refused);
        for kind in [3, 4, 5, 11, 12, 200] {
            let mut packet = hex(sample::SENT);
            (packet[9], packet[20]) = (ipv4::ICMP, kind);
            ipv4::set_lengths(&mut packet[..20], 52, 9);
            assert_eq!(
                error(&packet, Icmpv4Error::HostUnreachable, AFTR),
                refused,
                "{kind}"
            );
        }
        assert!(changed(|packet| (packet[9], packet[20]) = (ipv4::ICMP, 8)).is_ok());
        assert!(
            changed(|packet| packet[6] = 0x20).is_ok(),
            "a first fragment"
        );
    }
}
