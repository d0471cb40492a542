//! Crafted packets are what they say they are, and a worker does with them what the figures are about.

use clap::ValueEnum;
use lwaftr_dataplane::drop_reason::DropReason;
use lwaftr_dataplane::wire::checksum;
use lwaftr_dataplane::wire::fragment::FragmentHeader;
use lwaftr_dataplane::wire::ipv4::Ipv4;
use lwaftr_dataplane::wire::ipv6;
use lwaftr_dataplane::wire::ipv6::Ipv6;
use lwaftr_dataplane::wire::transport;

use super::*;
use crate::bench::crafted::Belongs;
use crate::bench::crafted::Crafted;
use crate::bench::crafted::Visit;

const KEY: Key = Key {
    ipv4: [20, 0, 0, 7],
    port: [0x12, 0x34],
    softwire: [0, 0, 1, 0xc0],
};
const PEER: Key = Key {
    ipv4: [20, 0, 0, 9],
    port: [0x56, 0x78],
    softwire: [0, 0, 2, 0x40],
};
const SERIAL: u32 = 0xabcd_ef01;

fn packets(direction: Direction, side: Side, size: usize) -> Vec<Vec<u8>> {
    let written = |packet: &Crafted| {
        let mut frame = vec![0xee; packet.len()];
        let visit = Visit {
            key: &KEY,
            peer: &PEER,
            serial: SERIAL,
        };
        packet.write(&mut frame, &visit);
        frame
    };
    let packets = kinds::packets(direction, side, size);
    packets.iter().map(written).collect()
}

fn one(direction: Direction, side: Side, size: usize) -> Vec<u8> {
    let mut packets = packets(direction, side, size);
    assert_eq!(packets.len(), 1);
    packets.remove(0)
}

/// The IPv4 packet of a frame from the Internet, and its octets.
fn outside(frame: &[u8]) -> (Ipv4, &[u8]) {
    assert_eq!(frame[..14], ethernet(INTERNET_MAC, 0x0800));
    let octets = &frame[14..];
    (Ipv4::parse(octets, octets.len(), false).unwrap(), octets)
}

/// The IPv6 packet of a frame from a lwB4, and its payload.
fn tunnel(frame: &[u8]) -> (Ipv6, &[u8]) {
    assert_eq!(frame[..14], ethernet(ACCESS_MAC, 0x86dd));
    let outer = Ipv6::parse(&frame[14..], frame.len() - 14).unwrap();
    assert_eq!(outer.payload_len, frame.len() - 54);
    assert_eq!(outer.destination, traffic::BR.octets());
    (outer, &frame[54..])
}

/// The IPv4 packet in a frame from a lwB4, and its octets.
fn inside(frame: &[u8]) -> (Ipv4, &[u8]) {
    let (outer, octets) = tunnel(frame);
    assert_eq!(outer.next_header, ipv6::IPV4);
    (Ipv4::parse(octets, octets.len(), false).unwrap(), octets)
}

fn ethernet(ours: [u8; 6], ether_type: u16) -> Vec<u8> {
    [&ours[..], &PEER_MAC, &ether_type.to_be_bytes()].concat()
}

fn address(key: &Key) -> u32 {
    u32::from_be_bytes(key.ipv4)
}

const SIZES: [usize; 3] = [64, 594, 1518];

#[test]
fn a_crafted_plain_packet_is_that_of_the_template() {
    for size in SIZES {
        for side in [Side::Internet, Side::Access] {
            let crafted = one(Direction::Both, side, size);
            let mut frame = crafted.clone();
            let (template, headers) = match side {
                Side::Internet => (Template::from_internet(size, INTERNET_MAC, PEER_MAC), 42),
                Side::Access => (Template::from_access(size, ACCESS_MAC, PEER_MAC), 82),
            };
            template.write(&mut frame, &KEY);
            assert_eq!(frame[..headers], crafted[..headers]);
        }
    }
}

#[test]
fn a_hairpin_goes_from_one_subscriber_to_another() {
    for size in SIZES {
        let frame = one(Direction::Hairpin, Side::Access, size);
        let (ipv4, octets) = inside(&frame);
        assert_eq!(
            (ipv4.source, ipv4.destination),
            (address(&KEY), address(&PEER))
        );
        assert_eq!(octets[20..24], [KEY.port, PEER.port].concat());
        assert_eq!(usize::from(ipv4.total_len), size - 18);
    }
}

#[test]
fn an_echo_has_the_subscribers_port_as_identifier() {
    for size in SIZES {
        let (request, reply) = (
            one(Direction::Echo, Side::Internet, size),
            one(Direction::Echo, Side::Access, size),
        );
        let (down, up) = (outside(&request), inside(&reply));
        assert_eq!(
            (down.0.destination, up.0.source),
            (address(&KEY), address(&KEY))
        );
        for ((ipv4, octets), kind) in [(down, 8), (up, 0)] {
            assert_eq!((ipv4.protocol, octets[20]), (transport::ICMP, kind));
            assert_eq!(octets[24..26], KEY.port);
            assert_eq!(
                checksum::sum(&octets[20..usize::from(ipv4.total_len)]),
                0xffff
            );
        }
    }
}

#[test]
fn ipv4_fragments_are_of_one_datagram() {
    let of = |side, size| match side {
        Side::Internet => packets(Direction::Ipv4Fragments, side, size),
        Side::Access => packets(Direction::Ipv4FragmentsUp, side, size),
    };
    for (size, side) in SIZES
        .into_iter()
        .flat_map(|size| [(size, Side::Internet), (size, Side::Access)])
    {
        let frames = of(side, size);
        let read = |frame| match side {
            Side::Internet => outside(frame),
            Side::Access => inside(frame),
        };
        let [(first, octets), (later, _)] = [read(&frames[0]), read(&frames[1])];
        let payload_len = usize::from(first.total_len) - 20;
        assert_eq!(first.fragment.0, 0x2000);
        assert_eq!(
            (usize::from(later.fragment.0) * 8, payload_len % 8),
            (payload_len, 0)
        );
        assert_eq!((first.id, later.id), (SERIAL as u16, SERIAL as u16));
        let port_at = if side == Side::Internet { 22 } else { 20 };
        assert_eq!(octets[port_at..port_at + 2], KEY.port);
        for ipv4 in [first, later] {
            let subscriber = if side == Side::Internet {
                ipv4.destination
            } else {
                ipv4.source
            };
            assert_eq!((subscriber, ipv4.protocol), (address(&KEY), transport::UDP));
        }
        assert_eq!(frames[1].len(), one_plain(side, size).len());
    }
    let parts = kinds::packets(Direction::Ipv4Fragments, Side::Internet, 64);
    let belongs: Vec<_> = parts.iter().map(Crafted::belongs).collect();
    assert_eq!(belongs, [Belongs::ToNext, Belongs::ToLast]);
    let bomb = one(Direction::FloodIpv4Fragments, Side::Internet, 64);
    assert_eq!(bomb, of(Side::Internet, 64)[1]);
}

fn one_plain(side: Side, size: usize) -> Vec<u8> {
    one(Direction::Both, side, size)
}

#[test]
fn ipv6_fragments_are_a_tunnel_packet_together() {
    for size in SIZES {
        let frames = packets(Direction::Ipv6Fragments, Side::Access, size);
        let mut payload = Vec::new();
        for (frame, more) in frames.iter().zip([true, false]) {
            let (outer, fragment) = tunnel(frame);
            assert_eq!(outer.next_header, ipv6::FRAGMENT);
            let header = FragmentHeader::parse(fragment).unwrap();
            assert_eq!((header.more, header.next_header), (more, ipv6::IPV4));
            assert_eq!(usize::from(header.offset_octets), payload.len());
            assert_eq!(header.identification, SERIAL);
            assert!(!more || (fragment.len() - 8).is_multiple_of(8));
            payload.extend_from_slice(&fragment[8..]);
        }
        let plain = one_plain(Side::Access, size);
        assert_eq!(frames[0][22..54], plain[22..54]);
        assert_eq!(payload, plain[54..]);
        assert_eq!(
            one(Direction::FloodIpv6Fragments, Side::Access, size),
            frames[0]
        );
    }
}

#[test]
fn floods_are_of_what_is_to_be_dropped() {
    for size in SIZES {
        let frame = one(Direction::FloodUnbound, Side::Internet, size);
        assert_eq!(outside(&frame).0.destination, address(&KEY) + (40 << 24));
        let frame = one(Direction::FloodSpoofed, Side::Access, size);
        assert_eq!(inside(&frame).0.source, address(&KEY));
        assert_eq!(tunnel(&frame).0.source, traffic::b4(u32::MAX).octets());
        let frame = one(Direction::FloodUnboundByAll, Side::Internet, size);
        let (ipv4, octets) = outside(&frame);
        assert_eq!(
            (ipv4.source >> 28, ipv4.destination),
            (6, address(&KEY) + (40 << 24))
        );
        assert_eq!(checksum::sum(&octets[..20]), 0xffff);
        let frame = one(Direction::FloodSpoofedByAll, Side::Access, size);
        assert_eq!(inside(&frame).0.source, address(&KEY));
        assert_ne!(tunnel(&frame).0.source[..8], traffic::b4(0).octets()[..8]);
        for (side, at) in [(Side::Internet, 14), (Side::Access, 54)] {
            let frame = one(Direction::FloodMalformed, side, size);
            let parsed = Ipv4::parse(&frame[at..], frame.len() - at, false);
            assert_eq!(parsed, Err(DropReason::BadIpv4Checksum));
        }
    }
}

#[test]
fn beside_a_flood_every_other_packet_is_plain() {
    for direction in Direction::value_variants() {
        let Some(flood) = direction.flood() else {
            continue;
        };
        assert_eq!(direction.name(), format!("beside-{}", flood.name()));
        for side in [Side::Internet, Side::Access] {
            let packets = packets(*direction, side, 64);
            if flood.arrives_on(side) {
                assert_eq!(packets[0], one_plain(side, 64));
                assert_eq!(packets[1..], [one(flood, side, 64)]);
            } else {
                assert!(packets.is_empty());
            }
        }
    }
}

fn options() -> Options {
    Options {
        softwires: vec![1000],
        psid_length: 6,
        frames: vec![FrameMix::Fixed(64), FrameMix::Imix],
        directions: Direction::value_variants().to_vec(),
        burst: 32,
        core: 0,
        control_core: 0,
        huge: false,
        packets: 20_000,
        updates: false,
        json: true,
    }
}

/// All in one, as a process has one EAL.
#[test]
fn every_direction_has_its_fate_and_gives_all_buffers_back() {
    let options = options();
    let eal = Eal::init(&eal_arguments(&options)).unwrap();
    let pool = pool(&eal).unwrap();
    let population = population(1000, &options).unwrap();
    let publisher = publisher(population, 1000, &options).unwrap();
    let keys = population.shuffled_keys(SEED);
    for direction in &options.directions {
        for frame in direction.frames(&options.frames) {
            let feed = feed(&pool, &keys, *direction, frame, 31);
            let measured =
                measure::floor_and_pipeline(&feed, reader(&publisher).unwrap(), options.packets);
            let tally = measured.unwrap().tally;
            let bomb = matches!(
                direction.flood().unwrap_or(*direction),
                Direction::FloodIpv4Fragments | Direction::FloodIpv6Fragments
            );
            let held = if bomb { 1000..=2500 } else { 0..=2 };
            assert!(
                held.contains(&tally.buffers_held),
                "{direction:?}: {tally:?}"
            );
            if let Some(bound) = direction.bound() {
                // What a busy machine loses meanwhile is no fault: only that the share is one.
                let alone = crafted_feed(&feed, bound, frame);
                let kept = kept::measure(&alone, &feed, &publisher, options.packets).unwrap();
                let share = 0.01..=1.0;
                assert!(
                    share.contains(&kept.alone) && share.contains(&kept.beside),
                    "{direction:?}: {kept:?}"
                );
            }
            assert_eq!(pool.in_use(), 0, "{direction:?}");
        }
    }
}

#[test]
fn packets_with_another_fate_are_an_error() {
    use lwaftr_dataplane::counters::Counter;
    use lwaftr_dataplane::counters::Counters;
    let counters = Counters::default();
    let verify = |direction| fate::verify(direction, &fate::Tally::of(&counters), &counters);
    assert!(verify(Direction::Encap).is_err(), "nothing was received");
    counters.add(Counter::RxInternetPackets, 10);
    counters.add(Counter::SentIpv6Packets, 5);
    counters.add(Counter::TxAccessPackets, 5);
    assert!(verify(Direction::Encap).is_err(), "five are lost");
    counters.drop_many(DropReason::NoSoftwire, 5);
    assert!(verify(Direction::BesideFloodUnbound).is_ok());
    let error = verify(Direction::Encap).unwrap_err().to_string();
    assert_eq!(
        error,
        "encap: not what should become of 10 packets: forwarded 5, rx-internet-packets 10, \
         tx-access-packets 5, sent-ipv6-packets 5, drop-no-softwire 5"
    );
    for direction in [
        Direction::FloodUnbound,
        Direction::BesideFloodSpoofed,
        Direction::OuterFragments,
    ] {
        assert!(verify(direction).is_err(), "{direction:?}");
    }
}
