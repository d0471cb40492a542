//! Mappings, filtering and ports.

use super::packets::Packet;
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
    let mut lwb4 = Lwb4::new();
    let udp = lwb4.external(UDP, HOST, REMOTE);
    lwb4.external(TCP, HOST, REMOTE);
    let tcp = Packet::new(TCP, REMOTE, &udp.to_string());
    let mappings: Vec<_> = lwb4.nat.mappings().collect();
    assert_eq!(mappings.len(), 2);
    if mappings.iter().all(|mapping| mapping.external == udp) {
        return;
    }
    lwb4.refuses(&tcp, NatDrop::NoMapping);
}
