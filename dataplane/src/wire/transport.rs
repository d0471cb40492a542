//! Where the port is: what identifies a subscriber of a shared address in the transport header.
//!
//! TCP, UDP, DCCP, SCTP and UDP-Lite keep their ports in the first four octets (AP-005). ICMP echo
//! uses its Identifier (IC-001, IC-006). Everything else has no port (AP-004).

use crate::drop_reason::DropReason;
use crate::wire::ipv4::Ipv4;
use crate::wire::u16_at;

/// Protocol number of ICMP.
pub const ICMP: u8 = 1;
/// Protocol number of TCP.
pub const TCP: u8 = 6;
/// Protocol number of UDP.
pub const UDP: u8 = 17;
/// Protocol number of DCCP.
pub const DCCP: u8 = 33;
/// Protocol number of SCTP.
pub const SCTP: u8 = 132;
/// Protocol number of UDP-Lite.
pub const UDP_LITE: u8 = 136;

/// Which end of the packet the subscriber is at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// The sender: the packet comes from a lwB4.
    Source,
    /// The receiver: the packet goes to a lwB4.
    Destination,
}

/// What the transport header says about the subscriber.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ports {
    /// A port, or the Identifier of an ICMP echo.
    Port(u16),
    /// A protocol without ports.
    None,
}

/// Finds the subscriber's port in a packet that is not a fragment. `packet` begins with the IPv4
/// header that `ipv4` was read from.
///
/// # Errors
/// The reason to drop it: cut before the port, an ICMP error, or ICMP that is kept out (IC-003).
#[inline(always)]
pub fn subscriber_port(packet: &[u8], ipv4: &Ipv4, end: End) -> Result<Ports, DropReason> {
    if matches!(ipv4.protocol, TCP | UDP) {
        return first_port(packet, ipv4, end);
    }
    rarer_port(packet, ipv4, end)
}

/// Ports of protocols that are less than almost all of the traffic.
fn rarer_port(packet: &[u8], ipv4: &Ipv4, end: End) -> Result<Ports, DropReason> {
    match ipv4.protocol {
        DCCP | SCTP | UDP_LITE => first_port(packet, ipv4, end),
        ICMP => echo_identifier(packet, ipv4).map(Ports::Port),
        _ => Ok(Ports::None),
    }
}

#[inline(always)]
fn first_port(packet: &[u8], ipv4: &Ipv4, end: End) -> Result<Ports, DropReason> {
    if ipv4.total_len < u16::from(ipv4.header_len) + 4 {
        return Err(DropReason::TransportTruncated);
    }
    let at = usize::from(ipv4.header_len) + if end == End::Source { 0 } else { 2 };
    u16_at(packet, at)
        .map(Ports::Port)
        .ok_or(DropReason::TransportTruncated)
}

fn echo_identifier(packet: &[u8], ipv4: &Ipv4) -> Result<u16, DropReason> {
    let message = packet
        .get(usize::from(ipv4.header_len)..)
        .ok_or(DropReason::TransportTruncated)?;
    let message: &[u8; 8] = message
        .first_chunk()
        .filter(|_| ipv4.total_len >= u16::from(ipv4.header_len) + 8)
        .ok_or(DropReason::TransportTruncated)?;
    match message[0] {
        ECHO_REPLY | ECHO_REQUEST => Ok(u16::from_be_bytes([message[4], message[5]])),
        UNREACHABLE | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM => {
            Err(DropReason::Icmpv4Error)
        }
        _ => Err(DropReason::IcmpPolicy),
    }
}

// ICMP types of RFC 792: the two echo messages, and those that carry the packet they are about.
const ECHO_REPLY: u8 = 0;
const UNREACHABLE: u8 = 3;
const SOURCE_QUENCH: u8 = 4;
const REDIRECT: u8 = 5;
const ECHO_REQUEST: u8 = 8;
const TIME_EXCEEDED: u8 = 11;
const PARAMETER_PROBLEM: u8 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(protocol: u8, transport: &[u8]) -> (Vec<u8>, Ipv4) {
        let mut bytes = vec![0; 24];
        bytes.extend_from_slice(transport);
        let ipv4 = Ipv4 {
            header_len: 24,
            total_len: bytes.len() as u16,
            tos: 0,
            ttl: 64,
            protocol,
            is_fragment: false,
            source: 1,
            destination: 2,
        };
        (bytes, ipv4)
    }

    #[test]
    fn ap_005_port_carrying_protocols_keep_them_in_front() {
        for protocol in [TCP, UDP, DCCP, SCTP, UDP_LITE] {
            let (bytes, ipv4) = packet(protocol, &[0x12, 0x34, 0x56, 0x78]);
            assert_eq!(
                subscriber_port(&bytes, &ipv4, End::Source),
                Ok(Ports::Port(0x1234))
            );
            assert_eq!(
                subscriber_port(&bytes, &ipv4, End::Destination),
                Ok(Ports::Port(0x5678))
            );
        }
    }

    #[test]
    fn ic_001_echo_is_identified_by_its_identifier_at_both_ends() {
        for kind in [0, 8] {
            let (bytes, ipv4) = packet(ICMP, &[kind, 0, 0, 0, 0xab, 0xcd, 0, 1]);
            for end in [End::Source, End::Destination] {
                assert_eq!(subscriber_port(&bytes, &ipv4, end), Ok(Ports::Port(0xabcd)));
            }
        }
    }

    #[test]
    fn ic_003_other_icmp_is_an_error_message_or_kept_out() {
        for (kind, reason) in [
            (3, DropReason::Icmpv4Error),
            (11, DropReason::Icmpv4Error),
            (13, DropReason::IcmpPolicy),
        ] {
            let (bytes, ipv4) = packet(ICMP, &[kind, 0, 0, 0, 0, 0, 0, 0]);
            assert_eq!(
                subscriber_port(&bytes, &ipv4, End::Destination),
                Err(reason)
            );
        }
    }

    #[test]
    fn ap_004_other_protocols_have_no_port() {
        for protocol in [2, 41, 47, 50, 51, 255] {
            let (bytes, ipv4) = packet(protocol, &[1; 8]);
            assert_eq!(subscriber_port(&bytes, &ipv4, End::Source), Ok(Ports::None));
        }
    }

    #[test]
    fn fr_012_ports_outside_the_packet_are_not_read() {
        for (protocol, needed) in [(TCP, 4), (UDP, 4), (ICMP, 8)] {
            for len in 0..needed {
                let (mut bytes, ipv4) = packet(protocol, &vec![8; len]);
                let cut = subscriber_port(&bytes, &ipv4, End::Source);
                assert_eq!(cut, Err(DropReason::TransportTruncated), "{protocol} {len}");
                bytes.extend([8; 16]);
                let padded = subscriber_port(&bytes, &ipv4, End::Source);
                assert_eq!(
                    padded,
                    Err(DropReason::TransportTruncated),
                    "padding of {protocol} {len}"
                );
            }
        }
    }
}
