//! ICMPv6 1/5 (T-32).

use super::*;

fn error() -> Unbound {
    Unbound {
        source: TUNNEL.remote,
        quoted_source: TUNNEL.local,
        quoted_destination: TUNNEL.remote,
        quoted_next_header: 4,
        inner_source: Some(Ipv4Addr::new(192, 0, 2, 5)),
        inner_port: Some(27000),
    }
}

fn with(on_unbound: OnUnbound) -> Bench {
    Bench::bound_with(ProvisioningConfig {
        on_unbound,
        ..config()
    })
    .0
}

fn hear(bench: &mut Bench, error: &Unbound) {
    bench.b4.unbound(error, bench.now, &mut middle);
    bench.settle();
}

/// T-32.
#[test]
fn lw_034_fo_010_a_genuine_error_asks_once_in_a_hold_down_and_keeps_the_set() {
    let (mut bench, _) = Bench::bound();
    hear(&mut bench, &error());
    assert!(bench.wait() <= 5.0);
    let renewal = bench.sent();
    assert_eq!(
        (bench.b4.state(), &bench.sets[..]),
        (State::Renewing, &[set()][..])
    );
    bench.hear(&Answer::GRANT.at(44).to(&renewal));
    assert_eq!(bench.b4.state(), State::Bound);
    let due = bench.b4.due();
    for _ in 0..50 {
        bench.pass(1);
        hear(&mut bench, &error());
    }
    assert_eq!(bench.b4.due(), due);
    assert_eq!(bench.b4.drops().of(Drop::UnboundHeldDown), 50);
    bench.pass(10);
    hear(&mut bench, &error());
    assert!(bench.wait() <= 5.0);
    bench.sent();
}

/// T-32.
#[test]
fn lw_033_lw_034_errors_that_are_not_genuine_are_ignored() {
    let (mut bench, _) = Bench::bound();
    let due = bench.b4.due();
    let forged = [
        Unbound {
            source: Ipv6Addr::LOCALHOST,
            ..error()
        },
        Unbound {
            quoted_source: TUNNEL.remote,
            ..error()
        },
        Unbound {
            quoted_destination: TUNNEL.local,
            ..error()
        },
        Unbound {
            quoted_next_header: 41,
            ..error()
        },
        Unbound {
            inner_source: Some(Ipv4Addr::new(192, 0, 2, 6)),
            ..error()
        },
        Unbound {
            inner_port: Some(26623),
            ..error()
        },
        Unbound {
            inner_source: None,
            inner_port: None,
            ..error()
        },
    ];
    for error in &forged {
        hear(&mut bench, error);
    }
    assert_eq!((bench.b4.due(), &bench.did[..]), (due, &[][..]));
    assert_eq!(
        bench.b4.drops().of(Drop::UnboundNotOurs),
        forged.len() as u32
    );
    // A piece of a packet shows less.
    let piece = Unbound {
        quoted_next_header: 44,
        inner_source: None,
        inner_port: None,
        ..error()
    };
    hear(&mut bench, &piece);
    assert!(bench.wait() <= 5.0);
}

#[test]
fn fo_010_another_set_in_the_answer_is_a_flush() {
    let mut bench = with(OnUnbound::Verify);
    hear(&mut bench, &error());
    bench.wait();
    let renewal = bench.sent();
    bench.hear(&Answer::OTHER.at(44).to(&renewal));
    assert_eq!(bench.sets, [run([192, 0, 2, 6], 4096, 6143)]);
}

#[test]
fn fo_010_an_error_in_the_answer_takes_the_set_out_of_use() {
    let mut bench = with(OnUnbound::Verify);
    hear(&mut bench, &error());
    bench.wait();
    let renewal = bench.sent();
    bench.hear(&Answer::NO_RESOURCES.at(44).to(&renewal));
    assert_eq!(bench.sets, []);
    assert_eq!(bench.entered(), [State::Expired, State::Backoff]);
    near(bench.wait(), 30.0);
    assert_eq!(bench.entered(), [State::Requesting]);
}

#[test]
fn fo_010_silence_and_another_error_after_nine_seconds_say_enough() {
    let mut bench = with(OnUnbound::Verify);
    hear(&mut bench, &error());
    bench.wait();
    let asked = bench.now;
    bench.sent();
    while bench.now.since(asked) < Duration::from_secs(8) {
        bench.pass(1);
        hear(&mut bench, &error());
        assert_eq!(bench.sets, [set()]);
    }
    // Silence alone does not.
    bench.pass(30);
    assert_eq!(bench.sets, [set()]);
    hear(&mut bench, &error());
    assert_eq!(bench.sets, []);
    assert!(bench.wait() <= 5.0);
    let request = bench.all_sent().pop().unwrap();
    assert_eq!(bench.b4.state(), State::Requesting);
    bench.hear(&Answer::GRANT.to(&request));
    assert_eq!(bench.sets, [set()]);
}

#[test]
fn lw_032_who_wants_so_gives_the_set_up_at_once_and_asks_again() {
    let mut bench = with(OnUnbound::Deprovision);
    hear(&mut bench, &error());
    assert_eq!(bench.sets, []);
    assert!(bench.wait() <= 5.0);
    let request = bench.sent();
    assert_eq!(bench.b4.state(), State::Requesting);
    assert_eq!(request[56..60], [192, 0, 2, 5], "it is suggested");
}

#[test]
fn lw_032_who_wants_so_hears_no_such_errors() {
    let mut bench = with(OnUnbound::Ignore);
    let due = bench.b4.due();
    hear(&mut bench, &error());
    assert_eq!(bench.b4.due(), due);
    assert_eq!(bench.b4.drops().of(Drop::UnboundIgnored), 1);
}

#[test]
fn lw_032_given_sets_are_asked_for_where_they_came_from() {
    let mut bench = Bench::new(config());
    bench.b4.give(vec![set()], None, bench.now);
    bench.b4.tunnel_up(TUNNEL, TunnelBefore::Gone, bench.now);
    for _ in 0..3 {
        hear(&mut bench, &error());
    }
    let asked = bench.did.iter().filter(|it| **it == Action::Reprovision);
    assert_eq!(asked.count(), 1);
    assert_eq!(bench.sets, [set()]);
}
