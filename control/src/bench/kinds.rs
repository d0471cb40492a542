//! The packets of each direction, but for plain traffic alone.
//!
//! ```text
//!  from the Internet   Ethernet | IPv4 | payload                    IPv4 at 14
//!  from a lwB4         Ethernet | IPv6 | IPv4 | payload             IPv4 at 54
//!  in IPv6 fragments   Ethernet | IPv6 | Fragment | part of IPv4    IPv4 at 62
//! ```

use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::wire::fragment;
use lwaftr_dataplane::wire::ipv4;
use lwaftr_dataplane::wire::ipv6;
use lwaftr_dataplane::wire::transport;

use crate::bench::ACCESS_MAC;
use crate::bench::Direction;
use crate::bench::FCS;
use crate::bench::INTERNET_MAC;
use crate::bench::PEER_MAC;
use crate::bench::crafted::Crafted;
use crate::bench::crafted::Field;
use crate::bench::traffic::BR;
use crate::bench::traffic::OUTSIDE;
use crate::bench::traffic::b4;

/// The packets that arrive on `side` one after the other, again and again; `size` is that of a frame on
/// the IPv4 side, with FCS.
pub(super) fn packets(direction: Direction, side: Side, size: usize) -> Vec<Crafted> {
    if !direction.arrives_on(side) {
        return Vec::new();
    }
    if let Some(flood) = direction.flood() {
        let mut packets = vec![plain(side, size)];
        packets.extend(self::packets(flood, side, size));
        return packets;
    }
    match direction {
        Direction::Hairpin => vec![hairpin(size)],
        Direction::Echo => vec![echo(side, size)],
        Direction::Ipv4Fragments | Direction::Ipv4FragmentsUp => {
            vec![
                first_ipv4_fragment(side, size),
                later_ipv4_fragment(side, size).of_the_same(),
            ]
        }
        Direction::FloodIpv4Fragments => vec![later_ipv4_fragment(side, size)],
        Direction::Ipv6Fragments => {
            let [first, last] = ipv6_fragments(size);
            vec![first, last.of_the_same()]
        }
        Direction::FloodIpv6Fragments => {
            let [first, _] = ipv6_fragments(size);
            vec![first]
        }
        Direction::FloodUnbound => vec![unbound(size)],
        Direction::FloodUnboundByAll => {
            vec![unbound(size).with(Field::AnyHost, ipv4_at(side) + 12)]
        }
        Direction::FloodSpoofed => vec![spoofed(size)],
        Direction::FloodSpoofedByAll => vec![spoofed(size).with(Field::AnyPrefix, B4_PREFIX_END)],
        Direction::FloodMalformed => vec![plain(side, size).malformed()],
        _ => vec![plain(side, size)],
    }
}

/// A UDP packet between a subscriber and the Internet.
fn plain(side: Side, size: usize) -> Crafted {
    let total_len = total_len(size);
    let packet = ipv4(side, total_len, 0, transport::UDP, &udp(total_len));
    owned(frame(side, &packet), side)
}

fn hairpin(size: usize) -> Crafted {
    plain(Side::Access, size)
        .with(Field::PeerAddress, IPV4_IN_TUNNEL + 16)
        .with(Field::PeerPort, IPV4_IN_TUNNEL + ipv4::HEADER + 2)
}

/// An echo request to a subscriber, or the reply.
fn echo(side: Side, size: usize) -> Crafted {
    let total_len = total_len(size);
    let mut message = vec![0; total_len - ipv4::HEADER];
    message[0] = match side {
        Side::Internet => ECHO_REQUEST,
        Side::Access => ECHO_REPLY,
    };
    let octets = frame(side, &ipv4(side, total_len, 0, transport::ICMP, &message));
    let at = ipv4_at(side) + ipv4::HEADER;
    let len = octets.len();
    addressed(Crafted::new(octets, len), side)
        .with(Field::Port, at + 4)
        .with_sum(at..len, at + 2)
}

/// The first fragment of a datagram that a second one of the same size completes.
fn first_ipv4_fragment(side: Side, size: usize) -> Crafted {
    let total_len = ipv4::HEADER + fragment_len(size);
    let packet = ipv4(side, total_len, MORE, transport::UDP, &udp(total_len));
    owned(frame(side, &packet), side).with(Field::ShortSerial, ipv4_at(side) + 4)
}

fn later_ipv4_fragment(side: Side, size: usize) -> Crafted {
    let offset = (fragment_len(size) / 8) as u16;
    let packet = ipv4(side, total_len(size), offset, transport::UDP, &[]);
    let octets = frame(side, &packet);
    let len = ipv4_at(side) + total_len(size);
    addressed(Crafted::new(octets, len), side).with(Field::ShortSerial, ipv4_at(side) + 4)
}

/// The two halves of a tunnel packet.
fn ipv6_fragments(size: usize) -> [Crafted; 2] {
    let total_len = total_len(size);
    let packet = ipv4(Side::Access, total_len, 0, transport::UDP, &udp(total_len));
    // Every fragment but the last carries a multiple of 8 octets, the first the whole IPv4 header.
    let cut = (total_len / 2).next_multiple_of(8).max(24);
    let part = |from: usize, to: usize| {
        let mut octets = ipv6_front(fragment::HEADER + to - from, ipv6::FRAGMENT);
        let mut header = [0; fragment::HEADER];
        fragment::write(&mut header, ipv6::IPV4, from as u16, to < total_len, 0);
        octets.extend(header);
        octets.extend(packet.get(from..to.min(packet.len())).unwrap_or_default());
        let len = IPV4_IN_FRAGMENT + to - from;
        Crafted::new(octets, len)
            .with(Field::Softwire, B4_END)
            .with(Field::Serial, IPV4_IN_FRAGMENT - 4)
    };
    let ipv4_at = IPV4_IN_FRAGMENT;
    let first = part(0, cut)
        .with(Field::Address, ipv4_at + 12)
        .with(Field::Port, ipv4_at + ipv4::HEADER)
        .with_sum(ipv4_at..ipv4_at + ipv4::HEADER, ipv4_at + 10);
    [first, part(cut, total_len)]
}

fn unbound(size: usize) -> Crafted {
    let total_len = total_len(size);
    let packet = ipv4(
        Side::Internet,
        total_len,
        0,
        transport::UDP,
        &udp(total_len),
    );
    let octets = frame(Side::Internet, &packet);
    let at = ipv4_at(Side::Internet);
    Crafted::new(octets, at + total_len)
        .with(Field::UnboundAddress, at + 16)
        .with(Field::Port, at + ipv4::HEADER + 2)
        .with_sum(at..at + ipv4::HEADER, at + 10)
}

/// Any subscriber's packet through the tunnel of one other, who is no subscriber.
fn spoofed(size: usize) -> Crafted {
    let total_len = total_len(size);
    let packet = ipv4(Side::Access, total_len, 0, transport::UDP, &udp(total_len));
    let mut octets = frame(Side::Access, &packet);
    octets[B4_END..B4_END + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    let at = ipv4_at(Side::Access);
    Crafted::new(octets, at + total_len)
        .with(Field::Address, at + 12)
        .with(Field::Port, at + ipv4::HEADER)
        .with_sum(at..at + ipv4::HEADER, at + 10)
}

/// A packet that has its subscriber's addresses and port.
fn owned(octets: Vec<u8>, side: Side) -> Crafted {
    let at = ipv4_at(side);
    let total_len = u16::from_be_bytes([octets[at + 2], octets[at + 3]]);
    let port_at = match side {
        Side::Internet => at + ipv4::HEADER + 2,
        Side::Access => at + ipv4::HEADER,
    };
    addressed(Crafted::new(octets, at + usize::from(total_len)), side).with(Field::Port, port_at)
}

/// A packet that has its subscriber's addresses.
fn addressed(packet: Crafted, side: Side) -> Crafted {
    let at = ipv4_at(side);
    let packet = packet.with_sum(at..at + ipv4::HEADER, at + 10);
    match side {
        Side::Internet => packet.with(Field::Address, at + 16),
        Side::Access => packet
            .with(Field::Address, at + 12)
            .with(Field::Softwire, B4_END),
    }
}

/// The frame of an IPv4 packet that arrives on `side`.
fn frame(side: Side, packet: &[u8]) -> Vec<u8> {
    let total_len = u16::from_be_bytes([packet[2], packet[3]]);
    let mut octets = match side {
        Side::Internet => ethernet(INTERNET_MAC, [0x08, 0x00]),
        Side::Access => ipv6_front(usize::from(total_len), ipv6::IPV4),
    };
    octets.extend(packet);
    octets
}

fn ethernet(ours: [u8; 6], ether_type: [u8; 2]) -> Vec<u8> {
    [&ours[..], &PEER_MAC, &ether_type].concat()
}

/// The headers of a frame from a lwB4 to the BR.
fn ipv6_front(payload_len: usize, next_header: u8) -> Vec<u8> {
    let mut octets = ethernet(ACCESS_MAC, [0x86, 0xdd]);
    octets.extend([0x60, 0, 0, 0]);
    octets.extend((payload_len as u16).to_be_bytes());
    octets.extend([next_header, 64]);
    octets.extend(b4(0).octets());
    octets.extend(BR.octets());
    octets
}

/// An IPv4 packet without subscriber and checksum, and as much of its payload as is given.
fn ipv4(side: Side, total_len: usize, fragment: u16, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x45, 0];
    octets.extend((total_len as u16).to_be_bytes());
    octets.extend([0, 0]);
    octets.extend(fragment.to_be_bytes());
    octets.extend([64, protocol, 0, 0]);
    let (source, destination) = match side {
        Side::Internet => (OUTSIDE, [0; 4]),
        Side::Access => ([0; 4], OUTSIDE),
    };
    octets.extend(source);
    octets.extend(destination);
    octets.extend(payload);
    octets
}

/// The UDP header of an IPv4 packet of `total_len` octets.
fn udp(total_len: usize) -> Vec<u8> {
    let [high, low] = ((total_len - ipv4::HEADER) as u16).to_be_bytes();
    vec![0, 53, 0, 53, high, low, 0, 0]
}

/// Octets of IPv4 in a frame of `size` octets.
fn total_len(size: usize) -> usize {
    size - ETHERNET - FCS
}

/// Octets that an IPv4 fragment which is not the last can carry in a frame of `size` octets.
fn fragment_len(size: usize) -> usize {
    (total_len(size) - ipv4::HEADER) / 8 * 8
}

fn ipv4_at(side: Side) -> usize {
    match side {
        Side::Internet => ETHERNET,
        Side::Access => IPV4_IN_TUNNEL,
    }
}

const ETHERNET: usize = 14;
const IPV4_IN_TUNNEL: usize = ETHERNET + ipv6::HEADER;
const IPV4_IN_FRAGMENT: usize = IPV4_IN_TUNNEL + fragment::HEADER;
/// Octets 4 to 8 of the IPv6 source.
const B4_PREFIX_END: usize = ETHERNET + 12;
/// The last four octets of the IPv6 source.
const B4_END: usize = ETHERNET + 20;
/// The MF flag in its word (RFC 791 s3.1).
const MORE: u16 = 0x2000;
/// ICMPv4 types (RFC 792).
const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;
