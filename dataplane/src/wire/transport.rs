//! Where the port is: what identifies a subscriber of a shared address in the transport header.
//!
//! TCP, UDP, DCCP, SCTP and UDP-Lite keep their ports in the first four octets (AP-005). ICMP echo
//! uses its Identifier (IC-001, IC-006), an ICMP error the ports of the packet it is about. Everything
//! else has no port (AP-004).

use crate::drop_reason::DropReason;
use crate::wire::icmpv4;
use crate::wire::icmpv4::Quote;
use crate::wire::ipv4::Ipv4;

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

/// What the transport header says about one end.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Ports {
    /// A port, or the Identifier of an ICMP echo.
    Port(u16),
    /// A protocol without ports, or a fragment that does not carry them.
    None,
}

/// What the transport header says about both ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ends {
    /// The sender's.
    pub source: Ports,
    /// The receiver's.
    pub destination: Ports,
}

impl Ends {
    /// Of a packet that says nothing about ports.
    pub const NONE: Self = Self {
        source: Ports::None,
        destination: Ports::None,
    };
}

/// Whether packets of this protocol are told apart by ports, or by what stands for them (AP-004).
#[must_use]
pub(crate) const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, ICMP | TCP | UDP | DCCP | SCTP | UDP_LITE)
}

/// Finds the ports in a packet, of which `packet` begins with the IPv4 header that `ipv4` was read
/// from. An ICMP error is known by the packet it is about: the ends are those of an answer to that
/// one, which must have been sent by the receiver (IC-005) or, from a lwB4, to it (IC-006).
///
/// # Errors
/// The reason to drop it: cut before the ports, an ICMP error about another's packet, or ICMP that is
/// kept out (IC-003).
#[inline(always)]
pub fn ends(packet: &[u8], ipv4: &Ipv4, subscriber: End) -> Result<Ends, DropReason> {
    if matches!(ipv4.protocol, TCP | UDP) && ipv4.fragment.is_first() {
        return ports(packet, ipv4);
    }
    rarer_ends(packet, ipv4, subscriber)
}

/// Ports of protocols that are less than almost all of the traffic.
#[inline(never)]
fn rarer_ends(packet: &[u8], ipv4: &Ipv4, subscriber: End) -> Result<Ends, DropReason> {
    if ipv4.protocol == ICMP && ipv4.fragment.is_first() {
        return match icmpv4::Message::read(packet, ipv4)? {
            icmpv4::Message::Echo(identifier) => Ok(identified(identifier)),
            icmpv4::Message::Error(quote) => answering(&quote?, ipv4, subscriber),
            icmpv4::Message::Other => Err(DropReason::IcmpPolicy),
        };
    }
    ends_in_front(packet, ipv4)
}

/// The ends of an ICMP error by the packet that it quotes.
fn answering(quote: &Quote<'_>, error: &Ipv4, subscriber: End) -> Result<Ends, DropReason> {
    let belongs = match subscriber {
        End::Destination => quote.ipv4.source == error.destination,
        End::Source => quote.ipv4.destination == error.source,
    };
    if !belongs {
        return Err(DropReason::Icmpv4Forged);
    }
    let sent = quote.ends()?;
    Ok(Ends {
        source: sent.destination,
        destination: sent.source,
    })
}

/// Ports of every protocol but ICMP, which keep them in their first four octets or have none.
pub(crate) fn ends_in_front(packet: &[u8], ipv4: &Ipv4) -> Result<Ends, DropReason> {
    match ipv4.protocol {
        TCP | UDP | DCCP | SCTP | UDP_LITE if ipv4.fragment.is_first() => ports(packet, ipv4),
        _ => Ok(Ends::NONE),
    }
}

/// An echo has its Identifier at both ends.
pub(crate) fn identified(identifier: u16) -> Ends {
    Ends {
        source: Ports::Port(identifier),
        destination: Ports::Port(identifier),
    }
}

#[inline(always)]
fn ports(packet: &[u8], ipv4: &Ipv4) -> Result<Ends, DropReason> {
    let at = usize::from(ipv4.header_len);
    let both: Option<&[u8; 4]> = packet.get(at..).and_then(<[u8]>::first_chunk);
    match both {
        Some(&[a, b, c, d]) if usize::from(ipv4.total_len) >= at + 4 => Ok(Ends {
            source: Ports::Port(u16::from_be_bytes([a, b])),
            destination: Ports::Port(u16::from_be_bytes([c, d])),
        }),
        _ => Err(DropReason::TransportTruncated),
    }
}

#[cfg(test)]
mod tests {
    use crate::wire::ipv4::FragmentField;

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
            id: 0,
            fragment: FragmentField::default(),
            source: 1,
            destination: 2,
        };
        (bytes, ipv4)
    }

    fn both(source: u16, destination: u16) -> Ends {
        Ends {
            source: Ports::Port(source),
            destination: Ports::Port(destination),
        }
    }

    #[test]
    fn ap_005_port_carrying_protocols_keep_them_in_front() {
        for protocol in [TCP, UDP, DCCP, SCTP, UDP_LITE] {
            let (bytes, ipv4) = packet(protocol, &[0x12, 0x34, 0x56, 0x78]);
            for end in [End::Source, End::Destination] {
                assert_eq!(ends(&bytes, &ipv4, end), Ok(both(0x1234, 0x5678)));
            }
        }
    }

    #[test]
    fn ic_001_echo_is_identified_by_its_identifier_at_both_ends() {
        for kind in [0, 8] {
            let (bytes, ipv4) = packet(ICMP, &[kind, 0, 0, 0, 0xab, 0xcd, 0, 1]);
            for end in [End::Source, End::Destination] {
                assert_eq!(ends(&bytes, &ipv4, end), Ok(both(0xabcd, 0xabcd)));
            }
        }
    }

    #[test]
    fn ic_003_other_icmp_is_kept_out() {
        for kind in [5, 9, 10, 13, 14, 17, 40, 255] {
            let (bytes, ipv4) = packet(ICMP, &[kind, 0, 0, 0, 0, 0, 0, 0]);
            assert_eq!(
                ends(&bytes, &ipv4, End::Destination),
                Err(DropReason::IcmpPolicy)
            );
        }
    }

    #[test]
    fn ap_004_other_protocols_have_no_port() {
        for protocol in [2, 41, 47, 50, 51, 255] {
            let (bytes, ipv4) = packet(protocol, &[1; 8]);
            assert_eq!(ends(&bytes, &ipv4, End::Source), Ok(Ends::NONE));
        }
    }

    #[test]
    fn fr_011_a_later_fragment_has_no_port_whatever_its_first_octets() {
        for protocol in [ICMP, TCP, UDP, DCCP, SCTP, UDP_LITE] {
            let (bytes, mut ipv4) = packet(protocol, &[3; 8]);
            for bits in [1, 0x2001, 0x1fff] {
                ipv4.fragment = FragmentField(bits);
                assert_eq!(ends(&bytes, &ipv4, End::Source), Ok(Ends::NONE));
            }
        }
    }

    #[test]
    fn fr_012_ports_outside_the_packet_are_not_read() {
        for (protocol, needed) in [(TCP, 4), (UDP, 4), (SCTP, 4), (ICMP, 8)] {
            for len in 0..needed {
                let (mut bytes, ipv4) = packet(protocol, &vec![8; len]);
                let cut = ends(&bytes, &ipv4, End::Source);
                assert_eq!(cut, Err(DropReason::TransportTruncated), "{protocol} {len}");
                bytes.extend([8; 16]);
                let padded = ends(&bytes, &ipv4, End::Source);
                assert_eq!(
                    padded,
                    Err(DropReason::TransportTruncated),
                    "padding of {protocol} {len}"
                );
            }
        }
    }
}
