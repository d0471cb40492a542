//! Properties of the whole pipeline over heap packets; behaviour rule by rule is in `tests/cases`.

mod limited;
mod watched_packet;

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use proptest::prelude::*;

use crate::binding::Binding;
use crate::counters::Counters;
use crate::drop_reason::DropReason;
use crate::forwarding::Dscp;
use crate::forwarding::Forwarding;
use crate::forwarding::FragmentCache;
use crate::forwarding::Icmp;
use crate::forwarding::Link;
use crate::forwarding::Reassembly;
use crate::heap_packet::HeapPacket;
use crate::packet::Packet;
use crate::pipeline::Gate;
use crate::pipeline::Ledger;
use crate::pipeline::Pipeline;
use crate::pipeline::Share;
use crate::pipeline::Verdict;
use crate::pipeline::Verdicts;
use crate::port_set::PortSet;
use crate::port_set::PortSplit;
use crate::punt::PuntClass;
use crate::punt_limits::PuntLimits;
use crate::side::Side;
use crate::table::BrSet;
use crate::table::Builder;
use crate::table::Origin;
use crate::table::Publisher;
use crate::table::Reader;
use crate::wire::checksum;
use crate::wire::ethernet;
use crate::wire::ethernet::Mac;

pub(crate) const OUR_INTERNET_MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
const OUR_ACCESS_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);
pub(crate) const SHARED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
pub(crate) const B4: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
pub(crate) const BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xaf, 0, 0, 0, 0, 1);

pub(crate) fn forwarding() -> Forwarding {
    let link = |mac, peer, mtu| Link {
        mac,
        next_hop_mac: Some(Mac([2, 0, 0, 0, 1, peer])),
        vlan: None,
        vlan_by_device: false,
        mtu,
    };
    Forwarding {
        internet: link(OUR_INTERNET_MAC, 1, 1500),
        internet_address: Ipv4Addr::new(203, 0, 113, 1).to_bits(),
        access: link(OUR_ACCESS_MAC, 2, 1540),
        access_address: Ipv6Addr::new(0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 1).octets(),
        aftr_address: Ipv4Addr::new(192, 0, 0, 1).to_bits(),
        hop_limit: 64,
        dscp: Dscp::Copy,
        mss_clamp: None,
        path_mtu_discovery: true,
        hairpinning: true,
        reassembly: Reassembly {
            max_packets: 64,
            ..Reassembly::default()
        },
        fragment_cache: FragmentCache {
            max_packets: 64,
            ..FragmentCache::default()
        },
        punts: PuntLimits::default(),
        plain_ipv6_pcp: false,
        internet_icmp: Icmp::default(),
        access_icmp: Icmp::default(),
    }
}

/// PSID 1 of 16 on the shared address: ports 4096 to 8191.
pub(crate) fn publisher() -> Publisher {
    let ports = PortSet::new(PortSplit::new(0, 4).unwrap(), 1).unwrap();
    let mut builder = Builder::new(BrSet::new([BR]).unwrap()).unwrap();
    builder
        .add(&Binding::new(SHARED, ports, B4, BR).unwrap(), Origin(0))
        .unwrap();
    Publisher::new(builder)
}

/// A worker's hold on a table with that softwire.
pub(crate) fn reader() -> Reader {
    publisher().reader().unwrap().online()
}

/// A UDP packet from the Internet to the shared address.
pub(crate) fn udp(destination_port: u16, ttl: u8, tos: u8, payload: &[u8]) -> HeapPacket {
    let mut frame = Vec::new();
    frame.extend(OUR_INTERNET_MAC.0);
    frame.extend([2, 0, 0, 0, 1, 1, 8, 0]);
    let total = (28 + payload.len()) as u16;
    let mut ipv4 = vec![0x45, tos, 0, 0, 0, 1, 0, 0, ttl, 17, 0, 0];
    ipv4[2..4].copy_from_slice(&total.to_be_bytes());
    ipv4.extend(OUTSIDE.octets());
    ipv4.extend(SHARED.octets());
    let sum = !checksum::sum(&ipv4);
    ipv4[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend(ipv4);
    frame.extend(5353_u16.to_be_bytes());
    frame.extend(destination_port.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    HeapPacket::new(&frame)
}

/// A PCP request of no length in the tunnel of `b4`.
pub(crate) fn pcp(b4: [u8; 16]) -> HeapPacket {
    let mut inner = vec![0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 0, 2];
    inner.extend([192, 0, 0, 1]);
    mend(&mut inner);
    inner.extend([0x14, 0xe6, 0x14, 0xe7, 0, 8, 0, 0]);
    tunnelled(b4, &inner)
}

/// An IPv4 packet in the tunnel of `b4`.
pub(crate) fn tunnelled(b4: [u8; 16], inner: &[u8]) -> HeapPacket {
    let mut frame = OUR_ACCESS_MAC.0.to_vec();
    frame.extend([2, 0, 0, 0, 1, 2, 0x86, 0xdd, 0x60, 0, 0, 0]);
    frame.extend((inner.len() as u16).to_be_bytes());
    frame.extend([4, 64]);
    frame.extend(b4);
    frame.extend(BR.octets());
    frame.extend(inner);
    HeapPacket::new(&frame)
}

/// Turns an encapsulated packet round, as if the lwB4 sent the very same one to the Internet.
fn reflect(packet: &HeapPacket) -> HeapPacket {
    let mut frame = packet.head().to_vec();
    frame[..6].copy_from_slice(&OUR_ACCESS_MAC.0);
    let (br, b4) = (frame[22..38].to_vec(), frame[38..54].to_vec());
    frame[22..38].copy_from_slice(&b4);
    frame[38..54].copy_from_slice(&br);
    let (source, destination) = (frame[66..70].to_vec(), frame[70..74].to_vec());
    frame[66..70].copy_from_slice(&destination);
    frame[70..74].copy_from_slice(&source);
    let ports = frame[74..78].to_vec();
    frame[74..76].copy_from_slice(&ports[2..]);
    frame[76..78].copy_from_slice(&ports[..2]);
    HeapPacket::new(&frame)
}

fn from_internet(pipeline: &Pipeline, reader: &Reader, burst: &mut [HeapPacket]) -> Verdicts {
    let counters = Counters::default();
    pipeline.from_internet(
        reader.table(),
        burst,
        &mut pipeline.detour(Share::WHOLE),
        &mut Ledger::new(&counters, Side::Internet),
    )
}

fn from_access(pipeline: &Pipeline, reader: &Reader, burst: &mut [HeapPacket]) -> Verdicts {
    let counters = Counters::default();
    pipeline.from_access(
        reader.table(),
        burst,
        &mut pipeline.detour(Share::WHOLE),
        &mut Ledger::new(&counters, Side::Access),
    )
}

proptest! {
    #[test]
    fn decap_of_encap_is_the_identity_but_for_ttl(
        port in 4096_u16..=8191, ttl in 3_u8.., tos: u8, payload in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let (reader, pipeline) = (reader(), Pipeline::new(forwarding()));
        let original = udp(port, ttl, tos, &payload);
        let mut burst = [original.clone()];
        let verdict = from_internet(&pipeline, &reader, &mut burst)[0];
        prop_assert_eq!(verdict, Verdict::Access);
        prop_assert_eq!(burst[0].len(), original.len() + 40);
        let mut back = [reflect(&burst[0])];
        let verdict = from_access(&pipeline, &reader, &mut back)[0];
        prop_assert_eq!(verdict, Verdict::Internet);
        let (before, after) = (&original.head()[14..], &back[0].head()[14..]);
        prop_assert_eq!(after.len(), before.len());
        prop_assert_eq!(after[8], ttl - 2);
        prop_assert_eq!(checksum::sum(&after[..20]), 0xffff);
        prop_assert_eq!((&after[..8], &after[28..]), (&before[..8], &before[28..]));
        prop_assert_eq!((&after[12..16], &after[16..20]), (&before[16..20], &before[12..16]));
    }

    #[test]
    fn no_frame_panics_on_either_side(
        frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..8),
        ether_type in prop_oneof![Just([8_u8, 0]), Just([0x86, 0xdd]), Just([0x81, 0])],
    ) {
        let (reader, pipeline) = (reader(), Pipeline::new(forwarding()));
        for (mac, access) in [(OUR_INTERNET_MAC, false), (OUR_ACCESS_MAC, true)] {
            let mut burst: Vec<_> = frames.iter().map(|frame| {
                let mut frame = frame.clone();
                if frame.len() >= 14 {
                    frame[..6].copy_from_slice(&mac.0);
                    frame[12..14].copy_from_slice(&ether_type);
                }
                HeapPacket::new(&frame)
            }).collect();
            if access {
                from_access(&pipeline, &reader, &mut burst);
            } else {
                from_internet(&pipeline, &reader, &mut burst);
            }
        }
    }

    #[test]
    fn a_valid_packet_with_octets_changed_or_cut_never_panics(
        changes in proptest::collection::vec((0_usize..90, any::<u8>()), 0..4), cut in 0_usize..120, access: bool,
    ) {
        let (reader, pipeline) = (reader(), Pipeline::new(forwarding()));
        let mut burst = [udp(5000, 64, 0, &[7; 20])];
        if access {
            from_internet(&pipeline, &reader, &mut burst);
            burst = [reflect(&burst[0])];
        }
        let mut frame = burst[0].head().to_vec();
        for (at, value) in changes {
            if let Some(octet) = frame.get_mut(at) {
                *octet = value;
            }
        }
        frame.truncate(cut);
        let mut burst = [HeapPacket::new(&frame)];
        if access {
            from_access(&pipeline, &reader, &mut burst);
        } else {
            from_internet(&pipeline, &reader, &mut burst);
        }
    }
}

/// A pipeline without an express lane: no frame has the address that its gates wait for.
pub(crate) fn careful(forwarding: Forwarding) -> Pipeline {
    let elsewhere = |link: &Link| Link {
        mac: Mac([2, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ..link.clone()
    };
    let (internet, access) = (
        elsewhere(&forwarding.internet),
        elsewhere(&forwarding.access),
    );
    let mut pipeline = Pipeline::new(forwarding);
    pipeline.internet_gate = Gate::new(&internet, ethernet::IPV4, 0x45, 0xff);
    pipeline.access_gate = Gate::new(&access, ethernet::IPV6, 0x60, 0xf0);
    pipeline
}

/// One packet as it should be, with octets changed, a checksum mended or not, and octets behind it.
#[derive(Clone, Debug)]
struct Odd {
    port: u16,
    ttl: u8,
    tos: u8,
    tcp_flags: Option<u8>,
    payload: usize,
    changes: Vec<(usize, u8)>,
    is_mended: bool,
    /// From one subscriber to another.
    turns: bool,
    padding: usize,
    vlan: Option<u16>,
}

fn odd() -> impl Strategy<Value = Odd> {
    let port = prop_oneof![8 => 4096_u16..=8191, 1 => any::<u16>()];
    let ttl = prop_oneof![8 => 3_u8.., 1 => 0_u8..=2];
    let payload = prop_oneof![8 => 0_usize..64, 1 => 1440_usize..1480];
    let anywhere = (0_usize..62, any::<u8>());
    // The first octets of the addresses of a packet from the Internet, and of one in the tunnel.
    let class = (
        prop_oneof![Just(14_usize), Just(18), Just(54), Just(58)],
        prop_oneof![Just(0_u8), Just(10), Just(127), Just(224)],
    );
    let changes = proptest::collection::vec(prop_oneof![anywhere, class], 0..3);
    let changes = prop_oneof![Just(Vec::new()), changes];
    let vlan = prop_oneof![4 => Just(Some(7)), 1 => Just(None), 1 => Just(Some(0x8007)), 1 => Just(Some(9))];
    let numbers = (port, ttl, any::<u8>(), payload, 0_usize..30);
    let flags = proptest::option::of(prop_oneof![Just(0x02), Just(0x10), any::<u8>()]);
    let whims = (any::<bool>(), proptest::bool::weighted(0.2));
    (numbers, flags, changes, whims, vlan).prop_map(
        |((port, ttl, tos, payload, padding), tcp_flags, changes, (is_mended, turns), vlan)| Odd {
            port,
            ttl,
            tos,
            tcp_flags,
            payload,
            changes,
            is_mended,
            turns,
            padding,
            vlan,
        },
    )
}

impl Odd {
    /// As a frame from the Internet, or as the frame that a lwB4 would send.
    fn frame(&self, access: bool, tagged: bool) -> HeapPacket {
        let mut payload = vec![0x55; self.payload];
        if let Some(flags) = self.tcp_flags {
            // Behind the ports and four octets: acknowledgement, offset and flags, MSS of 9000.
            let rest = [0, 0, 0, 0, 0x60, flags, 0, 0, 0, 0, 0, 0, 2, 4, 0x23, 0x28];
            payload.splice(..0, rest);
        }
        let mut packet = udp(self.port, self.ttl, self.tos, &payload);
        if self.tcp_flags.is_some() {
            packet.head_mut()[23] = 6;
            mend(&mut packet.head_mut()[14..34]);
        }
        if access {
            // Room for one more hop than the encapsulation takes.
            let mut burst = [packet];
            burst[0].head_mut()[22] = 200;
            mend(&mut burst[0].head_mut()[14..34]);
            from_internet(&careful(wide()), &reader(), &mut burst);
            let [encapsulated] = burst;
            if encapsulated.len() < 74 + 8 {
                return encapsulated;
            }
            packet = reflect(&encapsulated);
            packet.head_mut()[62] = self.ttl;
            if self.turns {
                packet.head_mut()[70..74].copy_from_slice(&SHARED.octets());
            }
            mend(&mut packet.head_mut()[54..74]);
        }
        let mut frame = packet.head().to_vec();
        let ipv4_at = if access { 54 } else { 14 };
        for &(at, value) in &self.changes {
            if let Some(octet) = frame.get_mut(12 + at) {
                *octet = value;
            }
        }
        if self.is_mended && frame.len() >= ipv4_at + 20 {
            mend(&mut frame[ipv4_at..ipv4_at + 20]);
        }
        frame.resize(frame.len() + self.padding, 0);
        if let Some(vlan) = self.vlan.filter(|_| tagged) {
            let [high, low] = vlan.to_be_bytes();
            frame.splice(12..12, [0x81, 0, high, low]);
        }
        HeapPacket::new(&frame)
    }
}

/// Takes every packet, however long.
fn wide() -> Forwarding {
    let mut forwarding = forwarding();
    forwarding.access.mtu = 9000;
    forwarding.internet.mtu = 9000;
    forwarding
}

pub(crate) fn mend(ipv4: &mut [u8]) {
    ipv4[10..12].fill(0);
    let sum = !checksum::sum(ipv4);
    ipv4[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// The keys that say what is wrong with a packet are of 0.0.0.0, which a packet may be for.
#[test]
fn a_packet_for_nowhere_is_not_mistaken_for_a_malformed_one() {
    let reader = reader();
    for port in 0..3 {
        let mut packet = udp(port, 64, 0, &[]);
        packet.head_mut()[30..34].fill(0);
        mend(&mut packet.head_mut()[14..34]);
        let mut burst = [packet];
        let verdicts = from_internet(&Pipeline::new(forwarding()), &reader, &mut burst);
        assert_eq!(verdicts[0], Verdict::Drop(DropReason::NoSoftwire), "{port}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_express_lane_does_what_the_careful_path_would(
        odds in proptest::collection::vec(odd(), 1..12), access: bool, tagged: bool, clamps: bool,
        answers: bool, tokens in prop_oneof![Just(1), Just(100)],
    ) {
        let mut settings = forwarding();
        settings.mss_clamp = clamps.then_some(1452);
        for icmp in [&mut settings.internet_icmp, &mut settings.access_icmp] {
            icmp.generate_errors = answers;
            icmp.rates.burst = tokens;
        }
        if tagged {
            settings.internet.vlan = Some(7);
            settings.access.vlan = Some(7);
        }
        let reader = reader();
        let run = |pipeline: Pipeline| {
            let mut burst: Vec<_> = odds.iter().map(|odd| odd.frame(access, tagged)).collect();
            let counters = Counters::default();
            let side = if access { Side::Access } else { Side::Internet };
            let mut ledger = Ledger::new(&counters, side);
            let mut detour = pipeline.detour(Share::WHOLE);
            let verdicts = if access {
                pipeline.from_access(reader.table(), &mut burst, &mut detour, &mut ledger)
            } else {
                pipeline.from_internet(reader.table(), &mut burst, &mut detour, &mut ledger)
            };
            ledger.close();
            let counted: Vec<_> = counters.iter().filter(|(_, value)| *value > 0).collect();
            (verdicts[..burst.len()].to_vec(), burst, counted)
        };
        prop_assert_eq!(run(Pipeline::new(settings.clone())), run(careful(settings)));
    }
}

#[test]
fn a_buffer_without_room_in_front_is_a_counted_drop() {
    let (reader, pipeline) = (reader(), Pipeline::new(forwarding()));
    let tight = HeapPacket::with_headroom(udp(5000, 64, 0, &[]).head(), 39);
    let roomy = HeapPacket::with_headroom(udp(5000, 64, 0, &[]).head(), 40);
    let mut burst = [tight, roomy];
    let verdicts = from_internet(&pipeline, &reader, &mut burst);
    assert_eq!(
        verdicts[..2],
        [Verdict::Drop(DropReason::NoHeadroom), Verdict::Access]
    );
}

#[test]
fn without_room_for_a_unit_of_fragmentation_a_packet_is_too_big() {
    let too_big = Verdict::Drop(DropReason::TooBig);
    // A piece has eight octets at least, behind an IPv4 header, or an IPv6 and a Fragment header.
    for (side, internet, access, expected) in [
        (Side::Access, 27, 1540, too_big),
        (Side::Access, 28, 1540, Verdict::InPieces(Side::Internet, 2)),
        (Side::Internet, 1500, 55, too_big),
        (Side::Internet, 1500, 56, Verdict::InPieces(Side::Access, 4)),
    ] {
        let mut settings = forwarding();
        (settings.internet.mtu, settings.access.mtu) = (internet, access);
        let (reader, pipeline) = (reader(), Pipeline::new(settings));
        let counters = Counters::default();
        let mut detour = pipeline.detour(Share::WHOLE);
        let mut ledger = Ledger::new(&counters, side);
        let mut burst = [udp(5000, 64, 0, &[7; 4])];
        let verdicts = match side {
            Side::Internet => {
                pipeline.from_internet(reader.table(), &mut burst, &mut detour, &mut ledger)
            }
            Side::Access => {
                from_internet(&Pipeline::new(forwarding()), &reader, &mut burst);
                burst = [reflect(&burst[0])];
                pipeline.from_access(reader.table(), &mut burst, &mut detour, &mut ledger)
            }
        };
        ledger.close();
        assert_eq!(verdicts[0], expected, "{internet} and {access} octets");
        let is_dropped = expected == too_big;
        for &reason in DropReason::ALL {
            let dropped = u64::from(is_dropped && reason == DropReason::TooBig);
            assert_eq!(counters.dropped(reason), dropped, "{reason:?}");
        }
        let pieces = [Side::Internet, Side::Access].map(|side| detour.next_piece(side).is_some());
        assert_eq!(
            pieces.contains(&true),
            !is_dropped,
            "all pieces come about, or none"
        );
    }
}

#[test]
fn an_icmp_error_is_no_larger_than_a_narrow_link_takes() {
    for (mtu, octets) in [(68, 68), (575, 575), (1500, 576)] {
        let mut settings = forwarding();
        settings.internet.mtu = mtu;
        let (reader, pipeline) = (reader(), Pipeline::new(settings));
        let mut burst = [udp(1, 64, 0, &[7; 1000])];
        assert_eq!(
            from_internet(&pipeline, &reader, &mut burst)[0],
            Verdict::Internet
        );
        assert_eq!(burst[0].len() - 14, octets);
        assert_eq!(checksum::sum(&burst[0].head()[34..]), 0xffff);
    }
}

#[test]
fn a_tag_taken_out_by_the_device_counts_like_one_in_the_frame() {
    let mut settings = forwarding();
    settings.internet.vlan = Some(1092);
    settings.access.vlan = Some(1638);
    settings.access.vlan_by_device = true;
    let (reader, pipeline) = (reader(), Pipeline::new(settings));
    let packet = || udp(5000, 64, 0, &[]);
    let mut burst = [
        packet(),
        packet().with_stripped_vlan(0xe000 | 1092),
        packet().with_stripped_vlan(1638),
    ];
    let verdicts = from_internet(&pipeline, &reader, &mut burst);
    let wrong = Verdict::Drop(DropReason::WrongVlan);
    assert_eq!(verdicts[..3], [wrong, Verdict::Access, wrong]);
    assert_eq!(burst[1].inserted_vlan(), Some(1638));
    assert_eq!(burst[1].head()[12..14], [0x86, 0xdd]);
}

#[test]
fn a_bound_lwb4_reaches_our_own_internet_address_by_control() {
    let (reader, pipeline) = (reader(), Pipeline::new(forwarding()));
    let mut burst = [udp(5000, 64, 0, &[])];
    from_internet(&pipeline, &reader, &mut burst);
    let mut arrived = [reflect(&burst[0])];
    let ipv4 = &mut arrived[0].head_mut()[54..74];
    ipv4[16..20].copy_from_slice(&forwarding().internet_address.to_be_bytes());
    ipv4[10..12].fill(0);
    let sum = !checksum::sum(ipv4);
    ipv4[10..12].copy_from_slice(&sum.to_be_bytes());
    let before = arrived[0].clone();
    let counters = Counters::default();
    let mut ledger = Ledger::new(&counters, Side::Access);
    let mut detour = pipeline.detour(Share::WHOLE);
    let verdicts = pipeline.from_access(reader.table(), &mut arrived, &mut detour, &mut ledger);
    ledger.close();
    assert_eq!(
        (verdicts[0], &arrived[0]),
        (Verdict::Punt(PuntClass::Other), &before)
    );
    assert!(counters.iter().all(|(_, value)| value == 0));
}

/// One of two fragments of a packet to the shared address, with this data behind the ports.
fn fragment(is_first: bool, protocol: u8, data: &[u8]) -> HeapPacket {
    let mut packet = udp(5000, 64, 0, data);
    packet.head_mut()[23] = protocol;
    let ipv4 = &mut packet.head_mut()[14..34];
    ipv4[4..6].copy_from_slice(&[1, 1]);
    ipv4[6..8].copy_from_slice(if is_first { &[0x20, 0] } else { &[0, 4] });
    mend(ipv4);
    packet
}

#[test]
fn fr_011_data_of_a_later_fragment_is_no_syn() {
    let mut settings = forwarding();
    settings.mss_clamp = Some(1200);
    let (reader, pipeline) = (reader(), Pipeline::new(settings));
    // What would be offset, flags and an MSS of 9000 in a first fragment.
    let data = [
        0, 0, 0, 0, 0x60, 2, 0, 0, 0xaa, 0xbb, 0, 0, 2, 4, 0x23, 0x28,
    ];
    let mut burst = [fragment(true, 6, &[9; 24]), fragment(false, 6, &data)];
    let before = burst[1].head()[34..].to_vec();
    let verdicts = from_internet(&pipeline, &reader, &mut burst);
    assert_eq!(verdicts[..2], [Verdict::Access, Verdict::Access]);
    assert_eq!(burst[1].head()[74..], before[..]);
}

/// An IPv6 fragment to the BR address.
pub(crate) fn tunnel_fragment(
    next_header: u8,
    id: u32,
    offset_and_more: u16,
    data: &[u8],
) -> HeapPacket {
    let mut frame = OUR_ACCESS_MAC.0.to_vec();
    frame.extend([2, 0, 0, 0, 1, 2, 0x86, 0xdd, 0x60, 0, 0, 0]);
    frame.extend(((data.len() + 8) as u16).to_be_bytes());
    frame.extend([44, 64]);
    frame.extend(B4.octets());
    frame.extend(BR.octets());
    frame.extend([next_header, 0]);
    frame.extend(offset_and_more.to_be_bytes());
    frame.extend(id.to_be_bytes());
    frame.extend(data);
    HeapPacket::new(&frame)
}

#[test]
fn ic_012_a_fragment_of_an_icmpv6_error_is_not_answered() {
    let (reader, pipeline) = (reader(), Pipeline::new(forwarding()));
    let message = |kind| [kind, 0, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0];
    let length = Verdict::Drop(DropReason::Ipv6FragmentLength);
    // A first fragment of an odd length is answered, unless it is, or may be, of an error.
    for (next_header, offset, kind, expected) in [
        (58, 0, 1, length),
        (58, 0, 127, length),
        (58, 64, 128, length),
        (58, 0, 128, Verdict::Access),
        (17, 0, 1, Verdict::Access),
    ] {
        let mut burst = [tunnel_fragment(next_header, 1, offset | 1, &message(kind))];
        let verdicts = from_access(&pipeline, &reader, &mut burst);
        assert_eq!(verdicts[0], expected, "{next_header} {offset} {kind}");
    }
}

#[test]
fn fr_012_what_was_put_together_of_many_fragments_is_not_held() {
    let (reader, pipeline) = (reader(), Pipeline::new(forwarding()));
    let counters = Counters::default();
    let mut detour = pipeline.detour(Share::WHOLE);
    // A later IPv4 fragment of 30000 octets, whose first has not come.
    let mut inner = vec![0x45, 0, 0x75, 0x30, 0, 9, 0, 4, 64, 17, 0, 0];
    inner.extend(SHARED.octets());
    inner.extend(OUTSIDE.octets());
    mend(&mut inner);
    inner.resize(30_000, 1);
    let mut last = Verdict::Access;
    for (number, chunk) in inner.chunks(1448).enumerate() {
        let more = u16::from(number < inner.len() / 1448);
        let piece = tunnel_fragment(4, 7, (number * 1448) as u16 | more, chunk);
        let mut ledger = Ledger::new(&counters, Side::Access);
        let mut burst = [piece];
        last = pipeline.from_access(reader.table(), &mut burst, &mut detour, &mut ledger)[0];
    }
    assert_eq!(last, Verdict::Drop(DropReason::Ipv4FragmentNoRoom));
    assert_eq!(detour.held_ipv4_fragments(), 0);
}
