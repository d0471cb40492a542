//! One client and the answers that it gets.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::wire::unsolicited_announce;

fn near(left: f64, right: f64) {
    assert!((left - right).abs() < 0.01, "{left} is not {right}");
}

#[test]
fn ps_001_ps_004_the_request_is_the_canonical_one() {
    let (_, request) = Bench::started();
    assert_eq!(request.len(), 72);
    let parsed = Request::parse(&request, B4, crate::wire::Enabled::Map).unwrap();
    assert_eq!(parsed.lifetime_s, 3600);
    assert_eq!(request[36..44], [0, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(request[60..], [130, 0, 0, 5, 0xff, 0xff, 0, 1, 0, 0, 0, 0]);
}

/// T-35.
#[test]
fn pc_102_pc_103_the_same_request_again_and_again_until_an_answer_comes() {
    let (mut bench, request) = Bench::started();
    for expected in [3.0, 6.0, 12.0, 24.0] {
        near(bench.wait(), expected);
        assert_eq!(bench.sent(), request);
    }
    bench.hear(&Answer::GRANT.to(&request));
    assert!(matches!(bench.actions()[..], [Action::Bound(_)]));
}

#[test]
fn pc_104_a_mapping_is_renewed_with_what_it_is_at_its_points_and_then_lost() {
    let (mut bench, _) = Bench::bound();
    let mut elapsed = 0.0;
    for expected in [2025.0, 2812.5, 3206.25, 3403.125] {
        elapsed += bench.wait();
        near(elapsed, expected);
        let renewal = bench.sent();
        assert_eq!(renewal[42..44], 26624_u16.to_be_bytes());
        assert_eq!(renewal[56..60], [192, 0, 2, 5]);
        assert_eq!(renewal[60], 130, "PS-007");
    }
    while bench.client.mapping().is_some() {
        elapsed += bench.wait();
        let actions = bench.actions();
        if let [Action::Lost(_), Action::Send(again)] = &actions[..] {
            assert_eq!(again[42..44], 26624_u16.to_be_bytes(), "PC-039");
        }
    }
    near(elapsed, 3600.0);
}

#[test]
fn pc_105_what_is_not_about_the_request_is_ignored() {
    let (mut bench, request) = Bench::started();
    let good = Answer::GRANT.to(&request);
    let mut other_nonce = good.clone().to_vec();
    other_nonce[24] ^= 1;
    let mut other_port = good.clone().to_vec();
    other_port[41] = 9;
    let mut other_protocol = good.clone().to_vec();
    other_protocol[36] = 17;
    for octets in [
        &other_nonce[..],
        &other_port,
        &other_protocol,
        &request,
        &good[..3],
        &good[..60 - 4],
    ] {
        bench.hear(octets);
        assert_eq!(bench.actions(), []);
    }
    for from in [(B4, SERVER_PORT), (AFTR, 5350)] {
        bench.client.receive(from, &good, bench.now, &mut middle);
        assert_eq!(bench.actions(), []);
    }
    bench.hear(&good);
    assert!(matches!(bench.actions()[..], [Action::Bound(_)]));
}

#[test]
fn pc_064_options_that_the_client_does_not_know_do_not_matter() {
    let (mut bench, request) = Bench::started();
    let mut answer = Answer::GRANT.to(&request);
    answer
        .push(&PcpOption::Unknown {
            code: 77,
            data: &[1],
        })
        .unwrap();
    bench.hear(&answer);
    assert!(matches!(bench.actions()[..], [Action::Bound(_)]));
}

#[test]
fn ps_010_ps_011_what_is_no_identity_is_given_back() {
    for port_set in [None, Some((2048, 1)), Some((0, 26624))] {
        let (mut bench, request) = Bench::started();
        let answer = Answer {
            port_set,
            ..Answer::GRANT
        };
        bench.hear(&answer.to(&request));
        let actions = bench.actions();
        let [Action::Send(delete), Action::NotIdentity { .. }] = &actions[..] else {
            panic!("{actions:?}");
        };
        assert_eq!(delete[4..8], [0; 4]);
        assert_eq!(
            delete[42..60],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0]
        );
        assert_eq!(delete[60], 130, "PS-007");
        near(bench.wait(), 1800.0);
    }
}

#[test]
fn ps_042_a_strict_server_is_asked_from_port_0_and_only_once() {
    let (mut bench, request) = Bench::started();
    let malformed = Answer::refusal(ResultCode::MalformedRequest, 1800);
    bench.hear(&malformed.to(&request));
    let second = bench.sent();
    assert_eq!(second[40..42], [0, 0]);
    assert_eq!(second[64..68], [0xff, 0xff, 0, 0]);
    bench.hear(&malformed.to(&second));
    let actions = bench.actions();
    assert!(matches!(actions[..], [Action::Refused { .. }]));
    near(bench.wait(), 1800.0);
    let again = bench.sent();
    bench.hear(&Answer::GRANT.to(&again));
    assert!(matches!(bench.actions()[..], [Action::Bound(_)]));
}

#[test]
fn pc_107_an_error_is_not_asked_about_again_while_it_lasts() {
    for (lifetime_s, expected) in [(30, 30.0), (0, 3.0), (u32::MAX, 1800.0)] {
        let (mut bench, request) = Bench::started();
        let answer = Answer::refusal(ResultCode::NoResources, lifetime_s);
        bench.hear(&answer.to(&request));
        assert!(matches!(
            bench.actions()[..],
            [Action::Refused {
                result: ResultCode::NoResources,
                ..
            }]
        ));
        near(bench.wait(), expected);
        bench.sent();
    }
}

#[test]
fn pc_107_an_error_in_renewal_leaves_the_mapping_to_its_end() {
    let (mut bench, _) = Bench::bound();
    bench.wait();
    let renewal = bench.sent();
    let refusal = Answer {
        epoch_s: 2125,
        ..Answer::refusal(ResultCode::NotAuthorized, 1000)
    };
    bench.hear(&refusal.to(&renewal));
    assert!(matches!(bench.actions()[..], [Action::Refused { .. }]));
    assert!(bench.client.mapping().is_some());
    near(bench.wait(), 1000.0);
    bench.sent();
    bench.pass(1000);
    assert!(matches!(
        bench.actions()[..],
        [Action::Lost(_), Action::Send(_)]
    ));
}

#[test]
fn pc_108_no_lifetime_is_longer_than_a_day() {
    let (mut bench, request) = Bench::started();
    let answer = Answer {
        lifetime_s: u32::MAX,
        ..Answer::GRANT
    };
    bench.hear(&answer.to(&request));
    let mapping = bench.client.mapping().unwrap();
    assert_eq!(mapping.expires.since(bench.now), Duration::from_secs(86400));
}

#[test]
fn pc_109_a_server_of_another_version_is_left_alone_for_a_while() {
    let (mut bench, request) = Bench::started();
    bench.hear(&[0, 0x81, 0, 1, 0, 0, 0, 9]);
    assert!(matches!(
        bench.actions()[..],
        [Action::OtherVersion { supported: 0, .. }]
    ));
    near(bench.wait(), 1800.0);
    bench.sent();
    let mut answer = Answer::refusal(ResultCode::UnsupportedVersion, 60)
        .to(&request)
        .to_vec();
    answer.truncate(24);
    bench.hear(&answer);
    bench.actions();
    near(bench.wait(), 60.0);
}

#[test]
fn pc_143_an_announcement_of_a_lost_state_renews_within_five_seconds() {
    let (mut bench, _) = Bench::bound();
    bench.pass(50);
    bench.hear(&unsolicited_announce(150));
    assert!(bench.client.due().unwrap().since(bench.now) > Duration::from_secs(1000));
    bench.hear(&unsolicited_announce(0));
    near(bench.wait(), 2.5);
    let first = bench.sent();
    // Nobody answers: it asks as it did at first, and uses its set meanwhile.
    near(bench.wait(), 3.0);
    assert_eq!(bench.sent(), first);
    let answer = Answer {
        epoch_s: 6,
        ..Answer::GRANT
    };
    bench.hear(&answer.to(&first));
    assert!(matches!(bench.actions()[..], [Action::Renewed(_)]));
}

#[test]
fn pc_143_fo_016_an_announcement_from_elsewhere_is_ignored() {
    let (mut bench, _) = Bench::bound();
    let before = bench.client.due();
    for from in [(B4, SERVER_PORT), (AFTR, 5350)] {
        let octets = unsolicited_announce(0);
        bench.client.receive(from, &octets, bench.now, &mut middle);
        assert_eq!(bench.client.due(), before);
    }
}

#[test]
fn pc_143_after_a_lost_state_errors_of_before_do_not_hold() {
    let (mut bench, request) = Bench::started();
    bench.hear(&Answer::refusal(ResultCode::NotAuthorized, 1800).to(&request));
    bench.actions();
    bench.hear(&unsolicited_announce(0));
    near(bench.wait(), 2.5);
    bench.sent();
}

#[test]
fn pc_106_pc_145_a_mapping_update_changes_the_set_in_use() {
    let (mut bench, request) = Bench::bound();
    bench.pass(10);
    let other = Answer {
        epoch_s: 110,
        external: ([192, 0, 2, 6], 4096),
        port_set: Some((2048, 4096)),
        ..Answer::GRANT
    };
    bench.hear(&other.to(&request));
    let actions = bench.actions();
    assert!(matches!(&actions[..], [Action::Bound(mapping)] if mapping.ports.first() == 4096));
    // One that says that the set is gone.
    let gone = Answer {
        lifetime_s: 0,
        ..other
    };
    bench.hear(&gone.to(&request));
    assert!(matches!(bench.actions()[..], [Action::Lost(_)]));
    near(bench.wait(), 2.5);
    bench.sent();
}

#[test]
fn ps_051_an_update_may_name_the_port_where_the_set_begins() {
    let (mut bench, request) = Bench::bound();
    bench.pass(10);
    let answer = Answer {
        epoch_s: 110,
        ..Answer::GRANT
    };
    let mut update = answer.to(&request).to_vec();
    update[40..42].copy_from_slice(&26624_u16.to_be_bytes());
    bench.hear(&update);
    assert!(matches!(bench.actions()[..], [Action::Renewed(_)]));
}

#[test]
fn pc_082_an_answer_of_long_ago_does_not_bring_back_its_set() {
    let (mut bench, request) = Bench::bound();
    bench.pass(1000);
    let held_up = Answer {
        epoch_s: 100,
        external: ([192, 0, 2, 9], 4096),
        port_set: Some((2048, 4096)),
        ..Answer::GRANT
    };
    bench.hear(&held_up.to(&request));
    let question = bench.sent();
    assert_eq!(bench.client.mapping().unwrap().ports.first(), 26624);
    let answer = Answer {
        epoch_s: 1100,
        ..Answer::GRANT
    };
    bench.hear(&answer.to(&question));
    assert!(matches!(bench.actions()[..], [Action::Renewed(_)]));
}

#[test]
fn ps_007_a_release_is_tried_three_times() {
    let (mut bench, request) = Bench::bound();
    bench.client.release(bench.now);
    let actions = bench.actions();
    let [Action::Lost(_), Action::Send(delete)] = &actions[..] else {
        panic!("{actions:?}");
    };
    assert_eq!((&delete[4..8], delete[60]), (&[0; 4][..], 130));
    // An answer to a request from before is not the one that is waited for.
    bench.hear(&Answer::GRANT.to(&request));
    assert_eq!(bench.actions(), []);
    for _ in 0..2 {
        bench.wait();
        bench.sent();
    }
    bench.wait();
    assert_eq!(bench.actions(), [Action::Released]);
    assert_eq!(bench.client.due(), None);
    bench.hear(&Answer::GRANT.to(&request));
    assert_eq!(bench.actions(), [], "PC-106: nobody asked");
}

#[test]
fn ps_005_one_port_of_one_protocol_is_asked_for_without_port_set() {
    let goal = Goal::Port {
        protocol: 17,
        internal_port: 4000,
    };
    let (mut bench, request) = Bench::with(ClientConfig { goal, ..config() });
    assert_eq!(request.len(), 60, "PS-005");
    let answer = Answer {
        external: ([192, 0, 2, 5], 4001),
        port_set: None,
        ..Answer::GRANT
    };
    bench.hear(&answer.to(&request));
    assert!(
        matches!(&bench.actions()[..], [Action::Bound(mapping)] if mapping.ports == PortRange::sized(4001, 1))
    );
}

#[test]
fn ps_002_a_second_set_is_asked_for_in_other_ports() {
    let goal = Goal::PortSet(PortRange::new(30000, 65535).unwrap());
    let (mut bench, request) = Bench::with(ClientConfig { goal, ..config() });
    assert_eq!(request[40..42], 30000_u16.to_be_bytes());
    assert_eq!(request[64..68], [0x8a, 0xd0, 0x75, 0x30]);
    // There is no other way to spell it, so a strict server is left alone (PS-042).
    let malformed = Answer::refusal(ResultCode::MalformedRequest, 1800);
    bench.hear(&malformed.to(&request));
    assert!(matches!(bench.actions()[..], [Action::Refused { .. }]));
}

#[test]
fn ps_002_ps_021_a_client_may_aim_at_the_ports_that_it_has() {
    let (mut bench, _) = Bench::bound();
    bench.client.aim(PortRange::new(26624, 28671).unwrap());
    bench.wait();
    let renewal = bench.sent();
    assert_eq!(renewal[40..42], 26624_u16.to_be_bytes());
    assert_eq!(renewal[64..68], [0x08, 0, 0x68, 0]);
    let answer = Answer {
        epoch_s: 2125,
        ..Answer::GRANT
    };
    bench.hear(&answer.to(&renewal));
    assert!(matches!(bench.actions()[..], [Action::Renewed(_)]));
}

#[test]
fn fo_010_an_abandoned_mapping_is_asked_for_again_and_suggested() {
    let (mut bench, request) = Bench::bound();
    let mapping = bench.client.mapping();
    let until = bench.now + Duration::from_secs(4);
    assert_eq!(bench.client.abandon(until), mapping);
    assert_eq!((bench.client.mapping(), bench.actions()), (None, vec![]));
    assert_eq!(bench.client.abandon(until), None);
    near(bench.wait(), 4.0);
    let again = bench.sent();
    assert_eq!(again[4..8], request[4..8]);
    assert_eq!(again[42..44], [0x68, 0]);
}

#[test]
fn pc_107_a_new_network_clears_hold_times() {
    let (mut bench, request) = Bench::started();
    bench.hear(&Answer::refusal(ResultCode::NotAuthorized, 1800).to(&request));
    bench.actions();
    bench.client.restart(bench.now);
    assert_eq!(bench.sent(), request);
    // Nor does it wait for the timer of an answer that will not come any more.
    bench.client.restart(bench.now);
    assert_eq!(bench.sent(), request);
    bench.hear(&Answer::GRANT.to(&request));
    bench.actions();
    bench.client.restart(bench.now);
    bench.sent();
    assert!(bench.client.mapping().is_some());
}

#[test]
fn pc_082_what_another_client_hears_of_the_epoch_counts() {
    let (mut bench, _) = Bench::bound();
    bench.pass(10);
    assert_eq!(bench.client.epoch_s(), Some(100));
    let heard = bench.client.hear_epoch(110, bench.now, &mut middle);
    assert_eq!(heard, Heard::Ours);
    assert!(bench.client.due().unwrap().since(bench.now) > Duration::from_secs(1000));
    let heard = bench.client.hear_epoch(0, bench.now, &mut middle);
    assert_eq!(heard, Heard::StateLost);
    near(bench.wait(), 2.5);
}

#[test]
fn pc_105_a_client_says_what_is_its_own() {
    let (mut bench, request) = Bench::started();
    let good = Answer::GRANT.to(&request);
    let mut other_nonce = good.to_vec();
    other_nonce[24] ^= 1;
    for (octets, expected) in [
        (&other_nonce[..], Heard::NotOurs),
        (&request, Heard::NotOurs),
        (&[0, 0x81, 0, 1, 0, 0, 0, 9][..], Heard::Ours),
        // Nobody asked since.
        (&[0, 0x81, 0, 1, 0, 0, 0, 9][..], Heard::NotOurs),
        (&good, Heard::Ours),
        (&unsolicited_announce(100), Heard::Ours),
        (&unsolicited_announce(0), Heard::StateLost),
    ] {
        let from = (AFTR, SERVER_PORT);
        let heard = bench.client.receive(from, octets, bench.now, &mut middle);
        assert_eq!(heard, expected, "{octets:?}");
    }
}

#[test]
fn pc_110_what_is_suggested_is_not_expected() {
    let suggestion = Some((Ipv4Addr::new(192, 0, 2, 77), 2048));
    let (mut bench, request) = Bench::with(ClientConfig {
        suggestion,
        ..config()
    });
    assert_eq!(request[42..44], 2048_u16.to_be_bytes());
    assert_eq!(request[56..60], [192, 0, 2, 77]);
    bench.hear(&Answer::GRANT.to(&request));
    let mapping = bench.client.mapping().unwrap();
    assert_eq!(mapping.address, Ipv4Addr::new(192, 0, 2, 5));
}

proptest! {
    /// Whatever is said to it, a client ends with a mapping that it was given, or none, and sends no more
    /// than it has a reason to.
    #[test]
    fn any_octets_may_come(
        answers in vec(
            (
                vec((0_usize..72, any::<u8>()), 0..4),
                prop_oneof![3 => Just(72_usize), 1 => 0_usize..120],
                0_u64..100,
            ),
            1..20,
        ),
    ) {
        let (mut bench, request) = Bench::started();
        for (changes, length, seconds) in answers {
            let mut octets = Answer::GRANT.to(&request).to_vec();
            for (place, octet) in changes {
                octets[place] = octet;
            }
            octets.resize(length, 0);
            bench.hear(&octets);
            prop_assert!(bench.actions().len() <= 3);
            bench.pass(seconds);
            prop_assert!(bench.actions().len() <= 2);
            if let Some(mapping) = bench.client.mapping() {
                prop_assert!(mapping.expires > bench.now);
            }
        }
    }
}
