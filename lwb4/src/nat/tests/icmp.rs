//! ICMP errors and queries (NT-013, NT-019; RFC 5508).

use super::packets::ACK;
use super::packets::Packet;
use super::packets::SYN;
use super::packets::end;
use super::*;

const ROUTER_OUTSIDE: &str = "203.0.113.1";

#[test]
fn nt_019_an_error_from_outside_speaks_of_what_the_host_has_sent() {
    for protocol in [1, TCP, UDP, 33, 136] {
        for length in [28, 40, 999] {
            let mut lwb4 = Lwb4::new();
            let sent = Packet::new(protocol, HOST, REMOTE);
            let out = lwb4.out(&sent);
            let error = lwb4.come(&Packet::error(ROUTER_OUTSIDE, 11, 0, &out, length));
            assert_eq!(error.source, ROUTER_OUTSIDE.parse::<Ipv4Addr>().unwrap());
            assert_eq!(error.destination, *end(HOST).ip());
            assert_eq!(error.payload[..2], [11, 0]);
            let quoted = &sent.bytes()[..length.min(sent.bytes().len())];
            assert_eq!(
                error.payload[8..],
                *quoted,
                "protocol {protocol}, {length} octets"
            );
        }
    }
}

#[test]
fn nt_019_an_error_from_the_lan_speaks_of_what_came_in() {
    for protocol in [1, TCP, UDP, 33, 136] {
        for length in [28, 40, 999] {
            let mut lwb4 = Lwb4::new();
            let out = lwb4.out(&Packet::new(protocol, HOST, REMOTE));
            let came = out.answer();
            let delivered = lwb4.come(&came);
            let error = lwb4.out(&Packet::error("192.168.1.77", 3, 4, &delivered, length));
            assert_eq!(
                (error.source, error.destination),
                (EXTERNAL, *end(REMOTE).ip())
            );
            let quoted = &came.bytes()[..length.min(came.bytes().len())];
            assert_eq!(
                error.payload[8..],
                *quoted,
                "protocol {protocol}, {length} octets"
            );
        }
    }
}

#[test]
fn nt_019_errors_about_no_mapping_are_dropped() {
    let mut lwb4 = Lwb4::new();
    let never = Packet::new(UDP, "192.0.2.5:4100", REMOTE);
    lwb4.refuses(
        &Packet::error(ROUTER_OUTSIDE, 3, 1, &never, 28),
        NatDrop::IcmpNoMapping,
    );
    let never = Packet::new(UDP, REMOTE, HOST);
    let error = Packet::error("192.168.1.10", 3, 3, &never, 28);
    assert_eq!(lwb4.refuses_out(&error, NatDrop::IcmpNoMapping), None);
}

#[test]
fn nt_019_an_error_whose_quote_is_another_hosts_is_dropped() {
    let mut lwb4 = Lwb4::new();
    let out = lwb4.out(&Packet::new(UDP, HOST, REMOTE));
    let mut error = Packet::error(ROUTER_OUTSIDE, 3, 1, &out, 28);
    error.destination = Ipv4Addr::new(192, 0, 2, 6);
    lwb4.refuses(&error, NatDrop::IcmpNoMapping);
    let reply = Packet::new(1, "192.0.2.5:4100", REMOTE).answer().answer();
    lwb4.refuses(
        &Packet::error(ROUTER_OUTSIDE, 3, 1, &reply, 28),
        NatDrop::IcmpNoMapping,
    );
}

#[test]
fn nt_019_errors_that_are_cut_or_do_not_sum_up_are_dropped() {
    let mut lwb4 = Lwb4::new();
    let out = lwb4.out(&Packet::new(UDP, HOST, REMOTE));
    let good = Packet::error(ROUTER_OUTSIDE, 3, 1, &out, 28);
    for length in [8, 8 + 19, 8 + 27] {
        let mut cut = good.clone();
        cut.payload.truncate(length);
        lwb4.refuses(&cut.summed(), NatDrop::IcmpBad);
    }
    let mut wrong = good.clone();
    wrong.payload[2] ^= 1;
    lwb4.refuses(&wrong, NatDrop::IcmpBad);
    let mut wrong = good.clone();
    wrong.payload[8 + 10] ^= 1;
    lwb4.refuses(&wrong.summed(), NatDrop::IcmpBad);
    let about_error = Packet::error("192.168.1.10", 3, 3, &out, 999);
    lwb4.refuses(
        &Packet::error(ROUTER_OUTSIDE, 3, 1, &about_error, 999),
        NatDrop::IcmpBad,
    );
    let mut piece = out;
    piece.fragmentation = 5;
    lwb4.refuses(
        &Packet::error(ROUTER_OUTSIDE, 3, 1, &piece, 28),
        NatDrop::IcmpBad,
    );
}

#[test]
fn ic_018_extensions_behind_the_quote_stay_as_they_are() {
    let mut lwb4 = Lwb4::new();
    let sent = Packet::new(UDP, HOST, REMOTE).long(200);
    let out = lwb4.out(&sent);
    let mut error = Packet::error(ROUTER_OUTSIDE, 11, 0, &out, 128);
    error.payload[5] = 32;
    let extension = [0x20, 0, 0x5a, 0xa5, 0, 8, 1, 1, 0, 1, 0x21, 0xff];
    error.payload.extend(extension);
    let error = lwb4.come(&error.summed());
    assert_eq!(error.payload[5], 32);
    assert_eq!(error.payload[8..136], sent.bytes()[..128]);
    assert_eq!(error.payload[136..], extension);
}

#[test]
fn ic_004_options_of_the_quoted_packet_are_stepped_over() {
    let mut lwb4 = Lwb4::new();
    let out = lwb4.out(&Packet::new(UDP, HOST, REMOTE));
    let with_options = |packet: &Packet| {
        let mut bytes = packet.bytes();
        bytes[0] = 0x46;
        bytes[3] += 4;
        bytes.splice(20..20, [7, 4, 4, 0]);
        bytes[10..12].fill(0);
        smoltcp::wire::Ipv4Packet::new_unchecked(&mut bytes[..]).fill_checksum();
        bytes
    };
    let mut error = Packet::error(ROUTER_OUTSIDE, 3, 1, &out, 0);
    error.payload.extend(with_options(&out));
    let error = lwb4.come(&error.summed());
    assert_eq!(
        error.payload[8..],
        with_options(&Packet::new(UDP, HOST, REMOTE))
    );
}

#[test]
fn ic_019_an_error_of_the_lwaftr_is_as_good_as_any() {
    let mut lwb4 = Lwb4::new();
    let out = lwb4.out(&Packet::new(UDP, HOST, REMOTE));
    lwb4.come(&Packet::error("192.0.0.1", 3, 4, &out, 28));
}

#[test]
fn nt_013_no_icmp_ends_anything() {
    let mut lwb4 = Lwb4::new();
    let syn = lwb4.out(&Packet::tcp(HOST, REMOTE, SYN, 100, 0));
    lwb4.come(&syn.answer());
    for (kind, code) in [
        (3, 0),
        (3, 1),
        (3, 2),
        (3, 3),
        (3, 13),
        (11, 0),
        (12, 0),
        (4, 0),
    ] {
        lwb4.come(&Packet::error(ROUTER_OUTSIDE, kind, code, &syn, 28));
    }
    lwb4.pass(7000);
    lwb4.come(&Packet::tcp(REMOTE, &syn.source().to_string(), ACK, 1, 101));
}

#[test]
fn nt_018_queries_go_out_and_their_replies_come_in() {
    let mut lwb4 = Lwb4::new();
    let first = lwb4.out(&Packet::new(1, HOST, REMOTE));
    let second = lwb4.out(&Packet::new(1, OTHER_HOST, REMOTE));
    assert_ne!(first.source().port(), second.source().port());
    assert!((FIRST..=LAST).contains(&first.source().port()));
    assert_eq!(
        lwb4.come(&second.answer()).source(),
        second.answer().to(end(OTHER_HOST)).source()
    );
    let mut timestamp = Packet::new(1, HOST, REMOTE);
    timestamp.payload[0] = 13;
    let mut reply = lwb4.out(&timestamp.summed()).answer();
    reply.payload[0] = 14;
    assert_eq!(lwb4.come(&reply.summed()).destination, *end(HOST).ip());
}

#[test]
fn ic_017_queries_from_outside_and_other_types_go_nowhere() {
    let mut lwb4 = Lwb4::new();
    let out = lwb4.out(&Packet::new(1, HOST, REMOTE));
    for kind in [8, 13, 5, 9, 10, 30, 255] {
        let mut packet = out.answer();
        packet.payload[0] = kind;
        lwb4.refuses(&packet.summed(), NatDrop::IcmpType);
    }
    let mut reply = Packet::new(1, HOST, REMOTE);
    reply.payload[0] = 0;
    assert_eq!(lwb4.refuses_out(&reply.summed(), NatDrop::IcmpType), None);
}
