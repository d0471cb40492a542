//! The ports below the mappings change (RFC 6887 s8.5, s14.2; PX-001).

use super::super::Destination;
use super::super::State;
use super::*;

/// What single clients are told unasked.
fn updates(home: &mut Home) -> Vec<(u64, Contact, Vec<u8>)> {
    let sent = home.unasked().into_iter();
    sent.filter_map(|(time, datagram)| match datagram.to {
        Destination::Client(contact) => Some((time, contact, datagram.payload.to_vec())),
        Destination::Everybody => None,
    })
    .collect()
}

#[test]
fn px_001_pc_080_pc_142_another_address_begins_the_epoch_anew_and_everybody_hears() {
    let mut home = Home::new();
    home.unasked();
    home.change_sets(OTHER_PUBLIC, 26624..=28671);
    home.wait(5);
    assert_eq!(epoch_s(&home.answer(&header(0, 0, HOST))), 5);
    let sent = home.unasked();
    let heard = sent
        .iter()
        .filter(|(_, sent)| sent.to == Destination::Everybody);
    assert_eq!(heard.count(), 10);
}

/// Octet by octet, three times: TCP 8080 of 192.168.1.10 is at 192.0.2.6 port 27000 now.
#[test]
fn pc_145_pc_146_a_client_is_told_three_times_where_it_asked_from() {
    let mut home = Home::new();
    let filter = option(
        3,
        &[
            &[0, 120, 1, 0xbb][..],
            &mapped(Ipv4Addr::new(198, 51, 100, 0)),
        ]
        .concat(),
    );
    let request = Asking {
        external: (PUBLIC, 27000),
        ..ASKING
    };
    let options = [filter.clone(), option(128, b"camera")];
    home.end(&with(&request.map(), &options));
    home.wait(600);
    home.change_sets(OTHER_PUBLIC, 26624..=28671);
    let told = updates(&mut home);
    let times: Vec<_> = told.iter().map(|(time, ..)| *time).collect();
    assert_eq!(times, [0, 250, 750]);
    for (_, to, payload) in told {
        assert_eq!(to, contact(HOST));
        let lifetime = payload[4..8].to_vec();
        let expected = [
            &[2, 0x81, 0, 0],
            &lifetime[..],
            &[0; 4],
            &[0; 12],
            b"0123456789ab",
            &[6, 0, 0, 0, 0x1f, 0x90, 0x69, 0x78],
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 6],
            &filter,
        ];
        assert_eq!(payload, expected.concat());
        assert_eq!(lifetime_s(&payload), 3000);
    }
    assert_eq!(home.server.counters().updates, 3);
}

#[test]
fn pc_145_a_peer_is_told_too() {
    let mut home = Home::new();
    let remote = Ipv4Addr::new(198, 51, 100, 7);
    let request = Asking {
        external: (PUBLIC, 27000),
        ..ASKING
    };
    home.end(&request.peer(remote, 443));
    home.change_sets(OTHER_PUBLIC, 26624..=28671);
    let (_, _, payload) = updates(&mut home).swap_remove(0);
    assert_eq!((payload[1], payload[3], payload.len()), (0x82, 0, 80));
    assert_eq!(end(&payload), SocketAddrV4::new(OTHER_PUBLIC, 27000));
    assert_eq!(payload[60..62], [0x01, 0xbb]);
    assert_eq!(payload[76..80], [198, 51, 100, 7]);
}

#[test]
fn pc_145_who_refreshes_or_deletes_is_left_alone() {
    let mut home = Home::new();
    for lifetime_s in [3600, 0] {
        home.change_sets(PUBLIC, 26624..=28671);
        home.end(&ASKING.map());
        home.change_sets(OTHER_PUBLIC, 26624..=28671);
        let request = Asking {
            lifetime_s,
            ..ASKING
        };
        home.answer(&request.map());
        assert_eq!(updates(&mut home), []);
    }
}

#[test]
fn pc_145_what_stays_as_it_is_needs_no_word() {
    let mut home = Home::new();
    let first = home.end(&ASKING.map());
    home.change_sets(PUBLIC, 26624..=27647);
    assert_eq!(updates(&mut home), []);
    assert_eq!(home.mapping().external, first);
    assert_eq!(home.mapping().state, State::Open);
}

/// PX-001: what was promised for an hour lasts only as long as the new ports.
#[test]
fn px_001_a_shorter_lease_of_the_new_set_is_told() {
    let mut home = Home::new();
    home.end(&ASKING.map());
    home.set_expires = Some(Instant::from_secs(1500));
    home.change_sets(PUBLIC, 26624..=28671);
    let (_, _, payload) = updates(&mut home).swap_remove(0);
    assert_eq!(lifetime_s(&payload), 400);
    assert_eq!(home.mapping().expires, Instant::from_secs(1500));
}

#[test]
fn pc_145_who_insists_on_an_end_hears_that_it_is_gone() {
    let mut home = Home::new();
    let request = Asking {
        external: (PUBLIC, 27000),
        ..ASKING
    };
    home.end(&with(&request.map(), &[option(2, &[])]));
    home.change_sets(OTHER_PUBLIC, 26624..=28671);
    let told = updates(&mut home);
    assert_eq!(told.len(), 3);
    for (_, _, payload) in told {
        assert_eq!((payload[1], payload[3]), (0x81, 11));
        assert_eq!(payload[24..36], NONCE);
        assert_eq!(end(&payload), SocketAddrV4::new(PUBLIC, 27000));
    }
    assert!(home.nat.open.is_empty());
    assert_eq!(home.server.mappings().count(), 0);
    assert_eq!(home.server.counters().lost, 1);
}

#[test]
fn pc_145_who_finds_no_port_in_a_smaller_set_hears_it() {
    let mut home = Home::new();
    for port in 1..=3 {
        home.end(&Asking { port, ..ASKING }.map());
    }
    home.change_sets(OTHER_PUBLIC, 26624..=26625);
    let told = updates(&mut home);
    let results: Vec<_> = told.iter().map(|(_, _, payload)| payload[3]).collect();
    assert_eq!(results.iter().filter(|result| **result == 8).count(), 3);
    assert_eq!(home.nat.open.len(), 2);
    assert_eq!(home.server.mappings().count(), 2);
}

#[test]
fn without_any_set_mappings_wait_for_the_next_one() {
    let mut home = Home::new();
    let request = Asking {
        external: (PUBLIC, 27000),
        ..ASKING
    };
    home.end(&request.map());
    home.nat.change(Vec::new());
    home.tell_of_change();
    assert_eq!(home.mapping().state, State::Waiting);
    assert_eq!(updates(&mut home), []);
    assert_eq!(home.result(&request.map()), 7);
    home.change_sets(OTHER_PUBLIC, 26624..=28671);
    assert_eq!(home.mapping().state, State::Open);
    let (_, _, payload) = updates(&mut home).swap_remove(0);
    assert_eq!(end(&payload), SocketAddrV4::new(OTHER_PUBLIC, 27000));
}

#[test]
fn what_waits_ends_and_is_deleted_like_all_else() {
    let mut home = Home::new();
    for request in [ASKING, Asking { port: 1, ..ASKING }] {
        home.end(&request.map());
    }
    home.nat.change(Vec::new());
    home.tell_of_change();
    let deletes = Asking {
        lifetime_s: 0,
        ..ASKING
    };
    assert_eq!(home.result(&deletes.map()), 0);
    assert_eq!(home.server.mappings().count(), 1);
    home.wait(3600);
    let Home {
        server, nat, now, ..
    } = &mut home;
    server.expire(nat, *now);
    assert_eq!(server.mappings().count(), 0);
}
