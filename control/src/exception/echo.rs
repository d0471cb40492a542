//! Answers to pings of our addresses: on both sides, and inside tunnels (TN-044, TN-046).
//!
//! An answer goes back to the neighbour that the request came from, from the address that it was sent to
//! and, when it came through a tunnel, through that tunnel (C-07).

use std::net::Ipv4Addr;

use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::wire::ethernet;
use lwaftr_dataplane::wire::ethernet::Mac;
use smoltcp::wire::Icmpv4Message;
use smoltcp::wire::Icmpv4Packet;
use smoltcp::wire::Icmpv6Message;
use smoltcp::wire::Icmpv6Packet;
use smoltcp::wire::IpProtocol;
use smoltcp::wire::Ipv4Packet;
use smoltcp::wire::Ipv6Packet;

use crate::exception::frame::Frame;
use crate::exception::own::Own;

/// Answers a ping of our address on the Internet side.
pub(super) fn from_internet(own: &Own, packet: &[u8], from: Mac) -> Option<Frame> {
    Some(Frame {
        side: Side::Internet,
        destination: from,
        ether_type: ethernet::IPV4,
        payload: ipv4_answer(packet, |address| address == own.internet)?,
    })
}

/// Answers a ping on the access side: of one of our IPv6 addresses, or inside a tunnel.
pub(super) fn from_access(own: &Own, packet: &[u8], from: Mac) -> Option<Frame> {
    let ipv6 = Ipv6Packet::new_checked(packet).ok()?;
    if !own.has_ipv6(ipv6.dst_addr()) || !is_one_nodes(&ipv6) {
        return None;
    }
    let payload = match ipv6.next_header() {
        IpProtocol::Icmpv6 => ipv6_answer(own, &ipv6)?,
        IpProtocol::Unknown(IPV4) => tunnelled_answer(own, &ipv6)?,
        _ => return None,
    };
    Some(Frame {
        side: Side::Access,
        destination: from,
        ether_type: ethernet::IPV6,
        payload,
    })
}

fn is_one_nodes(packet: &Ipv6Packet<&[u8]>) -> bool {
    lwaftr_dataplane::wire::ipv6::is_one_nodes(&packet.src_addr().octets())
}

/// The answer to an echo request for an address that `is_ours`, as an IPv4 packet.
fn ipv4_answer(packet: &[u8], is_ours: impl Fn(Ipv4Addr) -> bool) -> Option<Vec<u8>> {
    let request = Ipv4Packet::new_checked(packet).ok()?;
    let (source, destination) = (request.src_addr(), request.dst_addr());
    let is_whole = !request.more_frags() && request.frag_offset() == 0;
    if request.version() != 4
        || !request.verify_checksum()
        || !is_whole
        || request.next_header() != IpProtocol::Icmp
        || !is_ours(destination)
        || source.is_multicast()
        || source.is_broadcast()
        || source.is_unspecified()
    {
        return None;
    }
    let message = Icmpv4Packet::new_checked(request.payload()).ok()?;
    if message.msg_type() != Icmpv4Message::EchoRequest || !message.verify_checksum() {
        return None;
    }
    let mut octets = packet[..usize::from(request.total_len())].to_vec();
    let mut answer = Ipv4Packet::new_unchecked(&mut octets[..]);
    answer.set_src_addr(destination);
    answer.set_dst_addr(source);
    answer.set_hop_limit(TTL);
    answer.fill_checksum();
    let mut message = Icmpv4Packet::new_unchecked(answer.payload_mut());
    message.set_msg_type(Icmpv4Message::EchoReply);
    message.fill_checksum();
    Some(octets)
}

fn ipv6_answer(own: &Own, request: &Ipv6Packet<&[u8]>) -> Option<Vec<u8>> {
    let (source, destination) = (request.src_addr(), request.dst_addr());
    let message = Icmpv6Packet::new_checked(request.payload()).ok()?;
    if message.msg_type() != Icmpv6Message::EchoRequest
        || !message.verify_checksum(&source, &destination)
    {
        return None;
    }
    let mut octets = request.clone().into_inner()[..request.total_len()].to_vec();
    let mut answer = Ipv6Packet::new_unchecked(&mut octets[..]);
    answer.set_src_addr(destination);
    answer.set_dst_addr(source);
    answer.set_hop_limit(own.hop_limit);
    let mut message = Icmpv6Packet::new_unchecked(answer.payload_mut());
    message.set_msg_type(Icmpv6Message::EchoReply);
    message.fill_checksum(&destination, &source);
    Some(octets)
}

/// The answer to a ping inside a tunnel, of our address there or of that on the Internet side.
fn tunnelled_answer(own: &Own, request: &Ipv6Packet<&[u8]>) -> Option<Vec<u8>> {
    let is_ours = |address| address == own.aftr || address == own.internet;
    let inner = ipv4_answer(request.payload(), is_ours)?;
    let mut octets = request.clone().into_inner()[..HEADER].to_vec();
    let mut answer = Ipv6Packet::new_unchecked(&mut octets[..]);
    answer.set_src_addr(request.dst_addr());
    answer.set_dst_addr(request.src_addr());
    answer.set_hop_limit(own.hop_limit);
    answer.set_payload_len(inner.len() as u16);
    octets.extend(inner);
    Some(octets)
}

/// IPv4 in IPv6 (RFC 2473 s5).
const IPV4: u8 = 4;
/// Octets of an IPv6 header.
const HEADER: usize = 40;
/// TTL of what is sent from here (RFC 1700, "IP default TTL").
const TTL: u8 = 64;

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use lwaftr_dataplane::wire::checksum;

    use super::*;
    use crate::exception::tests::own;

    const PEER: Mac = Mac([2, 0, 0, 0, 0, 9]);

    fn ping(source: [u8; 4], destination: [u8; 4]) -> Vec<u8> {
        let mut message = vec![8, 0, 0, 0, 0xab, 0xcd, 0, 1, 5, 6, 7];
        let sum = !checksum::sum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        let mut packet = vec![0x45, 0, 0, 31, 0, 1, 0, 0, 9, 1, 0, 0];
        packet.extend(source);
        packet.extend(destination);
        let sum = !checksum::sum(&packet);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet.extend(message);
        packet
    }

    fn outer(source: &str, destination: &str, next_header: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, payload.len() as u8, next_header, 7];
        packet.extend(source.parse::<Ipv6Addr>().unwrap().octets());
        packet.extend(destination.parse::<Ipv6Addr>().unwrap().octets());
        packet.extend(payload);
        packet
    }

    fn assert_is_answer(packet: &[u8], source: [u8; 4], destination: [u8; 4]) {
        assert_eq!(
            (&packet[12..16], &packet[16..20]),
            (&source[..], &destination[..])
        );
        assert_eq!(checksum::sum(&packet[..20]), 0xffff);
        assert_eq!((packet[8], packet[20]), (64, 0));
        assert_eq!(packet[24..], [0xab, 0xcd, 0, 1, 5, 6, 7]);
        assert_eq!(checksum::sum(&packet[20..]), 0xffff);
    }

    #[test]
    fn a_ping_of_our_internet_address_is_answered_without_its_padding() {
        let mut request = ping([198, 51, 100, 7], [203, 0, 113, 1]);
        request.extend([0; 15]);
        let answer = from_internet(&own(), &request, PEER).unwrap();
        assert_eq!((answer.side, answer.destination), (Side::Internet, PEER));
        assert_eq!(answer.payload.len(), 31);
        assert_is_answer(&answer.payload, [203, 0, 113, 1], [198, 51, 100, 7]);
    }

    #[test]
    fn tn_046_a_ping_inside_a_tunnel_goes_back_through_it() {
        for address in [[192, 0, 0, 1], [203, 0, 113, 1]] {
            let inner = ping([192, 0, 0, 2], address);
            let request = outer("2001:db8:b4::1", "2001:db8:af::1", 4, &inner);
            let answer = from_access(&own(), &request, PEER).unwrap();
            let header = outer("2001:db8:af::1", "2001:db8:b4::1", 4, &inner);
            assert_eq!(answer.payload[8..40], header[8..40]);
            assert_eq!((answer.payload[5], answer.payload[7]), (31, 64));
            assert_is_answer(&answer.payload[40..], address, [192, 0, 0, 2]);
        }
    }

    #[test]
    fn a_ping_of_an_ipv6_address_of_ours_is_answered_from_it() {
        let mut message = vec![128, 0, 0, 0, 1, 2, 3, 4];
        let (source, ours) = ("2001:db8:b4::1", "2001:db8:af::1");
        let request = outer(source, ours, 58, &message);
        let sum = |packet: &[u8]| {
            let mut pseudo = packet[8..40].to_vec();
            pseudo.extend([0, 0, 0, 8, 0, 0, 0, 58]);
            pseudo.extend(&packet[40..]);
            checksum::sum(&pseudo)
        };
        message[2..4].copy_from_slice(&(!sum(&request)).to_be_bytes());
        let request = outer(source, ours, 58, &message);
        let answer = from_access(&own(), &request, PEER).unwrap();
        assert_eq!(answer.payload[8..24], request[24..40]);
        assert_eq!(answer.payload[24..40], request[8..24]);
        assert_eq!((answer.payload[40], sum(&answer.payload)), (129, 0xffff));
        let elsewhere = outer(source, "2001:db8:af::2", 58, &message);
        assert_eq!(from_access(&own(), &elsewhere, PEER), None);
    }

    #[test]
    fn what_is_no_good_request_to_us_is_not_answered() {
        let good = ping([198, 51, 100, 7], [203, 0, 113, 1]);
        assert!(from_internet(&own(), &good, PEER).is_some());
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert_eq!(from_internet(&own(), &bad, PEER), None, "{at}");
            assert_eq!(from_internet(&own(), &good[..at], PEER), None, "{at}");
        }
        let other = ping([198, 51, 100, 7], [192, 0, 0, 1]);
        assert_eq!(from_internet(&own(), &other, PEER), None);
        let everybody = ping([255, 255, 255, 255], [203, 0, 113, 1]);
        assert_eq!(from_internet(&own(), &everybody, PEER), None);
    }
}
