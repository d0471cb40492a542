//! What we and the lwAFTR say to each other inside the tunnel: PCP between 192.0.0.2 and 192.0.0.1
//! (RFC 6333 s5.7, RFC 6887), and the lwAFTR's announcements.

use std::net::SocketAddrV4;
use std::ops::Range;

use crate::checksum;
use crate::tunnel::drop_reason::DropReason;
use crate::tunnel::ipv4;
use crate::tunnel::ipv4::Ipv4;
use crate::tunnel::transport;
use crate::tunnel::transport::State;

/// The port of PCP servers (RFC 6887 s19).
pub const PCP_SERVER: u16 = 5351;
/// The port that PCP clients hear announcements on (RFC 6887 s14.1.1).
pub const PCP_CLIENT: u16 = 5350;

/// A UDP datagram inside an inner packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Datagram {
    /// The sender's port.
    pub from_port: u16,
    /// The receiver's port.
    pub to_port: u16,
    /// Where in the packet its payload stands.
    pub payload: Range<usize>,
}

impl Datagram {
    /// Reads the datagram in a whole packet.
    ///
    /// # Errors
    /// [`DropReason::BadPcpDatagram`] when its length or checksum is wrong.
    pub fn read(packet: &[u8], ipv4: &Ipv4) -> Result<Self, DropReason> {
        let bytes = &packet[ipv4.header_len..ipv4.total_len];
        let header: &[u8; transport::UDP_HEADER] =
            bytes.first_chunk().ok_or(DropReason::BadPcpDatagram)?;
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let len = usize::from(word(4));
        // The checksum covers the datagram, so one with anything behind it is judged by its own length.
        let exact = ipv4.of_length(ipv4.header_len + len);
        if len < transport::UDP_HEADER
            || len > bytes.len()
            || transport::state(packet, &exact) == State::Wrong
        {
            return Err(DropReason::BadPcpDatagram);
        }
        Ok(Self {
            from_port: word(0),
            to_port: word(2),
            payload: ipv4.header_len + transport::UDP_HEADER..exact.total_len,
        })
    }
}

/// An inner packet with a UDP datagram, such as a PCP request from 192.0.0.2 to 192.0.0.1:5351. It goes
/// into the tunnel as it is ([`super::segment::Segment::whole`]).
///
/// `payload` has at most 1100 octets in PCP (RFC 6887 s7); what exceeds 65507 would be cut.
#[must_use]
pub fn datagram(from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let headers = ipv4::HEADER + transport::UDP_HEADER;
    let payload = &payload[..payload.len().min(usize::from(u16::MAX) - headers)];
    let udp_len = transport::UDP_HEADER + payload.len();
    let mut packet = Vec::with_capacity(headers + payload.len());
    let mut header = [0; ipv4::HEADER];
    let total_len = (ipv4::HEADER + udp_len) as u16;
    ipv4::write_header(
        &mut header,
        0,
        total_len,
        ipv4::DEFAULT_TTL,
        ipv4::UDP,
        *from.ip(),
        *to.ip(),
    );
    packet.extend(header);
    packet.extend(from.port().to_be_bytes());
    packet.extend(to.port().to_be_bytes());
    packet.extend((udp_len as u16).to_be_bytes());
    packet.extend([0; 2]);
    packet.extend(payload);
    let pseudo = pseudo_header_sum(from, to, udp_len as u16);
    let sum = checksum::add(pseudo, checksum::sum(&packet[ipv4::HEADER..]));
    packet[26..28].copy_from_slice(&transport::not_zero(!sum).to_be_bytes());
    packet
}

fn pseudo_header_sum(from: SocketAddrV4, to: SocketAddrV4, udp_len: u16) -> u16 {
    let mut pseudo = [0; 12];
    pseudo[..4].copy_from_slice(&from.ip().octets());
    pseudo[4..8].copy_from_slice(&to.ip().octets());
    pseudo[9] = ipv4::UDP;
    pseudo[10..].copy_from_slice(&udp_len.to_be_bytes());
    checksum::sum(&pseudo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::sample::hex;

    /// `IP(src="192.0.0.2",dst="192.0.0.1",ttl=64,flags="DF",id=0)/UDP(sport=1234,dport=5351)/"abc"` as
    /// scapy writes it.
    const BY_SCAPY: &str = "4500001f000040004011bacac0000002c000000104d214e7000ba1b8616263";

    #[test]
    fn tn_045_a_request_inside_the_tunnel_is_what_scapy_writes() {
        let packet = datagram(
            "192.0.0.2:1234".parse().unwrap(),
            "192.0.0.1:5351".parse().unwrap(),
            b"abc",
        );
        assert_eq!(packet, hex(BY_SCAPY));
    }

    #[test]
    fn a_datagram_is_read_and_its_lies_are_refused() {
        let packet = hex(BY_SCAPY);
        let ipv4 = Ipv4::parse(&packet).unwrap();
        let datagram = Datagram::read(&packet, &ipv4).unwrap();
        assert_eq!((datagram.from_port, datagram.to_port), (1234, 5351));
        assert_eq!(&packet[datagram.payload], b"abc");
        for (at, value) in [(25, 12), (25, 7), (30, 0), (27, 0)] {
            let mut bad = packet.clone();
            bad[at] = value;
            assert_eq!(
                Datagram::read(&bad, &ipv4),
                Err(DropReason::BadPcpDatagram),
                "{at}"
            );
        }
    }
}
