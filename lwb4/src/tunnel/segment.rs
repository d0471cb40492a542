//! Cutting a packet of many segments into packets for the tunnel (as the kernel's GSO does).
//!
//! The payload stays where it is: a segment is a header of its own and a piece of the big packet, which are
//! sent together. Every segment gets a right checksum, whatever stood in the big packet.

use crate::checksum;
use crate::tunnel::drop_reason::DropReason;
use crate::tunnel::ecn::DscpModel;
use crate::tunnel::ipv4;
use crate::tunnel::ipv4::Ipv4;
use crate::tunnel::transport;
use crate::tunnel::virtio::Offload;
use crate::tunnel::virtio::Transport;

/// One inner packet, ready to be sent through the tunnel.
#[derive(Clone, Debug)]
pub struct Segment<'p> {
    header: [u8; MAX_HEADERS],
    header_len: u8,
    payload: &'p [u8],
    traffic_class: u8,
}

impl<'p> Segment<'p> {
    /// A packet that needs no cutting, of exactly these octets.
    #[must_use]
    pub fn whole(packet: &'p [u8], dscp: DscpModel) -> Self {
        Self {
            header: [0; MAX_HEADERS],
            header_len: 0,
            payload: packet,
            traffic_class: dscp.ingress(packet.get(1).copied().unwrap_or_default()),
        }
    }

    /// The two parts of the inner packet, the first of which may be empty.
    #[must_use]
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.header[..usize::from(self.header_len)], self.payload]
    }

    /// Octets of the inner packet.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.header_len) + self.payload.len()
    }

    /// Whether there is nothing to send, which is never so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// DSCP and ECN of the outer header (EC-001, EC-002).
    #[must_use]
    pub const fn traffic_class(&self) -> u8 {
        self.traffic_class
    }
}

/// The packets that `packet` is made of, in order.
///
/// # Errors
/// [`DropReason::BadOffload`] when it cannot be cut as it says.
pub fn split(packet: &[u8], offload: Offload, dscp: DscpModel) -> Result<Segments<'_>, DropReason> {
    let Offload::Segments { transport, size } = offload else {
        return Ok(Segments(Rest::Whole(Some((packet, dscp)))));
    };
    let big = Big::read(packet, transport, dscp)?;
    let (size, n) = (size.into(), 0);
    Ok(Segments(Rest::Pieces { big, size, n }))
}

/// Packets that are cut off one after the other.
#[derive(Clone, Debug)]
pub struct Segments<'p>(Rest<'p>);

/// What is not cut off yet.
#[derive(Clone, Debug)]
enum Rest<'p> {
    /// A packet that needs no cutting.
    Whole(Option<(&'p [u8], DscpModel)>),
    /// The pieces of `size` octets from number `n` on.
    Pieces { big: Big<'p>, size: usize, n: usize },
}

impl<'p> Iterator for Segments<'p> {
    type Item = Segment<'p>;

    fn next(&mut self) -> Option<Segment<'p>> {
        match &mut self.0 {
            Rest::Whole(whole) => whole
                .take()
                .map(|(packet, dscp)| Segment::whole(packet, dscp)),
            Rest::Pieces { big, size, n } => {
                let at = *n * *size;
                let rest = big.packet.get(big.headers + at..)?;
                let piece = rest.chunks(*size).next()?;
                let segment = big.segment(*n, at, piece, piece.len() == rest.len());
                *n += 1;
                Some(segment)
            }
        }
    }
}

/// What all segments of a packet have in common.
#[derive(Clone, Debug)]
struct Big<'p> {
    packet: &'p [u8],
    ipv4: Ipv4,
    transport: Transport,
    /// Octets of all headers.
    headers: usize,
    id: u16,
    traffic_class: u8,
}

impl<'p> Big<'p> {
    fn read(packet: &'p [u8], transport: Transport, dscp: DscpModel) -> Result<Self, DropReason> {
        let ipv4 = Ipv4::parse(packet)?;
        let protocol = match transport {
            Transport::Tcp => ipv4::TCP,
            Transport::Udp => ipv4::UDP,
        };
        let headers = transport::headers_len(packet, &ipv4)
            .filter(|headers| ipv4.protocol == protocol && *headers < packet.len())
            .ok_or(DropReason::BadOffload)?;
        if ipv4.is_fragment() || packet.len() != ipv4.total_len {
            return Err(DropReason::BadOffload);
        }
        Ok(Self {
            packet,
            ipv4,
            transport,
            headers,
            id: u16::from_be_bytes([packet[4], packet[5]]),
            traffic_class: dscp.ingress(ipv4.tos),
        })
    }

    /// The segment number `n`, whose payload begins `at` octets after the first one's.
    fn segment(&self, n: usize, at: usize, payload: &'p [u8], is_last: bool) -> Segment<'p> {
        let mut header = [0; MAX_HEADERS];
        header[..self.headers].copy_from_slice(&self.packet[..self.headers]);
        let (network, transport) = header[..self.headers].split_at_mut(self.ipv4.header_len);
        let transport_len = transport.len() + payload.len();
        let total_len = (network.len() + transport_len) as u16;
        ipv4::set_lengths(network, total_len, self.id.wrapping_add(n as u16));
        let field = match self.transport {
            Transport::Tcp => {
                advance_tcp(transport, at as u32, n == 0, is_last);
                16
            }
            Transport::Udp => {
                transport[4..6].copy_from_slice(&(transport_len as u16).to_be_bytes());
                6
            }
        };
        transport[field..field + 2].fill(0);
        let sum = checksum::add(
            self.ipv4.pseudo_header_sum(transport_len),
            checksum::add(checksum::sum(transport), checksum::sum(payload)),
        );
        transport[field..field + 2].copy_from_slice(&transport::not_zero(!sum).to_be_bytes());
        Segment {
            header,
            header_len: self.headers as u8,
            payload,
            traffic_class: self.traffic_class,
        }
    }
}

/// Sequence number and flags of a later segment (RFC 9293 s3.8, RFC 3168 s6.1.2: a reduced window is
/// told once).
fn advance_tcp(tcp: &mut [u8], octets: u32, is_first: bool, is_last: bool) {
    let sequence = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]);
    tcp[4..8].copy_from_slice(&sequence.wrapping_add(octets).to_be_bytes());
    if !is_first {
        tcp[13] &= !CWR;
    }
    if !is_last {
        tcp[13] &= !(FIN | PSH);
    }
}

/// Octets of the largest IPv4 and TCP headers together.
const MAX_HEADERS: usize = 120;
const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const CWR: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::sample;
    use crate::tunnel::sample::hex;

    fn cut(packet: &[u8], offload: Offload) -> Result<Vec<Vec<u8>>, DropReason> {
        let whole = |segment: Segment<'_>| {
            assert_eq!(segment.traffic_class(), packet[1]);
            assert_eq!(segment.len(), segment.parts().concat().len());
            segment.parts().concat()
        };
        Ok(split(packet, offload, DscpModel::Uniform)?
            .map(whole)
            .collect())
    }

    fn segments(transport: Transport, size: u16) -> Offload {
        Offload::Segments { transport, size }
    }

    #[test]
    fn tcp_is_cut_as_scapy_writes_the_segments() {
        let mut packet = hex(sample::TCP);
        // What the NAT leaves there means nothing.
        packet[36..38].copy_from_slice(&[0xde, 0xad]);
        let expected = sample::TCP_SEGMENTS.map(hex);
        assert_eq!(
            cut(&packet, segments(Transport::Tcp, 20)).unwrap(),
            expected
        );
    }

    #[test]
    fn udp_is_cut_as_scapy_writes_the_datagrams() {
        let expected = sample::UDP_SEGMENTS.map(hex);
        assert_eq!(
            cut(&hex(sample::UDP), segments(Transport::Udp, 8)).unwrap(),
            expected
        );
    }

    #[test]
    fn fr_001_a_single_packet_stays_whole_however_long() {
        let packet = vec![0x45; 9000];
        assert_eq!(
            cut(&packet, Offload::None).unwrap(),
            std::slice::from_ref(&packet)
        );
    }

    #[test]
    fn what_cannot_be_cut_as_it_says_is_refused() {
        let tcp = hex(sample::TCP);
        for (packet, offload) in [
            (&tcp, segments(Transport::Udp, 20)),
            (&tcp[..52].to_vec(), segments(Transport::Tcp, 20)),
            (&hex(sample::UDP), segments(Transport::Tcp, 20)),
        ] {
            assert!(cut(packet, offload).is_err());
        }
        let mut padded = tcp;
        padded.push(0);
        assert_eq!(
            cut(&padded, segments(Transport::Tcp, 20)),
            Err(DropReason::BadOffload)
        );
    }
}
