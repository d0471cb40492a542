//! Who may send in (NT-009, LW-037).

use super::packets::ACK;
use super::packets::Packet;
use super::packets::SYN;
use super::packets::end;
use super::*;

const SAME_ADDRESS: &str = "198.51.100.7:81";

/// Whether the remote end itself, another port of its address, and a stranger may send in.
fn may_send(protocol: u8, filtering: Option<Filtering>) -> [bool; 3] {
    let mut lwb4 = Lwb4::with(|config| {
        if let Some(filtering) = filtering {
            config.filtering = Filterings {
                tcp: filtering,
                udp: filtering,
                icmp: filtering,
            };
        }
    });
    let external = lwb4.external(protocol, HOST, REMOTE).to_string();
    [REMOTE, SAME_ADDRESS, OTHER_REMOTE].map(|remote| {
        let mut packet = Packet::new(protocol, remote, &external);
        if protocol == 1 {
            packet = Packet::new(1, &external, remote).answer();
        }
        match lwb4.try_in(&packet) {
            (Inbound::ToLan, packet) => packet.destination() == end(HOST),
            (inbound, _) => {
                assert_eq!(inbound, Inbound::Drop(NatDrop::Filtered));
                false
            }
        }
    })
}

#[test]
fn nt_009_lw_037_filtering_is_by_address_unless_configured_otherwise() {
    for protocol in [TCP, UDP, 136] {
        assert_eq!(
            may_send(protocol, None),
            [true, true, false],
            "protocol {protocol}"
        );
    }
    assert_eq!(may_send(1, None), [true, true, false]);
}

#[test]
fn nt_009_filtering_can_be_chosen() {
    for protocol in [TCP, UDP] {
        let open = may_send(protocol, Some(Filtering::EndpointIndependent));
        assert_eq!(open, [true, true, true], "protocol {protocol}");
        let closed = may_send(protocol, Some(Filtering::AddressAndPortDependent));
        assert_eq!(closed, [true, false, false], "protocol {protocol}");
    }
    let pings = may_send(1, Some(Filtering::EndpointIndependent));
    assert_eq!(pings, [true, true, true]);
}

#[test]
fn nt_009_filtering_is_by_protocol() {
    let mut lwb4 = Lwb4::with(|config| config.filtering.udp = Filtering::EndpointIndependent);
    let udp = lwb4.external(UDP, HOST, REMOTE);
    let tcp = lwb4.external(TCP, HOST, REMOTE);
    lwb4.come(&Packet::new(UDP, OTHER_REMOTE, &udp.to_string()));
    lwb4.refuses(
        &Packet::new(TCP, OTHER_REMOTE, &tcp.to_string()),
        NatDrop::Filtered,
    );
}

#[test]
fn lw_031_what_is_not_for_our_sets_is_dropped() {
    let mut lwb4 = Lwb4::new();
    for destination in ["192.0.2.5:4095", "192.0.2.5:4160", "192.0.2.6:4100"] {
        for protocol in [TCP, UDP, 132] {
            lwb4.refuses(
                &Packet::new(protocol, REMOTE, destination),
                NatDrop::NotInSet,
            );
        }
        let echo = Packet::new(1, destination, REMOTE);
        lwb4.refuses(&echo.answer(), NatDrop::NotInSet);
        lwb4.refuses(
            &Packet::error("203.0.113.1", 3, 1, &echo, 28),
            NatDrop::NotInSet,
        );
    }
    lwb4.refuses(&Packet::new(47, REMOTE, "192.0.2.6:0"), NatDrop::NotInSet);
    lwb4.refuses(
        &Packet::new(UDP, REMOTE, "192.0.2.5:4100"),
        NatDrop::NoMapping,
    );
}

#[test]
fn nt_016_an_unsolicited_syn_is_answered_after_six_seconds() {
    let mut lwb4 = Lwb4::new();
    let syn = Packet::new(TCP, REMOTE, "192.0.2.5:4100");
    lwb4.refuses(&syn, NatDrop::NoMapping);
    lwb4.refuses(&syn, NatDrop::NoMapping);
    lwb4.now = lwb4.now + Duration::from_millis(5999);
    lwb4.nat.poll(lwb4.now);
    assert!(lwb4.released().is_empty());
    lwb4.now = lwb4.now + Duration::from_millis(1);
    assert_eq!(lwb4.nat.due(), Some(lwb4.now));
    lwb4.nat.poll(lwb4.now);
    let [(Way::ToTunnel, error)] = &lwb4.released()[..] else {
        panic!("one answer");
    };
    assert_eq!(error.payload[..2], [3, 3]);
    assert_eq!((error.source, error.destination), (EXTERNAL, syn.source));
    assert_eq!(error.quote(), syn);
}

#[test]
fn nt_016_a_syn_that_becomes_solicited_is_not_answered() {
    let mut lwb4 = Lwb4::new();
    let external = lwb4.external(TCP, HOST, OTHER_REMOTE).to_string();
    let syn = Packet::tcp(REMOTE, &external, SYN, 500, 0);
    lwb4.refuses(&syn, NatDrop::Filtered);
    lwb4.pass(5);
    lwb4.out(&Packet::tcp(HOST, REMOTE, SYN, 100, 0));
    lwb4.come(&syn);
    lwb4.out(&Packet::tcp(HOST, REMOTE, SYN | ACK, 100, 501));
    lwb4.pass(5);
    lwb4.nat.poll(lwb4.now);
    assert!(lwb4.released().is_empty());
    lwb4.pass(7430);
    lwb4.come(&Packet::tcp(REMOTE, &external, ACK, 501, 101));
}

#[test]
fn nt_016_answers_to_syns_can_be_switched_off() {
    let mut lwb4 = Lwb4::with(|config| config.answer_unsolicited_syn = false);
    lwb4.refuses(
        &Packet::new(TCP, REMOTE, "192.0.2.5:4100"),
        NatDrop::NoMapping,
    );
    assert_eq!(lwb4.nat.due(), None);
}
