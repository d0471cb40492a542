//! Mappings: who has which, and for how many there is room.

use super::packets::Packet;
use super::packets::RST;
use super::packets::end;
use super::*;

#[test]
fn nt_001_lw_029_a_port_keeps_its_mapping_whoever_it_talks_to() {
    for protocol in [1, TCP, UDP, 33, 136] {
        let mut lwb4 = Lwb4::new();
        let out = lwb4.out(&Packet::new(protocol, HOST, REMOTE));
        assert_eq!(*out.source().ip(), EXTERNAL);
        assert!((FIRST..=LAST).contains(&out.source().port()));
        let again = lwb4.out(&Packet::new(protocol, HOST, OTHER_REMOTE));
        assert_eq!(again.source(), out.source(), "protocol {protocol}");
        let back = lwb4.come(&out.answer());
        assert_eq!(back.destination(), end(HOST));
        assert_eq!(lwb4.nat.counters().outbound, 2);
        assert_eq!(lwb4.nat.counters().inbound, 1);
    }
}

#[test]
fn nt_001_protocols_have_mappings_of_their_own() {
    let mut lwb4 = Lwb4::with(|config| config.filtering.tcp = Filtering::EndpointIndependent);
    let udp = lwb4.external(UDP, HOST, REMOTE);
    let syn = Packet::new(TCP, REMOTE, &udp.to_string());
    lwb4.refuses(&syn, NatDrop::NoMapping);
    lwb4.external(TCP, HOST, REMOTE);
    assert_eq!(lwb4.active().len(), 2);
}

#[test]
fn nt_002_a_host_stays_on_one_address_while_that_has_room() {
    let mut lwb4 = Lwb4::new();
    let other = Ipv4Addr::new(192, 0, 2, 6);
    lwb4.uses(&[run(EXTERNAL, 4096, 4099), run(other, 4096, 4099)]);
    let mut address = |port: u16| {
        let internal = format!("192.168.1.10:{port}");
        *lwb4.external(TCP, &internal, REMOTE).ip()
    };
    let first = address(1);
    assert!((2..=4).all(|port| address(port) == first));
    assert_ne!(address(5), first);
}

#[test]
fn nt_003_no_external_port_is_two_hosts() {
    let mut lwb4 = Lwb4::new();
    let ends: Vec<_> = (0..64)
        .map(|n| lwb4.external(TCP, &format!("192.168.1.{n}:5000"), REMOTE))
        .collect();
    let distinct: std::collections::HashSet<_> = ends.iter().collect();
    assert_eq!(distinct.len(), 64);
}

#[test]
fn nt_020_a_host_without_a_port_hears_that_it_is_prohibited() {
    let mut lwb4 = Lwb4::new();
    for n in 0..64 {
        lwb4.external(TCP, &format!("192.168.1.{n}:5000"), REMOTE);
    }
    let syn = Packet::new(TCP, "192.168.1.99:5000", REMOTE);
    let error = lwb4.refuses_out(&syn, NatDrop::PortsExhausted).unwrap();
    assert_eq!(error.payload[..2], [3, 13]);
    assert_eq!((error.source, error.destination), (ROUTER, syn.source));
    assert_eq!(error.quote().bytes(), syn.bytes());
}

#[test]
fn nt_020_such_errors_are_few_and_can_be_switched_off() {
    let mut lwb4 = Lwb4::with(|config| config.answers_per_second = 2);
    lwb4.uses(&[]);
    let udp = Packet::new(UDP, HOST, REMOTE);
    let mut replies = || (0..9).filter(|_| lwb4.refuses_nowhere(&udp)).count();
    assert_eq!(replies(), 2);
    assert_eq!(lwb4.nat.counters().unanswered, 7);
    let mut lwb4 = Lwb4::with(|config| config.answer_exhaustion = false);
    lwb4.uses(&[]);
    assert_eq!(lwb4.refuses_out(&udp, NatDrop::NoSet), None);
}

impl Lwb4 {
    /// Whether a packet that goes nowhere for want of a set is answered.
    fn refuses_nowhere(&mut self, packet: &Packet) -> bool {
        matches!(self.try_out(packet).0, Outbound::Reply(_))
    }
}

#[test]
fn nt_020_nobody_is_told_about_an_error_a_later_fragment_or_a_group() {
    let mut lwb4 = Lwb4::new();
    lwb4.uses(&[]);
    let mut group = Packet::new(UDP, HOST, "224.0.0.251:5353");
    assert_eq!(lwb4.refuses_out(&group, NatDrop::NoSet), None);
    group.source = Ipv4Addr::UNSPECIFIED;
    assert_eq!(
        lwb4.refuses_out(&group.to(end(REMOTE)), NatDrop::NoSet),
        None
    );
}

#[test]
fn limits_of_mappings_and_sessions_are_kept() {
    let host = |n: u16| Packet::new(UDP, &format!("192.168.1.10:{n}"), REMOTE);
    let mut lwb4 = Lwb4::with(|config| config.limits.mappings_per_host = 2);
    lwb4.out(&host(1));
    lwb4.out(&host(2));
    assert!(lwb4.refuses_out(&host(3), NatDrop::HostLimit).is_some());
    lwb4.external(UDP, OTHER_HOST, REMOTE);

    let mut lwb4 = Lwb4::with(|config| config.limits.mappings = 2);
    lwb4.external(UDP, OTHER_HOST, REMOTE);
    lwb4.out(&host(2));
    assert!(lwb4.refuses_out(&host(3), NatDrop::MappingLimit).is_some());

    let mut lwb4 = Lwb4::with(|config| config.limits.sessions = 2);
    lwb4.out(&host(1));
    lwb4.out(&host(2));
    assert!(lwb4.refuses_out(&host(3), NatDrop::SessionLimit).is_some());
    assert_eq!(lwb4.active().len(), 2, "and no mapping is left behind");
}

#[test]
fn the_remote_ends_of_a_mapping_are_bounded() {
    let mut lwb4 = Lwb4::with(|config| config.limits.sessions_per_mapping = 3);
    let to = |protocol, n: u8| Packet::new(protocol, HOST, &format!("198.51.100.{n}:80"));
    let outs: Vec<_> = (0..4).map(|n| lwb4.out(&to(UDP, n))).collect();
    assert_eq!(lwb4.nat.counters().peers_replaced, 1);
    lwb4.refuses(&outs[0].answer(), NatDrop::Filtered);
    for out in &outs[1..] {
        lwb4.come(&out.answer());
    }
    for n in 0..3 {
        lwb4.out(&to(TCP, n));
    }
    assert!(
        lwb4.refuses_out(&to(TCP, 3), NatDrop::SessionLimit)
            .is_some()
    );
}

#[test]
fn nt_008_a_lan_that_has_our_own_or_the_remote_address_does_not_matter() {
    let mut lwb4 = Lwb4::new();
    for internal in ["192.0.2.5:4100", "198.51.100.7:80"] {
        let out = lwb4.out(&Packet::new(UDP, internal, REMOTE));
        assert_eq!(*out.source().ip(), EXTERNAL);
        assert_eq!(lwb4.come(&out.answer()).destination(), end(internal));
    }
}

#[test]
fn nt_011_payloads_are_not_touched() {
    let mut lwb4 = Lwb4::new();
    let mut packet = Packet::new(UDP, HOST, "198.51.100.7:21");
    packet.payload[8..11].copy_from_slice(b"PRT");
    let packet = packet.long(40);
    assert_eq!(lwb4.out(&packet).payload[8..], packet.payload[8..]);
}

#[test]
fn nt_012_equal_seeds_and_packets_make_equal_mappings() {
    let ends = || {
        let mut lwb4 = Lwb4::new();
        let ends = (0..40).map(|n| lwb4.external(UDP, &format!("192.168.1.{n}:5000"), REMOTE));
        ends.collect::<Vec<_>>()
    };
    assert_eq!(ends(), ends());
}

#[test]
fn ap_005_sctp_passes_only_by_its_own_port() {
    let mut lwb4 = Lwb4::new();
    let inside = Packet::new(132, "192.168.1.10:4100", REMOTE);
    let out = lwb4.out(&inside);
    assert_eq!(out.source(), SocketAddrV4::new(EXTERNAL, 4100));
    assert_eq!(out.payload, inside.payload, "with its checksum");
    assert_eq!(
        lwb4.come(&out.answer()).destination(),
        end("192.168.1.10:4100")
    );
    let taken = Packet::new(132, "192.168.1.11:4100", REMOTE);
    assert!(lwb4.refuses_out(&taken, NatDrop::EndTaken).is_some());
    let foreign = Packet::new(132, HOST, REMOTE);
    assert!(lwb4.refuses_out(&foreign, NatDrop::EndTaken).is_some());
}

#[test]
fn ap_004_lw_038_protocols_without_ports_need_a_whole_address() {
    const GRE: u8 = 47;
    let mut lwb4 = Lwb4::new();
    let gre = Packet::new(GRE, "192.168.1.10:0", "198.51.100.7:0");
    assert!(lwb4.refuses_out(&gre, NatDrop::NoPorts).is_some());
    let back = Packet::new(GRE, "198.51.100.7:0", "192.0.2.5:0");
    lwb4.refuses(&back, NatDrop::NoPorts);

    lwb4.uses(&[run(EXTERNAL, 1, u16::MAX)]);
    let out = lwb4.out(&gre);
    assert_eq!((out.source, &out.payload), (EXTERNAL, &gre.payload));
    assert_eq!(lwb4.come(&back).destination, gre.source);
    let other = Packet::new(GRE, "192.168.1.11:0", "198.51.100.7:0");
    assert!(lwb4.refuses_out(&other, NatDrop::EndTaken).is_some());
    let stranger = Packet::new(GRE, "203.0.113.9:0", "192.0.2.5:0");
    lwb4.refuses(&stranger, NatDrop::Filtered);
}

#[test]
fn a_reset_of_no_connection_makes_no_mapping() {
    let mut lwb4 = Lwb4::new();
    let reset = Packet::tcp(HOST, REMOTE, RST, 1, 0);
    assert_eq!(lwb4.refuses_out(&reset, NatDrop::StrayReset), None);
    lwb4.external(TCP, HOST, OTHER_REMOTE);
    lwb4.out(&reset);
}

#[test]
fn what_is_no_packet_is_dropped_as_such() {
    let mut lwb4 = Lwb4::new();
    let packet = Packet::new(TCP, HOST, REMOTE);
    let mut bytes = packet.bytes();
    bytes[10] ^= 1;
    let outbound = lwb4.nat.outbound(&mut bytes, Checksum::Complete, lwb4.now);
    assert_eq!(outbound, Outbound::Drop(NatDrop::BadChecksum));
    let inbound = lwb4
        .nat
        .inbound(&mut bytes[..19], Checksum::Complete, lwb4.now);
    assert_eq!(inbound, Inbound::Drop(NatDrop::BadHeader));
    let mut short = packet;
    short.payload.truncate(19);
    assert_eq!(lwb4.refuses_out(&short, NatDrop::TransportTruncated), None);
}

#[test]
fn packets_of_a_session_that_exists_allocate_nothing() {
    for protocol in [TCP, UDP] {
        let mut lwb4 = Lwb4::new();
        let out = Packet::new(protocol, HOST, REMOTE).bytes();
        let back = lwb4.out(&Packet::new(protocol, HOST, REMOTE)).answer();
        lwb4.come(&back);
        let (back, mut copy) = (back.bytes(), [0; 128]);
        let (nat, mut now) = (&mut lwb4.nat, lwb4.now);
        let allocated = allocation_counter::measure(|| {
            for _ in 0..1000 {
                now = now + Duration::from_millis(1);
                nat.poll(now);
                let packet = &mut copy[..out.len()];
                packet.copy_from_slice(&out);
                let outbound = nat.outbound(packet, Checksum::Complete, now);
                assert_eq!(outbound, Outbound::ToTunnel);
                let packet = &mut copy[..back.len()];
                packet.copy_from_slice(&back);
                let inbound = nat.inbound(packet, Checksum::Complete, now);
                assert_eq!(inbound, Inbound::ToLan);
            }
        });
        assert_eq!(allocated.count_total, 0, "protocol {protocol}");
    }
}
