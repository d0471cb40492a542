//! Which ports are chosen, and when one goes to somebody else.

use super::packets::ACK;
use super::packets::FIN;
use super::packets::Packet;
use super::packets::SYN;
use super::packets::end;
use super::*;

fn udp(host: u8, port: u16) -> Packet {
    Packet::new(UDP, &format!("192.168.1.{host}:{port}"), REMOTE)
}

#[test]
fn nt_005_even_ports_become_even_ones_unless_configured_otherwise() {
    let parities = |keep_parity| {
        let mut lwb4 = Lwb4::with(|config| config.keep_parity = keep_parity);
        let ports = (0..20).map(|n| lwb4.out(&udp(n, 5000)).source().port());
        ports.filter(|port| port % 2 == 0).count()
    };
    assert_eq!(parities(true), 20);
    assert!((3..=17).contains(&parities(false)));
}

#[test]
fn nt_021_ports_are_chosen_at_random() {
    let mut lwb4 = Lwb4::new();
    let ports: Vec<_> = (0..30)
        .map(|n| lwb4.out(&udp(n, 5000)).source().port())
        .collect();
    let steps = ports.windows(2).filter(|pair| pair[1] == pair[0] + 2);
    assert!(steps.count() < 5, "{ports:?}");
    assert!(ports[..8].iter().any(|port| *port > 4120), "{ports:?}");
}

#[test]
fn pc_040_no_packet_gets_the_ports_of_pcp() {
    let mut lwb4 = Lwb4::new();
    lwb4.uses(&[run(EXTERNAL, 5349, 5352)]);
    let ports: Vec<_> = (0..2)
        .map(|n| lwb4.out(&udp(n, 5000)).source().port())
        .collect();
    assert!(
        ports.iter().all(|port| [5349, 5352].contains(port)),
        "{ports:?}"
    );
    assert!(
        lwb4.refuses_out(&udp(9, 5000), NatDrop::PortsExhausted)
            .is_some()
    );
}

#[test]
fn nt_023_a_freed_port_goes_to_no_other_host_for_two_minutes() {
    let mut lwb4 = Lwb4::new();
    lwb4.uses(&[run(EXTERNAL, 4096, 4096)]);
    let out = lwb4.out(&udp(10, 5000));
    lwb4.pass(300);
    lwb4.refuses(&out.answer(), NatDrop::NoMapping);
    lwb4.pass(119);
    assert!(
        lwb4.refuses_out(&udp(11, 5000), NatDrop::PortsExhausted)
            .is_some()
    );
    lwb4.pass(1);
    let other = lwb4.out(&udp(11, 5000));
    assert_eq!(other.source(), out.source());
    assert_eq!(
        lwb4.come(&out.answer()).destination(),
        end("192.168.1.11:5000")
    );
}

#[test]
fn nt_023_its_own_host_gets_it_back_before() {
    let mut lwb4 = Lwb4::new();
    lwb4.uses(&[run(EXTERNAL, 4096, 4097)]);
    let out = lwb4.out(&udp(10, 5000));
    lwb4.pass(310);
    assert!(lwb4.active().is_empty());
    assert_eq!(
        lwb4.out(&udp(10, 5000)).source(),
        out.source(),
        "for the same port"
    );
    lwb4.pass(310);
    lwb4.out(&udp(11, 5000));
    assert_eq!(
        lwb4.out(&udp(10, 7001)).source(),
        out.source(),
        "for another, when nothing else is free"
    );
    lwb4.refuses_out(&udp(10, 5000), NatDrop::PortsExhausted);
}

#[test]
fn nt_023_a_connection_that_both_ends_closed_leaves_a_port_that_is_free() {
    let mut lwb4 = Lwb4::new();
    lwb4.uses(&[run(EXTERNAL, 4096, 4096)]);
    let out = lwb4.out(&Packet::tcp(HOST, REMOTE, SYN, 100, 0));
    let from_remote =
        |flags, sequence, ack| Packet::tcp(REMOTE, &out.source().to_string(), flags, sequence, ack);
    lwb4.come(&from_remote(SYN | ACK, 500, 101));
    lwb4.out(&Packet::tcp(HOST, REMOTE, ACK, 101, 501));
    lwb4.out(&Packet::tcp(HOST, REMOTE, FIN | ACK, 101, 501));
    lwb4.come(&from_remote(FIN | ACK, 501, 102));
    lwb4.pass(239);
    lwb4.come(&from_remote(ACK, 502, 102));
    lwb4.pass(1);
    assert_eq!(lwb4.nat.mappings().count(), 1, "nothing has happened since");
    lwb4.out(&Packet::tcp(OTHER_HOST, REMOTE, SYN, 100, 0));
    assert_eq!(lwb4.nat.mappings().count(), 1);
}

#[test]
fn a_host_at_its_limit_lives_on_what_it_left_behind() {
    let mut lwb4 = Lwb4::with(|config| config.limits.mappings_per_host = 2);
    let left = lwb4.out(&udp(10, 5000)).source();
    lwb4.pass(200);
    lwb4.out(&udp(10, 5001));
    lwb4.pass(110);
    assert_eq!(lwb4.out(&udp(10, 5002)).source(), left);
    assert!(
        lwb4.refuses_out(&udp(10, 5003), NatDrop::HostLimit)
            .is_some()
    );
}
