//! More than one set.

use super::*;

const SECOND: Answer = Answer {
    address: [192, 0, 2, 5],
    port: 30720,
    port_set: Some((2048, 30720)),
    ..Answer::GRANT
};

fn second_set() -> ExternalSet {
    run([192, 0, 2, 5], 30720, 32767)
}

fn two() -> ProvisioningConfig {
    let pool = PoolConfig {
        max_sets: 2,
        ..PoolConfig::ONE
    };
    ProvisioningConfig { pool, ..config() }
}

fn used(set: ExternalSet, used_ports: u32) -> SetUse {
    SetUse { set, used_ports }
}

/// An lwB4 whose first set ran low, and the request that got the second.
pub(super) fn two_sets(config: ProvisioningConfig) -> (Bench, Vec<u8>) {
    let (mut bench, _) = Bench::bound_with(config);
    bench.b4.demand(&[used(set(), 1800)], bench.now);
    let request = bench.sent();
    bench.hear(&SECOND.to(&request));
    assert_eq!(bench.sets, [set(), second_set()]);
    bench.did.clear();
    (bench, request)
}

#[test]
fn ps_008_ps_009_ps_002_few_free_ports_ask_for_another_set_in_other_ports() {
    let (mut bench, first) = Bench::bound_with(two());
    bench.b4.demand(&[used(set(), 1792)], bench.now);
    assert!(bench.all_sent().is_empty(), "256 ports are free");
    bench.b4.demand(&[used(set(), 1793)], bench.now);
    let request = bench.sent();
    // Form 3: the widest run outside, 28672-65535, as Internal Port, Size and First Internal Port.
    assert_eq!(request[40..42], 28672_u16.to_be_bytes());
    assert_eq!(request[64..68], [0x90, 0, 0x70, 0]);
    assert_eq!(
        request[24..36],
        first[24..36],
        "a form 1 request is about all sets: one nonce"
    );
    bench.b4.demand(&[used(set(), 2048)], bench.now);
    assert!(bench.all_sent().is_empty(), "one at a time");
    bench.hear(&SECOND.to(&request));
    assert_eq!(bench.sets, [set(), second_set()]);
    bench
        .b4
        .demand(&[used(set(), 2048), used(second_set(), 2048)], bench.now);
    assert!(bench.all_sent().is_empty(), "no more than two");
}

#[test]
fn ps_050_whoever_may_have_one_set_asks_for_no_other() {
    let (mut bench, _) = Bench::bound();
    bench.b4.demand(&[used(set(), 2048)], bench.now);
    assert!(bench.all_sent().is_empty());
}

#[test]
fn ps_021_c_25_renewals_of_several_sets_are_about_one_each() {
    let (mut bench, _) = two_sets(two());
    // Both were granted at the same time, and chance is always in the middle here.
    bench.wait();
    let mut renewals = bench.all_sent();
    renewals.sort_by_key(|it| it[40..42].to_vec());
    let asked: Vec<_> = renewals.iter().map(|it| it[64..68].to_vec()).collect();
    assert_eq!(
        asked,
        [[8, 0, 0x68, 0], [0x90, 0, 0x78, 0]]
            .map(|[_, zero, first, last]| { vec![8, zero, first, last] })
    );
}

#[test]
fn ps_009_a_set_that_nobody_uses_goes_back_when_there_is_room_without_it() {
    let (mut bench, _) = two_sets(two());
    let idle = [used(set(), 100), used(second_set(), 0)];
    bench.b4.demand(&idle, bench.now);
    bench.pass(200);
    bench
        .b4
        .demand(&[used(set(), 100), used(second_set(), 1)], bench.now);
    bench.b4.demand(&idle, bench.now);
    bench.pass(299);
    bench.b4.demand(&idle, bench.now);
    assert!(bench.all_sent().is_empty(), "it was used 299 s ago");
    bench.pass(1);
    bench
        .b4
        .demand(&[used(set(), 1800), used(second_set(), 0)], bench.now);
    assert!(bench.all_sent().is_empty(), "it is needed");
    bench.b4.demand(&idle, bench.now);
    let delete = bench.sent();
    assert_eq!(
        (&delete[4..8], &delete[64..68]),
        (&[0; 4][..], &[8, 0, 0x78, 0][..])
    );
    assert_eq!(
        (bench.b4.state(), &bench.sets[..]),
        (State::Bound, &[set()][..])
    );
    let answer = Answer {
        lifetime_s: 0,
        ..Answer::GRANT
    };
    bench.hear(&answer.to(&delete));
    assert_eq!(
        (bench.b4.state(), &bench.sets[..]),
        (State::Bound, &[set()][..])
    );
}

#[test]
fn pc_107_a_refused_second_set_is_not_asked_for_again_while_the_error_lasts() {
    let (mut bench, _) = Bench::bound_with(two());
    let low = [used(set(), 2048)];
    bench.b4.demand(&low, bench.now);
    let request = bench.sent();
    let quota = Answer {
        result: 10,
        ..Answer::NO_RESOURCES
    };
    bench.hear(&quota.to(&request));
    assert_eq!(
        (bench.b4.state(), &bench.sets[..]),
        (State::Bound, &[set()][..])
    );
    bench.pass(29);
    bench.b4.demand(&low, bench.now);
    assert!(bench.all_sent().is_empty());
    bench.pass(1);
    bench.b4.demand(&low, bench.now);
    let request = bench.sent();
    assert_eq!(
        request[40..42],
        1024_u16.to_be_bytes(),
        "the other run of ports"
    );
}

#[test]
fn lw_027_when_the_first_set_goes_the_second_takes_its_place() {
    let (mut bench, _) = two_sets(two());
    bench.wait();
    let mut sent = bench.all_sent().into_iter();
    let of_first = |it: &Vec<u8>| it[40..42] == 26624_u16.to_be_bytes();
    let renewal = sent.find(of_first).unwrap();
    // The server says that it took it: a lifetime of 0.
    let gone = Answer {
        lifetime_s: 0,
        ..Answer::GRANT
    };
    let epoch_s = 42 + bench.now.since(Instant::from_secs(1000)).as_secs() as u32;
    bench.hear(&gone.at(epoch_s).to(&renewal));
    assert_eq!(bench.sets, [second_set()]);
    assert_eq!(bench.b4.state(), State::Bound);
}

#[test]
fn ps_007_all_sets_are_given_back_at_the_end() {
    let (mut bench, _) = two_sets(two());
    bench.b4.release(bench.now);
    let deletes = bench.all_sent();
    let named: Vec<_> = deletes.iter().map(|it| it[64..68].to_vec()).collect();
    assert_eq!(named, [[8, 0, 0x68, 0], [8, 0, 0x78, 0]]);
    let answer = Answer {
        lifetime_s: 0,
        ..Answer::GRANT
    };
    bench.hear(&answer.to(&deletes[0]));
    assert_eq!(bench.b4.state(), State::Release);
    bench.hear(&answer.to(&deletes[1]));
    assert_eq!((bench.b4.state(), bench.sets.len()), (State::Idle, 0));
}
