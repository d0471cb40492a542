//! PEER (RFC 6887 s12).

use super::*;

const REMOTE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// Octet by octet: TCP 8080 of 192.168.1.10 to 198.51.100.7 port 443.
#[test]
fn pc_071_a_way_to_a_peer_is_opened() {
    let mut home = Home::new();
    let expected = [
        &[2, 0x82, 0, 0, 0, 0, 0x0e, 0x10, 0, 0, 0, 100][..],
        &[0; 12],
        b"0123456789ab",
        &[6, 0, 0, 0, 0x1f, 0x90, 0x68, 0],
        &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 5],
        &[0x01, 0xbb, 0, 0],
        &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 7],
    ];
    assert_eq!(home.answer(&ASKING.peer(REMOTE, 443)), expected.concat());
    let remote = Some(SocketAddrV4::new(REMOTE, 443));
    assert_eq!(home.mapping().key.remote, remote);
    let internal = (TCP, "192.168.1.10:8080".parse().unwrap());
    assert!(home.nat.open.contains_key(&(internal, remote)));
}

#[test]
fn pc_070_pc_071_a_peer_is_one_port_of_one_host() {
    let mut home = Home::new();
    let asking = |protocol, port| Asking {
        protocol,
        port,
        ..ASKING
    };
    let mut over_ipv6 = ASKING.peer(REMOTE, 443);
    over_ipv6[64..80].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    for request in [
        asking(0, 8080).peer(REMOTE, 443),
        asking(TCP, 0).peer(REMOTE, 443),
        ASKING.peer(REMOTE, 0),
        ASKING.peer(Ipv4Addr::UNSPECIFIED, 443),
        ASKING.peer(Ipv4Addr::BROADCAST, 443),
        ASKING.peer(Ipv4Addr::LOCALHOST, 443),
        ASKING.peer(Ipv4Addr::new(239, 1, 2, 3), 443),
        over_ipv6,
    ] {
        assert_eq!(home.result(&request), 3);
    }
    assert_eq!(home.nat.calls, 0);
}

#[test]
fn pc_070_pc_072_peer_prolongs_and_never_shortens_or_deletes() {
    let mut home = Home::new();
    let lasting = |lifetime_s| {
        let request = Asking {
            lifetime_s,
            ..ASKING
        };
        request.peer(REMOTE, 443)
    };
    let first = home.answer(&lasting(7200));
    assert_eq!(lifetime_s(&first), 7200);
    home.wait(200);
    for asked_s in [600, 1, 0] {
        let answer = home.answer(&lasting(asked_s));
        assert_eq!((answer[3], lifetime_s(&answer)), (0, 7000), "{asked_s}");
        assert_eq!(answer[42..60], first[42..60]);
    }
    assert_eq!(lifetime_s(&home.answer(&lasting(7500))), 7500);
    assert_eq!(home.nat.open.len(), 1);
    // Nothing comes of asking for nothing.
    let request = Asking {
        lifetime_s: 0,
        port: 1,
        ..ASKING
    };
    let answer = home.answer(&request.peer(REMOTE, 443));
    assert_eq!((answer[3], lifetime_s(&answer)), (0, 0));
    assert_eq!(home.nat.open.len(), 1);
}

#[test]
fn pc_070_a_suggestion_that_cannot_be_had_is_an_error_before_there_is_a_mapping() {
    let mut home = Home::new();
    let suggesting = |external| Asking { external, ..ASKING };
    for external in [(PUBLIC, 80), (OTHER_PUBLIC, 27000)] {
        let answer = home.answer(&suggesting(external).peer(REMOTE, 443));
        assert_eq!((answer[3], lifetime_s(&answer)), (11, 30));
    }
    assert!(home.nat.open.is_empty());
    let end = home.end(&suggesting((PUBLIC, 27000)).peer(REMOTE, 443));
    assert_eq!(end, SocketAddrV4::new(PUBLIC, 27000));
    // Found: whatever is suggested now does not matter.
    let again = home.end(&suggesting((PUBLIC, 80)).peer(REMOTE, 443));
    assert_eq!(again, end);
    let other_peer = home.end(&suggesting((PUBLIC, 80)).peer(REMOTE, 80));
    assert_eq!(other_peer, end, "endpoint-independent");
}

#[test]
fn pc_034_pc_071_another_nonce_is_not_authorized() {
    let mut home = Home::new();
    home.end(&ASKING.peer(REMOTE, 443));
    home.wait(600);
    let other = Asking {
        nonce: OTHER_NONCE,
        ..ASKING
    };
    for lifetime_s in [3600, 0] {
        let request = Asking {
            lifetime_s,
            ..other
        };
        let answer = home.answer(&request.peer(REMOTE, 443));
        assert_eq!((answer[3], self::lifetime_s(&answer)), (2, 3000));
    }
    assert_eq!(home.result(&other.peer(REMOTE, 80)), 0, "another mapping");
}

#[test]
fn pc_047_map_does_not_delete_what_peer_opened() {
    let mut home = Home::new();
    home.end(&ASKING.peer(REMOTE, 443));
    let deletes = Asking {
        lifetime_s: 0,
        ..ASKING
    };
    assert_eq!(home.result(&deletes.map()), 2);
    let all = Asking { port: 0, ..deletes };
    assert_eq!(home.result(&all.map()), 0);
    assert_eq!(home.nat.open.len(), 1);
}

#[test]
fn pd_001_a_peer_has_a_description() {
    let mut home = Home::new();
    let request = with(&ASKING.peer(REMOTE, 443), &[option(128, b"backup")]);
    let answer = home.answer(&request);
    assert_eq!(options_of(&answer, 56), [(128, b"backup".to_vec())]);
    assert_eq!(home.mapping().description.as_deref(), Some("backup"));
}
