//! A box in which all room for fragments is taken, against one without a short way.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use proptest::prelude::*;

use crate::counters::Counters;
use crate::drop_reason::DropReason;
use crate::forwarding::Forwarding;
use crate::heap_packet::HeapPacket;
use crate::packet::Packet;
use crate::pipeline::Detour;
use crate::pipeline::Ledger;
use crate::pipeline::Pipeline;
use crate::pipeline::Share;
use crate::pipeline::Verdict;
use crate::pipeline::tests::B4;
use crate::pipeline::tests::OUR_INTERNET_MAC;
use crate::pipeline::tests::OUTSIDE;
use crate::pipeline::tests::SHARED;
use crate::pipeline::tests::careful;
use crate::pipeline::tests::forwarding;
use crate::pipeline::tests::mend;
use crate::pipeline::tests::reader;
use crate::pipeline::tests::tunnel_fragment;
use crate::pipeline::tests::tunnelled;
use crate::side::Side;
use crate::table::Reader;

/// A box, step by step.
struct Bench {
    pipeline: Pipeline,
    detour: Detour<HeapPacket>,
    counters: Counters,
    reader: Reader,
}

impl Bench {
    /// One in which as many fragments wait as may, and one sender on each side has had room made for as
    /// many as one may.
    fn crowded(forwarding: &Forwarding, make: impl Fn(Forwarding) -> Pipeline) -> Self {
        loop {
            let mut bench = Self::flooded(make(forwarding.clone()));
            bench.detour.take_stirred();
            if bench.tells_senders_apart() {
                return bench;
            }
        }
    }

    /// Whether no other sender shares a bucket with those who flood, which is up to the limiters' secrets.
    fn tells_senders_apart(&self) -> bool {
        let (detour, host) = (&self.detour, u128::from(OTHER.to_bits()).to_be_bytes());
        !detour.down.turns_away(1, &host, 0, detour.now)
            && !detour.up.turns_away(1, &OTHER_B4, 0, detour.now)
            && !detour.reassembly.turns_away(1, &OTHER_B4, 0, detour.now)
    }

    fn flooded(pipeline: Pipeline) -> Self {
        let mut bench = Self {
            detour: pipeline.detour(Share::WHOLE),
            pipeline,
            counters: Counters::default(),
            reader: reader(),
        };
        for number in 0..FLOOD {
            let later = Ipv4 {
                id: number,
                ..LATER
            };
            bench.run(Side::Internet, vec![later.down()]);
            bench.run(Side::Access, vec![later.up(B4.octets())]);
            let first = tunnel_fragment(4, u32::from(number), MORE, &HEADER);
            bench.run(Side::Access, vec![first]);
        }
        bench
    }

    fn run(&mut self, side: Side, mut burst: Vec<HeapPacket>) -> (Vec<Verdict>, Vec<HeapPacket>) {
        let (table, detour) = (self.reader.table(), &mut self.detour);
        let mut ledger = Ledger::new(&self.counters, side);
        let verdicts = match side {
            Side::Internet => self
                .pipeline
                .from_internet(table, &mut burst, detour, &mut ledger),
            Side::Access => self
                .pipeline
                .from_access(table, &mut burst, detour, &mut ledger),
        };
        ledger.close();
        for side in [Side::Internet, Side::Access] {
            while self.detour.resume(side).is_some() {}
            let mut ledger = Ledger::new(&self.counters, side);
            self.pipeline
                .give_up_fragments(&mut self.detour, &mut ledger);
            ledger.close();
        }
        let mut ledger = Ledger::new(&self.counters, Side::Access);
        self.pipeline
            .give_up_reassembly(&mut self.detour, &mut ledger, drop);
        ledger.close();
        (verdicts[..burst.len()].to_vec(), burst)
    }
}

/// An IPv4 packet, as its header says.
#[derive(Clone, Copy, Debug)]
struct Ipv4 {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    id: u16,
    fragment: u16,
    ttl: u8,
    protocol: u8,
    is_good: bool,
}

impl Ipv4 {
    fn octets(&self) -> Vec<u8> {
        let mut octets = vec![0x45, 0, 0, 36];
        octets.extend(self.id.to_be_bytes());
        octets.extend(self.fragment.to_be_bytes());
        octets.extend([self.ttl, self.protocol, 0, 0]);
        octets.extend(self.source.octets());
        octets.extend(self.destination.octets());
        mend(&mut octets);
        octets[10] ^= u8::from(!self.is_good);
        // Ports of the softwire, at either end.
        octets.extend([0x13, 0x88, 0x13, 0x88, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        octets
    }

    /// In a frame from the Internet.
    fn down(&self) -> HeapPacket {
        let mut frame = OUR_INTERNET_MAC.0.to_vec();
        frame.extend([2, 0, 0, 0, 1, 1, 8, 0]);
        frame.extend(self.octets());
        HeapPacket::new(&frame)
    }

    /// The same the other way round, in a tunnel.
    fn up(&self, b4: [u8; 16]) -> HeapPacket {
        let back = Self {
            source: self.destination,
            destination: self.source,
            ..*self
        };
        tunnelled(b4, &back.octets())
    }
}

#[test]
fn fr_012_a_flood_of_later_fragments_ends_before_it_is_read_with_care() {
    let mut bench = Bench::crowded(&forwarding(), Pipeline::new);
    let flood = Ipv4 { id: FLOOD, ..LATER };
    for (side, frame, reason) in [
        (Side::Internet, flood.down(), DropReason::Ipv4FragmentNoRoom),
        (
            Side::Access,
            flood.up(B4.octets()),
            DropReason::Ipv4FragmentNoRoom,
        ),
        (
            Side::Access,
            tunnel_fragment(4, u32::from(FLOOD), MORE, &HEADER),
            DropReason::Ipv6FragmentNoRoom,
        ),
    ] {
        let before = bench.counters.dropped(reason);
        let (verdicts, _) = bench.run(side, vec![frame.clone(), frame]);
        assert_eq!(verdicts, [Verdict::Drop(reason); 2]);
        assert_eq!(bench.counters.dropped(reason), before + 2);
        assert!(!bench.detour.take_stirred(), "{side:?} {reason:?}");
    }
}

#[test]
fn fr_011_under_a_flood_fragments_that_follow_their_first_in_a_burst_get_through() {
    let mut bench = Bench::crowded(&forwarding(), Pipeline::new);
    let flood = |id| Ipv4 { id, ..LATER };
    let first = Ipv4 {
        id: FLOOD + 7,
        fragment: MORE_FRAGMENTS,
        ..LATER
    };
    let burst = [
        flood(FLOOD),
        first,
        flood(FLOOD + 1),
        flood(FLOOD + 7),
        flood(FLOOD + 2),
    ];
    let down = burst.iter().map(Ipv4::down).collect();
    let (down, _) = bench.run(Side::Internet, down);
    let up = burst.iter().map(|one| one.up(B4.octets())).collect();
    let (up, _) = bench.run(Side::Access, up);
    for (verdicts, on) in [(down, Verdict::Access), (up, Verdict::Internet)] {
        assert_eq!([verdicts[1], verdicts[3]], [on; 2]);
        assert_eq!(verdicts[0], Verdict::Drop(DropReason::Ipv4FragmentNoRoom));
        assert_eq!(verdicts.iter().filter(|one| **one == on).count(), 2);
    }
}

#[test]
fn fr_012_odd_packets_in_a_flood_do_not_have_it_read_with_care() {
    let mut bench = Bench::crowded(&forwarding(), Pipeline::new);
    let flood = Ipv4 { id: FLOOD, ..LATER };
    let mut options = Ipv4 {
        fragment: 0,
        ..LATER
    }
    .down();
    options.head_mut()[14] = 0x46;
    options.head_mut()[34..38].fill(1);
    mend(&mut options.head_mut()[14..38]);
    let mut padded = flood.up(B4.octets());
    padded.head_mut()[20] = 60;
    padded.head_mut()[54..56].copy_from_slice(&[17, 0]);
    for (side, odd, flood) in [
        (Side::Internet, options, flood.down()),
        (Side::Access, padded, flood.up(B4.octets())),
    ] {
        let (verdicts, _) = bench.run(side, vec![odd, flood]);
        let no_room = Verdict::Drop(DropReason::Ipv4FragmentNoRoom);
        assert_ne!(verdicts[0], no_room);
        assert_eq!(verdicts[1], no_room);
        assert!(!bench.detour.take_stirred(), "{side:?}");
    }
}

#[test]
fn fr_010_under_a_flood_the_rest_of_a_packet_completes_it() {
    let mut bench = Bench::crowded(&forwarding(), Pipeline::new);
    let octets = Ipv4 {
        fragment: 0,
        source: SHARED,
        destination: OUTSIDE,
        ..LATER
    }
    .octets();
    let held = 1050;
    let rest = tunnel_fragment(4, held, 24, &octets[24..]);
    let (verdicts, _) = bench.run(Side::Access, vec![rest]);
    // What was put together is judged like any packet: HEADER has no total length.
    assert_eq!(verdicts, [Verdict::Drop(DropReason::BadIpv4Length)]);
}

/// A fragment of any kind, mostly one that a flood would have.
fn frame() -> impl Strategy<Value = (Side, HeapPacket)> {
    let choose = |usual: u16, others: &'static [u16]| prop_oneof![4 => Just(usual), 1 => proptest::sample::select(others)];
    let addresses = (
        prop_oneof![4 => Just(OUTSIDE), 1 => Just(OTHER),
            1 => Just(Ipv4Addr::new(192, 0, 0, 2)), 1 => Just(Ipv4Addr::new(224, 0, 0, 1))],
        prop_oneof![6 => Just(SHARED), 1 => Just(Ipv4Addr::new(192, 0, 2, 2)),
            1 => Just(Ipv4Addr::new(203, 0, 113, 1))],
    );
    let header = (
        choose(
            LATER.fragment,
            &[0, MORE_FRAGMENTS, MORE_FRAGMENTS | 4, 0x4004],
        ),
        choose(64, &[0, 1, 2]),
        choose(17, &[1, 6, 47, 132]),
        proptest::bool::weighted(0.9),
    );
    let id = prop_oneof![FLOOD - 2..FLOOD + 3, Just(7_u16)];
    let wrapping = (
        0..3_u8,
        proptest::bool::weighted(0.8),
        choose(4, &[6, 17, 60]),
        choose(MORE, &[0, 16, 17, 24, 0xfff9]),
    );
    (addresses, header, id, wrapping).prop_map(
        |((source, destination), (fragment, ttl, protocol, is_good), id, wrapping)| {
            let ipv4 = Ipv4 {
                source,
                destination,
                id,
                fragment,
                ttl: ttl as u8,
                protocol: protocol as u8,
                is_good,
            };
            let (way, is_b4, next_header, offset_and_more) = wrapping;
            let b4 = if is_b4 { B4.octets() } else { OTHER_B4 };
            match way {
                0 => (Side::Internet, ipv4.down()),
                1 => (Side::Access, ipv4.up(b4)),
                _ => {
                    let len = [24, 24, 36, 3][usize::from(id) % 4];
                    let octets = &ipv4.octets()[..len];
                    let mut frame =
                        tunnel_fragment(next_header as u8, u32::from(id), offset_and_more, octets);
                    frame.head_mut()[22..38].copy_from_slice(&b4);
                    (Side::Access, frame)
                }
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn fr_012_the_short_way_does_what_the_careful_path_would(
        frames in proptest::collection::vec((frame(), any::<(u8, u8)>(), proptest::bool::weighted(0.2)), 1..60),
    ) {
        let settings = forwarding();
        let mut boxes = [
            Bench::crowded(&settings, Pipeline::new),
            Bench::crowded(&settings, careful),
        ];
        for ((side, frame), (at, octet), is_harmed) in frames {
            let mut frame = frame;
            let len = frame.len();
            // Senders are told apart by secrets, which the boxes do not share.
            let is_senders = match side {
                Side::Internet => 26..30,
                Side::Access => 22..38,
            }.contains(&(usize::from(at) % len));
            if is_harmed && !is_senders {
                frame.head_mut()[usize::from(at) % len] ^= octet;
            }
            let [short, careful] = boxes.each_mut().map(|bench| {
                let (verdicts, left) = bench.run(side, vec![frame.clone()]);
                let held = (bench.detour.held_ipv4_fragments(), bench.detour.held_ipv6_fragments());
                let counted: Vec<_> = bench.counters.iter().filter(|(_, value)| *value > 0).collect();
                (verdicts, left[0].head().to_vec(), held, counted)
            });
            prop_assert_eq!(short, careful);
        }
    }
}

/// Another host.
const OTHER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 8);
/// Another lwB4.
const OTHER_B4: [u8; 16] = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2).octets();
/// More than may have room made for them.
const FLOOD: u16 = 1200;
/// A later fragment for the softwire.
const LATER: Ipv4 = Ipv4 {
    source: OUTSIDE,
    destination: SHARED,
    id: 0,
    fragment: 4,
    ttl: 64,
    protocol: 17,
    is_good: true,
};
/// The MF flag in its word (RFC 791 s3.1).
const MORE_FRAGMENTS: u16 = 0x2000;
/// The M flag (RFC 8200 s4.5).
const MORE: u16 = 1;
/// The first 24 octets of a packet, as a first fragment has them.
const HEADER: [u8; 24] = {
    let mut header = [0; 24];
    header[0] = 0x45;
    header
};
