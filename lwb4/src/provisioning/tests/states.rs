//! The table of s10.1, row by row.

use super::*;

/// IDLE, TUNNEL_UP.
#[test]
fn c_03_pc_101_ps_001_a_tunnel_is_asked_through_as_soon_as_it_is_there() {
    let mut bench = Bench::new(config());
    assert_eq!((bench.b4.state(), bench.b4.due()), (State::Idle, None));
    bench.b4.tunnel_up(TUNNEL, TunnelBefore::Gone, bench.now);
    bench.settle();
    let Some(Action::Send {
        tunnel,
        source,
        destination,
        payload,
    }) = bench.did.pop()
    else {
        panic!("nothing is sent last");
    };
    assert_eq!((tunnel, source, destination), (TUNNEL, OWN, SERVER));
    // The request of s3.6 but for its nonce.
    let head = [
        2, 1, 0, 0, 0, 0, 0x0e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 0, 2,
    ];
    assert_eq!(payload[..24], head);
    assert_ne!(payload[24..36], [0; 12]);
    let tail = [
        0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0x82, 0, 0,
        5, 0xff, 0xff, 0, 1, 0, 0, 0, 0,
    ];
    assert_eq!(payload[36..], tail);
    assert_eq!(bench.entered(), [State::TunnelUp, State::Requesting]);
    // The same ends again are no news.
    bench.b4.tunnel_up(TUNNEL, TunnelBefore::Usable, bench.now);
    bench.settle();
    assert_eq!(bench.did, []);
}

/// REQUESTING, good answer.
#[test]
fn ps_011_lw_005_a_good_answer_is_used_and_remembered() {
    let (mut bench, request) = Bench::asking();
    bench.pass(1);
    bench.did.clear();
    bench.hear(&Answer::GRANT.to(&request));
    let remembered = memory::Remembered {
        remote: TUNNEL.remote,
        server: SERVER.ip(),
        client_port: CLIENT_PORT,
        sets: vec![set()],
        epoch_s: Some(42),
    };
    let granted = Event::Granted {
        set: set(),
        lifetime_s: 3600,
    };
    assert_eq!(
        bench.did,
        [
            Action::Tell(granted),
            Action::Tell(Event::Entered(State::Bound)),
            Action::Sets(vec![set()]),
            Action::Remember(remembered),
        ]
    );
    assert_eq!(bench.b4.since(), bench.now);
    let held: Vec<_> = bench.b4.held().collect();
    assert_eq!(held[0].expires, Some(bench.now + Duration::from_secs(3600)));
}

/// REQUESTING, error → BACKOFF → REQUESTING.
#[test]
fn pc_107_an_error_backs_off_for_its_lifetime_and_half_an_hour_at_most() {
    for (lifetime_s, expected) in [(30, 30.0), (u32::MAX, 1800.0)] {
        let (mut bench, request) = Bench::asking();
        let answer = Answer {
            lifetime_s,
            ..Answer::NO_RESOURCES
        };
        bench.hear(&answer.to(&request));
        assert_eq!(bench.entered(), [State::Backoff]);
        near(bench.wait(), expected);
        assert_eq!(bench.entered(), [State::Requesting]);
    }
}

/// REQUESTING, UNSUPP_VERSION.
#[test]
fn pc_109_a_server_of_nat_pmp_is_told_of_and_left_alone() {
    let (mut bench, _) = Bench::asking();
    bench.hear(&[0, 0x81, 0, 1, 0, 0, 0, 9]);
    let told = Action::Tell(Event::OtherVersion {
        supported: 0,
        again_s: 1800,
    });
    assert!(bench.did.contains(&told));
    assert_eq!(bench.b4.state(), State::Backoff);
}

/// REQUESTING, success without PORT_SET.
#[test]
fn ps_010_ps_011_what_is_no_identity_is_given_back_and_never_used() {
    for port_set in [None, Some((2048, 1))] {
        let (mut bench, request) = Bench::asking();
        let answer = Answer {
            port_set,
            ..Answer::GRANT
        };
        bench.hear(&answer.to(&request));
        assert_eq!((bench.b4.state(), bench.sets.len()), (State::Backoff, 0));
        let delete = bench.sent();
        assert_eq!((&delete[4..8], delete[60]), (&[0; 4][..], 130));
    }
}

/// REQUESTING, a strict server.
#[test]
fn ps_042_malformed_form_1_is_followed_by_form_2_at_once() {
    let (mut bench, request) = Bench::asking();
    bench.hear(&Answer::MALFORMED.to(&request));
    assert_eq!(bench.b4.state(), State::Requesting);
    let second = bench.sent();
    assert_eq!(
        (&second[40..42], &second[66..68]),
        (&[0, 0][..], &[0, 0][..])
    );
    bench.hear(&Answer::GRANT.to(&second));
    assert_eq!(bench.sets, [set()]);
}

/// BOUND, timer → RENEWING, same set → BOUND.
#[test]
fn pc_104_a_renewal_suggests_what_is_held_and_changes_nothing() {
    let (mut bench, _) = Bench::bound();
    let waited = bench.wait();
    assert!((1800.0..=2250.0).contains(&waited), "{waited}");
    let renewal = bench.sent();
    assert_eq!(bench.b4.state(), State::Renewing);
    assert_eq!(
        (&renewal[42..44], &renewal[56..60]),
        (&[0x68, 0][..], &[192, 0, 2, 5][..])
    );
    bench.hear(&Answer::GRANT.at(42 + waited as u32).to(&renewal));
    let sets = bench.did.iter().filter(|it| matches!(it, Action::Sets(_)));
    assert_eq!(sets.count(), 0, "the NAT keeps running");
    assert_eq!(bench.entered(), [State::Bound]);
}

/// RENEWING, other set → REBIND → BOUND (T-33).
#[test]
fn lw_027_another_set_takes_the_place_of_the_one_in_use() {
    let (mut bench, _) = Bench::bound();
    let waited = bench.wait();
    let renewal = bench.sent();
    bench.hear(&Answer::OTHER.at(42 + waited as u32).to(&renewal));
    assert_eq!(bench.sets, [run([192, 0, 2, 6], 4096, 6143)]);
    assert_eq!(bench.entered(), [State::Rebind, State::Bound]);
}

/// BOUND, Mapping Update with another set → REBIND.
#[test]
fn pc_145_lw_027_a_mapping_update_changes_the_set_in_use() {
    let (mut bench, request) = Bench::bound();
    bench.pass(10);
    bench.hear(&Answer::OTHER.at(52).to(&request));
    assert_eq!(bench.sets, [run([192, 0, 2, 6], 4096, 6143)]);
    assert_eq!(bench.entered(), [State::Rebind, State::Bound]);
}

/// RENEWING, error: in use until the lifetime is over → EXPIRED → REQUESTING.
#[test]
fn lw_004_after_its_lifetime_a_set_is_used_no_more() {
    let (mut bench, _) = Bench::bound();
    let start = bench.now;
    let waited = bench.wait();
    let renewal = bench.sent();
    bench.hear(
        &Answer {
            epoch_s: 42 + waited as u32,
            ..Answer::NO_RESOURCES
        }
        .to(&renewal),
    );
    assert_eq!(
        (bench.b4.state(), &bench.sets[..]),
        (State::Renewing, &[set()][..])
    );
    while bench.sets == [set()] {
        assert!(bench.now.since(start) <= Duration::from_secs(3600));
        bench.wait();
        bench.settle();
    }
    assert_eq!(bench.now.since(start), Duration::from_secs(3600));
    assert_eq!(bench.sets, []);
    let entered = bench.entered();
    assert_eq!(entered, [State::Expired, State::Requesting]);
}

/// RELEASE → IDLE.
#[test]
fn ps_007_a_release_deletes_with_port_set_in_three_tries_at_most() {
    let (mut bench, _) = Bench::bound();
    bench.b4.release(bench.now);
    let delete = bench.sent();
    assert_eq!((&delete[4..8], delete[60]), (&[0; 4][..], 130));
    assert_eq!((bench.b4.state(), bench.sets.len()), (State::Release, 0));
    for _ in 0..2 {
        bench.wait();
        assert_eq!(bench.sent(), delete);
    }
    bench.wait();
    assert_eq!(bench.entered(), [State::Idle]);
    assert_eq!(bench.b4.due(), None);
}

#[test]
fn ps_007_an_answered_release_is_over_at_once() {
    let (mut bench, _) = Bench::bound();
    bench.b4.release(bench.now);
    let delete = bench.sent();
    let answer = Answer {
        lifetime_s: 0,
        address: [0; 4],
        port: 0,
        ..Answer::GRANT
    };
    bench.hear(&answer.to(&delete));
    assert_eq!(bench.entered(), [State::Idle]);
}

#[test]
fn pc_107_nothing_is_given_back_to_a_server_that_refused() {
    let (mut bench, request) = Bench::asking();
    bench.hear(&Answer::NO_RESOURCES.to(&request));
    bench.did.clear();
    bench.b4.release(bench.now);
    bench.settle();
    assert_eq!(bench.b4.state(), State::Idle);
    assert!(bench.all_sent().is_empty());
}

/// any, tunnel source changed → RELEASE, then TUNNEL_UP.
#[test]
fn lw_026_a_set_goes_back_by_the_tunnel_that_it_came_by() {
    let (mut bench, _) = Bench::bound();
    bench
        .b4
        .tunnel_up(ELSEWHERE, TunnelBefore::Usable, bench.now);
    bench.settle();
    let tunnels = |bench: &Bench| -> Vec<Tunnel> {
        let sends = bench.did.iter().filter_map(|it| match it {
            Action::Send { tunnel, .. } => Some(*tunnel),
            _ => None,
        });
        sends.collect()
    };
    assert_eq!(tunnels(&bench), [TUNNEL]);
    let delete = bench.sent();
    let answer = Answer {
        lifetime_s: 0,
        address: [0; 4],
        port: 0,
        ..Answer::GRANT
    };
    bench.hear(&answer.to(&delete));
    assert_eq!(tunnels(&bench), [ELSEWHERE]);
    let entered = bench.entered();
    assert_eq!(entered, [State::Idle, State::TunnelUp, State::Requesting]);
}

/// any, tunnel source changed, and nothing can leave from the old one.
#[test]
fn lw_026_fo_003_a_set_follows_to_another_source_without_a_flush() {
    let (mut bench, _) = Bench::bound();
    bench.b4.tunnel_up(ELSEWHERE, TunnelBefore::Gone, bench.now);
    let request = bench.sent();
    assert_eq!(request[56..60], [192, 0, 2, 5], "it is suggested");
    bench.hear(&Answer::GRANT.to(&request));
    assert_eq!(
        (bench.b4.state(), &bench.sets[..]),
        (State::Bound, &[set()][..])
    );
    assert!(!bench.did.iter().any(|it| matches!(it, Action::Sets(_))));
}

#[test]
fn lw_026_a_set_that_may_not_follow_is_used_no_more() {
    let (mut bench, _) = Bench::bound();
    bench.b4.tunnel_up(ELSEWHERE, TunnelBefore::Gone, bench.now);
    let request = bench.sent();
    bench.hear(&Answer::NO_RESOURCES.to(&request));
    assert_eq!(bench.sets, []);
    assert_eq!(bench.entered(), [State::Expired, State::Backoff]);
}

/// BACKOFF, new tunnel address → REQUESTING.
#[test]
fn pc_107_a_new_source_or_server_clears_hold_times() {
    let other_server = Tunnel {
        remote: Ipv6Addr::LOCALHOST,
        ..TUNNEL
    };
    let mut nonces = Vec::new();
    for tunnel in [ELSEWHERE, other_server] {
        let (mut bench, request) = Bench::asking();
        bench.hear(&Answer::NO_RESOURCES.to(&request));
        bench.did.clear();
        bench.b4.tunnel_up(tunnel, TunnelBefore::Gone, bench.now);
        let again = bench.sent();
        assert_eq!(bench.b4.state(), State::Requesting);
        nonces.push(again[24..36] == request[24..36]);
    }
    assert_eq!(
        nonces,
        [true, false],
        "PC-102: another server, another nonce"
    );
}

#[test]
fn lw_004_without_a_tunnel_nothing_is_in_use_and_the_last_set_is_suggested_next_time() {
    let (mut bench, _) = Bench::bound();
    bench.b4.tunnel_down(bench.now);
    bench.settle();
    assert_eq!((bench.b4.state(), bench.sets.len()), (State::Idle, 0));
    bench.b4.tunnel_up(TUNNEL, TunnelBefore::Gone, bench.now);
    let request = bench.all_sent().remove(0);
    assert_eq!(
        (&request[42..44], &request[56..60]),
        (&[0x68, 0][..], &[192, 0, 2, 5][..])
    );
}

#[test]
fn lw_021_given_sets_last_as_long_as_their_lease() {
    let mut bench = Bench::new(config());
    bench.b4.tunnel_up(TUNNEL, TunnelBefore::Gone, bench.now);
    bench.settle();
    bench.did.clear();
    let until = bench.now + Duration::from_secs(600);
    bench.b4.give(vec![set()], Some(until), bench.now);
    bench.settle();
    assert_eq!(
        (bench.b4.state(), &bench.sets[..]),
        (State::Bound, &[set()][..])
    );
    bench.pass(300);
    bench.did.clear();
    // Renewed: the NAT keeps running; then another PSID: it does not (LW-027).
    let until = bench.now + Duration::from_secs(600);
    bench.b4.give(vec![set()], Some(until), bench.now);
    bench.settle();
    assert!(!bench.did.iter().any(|it| matches!(it, Action::Sets(_))));
    let psid = ExternalSet::psid(Ipv4Addr::new(192, 0, 2, 5), 6, 8, 0x34).unwrap();
    bench.b4.give(vec![psid], Some(until), bench.now);
    assert_eq!(bench.entered(), [State::Rebind, State::Bound]);
    assert_eq!(bench.sets, [psid]);
    near(bench.wait(), 600.0);
    assert_eq!(bench.entered(), [State::Expired]);
    assert_eq!(bench.sets, []);
}

#[test]
fn lw_026_given_sets_are_asked_for_again_when_the_source_changes() {
    let mut bench = Bench::new(config());
    bench.b4.give(vec![set()], None, bench.now);
    bench.b4.tunnel_up(TUNNEL, TunnelBefore::Gone, bench.now);
    bench.settle();
    assert!(!bench.did.contains(&Action::Reprovision));
    bench.b4.tunnel_up(ELSEWHERE, TunnelBefore::Gone, bench.now);
    bench.settle();
    assert!(bench.did.contains(&Action::Reprovision));
    assert!(bench.all_sent().is_empty(), "nobody is asked by PCP");
}

#[test]
fn an_lwb4_at_rest_takes_little_memory() {
    let (bench, _) = Bench::bound();
    let holders = bench.b4.holders.capacity() * size_of::<holder::Holder>();
    assert!(
        size_of::<Provisioning>() + holders <= 2048,
        "{} {holders}",
        size_of::<Provisioning>()
    );
    assert_eq!(bench.b4.actions.capacity(), 0);
}

/// DH-005: what tells an lwB4 to look for another lwAFTR.
#[test]
fn dh_005_a_server_is_silent_when_three_requests_have_no_answer() {
    let (mut bench, request) = Bench::asking();
    for sends in [3, 6] {
        bench.pass(sends);
        bench.settle();
        assert!(!bench.b4.is_silent(bench.now));
    }
    bench.pass(12);
    assert!(bench.b4.is_silent(bench.now));
    bench.hear(&Answer::GRANT.to(&request));
    assert!(!bench.b4.is_silent(bench.now));
    bench.wait();
    bench.settle();
    assert!(
        !bench.b4.is_silent(bench.now),
        "a renewal has just been sent"
    );
    bench.pass(21);
    assert!(bench.b4.is_silent(bench.now));
    let elsewhere = Tunnel {
        remote: std::net::Ipv6Addr::LOCALHOST,
        ..TUNNEL
    };
    bench.b4.tunnel_up(elsewhere, TunnelBefore::Gone, bench.now);
    bench.settle();
    assert!(!bench.b4.is_silent(bench.now), "another one is asked");
}
