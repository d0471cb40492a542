//! Reassembly against a slow obvious one, and what must hold whatever arrives.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::drop_reason::DropReason;
use crate::reassembly::Discarded;
use crate::reassembly::Limits;
use crate::reassembly::Outcome;
use crate::wire::ipv4;

use super::AMPLE;
use super::Bench;
use super::at_second;
use super::parse;
use super::sample::Sample;

/// What is known of a packet, octet by octet.
#[derive(Default)]
struct Oracle {
    pieces: Vec<Claim>,
    abandoned: Option<DropReason>,
}

/// What a fragment claims of its packet.
#[derive(Clone, Debug, PartialEq)]
struct Claim {
    packet: u32,
    start: usize,
    octets: Vec<u8>,
    more: bool,
}

/// What becomes of a fragment, without the numbers.
#[derive(Debug, PartialEq)]
enum Fate {
    Held,
    Whole(Vec<u8>),
    Dropped(DropReason),
}

impl Claim {
    fn end(&self) -> usize {
        self.start + self.octets.len()
    }

    fn covers(&self, at: usize) -> bool {
        (self.start..self.end()).contains(&at)
    }
}

impl Oracle {
    fn take(&mut self, claim: &Claim, fragments_each: usize) -> Fate {
        if let Some(reason) = self.abandoned {
            return Fate::Dropped(reason);
        }
        if self.pieces.contains(claim) {
            return Fate::Dropped(DropReason::Ipv6FragmentDuplicate);
        }
        let is_taken = |at| self.pieces.iter().any(|piece| piece.covers(at));
        if (claim.start..claim.end()).any(is_taken) {
            return self.abandon(DropReason::Ipv6FragmentOverlap);
        }
        self.pieces.push(claim.clone());
        let mut ends = self.pieces.iter().filter(|piece| !piece.more);
        let end = ends.next().map(Claim::end);
        if let Some(end) = end
            && (ends.next().is_some() || self.pieces.iter().any(|piece| piece.end() > end))
        {
            return self.abandon(DropReason::Ipv6FragmentTooLong);
        }
        if self.pieces.len() > fragments_each {
            return self.abandon(DropReason::Ipv6FragmentTooMany);
        }
        let octet = |at| {
            let piece = self.pieces.iter().find(|piece| piece.covers(at))?;
            Some(piece.octets[at - piece.start])
        };
        match end.and_then(|end| (0..end).map(octet).collect()) {
            Some(octets) => {
                self.pieces.clear();
                Fate::Whole(octets)
            }
            None => Fate::Held,
        }
    }

    fn abandon(&mut self, reason: DropReason) -> Fate {
        self.pieces.clear();
        self.abandoned = Some(reason);
        Fate::Dropped(reason)
    }
}

/// A fragment of one of three small packets. Most fit together, so that packets become whole.
fn claim() -> impl Strategy<Value = Claim> {
    let units = prop_oneof![20 => Just(1), 1 => Just(2_usize)];
    let seldom = || prop::bool::weighted(0.01);
    (0..3_u32, 0..=UNITS, units, seldom(), seldom()).prop_map(
        |(packet, unit, units, is_forged, is_last)| {
            // The first must hold the IPv4 header.
            let (start, len) = match unit {
                0 => (0, ipv4::HEADER.next_multiple_of(8)),
                _ => (16 + unit * 8, units * 8),
            };
            let payload = Sample::new(PAYLOAD).payload;
            let end = (start + len).min(PAYLOAD);
            let mut octets = payload[start..end].to_vec();
            if is_forged {
                octets[7] ^= 1;
            }
            Claim {
                packet,
                start,
                octets,
                more: start == 0 || end < PAYLOAD && !is_last,
            }
        },
    )
}

/// How many units of 8 octets follow the first fragment of each of these packets.
const UNITS: usize = 4;
/// Octets of each of these packets.
const PAYLOAD: usize = 24 + UNITS * 8;

proptest! {
    #[test]
    fn fr_008_what_was_cut_and_shuffled_and_doubled_becomes_whole_again(
        len in 40_usize..4000,
        cuts in prop::collection::btree_set(8_usize..500, 1..10),
        is_doubled in any::<[bool; 20]>(),
        order in Just((0..20_usize).collect::<Vec<_>>()).prop_shuffle(),
        options in prop::collection::vec(1_u8..3, 0..2),
        is_tagged: bool,
    ) {
        let sample = Sample { options, is_tagged, ..Sample::new(len) };
        let cuts: Vec<_> = cuts.into_iter().map(|cut| cut * 8).filter(|cut| *cut < len).collect();
        prop_assume!(!cuts.is_empty());
        let frames = sample.cut_at(&cuts);
        let order: Vec<_> = order.into_iter().filter(|index| *index < frames.len()).collect();
        let (last, others) = order.split_last().unwrap();
        let mut bench = Bench::new(AMPLE);
        for index in others {
            bench.hold(&[frames[*index].clone()]);
            if is_doubled[*index] {
                let expected = (DropReason::Ipv6FragmentDuplicate, Discarded::default());
                prop_assert_eq!(bench.drop(&frames[*index]), expected);
            }
        }
        prop_assert_eq!(bench.finish(&frames[*last]), sample.whole());
        prop_assert_eq!((bench.reassembly.held(), bench.pool.out()), (0, 0));
    }

    #[test]
    fn fr_008_every_fragment_fares_as_in_a_map_of_octets(
        claims in prop::collection::vec(claim(), 1..100),
        fragments_each in 3..7_usize,
    ) {
        let mut bench = Bench::new(Limits { fragments_each, ..AMPLE });
        let mut oracles: HashMap<u32, Oracle> = HashMap::new();
        for claim in &claims {
            let sample = Sample { identification: claim.packet, ..Sample::new(0) };
            let frame = sample.fragment_with(claim.start, &claim.octets, claim.more);
            let (outcome, packet) = bench.take(&frame);
            let fate = match outcome {
                Outcome::Held => Fate::Held,
                Outcome::Whole(_) => Fate::Whole(packet.octets()[54..].to_vec()),
                Outcome::Dropped { reason, .. } => Fate::Dropped(reason),
                _ => panic!("{outcome:?}"),
            };
            let oracle = oracles.entry(claim.packet).or_default();
            prop_assert_eq!(fate, oracle.take(claim, fragments_each), "{:?}", claim);
            let held: usize = oracles.values().map(|oracle| oracle.pieces.len()).sum();
            prop_assert_eq!(bench.reassembly.held(), held);
        }
    }

    #[test]
    fn fr_010_every_fragment_is_accounted_for_once_and_every_buffer_given_back(
        claims in prop::collection::vec((claim(), 0..8_u32, 0..4_u64), 1..200),
        packets in 0..5_usize,
        buffers in 0..8_usize,
        fragments_each in 0..5_usize,
        capacity in 0..40_usize,
    ) {
        let mut bench = Bench::new(Limits { packets, buffers, fragments_each, ..AMPLE });
        bench.pool.limit_capacity(capacity);
        let (mut now, mut taken, mut gone) = (0, 0, Discarded::default());
        for (claim, packet, seconds) in claims {
            now += seconds * 5;
            while let Some(expired) = bench.reassembly.expire(at_second(now)) {
                gone += expired.discarded;
            }
            let sample = Sample { identification: packet, ..Sample::new(0) };
            let frame = sample.fragment_with(claim.start, &claim.octets, claim.more);
            let one = Discarded { packets: 1, octets: frame.len() as u64 - 14 };
            taken += one.octets;
            match bench.take_at(&frame, at_second(now)).0 {
                Outcome::Held => {}
                Outcome::Alone | Outcome::Problem { .. } => gone += one,
                Outcome::Dropped { others, .. } => {
                    gone += one;
                    gone += others;
                }
                Outcome::Whole(absorbed) => {
                    gone += Discarded { packets: absorbed.fragments, octets: absorbed.octets };
                }
            }
            gone += bench.reassembly.evicted();
            prop_assert!(bench.reassembly.held() <= buffers);
            prop_assert_eq!(bench.reassembly.held(), bench.pool.out(), "one segment each");
        }
        while let Some(expired) = bench.reassembly.expire(at_second(now + 60)) {
            gone += expired.discarded;
        }
        prop_assert_eq!((gone.octets, bench.reassembly.held(), bench.pool.out()), (taken, 0, 0));
        prop_assert_eq!(bench.reassembly.next_timeout(), None);
    }

    #[test]
    fn fr_008_no_fragments_panic(
        frames in prop::collection::vec(
            (any::<[u8; 3]>(), prop::collection::vec(any::<u8>(), 0..200), 0..4_u8, 0..160_usize),
            1..40
        )
    ) {
        let mut bench = Bench::new(Limits { packets: 2, buffers: 5, ..AMPLE });
        for ([next_header, high, low], payload, options, padding) in frames {
            let sample = Sample {
                options: vec![1; usize::from(options)],
                next_header: [4, 60, next_header][usize::from(high) % 3],
                traffic_class: next_header,
                identification: u32::from(high) & 1,
                ..Sample::new(0)
            };
            // Offsets are small more often than not, so that fragments meet.
            let high = if low & 0x10 == 0 { 0 } else { high };
            let offset = usize::from(u16::from_be_bytes([high, low & 0xf8]));
            let mut frame = sample.fragment_with(offset, &payload, low & 1 == 1);
            frame.extend(vec![0; padding]);
            let (_, packet) = bench.take(&frame);
            drop(packet);
            let _ = bench.reassembly.evicted();
        }
        while bench.reassembly.expire(at_second(60)).is_some() {}
        prop_assert_eq!((bench.reassembly.held(), bench.pool.out()), (0, 0));
    }

    #[test]
    fn fr_006_no_frame_panics(frame: Vec<u8>, head in 0..200_usize) {
        let mut frame = frame;
        if frame.len() > 20 {
            frame[12..15].copy_from_slice(&[0x86, 0xdd, 0x60]);
            frame[20] = 44;
        }
        let bench = Bench::new(AMPLE);
        let packet = bench.pool.packet(&frame, head);
        let _ = parse(&packet);
    }
}
