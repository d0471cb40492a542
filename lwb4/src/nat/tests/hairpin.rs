//! Packets to our own address (NT-010, C-11).

use super::packets::Packet;
use super::packets::RST;
use super::packets::SYN;
use super::packets::end;
use super::*;

impl Lwb4 {
    /// Sends from the LAN what must come back to it.
    #[track_caller]
    fn hairpin(&mut self, packet: &Packet) -> Packet {
        let (outbound, packet) = self.try_out(packet);
        assert_eq!(outbound, Outbound::Hairpin);
        packet
    }
}

fn open(config: &mut NatConfig) {
    config.filtering.tcp = Filtering::EndpointIndependent;
    config.filtering.udp = Filtering::EndpointIndependent;
}

#[test]
fn t_34_nt_010_a_packet_to_a_port_of_ours_shows_its_external_source() {
    for protocol in [TCP, UDP] {
        let mut lwb4 = Lwb4::with(open);
        let server = lwb4.external(protocol, HOST, REMOTE);
        let asked = lwb4.hairpin(&Packet::new(protocol, OTHER_HOST, &server.to_string()));
        assert_eq!(asked.destination(), end(HOST));
        assert_eq!(asked.source.octets(), EXTERNAL.octets());
        let client = lwb4.external(protocol, OTHER_HOST, REMOTE);
        assert_eq!(asked.source(), client);
        let answered = lwb4.hairpin(&asked.answer());
        assert_eq!(answered.source(), server);
        assert_eq!(answered.destination(), end(OTHER_HOST));
        assert_eq!(lwb4.nat.counters().hairpinned, 2);
    }
}

#[test]
fn t_34_nt_010_c_11_a_foreign_port_of_the_same_address_is_for_the_tunnel() {
    let mut lwb4 = Lwb4::new();
    for port in [4095, 4160] {
        let packet = Packet::new(UDP, HOST, &format!("192.0.2.5:{port}"));
        let out = lwb4.out(&packet);
        assert_eq!(out.destination(), packet.destination());
    }
    let unused = Packet::new(UDP, HOST, "192.0.2.5:4100");
    let mut lwb4 = Lwb4::new();
    lwb4.refuses_out(&unused, NatDrop::NoMapping);
    assert!(lwb4.active().is_empty());
}

#[test]
fn nt_010_filtering_holds_for_hairpins_as_well() {
    let mut lwb4 = Lwb4::new();
    let server = lwb4.external(UDP, HOST, REMOTE).to_string();
    let (outbound, _) = lwb4.try_out(&Packet::new(UDP, OTHER_HOST, &server));
    assert_eq!(outbound, Outbound::Drop(NatDrop::Filtered));
}

#[test]
fn nt_010_errors_are_hairpinned() {
    let mut lwb4 = Lwb4::with(open);
    let server = lwb4.external(UDP, HOST, REMOTE);
    let asked = Packet::new(UDP, OTHER_HOST, &server.to_string());
    let delivered = lwb4.hairpin(&asked);
    let error = lwb4.hairpin(&Packet::error("192.168.1.10", 3, 3, &delivered, 999));
    assert_eq!(error.source, EXTERNAL);
    assert_eq!(error.destination, *end(OTHER_HOST).ip());
    assert_eq!(error.quote(), asked);
}

#[test]
fn nt_010_both_ends_of_a_hairpinned_connection_are_followed() {
    let mut lwb4 = Lwb4::with(open);
    let server = lwb4.external(TCP, HOST, REMOTE).to_string();
    let syn = lwb4.hairpin(&Packet::tcp(OTHER_HOST, &server, SYN, 1, 0));
    lwb4.hairpin(&syn.answer());
    lwb4.pass(7000);
    lwb4.hairpin(&Packet::tcp(OTHER_HOST, &server, RST, 2, 0));
    lwb4.pass(300);
    lwb4.nat.poll(lwb4.now);
    assert!(lwb4.active().is_empty());
}

#[test]
fn nt_010_an_echo_to_our_own_address_is_answered_by_us() {
    let mut lwb4 = Lwb4::new();
    let echo = Packet::new(1, HOST, "192.0.2.5:0");
    let (Outbound::Reply(reply), _) = lwb4.try_out(&echo) else {
        panic!("a reply");
    };
    assert_eq!(
        Packet::read(&reply),
        Packet {
            fragmentation: 0x4000,
            ..echo.answer()
        }
    );
    assert!(lwb4.active().is_empty());
}
