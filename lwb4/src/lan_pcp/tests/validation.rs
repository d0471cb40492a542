//! Which requests are read at all (RFC 6887 s8.2, s9).

use super::*;

#[test]
fn pc_002_pc_003_pc_005_what_is_no_request_gets_silence() {
    let mut home = Home::new();
    let mut response = ASKING.map();
    response[1] |= 0x80;
    for octets in [&[][..], &[2], &[2, 1, 0, 0], &response] {
        assert_eq!(home.hear(octets), None);
    }
    assert_eq!(home.server.counters().silent, 4);
    assert_eq!(home.nat.calls, 0);
}

#[test]
fn pc_001_nobody_and_everybody_get_silence() {
    let mut home = Home::new();
    for host in [
        Ipv4Addr::UNSPECIFIED,
        Ipv4Addr::BROADCAST,
        Ipv4Addr::new(224, 0, 0, 1),
    ] {
        let request = Asking { host, ..ASKING };
        assert_eq!(home.hear_from(host, &request.map()), None);
    }
    assert_eq!(home.nat.calls, 0);
}

/// The example of the conformance list, with the epoch of a server that is 100 seconds old.
#[test]
fn np_001_pc_004_nat_pmp_hears_the_version_that_is_spoken() {
    let mut home = Home::new();
    let expected = [
        2, 0x80, 0, 1, 0, 0, 7, 8, 0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    assert_eq!(home.answer(&[0, 0]), expected);
    // A map request of NAT-PMP: TCP 8080 for an hour. What it says comes back where it does not stand in
    // the way.
    let request = [0, 2, 0, 0, 0x1f, 0x90, 0, 0, 0, 0, 0x0e, 0x10];
    let mut expected = expected;
    expected[1] = 0x82;
    assert_eq!(home.answer(&request), expected);
    let future = [&[3, 1][..], &ASKING.map()[2..]].concat();
    assert_eq!(home.answer(&future)[..4], [2, 0x81, 0, 1]);
}

#[test]
fn pc_007_pc_008_pc_009_lengths_addresses_and_opcodes_are_looked_at_in_this_order() {
    let mut home = Home::new();
    let request = ASKING.map();
    let from_another = Asking {
        host: OTHER_HOST,
        ..ASKING
    };
    let mut odd_from_another = from_another.map();
    odd_from_another.push(0);
    let unknown = [header(3, 0, HOST), vec![1, 2, 3, 4]].concat();
    let unknown_from_another = header(3, 0, OTHER_HOST);
    let long = [request.clone(), vec![0; 1044]].concat();
    for (octets, result) in [
        (&request[..56], 3),
        (&odd_from_another, 3),
        (&long, 3),
        (&from_another.map(), 12),
        (&unknown_from_another, 12),
        (&unknown, 4),
    ] {
        assert_eq!(home.result(octets), result);
    }
    assert_eq!(home.nat.calls, 0);
}

/// Octet by octet: the request, but for R, result, lifetime, epoch and the 96 reserved bits.
#[test]
fn pc_012_pc_013_an_error_is_the_request_with_another_header() {
    let mut home = Home::new();
    let request = with(&ASKING.map(), &[option(77, b"what"), option(200, b"opt")]);
    let answer = home.answer(&request);
    let expected = [
        &[2, 0x81, 0, 5, 0, 0, 7, 8, 0, 0, 0, 100][..],
        &[0; 12],
        &request[24..],
    ];
    assert_eq!(answer, expected.concat());
    assert_eq!(home.nat.calls, 0);
}

#[test]
fn pc_030_opcodes_can_be_disabled() {
    use pcp::wire::Enabled;
    let remote = Ipv4Addr::new(198, 51, 100, 7);
    let mut config = LanConfig::default();
    for (opcodes, map, peer) in [
        (Enabled::MapAndPeer, 0, 0),
        (Enabled::Map, 0, 4),
        (Enabled::Peer, 4, 0),
    ] {
        config.opcodes = opcodes;
        let mut home = Home::with(config);
        assert_eq!(home.result(&ASKING.map()), map);
        assert_eq!(home.result(&ASKING.peer(remote, 443)), peer);
    }
}

#[test]
fn answers_are_counted_by_opcode_and_result() {
    let mut home = Home::new();
    home.answer(&ASKING.map());
    home.answer(&ASKING.map());
    home.answer(&header(0, 0, HOST));
    home.answer(&header(9, 0, HOST));
    home.answer(&[0, 0]);
    home.hear(&[0]);
    let named: Vec<_> = home.server.counters().named().collect();
    let expected = [
        ("announce-success", 1),
        ("announce-unsupp-version", 1),
        ("map-success", 2),
        ("other-unsupp-opcode", 1),
        ("silent", 1),
    ];
    assert_eq!(
        named,
        expected.map(|(name, count)| (name.to_owned(), count))
    );
}
