//! The headers around a PCP message: UDP in IPv4 in a softwire, or UDP over IPv6 alone.
//!
//! An answer goes back to the outer address that the request came from, from the addresses it was sent
//! to, whatever the bindings say (C-07): whoever asks may not have one yet.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::wire::ethernet;
use lwaftr_dataplane::wire::ethernet::Mac;
use pcp::lease::Contact;
use pcp::lease::Lease;
use pcp::lease::Path;
use pcp::server::Arrival;
use pcp::wire::CLIENT_PORT;
use pcp::wire::SERVER_PORT;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::IpAddress;
use smoltcp::wire::IpProtocol;
use smoltcp::wire::Ipv4Packet;
use smoltcp::wire::Ipv4Repr;
use smoltcp::wire::Ipv6Packet;
use smoltcp::wire::Ipv6Repr;
use smoltcp::wire::UdpPacket;

use crate::config::Multicast;
use crate::exception::Frame;
use crate::exception::Own;
use crate::roster::Peer;

/// Where a message came from, and so where the answer goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Envelope {
    /// The lwB4's IPv6 address.
    outer: Ipv6Addr,
    /// Our own, which the lwB4 has sent to.
    ours: Ipv6Addr,
    /// The client's address: inside the tunnel, or the outer one.
    client: IpAddr,
    /// Its UDP port.
    port: u16,
    /// The neighbour that it came by.
    neighbour: Mac,
    /// The hop limit of the outer header where it is not that of all tunnels.
    hop_limit: Option<u8>,
}

impl Envelope {
    /// Opens an IPv6 packet that came from the neighbour `from`. `None` when it is no request that may be
    /// answered: not whole, a bad checksum, not for our PCP port, or from an address that has no business
    /// in a tunnel (TN-040, TN-043).
    pub(super) fn open<'p>(own: &Own, packet: &'p [u8], from: Mac) -> Option<(Self, &'p [u8])> {
        let ipv6 = Ipv6Packet::new_checked(packet).ok()?;
        let (outer, ours) = (ipv6.src_addr(), ipv6.dst_addr());
        let is_one_nodes = lwaftr_dataplane::wire::ipv6::is_one_nodes(&outer.octets());
        if !is_one_nodes || !own.brs.contains(&ours) {
            return None;
        }
        // The views borrow from themselves, the caller from the packet.
        let payload = packet.get(IPV6_HEADER..ipv6.total_len())?;
        let (client, destination, datagram) = match ipv6.next_header() {
            IpProtocol::Udp => (outer.into(), ours.into(), payload),
            IpProtocol::Unknown(IPV4) => {
                let (client, datagram) = open_inner(own, payload)?;
                (client.into(), own.aftr.into(), datagram)
            }
            _ => return None,
        };
        let (port, message) = open_udp(client, destination, datagram)?;
        let envelope = Self {
            outer,
            ours,
            client,
            port,
            neighbour: from,
            hop_limit: None,
        };
        Some((envelope, message))
    }

    /// The way to the client of a lease, by the neighbour `next_hop`. `None` when it does not come
    /// through here.
    pub(super) fn to_client(lease: &Lease, next_hop: Mac) -> Option<Self> {
        let Contact {
            path,
            address,
            port,
        } = lease.contact;
        match path {
            Path::Management(_) => None,
            Path::Tunnel | Path::Plain => Some(Self {
                outer: lease.client.outer,
                ours: lease.br,
                client: address,
                port,
                neighbour: next_hop,
                hop_limit: None,
            }),
        }
    }

    /// The way to an lwB4 that asked at some time, by the neighbour `next_hop`: to where it asked from, or
    /// to whoever listens for announcements behind it (FO-015).
    pub(super) fn to_peer(peer: &Peer, next_hop: Mac) -> Self {
        let (client, port) = peer.asked_from.unwrap_or((ALL_SYSTEMS.into(), CLIENT_PORT));
        Self {
            outer: peer.outer,
            ours: peer.br,
            client,
            port,
            neighbour: next_hop,
            hop_limit: None,
        }
    }

    /// The way to whoever listens for announcements behind the lwB4s of a group.
    pub(super) fn to_group(multicast: Multicast, br: Ipv6Addr) -> Self {
        // RFC 2464 s7.
        let [.., a, b, c, d] = multicast.group.octets();
        Self {
            outer: multicast.group,
            ours: br,
            client: ALL_SYSTEMS.into(),
            port: CLIENT_PORT,
            neighbour: Mac([0x33, 0x33, a, b, c, d]),
            hop_limit: Some(multicast.hop_limit),
        }
    }

    /// How the message came, in the server's words.
    pub(super) fn arrival(&self) -> Arrival {
        match self.client {
            IpAddr::V6(_) => Arrival::Plain { br: self.ours },
            IpAddr::V4(_) => Arrival::Tunnel {
                outer: self.outer,
                br: self.ours,
            },
        }
    }

    /// The lwB4's IPv6 address.
    pub(super) const fn outer(&self) -> Ipv6Addr {
        self.outer
    }

    /// The client's own address, and its port.
    pub(super) const fn source(&self) -> (IpAddr, u16) {
        (self.client, self.port)
    }

    /// A message to whoever sent the one that came in this envelope.
    pub(super) fn seal(&self, own: &Own, message: &[u8]) -> Frame {
        let datagram = UDP_HEADER + message.len();
        let (next_header, inner_header) = match self.client {
            IpAddr::V6(_) => (IpProtocol::Udp, 0),
            IpAddr::V4(_) => (IpProtocol::Unknown(IPV4), IPV4_HEADER),
        };
        let mut octets = vec![0; IPV6_HEADER + inner_header + datagram];
        let outer = Ipv6Repr {
            src_addr: self.ours,
            dst_addr: self.outer,
            next_header,
            payload_len: inner_header + datagram,
            hop_limit: self.hop_limit.unwrap_or(own.hop_limit),
        };
        outer.emit(&mut Ipv6Packet::new_unchecked(&mut octets[..]));
        let (source, destination) = match self.client {
            IpAddr::V6(client) => (self.ours.into(), client.into()),
            IpAddr::V4(client) => {
                let inner = Ipv4Repr {
                    src_addr: own.aftr,
                    dst_addr: client,
                    next_header: IpProtocol::Udp,
                    payload_len: datagram,
                    hop_limit: if client.is_multicast() { LINK_TTL } else { TTL },
                };
                inner.emit(
                    &mut Ipv4Packet::new_unchecked(&mut octets[IPV6_HEADER..]),
                    &ChecksumCapabilities::default(),
                );
                (own.aftr.into(), client.into())
            }
        };
        self.seal_udp(
            source,
            destination,
            &mut octets[IPV6_HEADER + inner_header..],
            message,
        );
        Frame {
            side: Side::Access,
            destination: self.neighbour,
            ether_type: ethernet::IPV6,
            payload: octets,
        }
    }

    fn seal_udp(
        &self,
        source: IpAddress,
        destination: IpAddress,
        octets: &mut [u8],
        message: &[u8],
    ) {
        let length = octets.len() as u16;
        let mut udp = UdpPacket::new_unchecked(octets);
        udp.set_src_port(SERVER_PORT);
        udp.set_dst_port(self.port);
        udp.set_len(length);
        udp.payload_mut().copy_from_slice(message);
        udp.fill_checksum(&source, &destination);
    }
}

/// The client's address and the UDP datagram of a packet inside a tunnel.
fn open_inner<'p>(own: &Own, packet: &'p [u8]) -> Option<(Ipv4Addr, &'p [u8])> {
    let ipv4 = Ipv4Packet::new_checked(packet).ok()?;
    let client = ipv4.src_addr();
    let is_whole = !ipv4.more_frags() && ipv4.frag_offset() == 0;
    let is_request = ipv4.version() == 4
        && ipv4.verify_checksum()
        && is_whole
        && ipv4.next_header() == IpProtocol::Udp
        && ipv4.dst_addr() == own.aftr
        && is_elements(client)
        && client != own.aftr;
    let datagram = packet.get(usize::from(ipv4.header_len())..usize::from(ipv4.total_len()))?;
    is_request.then_some((client, datagram))
}

/// The source port and the payload of a datagram to the PCP port.
fn open_udp(source: IpAddr, destination: IpAddr, datagram: &[u8]) -> Option<(u16, &[u8])> {
    let udp = UdpPacket::new_checked(datagram).ok()?;
    let is_request = udp.dst_port() == SERVER_PORT
        && udp.src_port() != 0
        // Without a checksum only inside IPv4 (RFC 8200 s8.1).
        && (source.is_ipv4() || udp.checksum() != 0)
        && udp.verify_checksum(&source.into(), &destination.into());
    let message = datagram.get(UDP_HEADER..usize::from(udp.len()))?;
    is_request.then_some((udp.src_port(), message))
}

/// 192.0.0.1 to .6, the elements of a softwire (RFC 6333 s5.7).
fn is_elements(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [192, 0, 0, 1..=6])
}

/// IPv4 in IPv6 (RFC 2473 s5).
const IPV4: u8 = 4;
const IPV6_HEADER: usize = 40;
const IPV4_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
/// TTL of what is sent from here (RFC 1700, "IP default TTL").
const TTL: u8 = 64;
/// TTL of what must not be forwarded by whoever hears it (RFC 5771 s4).
const LINK_TTL: u8 = 1;
/// Where clients listen for announcements (RFC 6887 s14.1.3).
const ALL_SYSTEMS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exception::tests::own;

    const NEIGHBOUR: Mac = Mac([2, 0, 0, 0, 0, 9]);

    /// The request of RFC 7753 s5.2 in its tunnel; decoded by an independent dissector.
    fn in_a_tunnel() -> Vec<u8> {
        hex(concat!(
            "6000000000640440",
            "20010db800b400000000000000000001",
            "20010db800af00000000000000000001",
            "45000064000000004011fa85c0000002c0000001",
            "9c4014e700509a1f",
            "0201000000000e1000000000000000000000ffffc0000002a0a1a2a3a4a5a6a7a8a9aaab",
            "000000000001000000000000000000000000ffff0000000082000005ffff000100000000",
        ))
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    fn sum(octets: &[u8]) -> u16 {
        lwaftr_dataplane::wire::checksum::sum(octets)
    }

    /// Puts the inner header's checksum right after a change.
    fn with_inner(mut packet: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
        packet[40 + at] = value;
        packet[50..52].fill(0);
        let checksum = !sum(&packet[40..60]);
        packet[50..52].copy_from_slice(&checksum.to_be_bytes());
        packet
    }

    #[test]
    fn a_request_in_a_tunnel_is_opened() {
        let packet = in_a_tunnel();
        let (envelope, message) = Envelope::open(&own(), &packet, NEIGHBOUR).unwrap();
        assert_eq!(message, &packet[68..]);
        assert_eq!(
            envelope.arrival(),
            Arrival::Tunnel {
                outer: "2001:db8:b4::1".parse().unwrap(),
                br: "2001:db8:af::1".parse().unwrap(),
            }
        );
        assert_eq!(
            envelope.source(),
            (Ipv4Addr::new(192, 0, 0, 2).into(), 40000)
        );
    }

    #[test]
    fn c_07_an_answer_goes_back_to_where_the_request_came_from() {
        let packet = in_a_tunnel();
        let (envelope, _) = Envelope::open(&own(), &packet, NEIGHBOUR).unwrap();
        let frame = envelope.seal(&own(), &[7; 24]);
        assert_eq!((frame.side, frame.destination), (Side::Access, NEIGHBOUR));
        let answer = frame.payload;
        assert_eq!(answer[..8], [0x60, 0, 0, 0, 0, 52, 4, 64]);
        assert_eq!(answer[8..24], packet[24..40]);
        assert_eq!(answer[24..40], packet[8..24]);
        assert_eq!(answer[40..44], [0x45, 0, 0, 52]);
        assert_eq!(sum(&answer[40..60]), 0xffff);
        assert_eq!(answer[52..60], [192, 0, 0, 1, 192, 0, 0, 2]);
        assert_eq!(answer[60..66], [0x14, 0xe7, 0x9c, 0x40, 0, 32]);
        let mut pseudo = answer[52..60].to_vec();
        pseudo.extend([0, 17, 0, 32]);
        pseudo.extend(&answer[60..]);
        assert_eq!(sum(&pseudo), 0xffff);
        assert_eq!(answer[68..], [7; 24]);
    }

    #[test]
    fn dh_041_a_request_over_plain_ipv6_is_answered_over_plain_ipv6() {
        let mut packet = in_a_tunnel();
        packet.drain(40..60);
        (packet[5], packet[6]) = (80, 17);
        let pseudo = |packet: &[u8]| {
            let mut pseudo = packet[8..40].to_vec();
            pseudo.extend([0, 0, 0, packet.len() as u8 - 40, 0, 0, 0, 17]);
            pseudo.extend(&packet[40..]);
            sum(&pseudo)
        };
        packet[46..48].fill(0);
        let checksum = !pseudo(&packet);
        packet[46..48].copy_from_slice(&checksum.to_be_bytes());
        let (envelope, message) = Envelope::open(&own(), &packet, NEIGHBOUR).unwrap();
        let br = "2001:db8:af::1".parse().unwrap();
        assert_eq!(envelope.arrival(), Arrival::Plain { br });
        assert_eq!(message.len(), 72);
        let answer = envelope.seal(&own(), &[7; 24]).payload;
        assert_eq!(answer[..8], [0x60, 0, 0, 0, 0, 32, 17, 64]);
        assert_eq!(answer[8..40], [&packet[24..40], &packet[8..24]].concat());
        assert_eq!(pseudo(&answer), 0xffff);
        // UDP over IPv6 must have a checksum (RFC 8200 s8.1).
        packet[46..48].fill(0);
        assert_eq!(Envelope::open(&own(), &packet, NEIGHBOUR), None);
    }

    #[test]
    fn what_is_no_request_is_not_opened() {
        let open = |packet: &[u8]| Envelope::open(&own(), packet, NEIGHBOUR).is_some();
        let good = in_a_tunnel();
        for length in 0..good.len() {
            assert!(!open(&good[..length]), "{length}");
        }
        assert!(!open(&with_inner(good.clone(), 19, 3)), "to another");
        assert!(!open(&with_inner(good.clone(), 15, 7)), "not an element");
        assert!(!open(&with_inner(good.clone(), 15, 1)), "from ourselves");
        assert!(!open(&with_inner(good.clone(), 6, 0x20)), "a fragment");
        assert!(!open(&with_inner(good.clone(), 9, 6)), "not UDP");
        let changed = |at: usize, value: u8| {
            let mut packet = good.clone();
            packet[at] = value;
            packet
        };
        assert!(!open(&changed(51, 0)), "bad header checksum");
        assert!(!open(&changed(67, 0)), "bad checksum");
        assert!(!open(&changed(63, 0xe6)), "another port");
        assert!(!open(&changed(39, 9)), "not a BR address");
        assert!(!open(&changed(8, 0xff)), "from a group");
        assert!(!open(&changed(6, 58)), "not a tunnel");
    }
}
