//! What comes in, and whether it is ours.

use super::*;

/// An unsolicited ANNOUNCE (conformance list, s3.6).
fn announce(epoch_s: u32) -> Vec<u8> {
    let mut octets = vec![2, 0x80, 0, 0, 0, 0, 0, 0];
    octets.extend(epoch_s.to_be_bytes());
    octets.extend([0; 12]);
    octets
}

fn group() -> SocketAddr {
    "224.0.0.1:5350".parse().unwrap()
}

const BY_GROUP: Way = Way::Tunnel {
    outer_source: TUNNEL.remote,
    outer_destination: OuterDestination::Group,
};

/// T-35.
#[test]
fn pc_102_pc_103_without_an_answer_the_same_request_is_sent_again_by_the_timers() {
    let (mut bench, request) = Bench::asking();
    let mut seed = Seed(35);
    let mut expected = 3.0_f64;
    for _ in 0..14 {
        let waited = bench.wait();
        let past = if expected == 3.0 { "IRT" } else { "RT" };
        assert!(waited <= 1024.0 * 1.1 + 0.01, "{waited}");
        assert!(
            (expected * 0.89..=expected * 1.11).contains(&waited),
            "{past} {expected} {waited}"
        );
        let sent = bench.b4.poll(bench.now, &mut &mut seed);
        let Some(Action::Send { payload, .. }) = sent else {
            panic!("{sent:?}");
        };
        assert_eq!(payload.to_vec(), request);
        expected = (waited * 2.0).min(1024.0);
        if bench.b4.since() != Instant::from_secs(1000) {
            panic!("the state is the same all the time");
        }
    }
    assert_eq!(bench.b4.state(), State::Requesting);
}

#[test]
fn pc_105_an_answer_that_is_not_ours_is_dropped_and_counted_and_changes_nothing() {
    let (mut bench, request) = Bench::asking();
    let good = Answer::GRANT.to(&request);
    let changed = |place: usize| {
        let mut octets = good.clone();
        octets[place] ^= 1;
        octets
    };
    let due = bench.b4.due();
    let payloads = [
        changed(24),
        changed(36),
        changed(41),
        changed(1),
        request.clone(),
        good[..3].to_vec(),
        Vec::new(),
    ];
    for payload in &payloads {
        bench.hear(payload);
    }
    let elsewhere = Way::Tunnel {
        outer_source: Ipv6Addr::LOCALHOST,
        outer_destination: OuterDestination::Own,
    };
    let other_port = SocketAddr::new(SERVER.ip(), 5350);
    bench.hear_by(elsewhere, SERVER, OWN, &good);
    bench.hear_by(Way::Plain, SERVER, OWN, &good);
    bench.hear_by(IN_TUNNEL, other_port, OWN, &good);
    bench.hear_by(IN_TUNNEL, OWN, OWN, &good);
    bench.hear_by(IN_TUNNEL, SERVER, SocketAddr::new(OWN.ip(), 5350), &good);
    let dropped = payloads.len() as u32 + 5;
    assert_eq!(bench.b4.drops().of(Drop::PcpNotOurs), dropped);
    for drop in Drop::ALL.into_iter().skip(1) {
        assert_eq!(bench.b4.drops().of(drop), 0);
    }
    assert_eq!(bench.did, []);
    assert_eq!((bench.b4.state(), bench.b4.due()), (State::Requesting, due));
    bench.hear(&good);
    assert_eq!(bench.sets, [set()]);
}

/// BOUND, ANNOUNCE → RENEWING after 0–5 s; both ways that it may come.
#[test]
fn pc_143_fo_016_an_announcement_of_a_lost_state_renews_within_five_seconds() {
    for (way, destination) in [(IN_TUNNEL, OWN), (IN_TUNNEL, group()), (BY_GROUP, group())] {
        let (mut bench, _) = Bench::bound();
        bench.pass(50);
        // In range: nothing to do.
        let due = bench.b4.due();
        bench.hear_by(way, SERVER, destination, &announce(92));
        assert_eq!((bench.b4.due(), &bench.did[..]), (due, &[][..]));
        bench.hear_by(way, SERVER, destination, &announce(0));
        assert_eq!(bench.b4.state(), State::Bound);
        assert!(bench.wait() <= 5.0);
        let renewal = bench.sent();
        assert_eq!(
            (bench.b4.state(), &bench.sets[..]),
            (State::Renewing, &[set()][..])
        );
        bench.hear(&Answer::GRANT.at(3).to(&renewal));
        assert_eq!(bench.b4.state(), State::Bound);
        assert_eq!(bench.b4.drops(), &Drops::default());
    }
}

#[test]
fn fo_016_an_announcement_from_elsewhere_changes_nothing() {
    let (mut bench, _) = Bench::bound();
    let due = bench.b4.due();
    let not_the_lwaftr = Way::Tunnel {
        outer_source: Ipv6Addr::LOCALHOST,
        outer_destination: OuterDestination::Group,
    };
    bench.hear_by(not_the_lwaftr, SERVER, group(), &announce(0));
    bench.hear_by(BY_GROUP, OWN, group(), &announce(0));
    bench.hear_by(
        IN_TUNNEL,
        SocketAddr::new(SERVER.ip(), 5350),
        OWN,
        &announce(0),
    );
    assert_eq!(bench.b4.drops().of(Drop::PcpNotOurs), 3);
    assert_eq!(bench.b4.due(), due);
}

#[test]
fn fo_016_nothing_but_announcements_is_heard_by_the_group() {
    let (mut bench, request) = Bench::asking();
    let good = Answer::GRANT.to(&request);
    bench.hear_by(BY_GROUP, SERVER, group(), &good);
    bench.hear_by(BY_GROUP, SERVER, OWN, &good);
    bench.hear_by(BY_GROUP, SERVER, OWN, &announce(0));
    bench.hear_by(IN_TUNNEL, SERVER, group(), &good);
    assert_eq!(bench.b4.drops().of(Drop::PcpNotForGroup), 4);
    assert_eq!((bench.b4.state(), bench.sets.len()), (State::Requesting, 0));
}

/// T-36 at this height: the epoch of any answer counts.
#[test]
fn pc_081_pc_082_an_epoch_that_went_back_renews_everything() {
    let pool = PoolConfig {
        max_sets: 2,
        ..PoolConfig::ONE
    };
    let (mut bench, second) = super::pool::two_sets(ProvisioningConfig { pool, ..config() });
    bench.pass(100);
    bench.did.clear();
    bench.hear(&Answer::OTHER.at(0).to(&second));
    let mut asked: Vec<Vec<u8>> = Vec::new();
    let start = bench.now;
    while bench.now.since(start) < Duration::from_secs(5) && asked.len() < 2 {
        bench.wait();
        asked.extend(bench.all_sent().into_iter().map(|it| it[40..42].to_vec()));
    }
    assert!(
        asked.contains(&26624_u16.to_be_bytes().to_vec()),
        "{asked:?}"
    );
}

#[test]
fn pc_100_a_server_with_an_ipv6_address_is_asked_beside_the_tunnel() {
    let server: std::net::IpAddr = "2001:db8::53".parse().unwrap();
    let mut bench = Bench::new(ProvisioningConfig { server, ..config() });
    bench.b4.tunnel_up(TUNNEL, TunnelBefore::Gone, bench.now);
    bench.settle();
    let Some(Action::Send {
        source,
        destination,
        payload,
        ..
    }) = bench.did.pop()
    else {
        panic!("nothing is sent");
    };
    let own = SocketAddr::new(TUNNEL.local.into(), CLIENT_PORT);
    assert_eq!((source, destination), (own, SocketAddr::new(server, 5351)));
    assert_eq!(payload[8..24], TUNNEL.local.octets());
    let answer = Answer::GRANT.to(&payload);
    bench.hear_by(IN_TUNNEL, destination, own, &answer);
    assert_eq!(bench.sets, []);
    bench.hear_by(Way::Plain, destination, own, &answer);
    assert_eq!(bench.sets, [set()]);
}

#[test]
fn pc_101_a_random_port_is_never_one_of_pcp() {
    let mut seed = Seed(1);
    for _ in 0..20_000 {
        let config = ProvisioningConfig {
            client_port: 0,
            ..config()
        };
        let b4 = Provisioning::new(
            config,
            Suggestions::default(),
            Instant::default(),
            &mut &mut seed,
        );
        assert!(b4.client_port() >= 1024 && ![5350, 5351].contains(&b4.client_port()));
    }
}

#[test]
fn pc_110_what_the_last_run_had_is_suggested_and_not_expected() {
    let remembered = memory::Remembered {
        remote: TUNNEL.remote,
        server: SERVER.ip(),
        client_port: CLIENT_PORT,
        sets: vec![run([192, 0, 2, 77], 2048, 4095)],
        epoch_s: None,
    };
    let now = Instant::from_secs(1000);
    let mut bench = Bench::new(config());
    let suggestions = Suggestions::of(Some(&remembered));
    bench.b4 = Provisioning::new(config(), suggestions, now, &mut middle);
    bench.b4.tunnel_up(TUNNEL, TunnelBefore::Gone, now);
    let request = bench.sent();
    assert_eq!(
        (&request[42..44], &request[56..60]),
        (&[8, 0][..], &[192, 0, 2, 77][..])
    );
    bench.hear(&Answer::GRANT.to(&request));
    assert_eq!(bench.sets, [set()]);
}
