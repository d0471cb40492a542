//! MAP (RFC 6887 s11.3, s15).

use super::*;

/// Octet by octet: TCP 8080 of 192.168.1.10 at 192.0.2.5 port 26624.
#[test]
fn pc_014_pc_033_a_port_is_mapped() {
    let mut home = Home::new();
    let expected = [
        &[2, 0x81, 0, 0, 0, 0, 0x0e, 0x10, 0, 0, 0, 100][..],
        &[0; 12],
        b"0123456789ab",
        &[6, 0, 0, 0, 0x1f, 0x90, 0x68, 0],
        &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 5],
    ];
    assert_eq!(home.answer(&ASKING.map()), expected.concat());
    let mapping = home.mapping();
    assert_eq!(mapping.expires, Instant::from_secs(4700));
    let key = ((TCP, "192.168.1.10:8080".parse().unwrap()), None);
    let (wanted, _) = &home.nat.open[&key];
    assert_eq!(wanted.expires, Instant::from_secs(4700));
    assert!(!wanted.exactly);
}

#[test]
fn pc_017_pc_038_the_same_request_gets_the_same_answer_and_a_new_lifetime() {
    let mut home = Home::new();
    let first = home.answer(&ASKING.map());
    assert_eq!(home.answer(&ASKING.map()), first);
    home.wait(1000);
    let suggests = Asking {
        external: (PUBLIC, 27000),
        ..ASKING
    };
    let answer = home.answer(&suggests.map());
    assert_eq!((end(&answer), lifetime_s(&answer)), (end(&first), 3600));
    assert_eq!(home.mapping().expires, Instant::from_secs(5700));
}

#[test]
fn pc_031_pc_041_one_port_of_one_protocol_is_what_a_shared_address_has() {
    let mut home = Home::new();
    for (protocol, port, result) in [(0, 1, 3), (0, 0, 9), (TCP, 0, 9), (47, 1, 9), (1, 1, 9)] {
        let request = Asking {
            protocol,
            port,
            ..ASKING
        };
        assert_eq!(home.result(&request.map()), result, "{protocol} {port}");
    }
    assert!(home.nat.open.is_empty());
    home.end(&ASKING.map());
    assert_eq!(home.nat.open.len(), 1);
}

/// A port set is not what a LAN host gets; without PORT_SET the rule of MAP holds (C-01).
#[test]
fn pc_014_port_set_is_ignored() {
    let mut home = Home::new();
    let set = option(130, &[0, 16, 0x1f, 0x90, 0]);
    let answer = home.answer(&with(&ASKING.map(), &[set]));
    assert_eq!((answer[3], answer.len()), (0, 60));
}

#[test]
fn pc_034_another_nonce_is_not_authorized_for_the_rest_of_the_mapping() {
    let mut home = Home::new();
    home.end(&ASKING.map());
    home.wait(600);
    let other = Asking {
        nonce: OTHER_NONCE,
        ..ASKING
    };
    let answer = home.answer(&other.map());
    assert_eq!((answer[3], lifetime_s(&answer)), (2, 3000));
    let deletes = Asking {
        lifetime_s: 0,
        ..other
    };
    let answer = home.answer(&deletes.map());
    assert_eq!((answer[3], lifetime_s(&answer)), (2, 3000));
    assert_eq!(home.mapping().expires, Instant::from_secs(4700));
    home.wait(3000);
    assert_eq!(home.result(&other.map()), 0, "it has ended");
}

#[test]
fn pc_034_what_a_host_opened_to_a_peer_nobody_else_opens_to_all() {
    let mut home = Home::new();
    let remote = Ipv4Addr::new(198, 51, 100, 7);
    home.end(&ASKING.peer(remote, 443));
    let other = Asking {
        nonce: OTHER_NONCE,
        ..ASKING
    };
    assert_eq!(home.result(&other.map()), 2);
    assert_eq!(home.result(&ASKING.map()), 0);
}

#[test]
fn pc_038_a_port_that_packets_use_keeps_its_public_end() {
    let mut home = Home::new();
    let internal = (TCP, "192.168.1.10:8080".parse().unwrap());
    let used = SocketAddrV4::new(PUBLIC, 27777);
    home.nat.implicit.insert(internal, used);
    let suggests = Asking {
        external: (PUBLIC, 27000),
        ..ASKING
    };
    assert_eq!(home.end(&suggests.map()), used);
}

#[test]
fn pc_039_a_suggestion_is_honoured_and_never_hurts() {
    let mut home = Home::new();
    let suggests = |port, external| Asking {
        port,
        external,
        ..ASKING
    };
    let asked = suggests(1, (PUBLIC, 27000));
    assert_eq!(home.end(&asked.map()), SocketAddrV4::new(PUBLIC, 27000));
    // Taken, out of the set, at another address, at an IPv6 address.
    for (port, external) in [
        (2, (PUBLIC, 27000)),
        (3, (PUBLIC, 80)),
        (4, (Ipv4Addr::new(203, 0, 113, 9), 27001)),
    ] {
        let end = home.end(&suggests(port, external).map());
        assert_eq!(*end.ip(), PUBLIC);
        assert!((26624..=28671).contains(&end.port()));
    }
    let mut request = suggests(5, (PUBLIC, 27002)).map();
    request[44..60].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    home.end(&request);
    assert_eq!(home.nat.open.len(), 5);
}

/// C-04: both lie in ordinary sets.
#[test]
fn pc_040_the_ports_of_pcp_are_nobodys() {
    let mut home = Home::new();
    home.nat = FakeNat::with(PUBLIC, 5350..=5352);
    let asking = |protocol, port, external_port| Asking {
        protocol,
        port,
        external: (PUBLIC, external_port),
        ..ASKING
    };
    // The NAT is not even asked for them.
    let prefers = option(2, &[]);
    for port in [5350, 5351] {
        let request = with(&asking(UDP, 1, port).map(), std::slice::from_ref(&prefers));
        assert_eq!(home.result(&request), 11);
        assert_eq!(home.nat.calls, 0);
    }
    // What it has given all the same is given back.
    assert_eq!(home.result(&asking(UDP, 2, 5351).map()), 8);
    assert!(home.nat.open.is_empty());
    assert_eq!(home.end(&asking(UDP, 3, 5352).map()).port(), 5352);
    assert_eq!(home.end(&asking(TCP, 4, 5351).map()).port(), 5351);
}

/// PX-002: a host with many ports leaves others theirs.
#[test]
fn pc_042_px_002_a_host_has_its_share() {
    let mut home = Home::with(LanConfig {
        mappings_per_host: 2,
        mappings: 3,
        ..LanConfig::default()
    });
    let port = |port| Asking { port, ..ASKING };
    assert_eq!(home.result(&port(1).map()), 0);
    assert_eq!(home.result(&port(2).map()), 0);
    let answer = home.answer(&port(3).map());
    assert_eq!((answer[3], lifetime_s(&answer)), (10, 30));
    assert_eq!(home.result(&port(2).map()), 0, "what it has it may refresh");
    let other = |port| Asking {
        host: OTHER_HOST,
        ..self::Asking { port, ..ASKING }
    };
    let mut hear = |port| home.hear_from(OTHER_HOST, &other(port).map()).unwrap()[3];
    assert_eq!(hear(1), 0);
    assert_eq!(hear(2), 8, "there is no room for more of anybody");
}

#[test]
fn px_001_pc_043_no_lifetime_goes_beyond_its_bounds_or_the_leased_set() {
    let mut home = Home::new();
    let lasting = |lifetime_s| Asking {
        lifetime_s,
        ..ASKING
    };
    for (asked_s, granted_s) in [(1, 120), (600, 600), (u32::MAX, 86400)] {
        let answer = home.answer(&lasting(asked_s).map());
        assert_eq!(lifetime_s(&answer), granted_s);
    }
    // 1000.9 seconds are left: 1000 are promised.
    home.set_expires = Some(Instant::from_nanos(2_100_900_000_000));
    assert_eq!(lifetime_s(&home.answer(&lasting(3600).map())), 1000);
    home.set_expires = Some(Instant::from_secs(1130));
    assert_eq!(lifetime_s(&home.answer(&lasting(3600).map())), 30);
    home.set_expires = Some(home.now);
    let other_port = Asking {
        port: 1,
        ..lasting(3600)
    };
    let answer = home.answer(&other_port.map());
    assert_eq!((answer[3], lifetime_s(&answer)), (7, 30));
}

#[test]
fn without_a_public_address_a_request_is_refused_for_a_short_time() {
    let mut home = Home::new();
    home.nat.sets.clear();
    let answer = home.answer(&ASKING.map());
    assert_eq!((answer[3], lifetime_s(&answer)), (7, 30));
    home.nat = FakeNat::with(PUBLIC, 26624..=26624);
    home.end(&ASKING.map());
    let other_port = Asking { port: 1, ..ASKING };
    let answer = home.answer(&other_port.map());
    assert_eq!((answer[3], lifetime_s(&answer)), (8, 30));
}

/// C-18: the address of the answer is all zeros, but IPv4's.
#[test]
fn pc_046_a_delete_succeeds_once_and_twice() {
    let mut home = Home::new();
    home.end(&ASKING.map());
    let deletes = Asking {
        lifetime_s: 0,
        ..ASKING
    };
    for _ in 0..2 {
        let answer = home.answer(&deletes.map());
        assert_eq!((answer[3], lifetime_s(&answer)), (0, 0));
        assert_eq!(end(&answer), SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
        assert_eq!(answer[24..], deletes.map()[24..]);
        assert!(home.nat.open.is_empty());
        assert_eq!(home.server.mappings().count(), 0);
    }
}

#[test]
fn pc_047_what_packets_made_is_not_deleted() {
    let mut home = Home::new();
    let internal = (TCP, "192.168.1.10:8080".parse().unwrap());
    let used = SocketAddrV4::new(PUBLIC, 27777);
    home.nat.implicit.insert(internal, used);
    let deletes = Asking {
        lifetime_s: 0,
        ..ASKING
    };
    assert_eq!(home.result(&deletes.map()), 2);
    assert_eq!(home.nat.calls, 0);
}

#[test]
fn pc_047_all_ports_are_those_of_the_nonce_and_protocol() {
    let mut home = Home::new();
    let asking = |protocol, port, nonce| Asking {
        protocol,
        port,
        nonce,
        ..ASKING
    };
    let setup = |home: &mut Home| {
        home.end(&asking(TCP, 1, NONCE).map());
        home.end(&asking(UDP, 2, NONCE).map());
        home.end(&asking(TCP, 3, OTHER_NONCE).map());
        let elsewhere = Asking {
            host: OTHER_HOST,
            ..asking(TCP, 4, NONCE)
        };
        home.hear_from(OTHER_HOST, &elsewhere.map());
    };
    let left = |home: &Home| -> Vec<u16> {
        let open = home.nat.open.keys();
        let mut ports: Vec<_> = open.map(|((_, internal), _)| internal.port()).collect();
        ports.sort_unstable();
        ports
    };
    let delete = |protocol, port| Asking {
        lifetime_s: 0,
        ..asking(protocol, port, NONCE)
    };
    setup(&mut home);
    assert_eq!(home.result(&delete(TCP, 0).map()), 0);
    assert_eq!(left(&home), [2, 3, 4]);
    setup(&mut home);
    assert_eq!(home.result(&delete(0, 0).map()), 0);
    assert_eq!(left(&home), [3, 4]);
    assert_eq!(home.result(&delete(0, 3).map()), 3);
}

/// Delete by delete, with the nonce of the set or without: what a LAN host says never leaves the LAN, and
/// what it may delete is its own.
#[test]
fn c_26_no_host_deletes_what_is_not_its_own() {
    let mut home = Home::new();
    home.end(&ASKING.map());
    let before = home.nat.open.clone();
    let elsewhere = Asking {
        host: OTHER_HOST,
        lifetime_s: 0,
        ..ASKING
    };
    for (protocol, port) in [(TCP, 8080), (TCP, 0), (0, 0)] {
        let request = Asking {
            protocol,
            port,
            ..elsewhere
        };
        let set = option(130, &[0xff, 0xff, 0, 1, 0]);
        for octets in [request.map(), with(&request.map(), &[set])] {
            home.hear_from(OTHER_HOST, &octets).unwrap();
        }
    }
    assert_eq!(home.nat.open, before);
}

#[test]
fn nt_024_a_mapping_ends_when_its_time_is_over_and_not_before() {
    let mut home = Home::new();
    home.end(&ASKING.map());
    let Home { server, nat, .. } = &mut home;
    server.expire(nat, Instant::from_nanos(4_699_999_999_999));
    assert_eq!(nat.open.len(), 1);
    server.expire(nat, Instant::from_secs(4700));
    assert!(nat.open.is_empty());
    assert_eq!(server.counters().expired, 1);
}
