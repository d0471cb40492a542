//! One rule of RFC 8200 s4.5, RFC 5722, RFC 6946 or RFC 3168 s5.3 each.

use crate::drop_reason::DropReason;
use crate::reassembly::Absorbed;
use crate::reassembly::Discarded;
use crate::reassembly::Outcome;
use crate::wire::ipv6;

use super::AMPLE;
use super::Bench;
use super::at_second;
use super::discarded;
use super::parse;
use super::sample::Sample;

#[test]
fn fr_008_two_fragments_become_the_packet_in_either_order() {
    let sample = Sample::new(1480);
    let frames = sample.cut_at(&[1000]);
    for (first, second) in [(0, 1), (1, 0)] {
        let mut bench = Bench::new(AMPLE);
        bench.hold(&[frames[first].clone()]);
        assert_eq!(bench.reassembly.held(), 1);
        let (outcome, packet) = bench.take(&frames[second]);
        let octets = discarded(&frames).octets;
        let absorbed = Absorbed {
            fragments: 2,
            octets,
        };
        assert_eq!(outcome, Outcome::Whole(absorbed));
        assert_eq!(packet.octets(), sample.whole());
        assert_eq!(
            (bench.reassembly.held(), bench.reassembly.next_timeout()),
            (0, None)
        );
        drop(packet);
        assert_eq!(bench.pool.out(), 0);
    }
}

#[test]
fn fr_008_four_fragments_become_the_packet_in_every_order() {
    let sample = Sample::new(800);
    let frames = sample.cut_at(&[200, 400, 600]);
    for order in permutations(&[0, 1, 2, 3]) {
        let mut bench = Bench::new(AMPLE);
        for index in &order[..3] {
            bench.hold(&[frames[*index].clone()]);
        }
        assert_eq!(bench.finish(&frames[order[3]]), sample.whole(), "{order:?}");
        assert_eq!(bench.pool.out(), 0);
    }
}

#[test]
fn fr_008_tag_options_and_flow_label_of_the_first_fragment_stay() {
    for options in [vec![], vec![1], vec![2, 1]] {
        let mut sample = Sample::new(600);
        sample.is_tagged = true;
        sample.options = options;
        let frames = sample.cut_at(&[200, 400]);
        let mut bench = Bench::new(AMPLE);
        bench.hold(&[frames[2].clone(), frames[0].clone()]);
        assert_eq!(bench.finish(&frames[1]), sample.whole());
    }
}

#[test]
fn fr_008_next_header_comes_from_the_first_fragment_only() {
    let sample = Sample::new(600);
    let mut other = sample.clone();
    other.next_header = ipv6::UDP;
    for (first, second) in [(0, 1), (1, 0)] {
        let frames = [sample.fragment(0..200), other.fragment(200..600)];
        let mut bench = Bench::new(AMPLE);
        bench.hold(&[frames[first].clone()]);
        assert_eq!(bench.finish(&frames[second]), sample.whole());
    }
}

#[test]
fn fr_008_ethernet_padding_is_no_payload() {
    let sample = Sample::new(58);
    for (first, second) in [(0, 1), (1, 0)] {
        let mut frames = sample.cut_at(&[48]);
        for frame in &mut frames {
            frame.extend([0xee; 150]);
        }
        let mut bench = Bench::new(AMPLE);
        bench.hold(&[frames[first].clone()]);
        assert_eq!(bench.finish(&frames[second]), sample.whole());
    }
}

#[test]
fn fr_008_source_destination_and_identification_tell_packets_apart() {
    let sample = Sample::new(600);
    let frames = sample.cut_at(&[400]);
    let mut bench = Bench::new(AMPLE);
    bench.hold(&frames[..1]);
    // The last octet of either address, and of the identification.
    for at in [14 + 23, 14 + 39, 14 + 47] {
        let mut other = frames[1].clone();
        other[at] ^= 1;
        bench.hold(&[other]);
    }
    assert_eq!(bench.finish(&frames[1]), sample.whole());
    assert_eq!(bench.reassembly.held(), 3);
}

#[test]
fn fr_008_not_the_last_and_no_multiple_of_8_is_a_problem() {
    let sample = Sample::new(600);
    let mut bench = Bench::new(AMPLE);
    bench.hold(&[sample.fragment(0..400)]);
    let odd = sample.fragment_with(400, &[1; 12], true);
    let expected = (DropReason::Ipv6FragmentLength, 0, 4);
    assert_eq!(bench.problem(&odd), expected);
    let expected = sample.whole();
    assert_eq!(
        bench.finish(&sample.fragment(400..600)),
        expected,
        "the others still wait"
    );
}

#[test]
fn fr_008_a_fragment_without_payload_is_dropped() {
    let sample = Sample::new(600);
    for (offset, more) in [(0, true), (400, true), (400, false)] {
        let mut bench = Bench::new(AMPLE);
        let empty = sample.fragment_with(offset, &[], more);
        let expected = (DropReason::Ipv6FragmentLength, Discarded::default());
        assert_eq!(bench.drop(&empty), expected);
        assert_eq!(bench.pool.out(), 0);
    }
}

#[test]
fn fr_008_an_end_beyond_65535_is_a_problem() {
    let mut sample = Sample::new(600);
    let mut bench = Bench::new(AMPLE);
    bench.hold(&[sample.fragment_with(65528, &[1; 7], false)]);
    let long = sample.fragment_with(65528, &[1; 8], false);
    let expected = (DropReason::Ipv6FragmentTooLong, 0, 42);
    assert_eq!(bench.problem(&long), expected);

    sample.options = vec![1, 2];
    let expected = (DropReason::Ipv6FragmentTooLong, 0, 42 + 24);
    let long = sample.fragment_with(65504, &[1; 8], false);
    assert_eq!(bench.problem(&long), expected, "options count");
    sample.identification += 1;
    bench.hold(&[sample.fragment_with(65504, &[1; 7], false)]);
}

#[test]
fn fr_008_options_of_the_first_fragment_count_in_the_whole_length() {
    let plain = Sample::new(65535);
    let mut with_options = plain.clone();
    with_options.options = vec![1];
    let frames = [
        with_options.fragment(0..32000),
        plain.fragment(32000..64000),
        plain.fragment(64000..65535),
    ];
    let mut bench = Bench::new(AMPLE);
    bench.hold(&frames[..2]);
    let expected = (DropReason::Ipv6FragmentTooLong, discarded(&frames[..2]));
    assert_eq!(bench.drop(&frames[2]), expected);
    assert_eq!((bench.reassembly.held(), bench.pool.out()), (0, 0));
}

#[test]
fn fr_008_the_longest_packet_becomes_whole() {
    let sample = Sample::new(65535);
    let mut bench = Bench::new(AMPLE);
    bench.hold(&[sample.fragment(60000..65535), sample.fragment(0..30000)]);
    assert_eq!(bench.finish(&sample.fragment(30000..60000)), sample.whole());
}

#[test]
fn fr_008_a_first_fragment_must_hold_the_ipv4_header() {
    let cases = [
        (0x41, 8, false),
        (0x45, 16, false),
        (0x45, 24, true),
        (0x46, 24, true),
        (0x47, 24, false),
    ];
    for (first_octet, len, is_good) in cases {
        let mut sample = Sample::new(600);
        sample.payload[0] = first_octet;
        expect_headers(&sample, len, is_good);
    }
    for (header_len, len, is_good) in [(60, 56, false), (60, 64, true)] {
        let mut sample = Sample::new(600);
        sample.payload[0] = 0x40 | (header_len / 4);
        expect_headers(&sample, len, is_good);
    }
}

#[test]
fn fr_008_a_first_fragment_must_hold_the_options_and_what_follows_them() {
    // Next header, units of 8 minus 1; lengths of the first fragment.
    let cases = [
        (vec![(ipv6::IPV4, 0)], [(8, false), (24, false), (32, true)]),
        (vec![(ipv6::UDP, 1)], [(8, false), (16, false), (24, true)]),
        (
            vec![(60, 0), (ipv6::ICMPV6, 0)],
            [(8, false), (16, false), (24, true)],
        ),
        (
            vec![(60, 0), (ipv6::IPV4, 0)],
            [(16, false), (32, false), (40, true)],
        ),
        (
            vec![(60, 255), (ipv6::IPV4, 0)],
            [(8, false), (200, false), (400, false)],
        ),
    ];
    for (options, lengths) in cases {
        let mut sample = Sample::new(3000);
        sample.next_header = ipv6::DESTINATION_OPTIONS;
        let mut at = 0;
        for (next_header, units) in options {
            sample.payload[at] = next_header;
            sample.payload[at + 1] = units;
            at += (usize::from(units) + 1) * 8;
        }
        if let Some(first) = sample.payload.get_mut(at) {
            *first = 0x45;
        }
        for (len, is_good) in lengths {
            expect_headers(&sample, len, is_good);
        }
    }
}

#[test]
fn fr_008_a_second_end_abandons_the_packet() {
    let sample = Sample::new(600);
    let held = [sample.fragment(400..600)];
    let cases = [
        sample.fragment_with(600, &[1; 8], false),
        sample.fragment_with(600, &[1; 8], true),
        sample.fragment_with(200, &[1; 8], false),
        sample.fragment_with(800, &[1; 8], true),
    ];
    for second in cases {
        let mut bench = Bench::new(AMPLE);
        bench.hold(&held);
        let expected = (DropReason::Ipv6FragmentTooLong, discarded(&held));
        assert_eq!(bench.drop(&second), expected);
        let later = (DropReason::Ipv6FragmentTooLong, Discarded::default());
        assert_eq!(bench.drop(&sample.fragment(0..400)), later);
        assert_eq!(bench.pool.out(), 0);
    }
}

#[test]
fn fr_008_an_end_before_what_is_held_abandons_the_packet() {
    let sample = Sample::new(600);
    let held = [sample.fragment(400..480)];
    let mut bench = Bench::new(AMPLE);
    bench.hold(&held);
    let short = sample.fragment_with(200, &[1; 8], false);
    let expected = (DropReason::Ipv6FragmentTooLong, discarded(&held));
    assert_eq!(bench.drop(&short), expected);
}

#[test]
fn fr_008_a_duplicate_to_the_octet_is_dropped_alone() {
    let sample = Sample::new(1000);
    let frames = sample.cut_at(&[400, 800]);
    for duplicate in [0, 2] {
        let mut bench = Bench::new(AMPLE);
        bench.hold(&[frames[0].clone(), frames[2].clone()]);
        let expected = (DropReason::Ipv6FragmentDuplicate, Discarded::default());
        assert_eq!(bench.drop(&frames[duplicate]), expected);
        assert_eq!(bench.finish(&frames[1]), sample.whole());
    }
}

#[test]
fn fr_008_a_duplicate_may_lie_in_other_segments() {
    let sample = Sample::new(1000);
    let mut bench = Bench::new(AMPLE);
    bench.hold(&[sample.fragment(0..800)]);
    let mut packet = bench.pool.packet(&sample.fragment(0..800), 517);
    let fragment = parse(&packet).unwrap();
    let outcome = bench.reassembly.take(&mut packet, &fragment, at_second(0));
    let Outcome::Dropped { reason, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(reason, DropReason::Ipv6FragmentDuplicate);
}

#[test]
fn fr_008_one_other_octet_is_an_overlap() {
    let sample = Sample::new(1000);
    for at in [8, 256, 799] {
        let mut other = sample.clone();
        other.payload[at] ^= 1;
        expect_overlap(&sample, &[sample.fragment(0..800)], &other.fragment(0..800));
    }
}

#[test]
fn fr_008_the_same_octets_as_last_and_not_as_last_are_an_overlap() {
    let sample = Sample::new(1000);
    let as_last = sample.fragment_with(400, &sample.payload[400..800], false);
    expect_overlap(&sample, &[sample.fragment(400..800)], &as_last);
    let not_as_last = sample.fragment_with(800, &sample.payload[800..1000], true);
    expect_overlap(&sample, &[sample.fragment(800..1000)], &not_as_last);
}

#[test]
fn fr_008_t_27_any_overlap_abandons_the_packet_silently() {
    let sample = Sample::new(1000);
    let held = [sample.fragment(0..200), sample.fragment(400..600)];
    let overlapping = [
        0..208,
        0..104,
        104..200,
        192..400,
        200..408,
        192..408,
        592..1000,
        408..504,
        400..592,
        392..608,
        0..800,
    ];
    for range in overlapping {
        expect_overlap(&sample, &held, &sample.fragment(range));
    }
}

#[test]
fn fr_008_fragments_of_an_abandoned_packet_are_dropped_until_its_time_is_up() {
    let sample = Sample::new(1000);
    let mut bench = Bench::new(AMPLE);
    let (outcome, _) = bench.take_at(&sample.fragment(0..400), at_second(10));
    assert_eq!(outcome, Outcome::Held);
    bench.take_at(&sample.fragment(200..600), at_second(40));
    let overlap = Outcome::Dropped {
        reason: DropReason::Ipv6FragmentOverlap,
        others: Discarded::default(),
    };
    assert!(bench.reassembly.expire(at_second(69)).is_none());
    for frame in [
        sample.fragment(0..400),
        sample.fragment(600..1000),
        sample.fragment_with(600, &[1; 3], true),
    ] {
        let (outcome, packet) = bench.take_at(&frame, at_second(69));
        assert_eq!(outcome, overlap);
        assert_eq!(packet.octets(), frame);
    }
    expect_silence(&mut bench, 70);
    assert_eq!(bench.reassembly.next_timeout(), None);
    bench.hold(&[sample.fragment(0..400)]);
    assert_eq!(bench.finish(&sample.fragment(400..1000)), sample.whole());
}

#[test]
fn fr_008_t_27_after_60_seconds_from_the_first_to_arrive_all_are_freed() {
    let sample = Sample::new(1000);
    let frames = sample.cut_at(&[400, 800]);
    let mut bench = Bench::new(AMPLE);
    bench.take_at(&frames[2], at_second(1));
    bench.take_at(&frames[0], at_second(50));
    assert_eq!(bench.reassembly.next_timeout(), Some(at_second(61)));
    assert!(bench.reassembly.expire(at_second(60)).is_none());
    let expired = bench.reassembly.expire(at_second(61)).unwrap();
    assert_eq!(expired.first.unwrap().octets(), frames[0], "as it arrived");
    let both = [frames[2].clone(), frames[0].clone()];
    assert_eq!(expired.discarded, discarded(&both));
    assert!(bench.reassembly.expire(at_second(61)).is_none());
    assert_eq!((bench.reassembly.held(), bench.pool.out()), (0, 0));
}

#[test]
fn fr_008_without_its_first_fragment_a_packet_expires_silently() {
    let sample = Sample::new(1000);
    let frames = sample.cut_at(&[400, 800]);
    let mut bench = Bench::new(AMPLE);
    bench.hold(&frames[1..]);
    let expired = bench.reassembly.expire(at_second(60)).unwrap();
    assert!(expired.first.is_none());
    assert_eq!(expired.discarded, discarded(&frames[1..]));
    assert_eq!((bench.reassembly.held(), bench.pool.out()), (0, 0));
}

#[test]
fn fr_008_packets_expire_one_at_a_time_and_the_oldest_first() {
    let mut bench = Bench::new(AMPLE);
    for second in 0..3 {
        let mut sample = Sample::new(1000);
        sample.identification = second;
        let frame = sample.fragment(0..400);
        bench.take_at(&frame, at_second(u64::from(second)));
    }
    for second in 0..2 {
        let first = bench
            .reassembly
            .expire(at_second(61))
            .unwrap()
            .first
            .unwrap();
        assert_eq!(first.octets()[61], second);
    }
    assert!(bench.reassembly.expire(at_second(61)).is_none());
    assert_eq!(bench.reassembly.held(), 1);
}

#[test]
fn fr_009_t_27_an_atomic_fragment_is_handled_alone() {
    for options in [vec![], vec![1, 2]] {
        let mut sample = Sample::new(1000);
        sample.options = options;
        sample.is_tagged = true;
        sample.traffic_class = 0xb9;
        let frames = sample.cut_at(&[400]);
        let mut alone = sample.clone();
        alone.payload[100..].fill(0x77);
        let mut bench = Bench::new(AMPLE);
        bench.hold(&frames[..1]);
        let (outcome, packet) = bench.take(&alone.fragment(0..1000));
        assert_eq!(outcome, Outcome::Alone);
        assert_eq!(packet.octets(), alone.whole());
        assert_eq!(bench.reassembly.held(), 1);
        assert_eq!(bench.finish(&frames[1]), sample.whole());
    }
}

#[test]
fn fr_009_an_atomic_fragment_of_an_abandoned_packet_is_handled_alone() {
    let sample = Sample::new(1000);
    let mut bench = Bench::new(AMPLE);
    bench.hold(&[sample.fragment(0..400)]);
    bench.drop(&sample.fragment(200..600));
    let (outcome, packet) = bench.take(&sample.fragment(0..1000));
    assert_eq!(outcome, Outcome::Alone);
    assert_eq!(packet.octets(), sample.whole());
}

#[test]
fn ec_005_a_mark_on_any_fragment_is_a_mark_on_the_packet() {
    const NOT_ECT: u8 = 0;
    const ECT_1: u8 = 1;
    const ECT_0: u8 = 2;
    const CE: u8 = 3;
    let cases = [
        ([ECT_0, ECT_0, CE], Some(CE)),
        ([ECT_0, CE, ECT_0], Some(CE)),
        ([CE, ECT_1, ECT_0], Some(CE)),
        ([CE, CE, CE], Some(CE)),
        ([ECT_0, ECT_1, ECT_1], Some(ECT_0)),
        ([ECT_1, NOT_ECT, ECT_0], Some(ECT_1)),
        ([NOT_ECT, ECT_0, ECT_0], Some(NOT_ECT)),
        ([NOT_ECT, NOT_ECT, CE], None),
        ([CE, ECT_0, NOT_ECT], None),
    ];
    let mut sample = Sample::new(600);
    for (marks, expected) in cases {
        let dscps = [46, 0, 10];
        let frames: [Vec<u8>; 3] = std::array::from_fn(|index| {
            sample.traffic_class = dscps[index] << 2 | marks[index];
            sample.fragment(index * 200..index * 200 + 200)
        });
        for order in permutations(&[0, 1, 2]) {
            let held = [frames[order[0]].clone(), frames[order[1]].clone()];
            let mut bench = Bench::new(AMPLE);
            bench.hold(&held);
            match expected {
                Some(ecn) => {
                    sample.traffic_class = 46 << 2 | ecn;
                    assert_eq!(bench.finish(&frames[order[2]]), sample.whole());
                }
                None => {
                    let expected = (DropReason::Ipv6FragmentEcn, discarded(&held));
                    assert_eq!(bench.drop(&frames[order[2]]), expected);
                }
            }
            assert_eq!((bench.reassembly.held(), bench.pool.out()), (0, 0));
        }
    }
}

#[test]
fn fr_008_more_segments_than_a_packet_can_have_are_too_many() {
    let sample = Sample::new(1000);
    let frames = sample.cut_at(&[400, 800]);
    for order in permutations(&[0, 1, 2]) {
        let held = [frames[order[0]].clone(), frames[order[1]].clone()];
        let mut bench = Bench::new(AMPLE);
        bench.hold(&held);
        bench.pool.limit_segments(5);
        let (outcome, packet) = bench.take(&frames[order[2]]);
        let expected = Outcome::Dropped {
            reason: DropReason::Ipv6FragmentTooMany,
            others: discarded(&held),
        };
        assert_eq!(outcome, expected);
        drop(packet);
        assert_eq!((bench.reassembly.held(), bench.pool.out()), (0, 0));
    }
}

#[test]
fn fr_008_without_a_buffer_to_leave_behind_a_fragment_is_dropped() {
    let sample = Sample::new(1000);
    let frames = sample.cut_at(&[400, 800]);
    let expected = (DropReason::NoBuffer, Discarded::default());
    let mut bench = Bench::new(AMPLE);
    bench.pool.limit_capacity(0);
    assert_eq!(bench.drop(&frames[0]), expected);
    assert_eq!(bench.reassembly.next_timeout(), None);
    bench.pool.limit_capacity(usize::MAX);
    bench.hold(&frames[..1]);
    bench.pool.limit_capacity(0);
    assert_eq!(bench.drop(&frames[1]), expected);
    bench.pool.limit_capacity(usize::MAX);
    bench.hold(&frames[1..2]);
    bench.pool.limit_capacity(0);
    assert_eq!(bench.finish(&frames[2]), sample.whole(), "which needs none");
}

#[test]
fn fr_006_a_fragment_header_outside_the_packet_is_refused() {
    let sample = Sample::new(0);
    let mut bench = Bench::new(AMPLE);
    let (outcome, _) = bench.take(&sample.fragment_with(0, &[], false));
    assert_eq!(outcome, Outcome::Alone);
    for len in 0..8 {
        let mut frame = sample.fragment_with(0, &[], false);
        frame.truncate(14 + 40 + len);
        frame.extend([0; 20]);
        frame[14 + 5] = len as u8;
        let packet = bench.pool.packet(&frame, 128);
        assert_eq!(parse(&packet), Err(DropReason::BadIpv6Header));
    }
}

/// Takes a first fragment of `len` octets; held if it is good, a problem if not.
fn expect_headers(sample: &Sample, len: usize, is_good: bool) {
    let mut bench = Bench::new(AMPLE);
    let frame = sample.fragment(0..len);
    if is_good {
        bench.hold(&[frame]);
    } else {
        let expected = (DropReason::Ipv6FragmentHeaders, 3, 0);
        assert_eq!(
            bench.problem(&frame),
            expected,
            "{len} of {:?}",
            &sample.payload[..24]
        );
    }
}

/// Holds these, and takes one that overlaps: all are freed, and so is what comes later.
fn expect_overlap(sample: &Sample, held: &[Vec<u8>], overlapping: &[u8]) {
    let mut bench = Bench::new(AMPLE);
    bench.hold(held);
    let expected = (DropReason::Ipv6FragmentOverlap, discarded(held));
    assert_eq!(bench.drop(overlapping), expected);
    assert_eq!((bench.reassembly.held(), bench.pool.out()), (0, 0));
    let later = (DropReason::Ipv6FragmentOverlap, Discarded::default());
    assert_eq!(bench.drop(&sample.fragment(800..1000)), later);
    expect_silence(&mut bench, 60);
}

/// Nothing is left of an abandoned packet that anybody could be told of.
fn expect_silence(bench: &mut Bench, second: u64) {
    while let Some(expired) = bench.reassembly.expire(at_second(second)) {
        assert!(expired.first.is_none());
        assert_eq!(expired.discarded, Discarded::default());
    }
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    let [item, rest @ ..] = items else {
        return vec![Vec::new()];
    };
    let insert = |order: Vec<usize>| {
        (0..=order.len()).map(move |at| {
            let mut order = order.clone();
            order.insert(at, *item);
            order
        })
    };
    permutations(rest).into_iter().flat_map(insert).collect()
}
