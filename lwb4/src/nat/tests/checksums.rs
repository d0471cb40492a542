//! Checksums that a device was to finish, that are none, or that are special.

use super::packets::Packet;
use super::packets::end;
use super::*;

/// Sum over the pseudo-header of RFC 768 or RFC 9293, folded.
fn pseudo_sum(packet: &Packet) -> u16 {
    let mut words = vec![u32::from(packet.protocol), packet.payload.len() as u32];
    for address in [packet.source, packet.destination] {
        let address = u32::from(address);
        words.extend([address >> 16, address & 0xffff]);
    }
    let mut sum: u32 = words.iter().sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}

#[test]
fn a_partial_checksum_stays_the_sum_over_the_pseudo_header() {
    for (protocol, at) in [(TCP, 16), (UDP, 6)] {
        let mut lwb4 = Lwb4::new();
        let mut packet = Packet::new(protocol, HOST, REMOTE).long(40_000);
        let sum = pseudo_sum(&packet).to_be_bytes();
        packet.payload[at..at + 2].copy_from_slice(&sum);
        let mut bytes = packet.bytes();
        let outbound = lwb4.nat.outbound(&mut bytes, Checksum::Partial, lwb4.now);
        assert_eq!(outbound, Outbound::ToTunnel);
        let out = Packet::read(&bytes);
        assert_eq!(*out.source().ip(), EXTERNAL);
        assert_eq!(out.payload[at..at + 2], pseudo_sum(&out).to_be_bytes());
        packets::verify(&out.summed().bytes());
    }
}

#[test]
fn udp_without_a_checksum_stays_without_one() {
    let mut lwb4 = Lwb4::new();
    let mut packet = Packet::new(UDP, HOST, REMOTE);
    packet.payload[6..8].fill(0);
    let out = lwb4.out(&packet);
    assert_eq!(out.payload[6..8], [0, 0]);
    let error = lwb4.come(&Packet::error("203.0.113.1", 3, 1, &out, 999));
    assert_eq!(error.quote(), packet);
}

/// 0 would say that there is no checksum (RFC 768).
#[test]
fn a_udp_checksum_never_becomes_0() {
    for word in 0..=u16::MAX {
        let mut lwb4 = Lwb4::new();
        let mut packet = Packet::new(UDP, HOST, REMOTE);
        packet.payload[8..10].copy_from_slice(&word.to_be_bytes());
        let out = lwb4.out(&packet.summed());
        if out.payload[6..8] == [0xff, 0xff] {
            return;
        }
        assert_ne!(out.payload[6..8], [0, 0]);
    }
    panic!("no payload leads to the special case");
}

#[test]
fn what_lies_behind_the_packet_is_not_part_of_it() {
    let mut lwb4 = Lwb4::new();
    let packet = Packet::new(UDP, HOST, REMOTE);
    let mut bytes = packet.bytes();
    let length = bytes.len();
    bytes.extend([0xaa; 9]);
    assert_eq!(
        lwb4.nat.outbound(&mut bytes, Checksum::Complete, lwb4.now),
        Outbound::ToTunnel
    );
    assert_eq!(bytes[length..], [0xaa; 9]);
    packets::verify(&bytes[..length]);
    assert_eq!(Packet::read(&bytes).destination(), end(REMOTE));
}
