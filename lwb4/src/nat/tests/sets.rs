//! Sets that come and go (LW-027, LW-004, LW-038, T-33).

use super::packets::Packet;
use super::packets::end;
use super::*;
use crate::explicit::ExplicitMappings;
use crate::explicit::MappingKey;
use crate::explicit::Wanted;

#[test]
fn t_33_lw_027_a_set_that_goes_away_takes_its_mappings_with_it() {
    let mut lwb4 = Lwb4::new();
    let stays = run(EXTERNAL, FIRST, LAST);
    let other = Ipv4Addr::new(192, 0, 2, 6);
    let goes = run(other, 8000, 8063);
    lwb4.uses(&[stays, goes]);
    let out = lwb4.out(&Packet::new(UDP, OTHER_HOST, REMOTE));
    assert_eq!(*out.source().ip(), EXTERNAL);
    let key = MappingKey {
        protocol: TCP,
        internal: end(HOST),
        remote: None,
    };
    let wanted = Wanted {
        key,
        suggested: end("192.0.2.6:8007"),
        exactly: true,
        filters: Vec::new(),
        expires: lwb4.now + Duration::from_secs(9000),
    };
    lwb4.nat.open(&wanted, lwb4.now).unwrap();
    let flushed = lwb4.uses(&[stays]);
    let [mapping] = flushed[..] else {
        panic!("one mapping: {flushed:?}");
    };
    assert_eq!(
        (mapping.internal, mapping.external),
        (end(HOST), end("192.0.2.6:8007"))
    );
    assert_eq!(mapping.wanted_until, Some(wanted.expires));
    assert_eq!(lwb4.nat.external(&key), None);
    lwb4.refuses(
        &Packet::new(TCP, REMOTE, "192.0.2.6:8007"),
        NatDrop::NotInSet,
    );
    lwb4.come(&out.answer());
    assert_eq!(lwb4.nat.counters().mappings_flushed, 1);
}

#[test]
fn lw_027_another_psid_of_the_same_address_flushes_as_well() {
    let mut lwb4 = Lwb4::new();
    let set = |psid| ExternalSet::psid(EXTERNAL, 6, 8, psid).unwrap();
    lwb4.uses(&[set(0x34)]);
    let out = lwb4.out(&Packet::new(UDP, HOST, REMOTE));
    assert!(set(0x34).contains(out.source().port()));
    assert!(lwb4.uses(&[set(0x34)]).is_empty(), "the same again");
    lwb4.come(&out.answer());
    assert_eq!(lwb4.uses(&[set(0x35)]).len(), 1);
    lwb4.refuses(&out.answer(), NatDrop::NotInSet);
    let out = lwb4.out(&Packet::new(UDP, HOST, REMOTE));
    assert!(set(0x35).contains(out.source().port()));
}

#[test]
fn lw_004_without_a_set_nothing_is_sent() {
    let mut lwb4 = Lwb4::new();
    lwb4.out(&Packet::new(UDP, HOST, REMOTE));
    lwb4.uses(&[]);
    let error = lwb4.refuses_out(&Packet::new(UDP, HOST, REMOTE), NatDrop::NoSet);
    assert_eq!(error.unwrap().payload[..2], [3, 13]);
    lwb4.nat.poll(lwb4.now);
    assert_eq!(lwb4.nat.due(), None);
}

#[test]
fn lw_027_fragments_and_answers_of_a_set_that_is_gone_are_forgotten() {
    let mut lwb4 = Lwb4::new();
    let long = Packet::new(UDP, HOST, REMOTE).long(50);
    lwb4.out(&long.piece(0, 24));
    lwb4.refuses(
        &Packet::new(TCP, REMOTE, "192.0.2.5:4100"),
        NatDrop::NoMapping,
    );
    lwb4.uses(&[run(EXTERNAL, 9000, 9063)]);
    assert_eq!(lwb4.try_out(&long.piece(24, 48)).0, Outbound::Held);
    lwb4.pass(7);
    lwb4.nat.poll(lwb4.now);
    assert!(lwb4.released().is_empty());
}

#[test]
fn lw_038_all_sources_are_of_the_set_in_sparse_sets_too() {
    let set = ExternalSet::psid(EXTERNAL, 6, 8, 0x34).unwrap();
    let mut lwb4 = Lwb4::new();
    lwb4.uses(&[set]);
    for n in 0..252_u32 {
        let protocol = [TCP, UDP, 1][n as usize % 3];
        let internal = format!("192.168.1.{}:{}", n / 100, 5000 + n);
        let out = lwb4.out(&Packet::new(protocol, &internal, REMOTE));
        assert!(set.contains(out.source().port()), "{}", out.source());
    }
}
