//! What no sender can exceed, and what becomes of those who wait when one tries.

use crate::drop_reason::DropReason;
use crate::instant::Instant;
use crate::limiter::Rates;
use crate::reassembly::Discarded;
use crate::reassembly::Limits;
use crate::reassembly::Outcome;

use super::AMPLE;
use super::Bench;
use super::at_second;
use super::discarded;
use super::sample::Sample;

#[test]
fn fr_010_of_as_many_fragments_as_are_allowed_a_packet_becomes_whole() {
    let sample = Sample::new(400);
    let frames = sample.cut_at(&[100 / 8 * 8, 200, 304]);
    let mut bench = Bench::new(Limits {
        fragments_each: 4,
        ..AMPLE
    });
    bench.hold(&frames[..3]);
    assert_eq!(bench.finish(&frames[3]), sample.whole());
}

#[test]
fn fr_010_of_more_fragments_than_are_allowed_a_packet_is_abandoned() {
    let sample = Sample::new(400);
    let frames = sample.cut_at(&[96, 200, 304]);
    let mut bench = Bench::new(Limits {
        fragments_each: 3,
        ..AMPLE
    });
    bench.hold(&frames[..3]);
    let expected = (DropReason::Ipv6FragmentTooMany, discarded(&frames[..3]));
    assert_eq!(bench.drop(&frames[3]), expected);
    let later = (DropReason::Ipv6FragmentTooMany, Discarded::default());
    assert_eq!(bench.drop(&frames[0]), later);
    assert_eq!((bench.reassembly.held(), bench.pool.out()), (0, 0));
}

#[test]
fn fr_010_a_packet_too_many_drives_out_the_oldest() {
    let mut bench = Bench::new(Limits {
        packets: 3,
        ..AMPLE
    });
    let samples: Vec<_> = (0..4).map(numbered).collect();
    for (second, sample) in samples.iter().enumerate() {
        bench.take_at(&sample.fragment(0..400), at_second(second as u64));
    }
    let oldest = [samples[0].fragment(0..400)];
    assert_eq!(bench.reassembly.evicted(), discarded(&oldest));
    assert_eq!(
        bench.reassembly.evicted(),
        Discarded::default(),
        "told once"
    );
    assert_eq!(bench.reassembly.next_timeout(), Some(at_second(61)));
    for sample in &samples[1..] {
        assert_eq!(bench.finish(&sample.fragment(400..1000)), sample.whole());
    }
}

#[test]
fn fr_010_a_fragment_too_many_drives_out_the_oldest_packet() {
    let mut bench = Bench::new(Limits {
        buffers: 4,
        ..AMPLE
    });
    let samples: Vec<_> = (0..3).map(numbered).collect();
    let old = [samples[0].fragment(0..200), samples[0].fragment(200..400)];
    bench.hold(&old);
    bench.hold(&[samples[1].fragment(0..200), samples[1].fragment(200..400)]);
    bench.hold(&[samples[2].fragment(0..200)]);
    assert_eq!(bench.reassembly.evicted(), discarded(&old));
    assert_eq!(bench.reassembly.held(), 3);
    bench.hold(&[samples[1].fragment(400..600)]);
    assert_eq!(bench.reassembly.evicted(), Discarded::default());
    let expected = samples[1].whole();
    assert_eq!(
        bench.finish(&samples[1].fragment(600..1000)),
        expected,
        "it needs no room"
    );
}

#[test]
fn fr_010_a_packet_that_fills_all_room_drives_out_itself() {
    let mut bench = Bench::new(Limits {
        buffers: 2,
        ..AMPLE
    });
    let sample = numbered(1);
    let held = [sample.fragment(0..200), sample.fragment(200..400)];
    bench.hold(&held);
    let expected = (DropReason::Ipv6FragmentNoRoom, Discarded::default());
    assert_eq!(bench.drop(&sample.fragment(400..600)), expected);
    assert_eq!(bench.reassembly.evicted(), discarded(&held));
    assert_eq!((bench.reassembly.held(), bench.pool.out()), (0, 0));
    assert_eq!(bench.reassembly.next_timeout(), None);
}

#[test]
fn fr_010_an_abandoned_packet_gives_way_like_any_other() {
    let mut bench = Bench::new(Limits {
        packets: 2,
        ..AMPLE
    });
    bench.hold(&[numbered(0).fragment(0..200)]);
    bench.drop(&numbered(0).fragment(104..304));
    bench.hold(&[numbered(1).fragment(0..200), numbered(2).fragment(0..200)]);
    assert_eq!(bench.reassembly.evicted(), Discarded::default());
    bench.hold(&[numbered(0).fragment(0..200)]);
    let evicted = bench.reassembly.evicted();
    assert_eq!(evicted, discarded(&[numbered(1).fragment(0..200)]));
}

#[test]
fn fr_010_without_any_room_fragments_are_dropped() {
    for (packets, buffers) in [(0, 8), (8, 0), (0, 0)] {
        let mut bench = Bench::new(Limits {
            packets,
            buffers,
            ..AMPLE
        });
        let expected = (DropReason::Ipv6FragmentNoRoom, Discarded::default());
        assert_eq!(bench.drop(&numbered(1).fragment(0..200)), expected);
        assert_eq!(bench.pool.out(), 0);
        let (outcome, _) = bench.take(&numbered(1).fragment(0..1000));
        assert_eq!(outcome, Outcome::Alone);
    }
}

#[test]
fn fr_010_a_bomb_of_first_fragments_locks_nobody_out() {
    let limits = Limits {
        packets: 100,
        buffers: 80,
        ..AMPLE
    };
    let mut bench = Bench::new(limits);
    let (mut held_most, mut evicted, mut whole) = (0, 0, 0);
    for round in 0..20_000_u32 {
        bench.hold(&[numbered(round).fragment(0..104)]);
        // Every hundredth is honest, and its other half comes while half the room has turned over.
        if round >= 40 && round % 100 == 40 {
            let honest = numbered(round - 40);
            assert_eq!(bench.finish(&honest.fragment(104..1000)), honest.whole());
            whole += 1;
        }
        evicted += bench.reassembly.evicted().packets;
        held_most = held_most.max(bench.reassembly.held());
        // Two segments a fragment of this length.
        assert_eq!(bench.pool.out(), bench.reassembly.held() * 2);
    }
    assert_eq!((held_most, whole), (limits.buffers, 200));
    assert_eq!(evicted + whole + bench.reassembly.held() as u64, 20_000);
}

/// A million first fragments a second of one lwB4, and beside them ten thousand packets a second of another.
#[test]
fn fr_010_a_flood_is_turned_away_and_other_lwb4s_are_served() {
    let mut bench = Bench::new(Limits {
        packets: 100,
        buffers: 80,
        evictions: Rates {
            per_second: 20_000,
            burst: 2000,
            per_source: 1000,
        },
        ..AMPLE
    });
    let no_room = Outcome::Dropped {
        reason: DropReason::Ipv6FragmentNoRoom,
        others: Discarded::default(),
    };
    let (mut turned_away, mut served) = (0, 0);
    for micros in 0..200_000_u32 {
        let now = Instant::from_nanos(u64::from(micros) * 1000);
        let frame = numbered(micros).fragment(0..104);
        let (source, destination) = addresses(&frame);
        let hash = bench.reassembly.hash(source, destination, micros);
        let is_turned_away = bench.reassembly.turns_away(hash, source, 0, now);
        let (outcome, _) = bench.take_at(&frame, now);
        assert_eq!(outcome == no_room, is_turned_away);
        turned_away += u32::from(is_turned_away);
        if micros % 100 == 99 {
            let honest = numbered(micros);
            let [first, second] = [0..104, 104..1000].map(|range| {
                let mut frame = honest.fragment(range);
                frame[30..38].fill((micros / 100 % 100) as u8);
                frame
            });
            let is_held = bench.take_at(&first, now).0 == Outcome::Held;
            let whole = bench.take_at(&second, now).0;
            served += u32::from(is_held && matches!(whole, Outcome::Whole(_)));
        }
        let _ = bench.reassembly.evicted();
        assert!(bench.reassembly.held() <= 80);
    }
    assert!(turned_away > 195_000, "{turned_away}");
    // A lwB4 or two may share a bucket with the flood.
    assert!(served >= 1920, "{served} of 2000");
}

/// What is asked before a fragment is read must not turn away fragments of packets that are there.
#[test]
fn fr_010_what_is_known_is_not_turned_away() {
    let mut bench = Bench::new(Limits {
        packets: 2,
        evictions: Rates {
            per_second: 1,
            burst: 1,
            per_source: 1,
        },
        ..AMPLE
    });
    let frames = [0, 1, 2, 3].map(|number| numbered(number).fragment(0..104));
    let turned_away = |bench: &Bench| {
        [0, 1, 2, 3].map(|number| {
            let (source, destination) = addresses(&frames[0]);
            let hash = bench.reassembly.hash(source, destination, number);
            bench.reassembly.turns_away(hash, source, 0, at_second(0))
        })
    };
    assert_eq!(turned_away(&bench), [false; 4], "there is room");
    bench.hold(&frames[..2]);
    assert_eq!(turned_away(&bench), [false; 4], "room is made");
    bench.hold(&frames[2..3]);
    assert_eq!(turned_away(&bench), [true, false, false, true]);
    let expected = (DropReason::Ipv6FragmentNoRoom, Discarded::default());
    assert_eq!(bench.drop(&frames[3]), expected);
    let known = numbered(2);
    assert_eq!(bench.finish(&known.fragment(104..1000)), known.whole());
    assert_eq!(turned_away(&bench), [false; 4], "there is room again");
}

/// Source and destination of an IPv6 packet without VLAN.
fn addresses(frame: &[u8]) -> (&[u8; 16], &[u8; 16]) {
    let addresses = |at: usize| frame[at..].first_chunk().unwrap();
    (addresses(22), addresses(38))
}

fn numbered(identification: u32) -> Sample {
    Sample {
        identification,
        ..Sample::new(1000)
    }
}
