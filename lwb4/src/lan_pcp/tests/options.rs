//! Options (RFC 6887 s13, RFC 7220).

use super::*;
use crate::explicit::RemoteFilter;

/// FILTER for 198.51.100.0/24 port 443, by hand.
fn filter(third_octet: u8, prefix_length: u8, port: u16) -> Vec<u8> {
    let [high, low] = port.to_be_bytes();
    let start = [0, prefix_length, high, low];
    let address = mapped(Ipv4Addr::new(198, 51, third_octet, 0));
    option(3, &[&start[..], &address].concat())
}

fn no_filter() -> Vec<u8> {
    let start = [0, 0, 0, 0];
    option(3, &[&start[..], &mapped(Ipv4Addr::UNSPECIFIED)].concat())
}

fn remote(third_octet: u8, prefix_length: u8, port: u16) -> RemoteFilter {
    RemoteFilter {
        remote: SocketAddrV4::new(Ipv4Addr::new(198, 51, third_octet, 0), port),
        prefix_length,
    }
}

/// What the NAT was told of the one mapping that there is.
fn filters_of(home: &Home) -> Vec<RemoteFilter> {
    let (wanted, _) = home.nat.open.values().next().expect("a mapping");
    assert_eq!(wanted.filters, home.mapping().filters);
    wanted.filters.clone()
}

#[test]
fn pc_010_pc_011_options_are_read_in_order_and_the_first_error_counts() {
    let mut home = Home::new();
    let third_party = option(1, &mapped(OTHER_HOST));
    let unknown = option(77, b"what");
    let broken = option(2, b"long");
    let past_the_end = vec![200, 0, 0, 9, 1, 2, 3, 4];
    for (options, result) in [
        (vec![unknown.clone(), broken.clone()], 5),
        (vec![broken.clone(), unknown.clone()], 6),
        (vec![unknown, past_the_end], 6),
        (vec![option(2, &[]), option(2, &[])], 6),
        (vec![third_party.clone(), third_party], 5),
        (vec![option(200, b"whatever")], 0),
    ] {
        let request = Asking {
            external: (PUBLIC, 27000),
            ..ASKING
        };
        assert_eq!(home.result(&with(&request.map(), &options)), result);
    }
}

#[test]
fn pc_060_nobody_speaks_for_others() {
    let mut home = Home::new();
    let third_party = option(1, &mapped(OTHER_HOST));
    let of_itself = option(1, &mapped(HOST));
    let third_party_id = option(13, b"line 7");
    for option in [third_party, of_itself, third_party_id] {
        for request in [ASKING.map(), ASKING.peer(Ipv4Addr::new(9, 9, 9, 9), 1)] {
            assert_eq!(
                home.result(&with(&request, std::slice::from_ref(&option))),
                5
            );
        }
    }
    assert_eq!(home.nat.calls, 0);
}

#[test]
fn pc_062_prefer_failure_is_the_suggestion_or_nothing() {
    let mut home = Home::new();
    let prefers = [option(2, &[])];
    let asking = |port, external| Asking {
        port,
        external,
        ..ASKING
    };
    let request = with(&asking(1, (PUBLIC, 27000)).map(), &prefers);
    let answer = home.answer(&request);
    assert_eq!(end(&answer), SocketAddrV4::new(PUBLIC, 27000));
    assert_eq!(options_of(&answer, 36), [(2, vec![])]);
    assert!(home.nat.open.values().all(|(wanted, _)| wanted.exactly));
    // Any address will do.
    let request = with(&asking(2, (Ipv4Addr::UNSPECIFIED, 27001)).map(), &prefers);
    assert_eq!(home.end(&request), SocketAddrV4::new(PUBLIC, 27001));
    let before = home.nat.open.clone();
    for external in [(PUBLIC, 27000), (PUBLIC, 80), (OTHER_PUBLIC, 27002)] {
        let answer = home.answer(&with(&asking(3, external).map(), &prefers));
        assert_eq!((answer[3], lifetime_s(&answer)), (11, 30));
    }
    assert_eq!(home.nat.open, before);
}

#[test]
fn pc_038_prefer_failure_does_not_move_a_mapping() {
    let mut home = Home::new();
    let first = home.end(&ASKING.map());
    home.wait(600);
    let prefers = [option(2, &[])];
    let elsewhere = Asking {
        external: (PUBLIC, 27000),
        ..ASKING
    };
    let answer = home.answer(&with(&elsewhere.map(), &prefers));
    assert_eq!((answer[3], lifetime_s(&answer)), (11, 3000));
    assert_eq!(home.mapping().expires, Instant::from_secs(4700));
    let there = Asking {
        external: (PUBLIC, first.port()),
        ..ASKING
    };
    assert_eq!(home.end(&with(&there.map(), &prefers)), first);
}

#[test]
fn pc_036_pc_062_pc_063_options_that_make_no_sense_are_malformed() {
    let mut home = Home::new();
    let prefers = option(2, &[]);
    let deletes = Asking {
        lifetime_s: 0,
        external: (PUBLIC, 27000),
        ..ASKING
    };
    let peer = ASKING.peer(Ipv4Addr::new(198, 51, 100, 7), 443);
    let over_ipv6 = option(3, &[&[0, 64, 1, 187, 0x20, 1][..], &[0; 14]].concat());
    for (request, option, result) in [
        (ASKING.map(), &prefers, 6),
        (deletes.map(), &prefers, 6),
        (peer.clone(), &prefers, 3),
        (deletes.map(), &filter(100, 120, 443), 6),
        (peer, &filter(100, 120, 443), 6),
        (ASKING.map(), &filter(100, 95, 443), 6),
        (ASKING.map(), &filter(100, 129, 443), 6),
        (ASKING.map(), &over_ipv6, 6),
    ] {
        let request = with(&request, std::slice::from_ref(option));
        assert_eq!(home.result(&request), result, "{request:?}");
    }
    assert_eq!(home.nat.calls, 0);
}

#[test]
fn pc_063_filters_are_added_until_they_are_removed() {
    let mut home = Home::new();
    let both = [filter(100, 120, 443), filter(101, 96, 0)];
    let answer = home.answer(&with(&ASKING.map(), &both));
    assert_eq!(answer[60..], both.concat());
    // A prefix of no bits has no address.
    let any = RemoteFilter {
        remote: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        prefix_length: 0,
    };
    assert_eq!(filters_of(&home), [remote(100, 24, 443), any]);
    home.answer(&ASKING.map());
    assert_eq!(filters_of(&home).len(), 2, "a refresh leaves them");
    home.answer(&with(
        &ASKING.map(),
        &[filter(100, 120, 443), filter(102, 120, 1)],
    ));
    let three = [remote(100, 24, 443), any, remote(102, 24, 1)];
    assert_eq!(filters_of(&home), three);
    let anew = [filter(103, 120, 1), no_filter(), filter(104, 128, 0)];
    let answer = home.answer(&with(&ASKING.map(), &anew));
    assert_eq!(answer[60..], anew.concat());
    assert_eq!(filters_of(&home), [remote(104, 32, 0)]);
    home.answer(&with(&ASKING.map(), &[no_filter()]));
    assert!(filters_of(&home).is_empty());
}

#[test]
fn pc_063_too_many_filters_change_nothing() {
    let mut home = Home::with(LanConfig {
        filters_per_mapping: 2,
        ..LanConfig::default()
    });
    home.answer(&with(&ASKING.map(), &[filter(100, 120, 443)]));
    home.wait(10);
    let more = [filter(101, 120, 443), filter(102, 120, 443)];
    assert_eq!(home.result(&with(&ASKING.map(), &more)), 13);
    assert_eq!(filters_of(&home), [remote(100, 24, 443)]);
    assert_eq!(home.mapping().expires, Instant::from_secs(4700));
}

#[test]
fn pd_001_a_description_is_kept_cut_echoed_and_taken_away() {
    let mut home = Home::new();
    let described = |text: &[u8]| with(&ASKING.map(), &[option(128, text)]);
    let answer = home.answer(&described("Café".as_bytes()));
    assert_eq!(options_of(&answer, 36), [(128, "Café".as_bytes().to_vec())]);
    assert_eq!(home.mapping().description.as_deref(), Some("Café"));
    // Without one, nothing is said of it and it stays; what is no UTF-8 is not there.
    assert_eq!(options_of(&home.answer(&ASKING.map()), 36), []);
    assert_eq!(options_of(&home.answer(&described(b"\xff\xfe")), 36), []);
    assert_eq!(home.mapping().description.as_deref(), Some("Café"));
    // 127 letters, then one of two octets.
    let long = format!("{}é and more", "x".repeat(127));
    let answer = home.answer(&described(long.as_bytes()));
    assert_eq!(options_of(&answer, 36), [(128, vec![b'x'; 127])]);
    let answer = home.answer(&described(&[]));
    assert_eq!(options_of(&answer, 36), [(128, vec![])]);
    assert_eq!(home.mapping().description, None);
}

/// A request of 1100 octets full of filters: its answer is as long.
#[test]
fn pc_016_an_answer_is_no_longer_than_its_request() {
    let mut home = Home::with(LanConfig {
        filters_per_mapping: 100,
        ..LanConfig::default()
    });
    let filters: Vec<_> = (0..43).map(|n| filter(n, 120, 443)).collect();
    let request = with(&ASKING.map(), &filters);
    let request = with(&request, &[option(128, b"1234")]);
    assert_eq!(request.len(), 1100);
    let answer = home.answer(&request);
    assert_eq!((answer[3], answer.len()), (0, 1100));
    assert_eq!(filters_of(&home).len(), 43);
}
