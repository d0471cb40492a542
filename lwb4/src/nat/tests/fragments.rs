//! Fragments (NT-015, NT-022, FR-011…013).

use super::packets::Packet;
use super::packets::end;
use super::*;

const PIECES: [(usize, usize); 3] = [(0, 24), (24, 48), (48, 999)];

fn pieces(packet: &Packet) -> Vec<Packet> {
    let long = packet.long(50);
    PIECES
        .iter()
        .map(|(from, to)| long.piece(*from, *to))
        .collect()
}

#[test]
fn nt_015_later_fragments_follow_their_first_both_ways() {
    for protocol in [1, TCP, UDP] {
        let mut lwb4 = Lwb4::new();
        let sent = Packet::new(protocol, HOST, REMOTE);
        let outs: Vec<_> = pieces(&sent).iter().map(|piece| lwb4.out(piece)).collect();
        assert!(outs.iter().all(|out| out.source == EXTERNAL));
        let mut whole = outs[0].clone();
        whole.payload = outs.iter().flat_map(|out| out.payload.clone()).collect();
        whole.fragmentation = 0;
        packets::verify(&whole.bytes());
        let back = pieces(&whole.answer());
        for piece in &back {
            assert_eq!(lwb4.come(piece).destination, *end(HOST).ip());
        }
    }
}

#[test]
fn nt_015_fragments_that_overtake_their_first_wait_for_it() {
    let mut lwb4 = Lwb4::new();
    let sent = pieces(&Packet::new(UDP, HOST, REMOTE));
    for piece in [&sent[2], &sent[1]] {
        assert_eq!(lwb4.try_out(piece).0, Outbound::Held);
    }
    assert!(lwb4.released().is_empty());
    let first = lwb4.out(&sent[0]);
    let released = lwb4.released();
    assert_eq!(released.len(), 2);
    for ((way, packet), piece) in released.iter().zip([&sent[2], &sent[1]]) {
        assert_eq!(
            (*way, packet.source, packet.destination),
            (Way::ToTunnel, EXTERNAL, piece.destination)
        );
        assert_eq!(
            (&packet.payload, packet.fragmentation),
            (&piece.payload, piece.fragmentation)
        );
        assert_eq!(packet.identification, first.identification);
    }
    let back = pieces(&Packet::new(UDP, REMOTE, &first.source().to_string()));
    assert_eq!(lwb4.try_in(&back[1]).0, Inbound::Held);
    lwb4.come(&back[0]);
    assert_eq!(lwb4.released()[0].0, Way::ToLan);
    assert_eq!(lwb4.nat.counters().held, 3);
    assert_eq!(lwb4.nat.counters().outbound, 3);
}

#[test]
fn nt_015_what_waits_too_long_is_dropped() {
    let mut lwb4 = Lwb4::new();
    let sent = pieces(&Packet::new(UDP, HOST, REMOTE));
    assert_eq!(lwb4.try_out(&sent[1]).0, Outbound::Held);
    assert_eq!(lwb4.nat.due(), Some(lwb4.now + Duration::from_secs(2)));
    lwb4.pass(2);
    lwb4.nat.poll(lwb4.now);
    assert_eq!(lwb4.nat.counters().dropped(NatDrop::FragmentTimeout), 1);
    lwb4.out(&sent[0]);
    assert!(lwb4.released().is_empty());
    lwb4.pass(2);
    assert_eq!(
        lwb4.try_out(&sent[2]).0,
        Outbound::Held,
        "its first is forgotten"
    );
}

#[test]
fn nt_015_what_waits_is_bounded_in_number_and_octets() {
    let limits: [fn(&mut Limits); 3] = [
        |limits| limits.fragments = 4,
        |limits| limits.fragment_octets = 4 * 44,
        |limits| limits.datagrams = 4,
    ];
    for limit in limits {
        let mut lwb4 = Lwb4::with(|config| limit(&mut config.limits));
        for identification in 0..10 {
            let mut piece = pieces(&Packet::new(UDP, HOST, REMOTE)).remove(1);
            piece.identification = identification;
            assert_eq!(lwb4.try_out(&piece).0, Outbound::Held);
        }
        assert_eq!(lwb4.nat.counters().dropped(NatDrop::FragmentNoRoom), 6);
        for identification in 0..10 {
            let mut first = pieces(&Packet::new(UDP, HOST, REMOTE)).remove(0);
            first.identification = identification;
            lwb4.out(&first);
        }
        assert_eq!(lwb4.released().len(), 4);
    }
    let mut lwb4 = Lwb4::with(|config| config.limits.fragments = 0);
    let piece = &pieces(&Packet::new(UDP, HOST, REMOTE))[1];
    assert_eq!(lwb4.refuses_out(piece, NatDrop::FragmentNoRoom), None);
}

#[test]
fn nt_010_fragments_are_hairpinned() {
    let mut lwb4 = Lwb4::with(|config| config.filtering.udp = Filtering::EndpointIndependent);
    let server = lwb4.external(UDP, HOST, REMOTE).to_string();
    for piece in pieces(&Packet::new(UDP, OTHER_HOST, &server)) {
        let (outbound, packet) = lwb4.try_out(&piece);
        assert_eq!(outbound, Outbound::Hairpin);
        assert_eq!(
            (packet.source, packet.destination),
            (EXTERNAL, *end(HOST).ip())
        );
    }
}

#[test]
fn fr_012_a_fragment_that_could_overwrite_the_ports_is_dropped() {
    let mut lwb4 = Lwb4::new();
    let long = Packet::new(TCP, HOST, REMOTE).long(50);
    assert_eq!(
        lwb4.refuses_out(&long.piece(0, 8), NatDrop::TransportTruncated),
        None
    );
    assert_eq!(
        lwb4.refuses_out(&long.piece(8, 48), NatDrop::FragmentOverHeader),
        None
    );
    assert_eq!(
        lwb4.refuses_out(&long.piece(16, 48), NatDrop::FragmentOverHeader),
        None
    );
}

#[test]
fn nt_022_identifications_stay_unless_configured_otherwise() {
    let mut lwb4 = Lwb4::new();
    let sent = Packet::new(UDP, HOST, REMOTE).long(10);
    assert_eq!(lwb4.out(&sent).identification, sent.identification);
}

#[test]
fn nt_022_identifications_can_be_of_our_own_set() {
    let mut lwb4 = Lwb4::with(|config| config.identification = Identification::FromSet);
    let sent = Packet::new(UDP, HOST, REMOTE);
    assert_eq!(
        lwb4.out(&sent).identification,
        sent.identification,
        "atomic"
    );
    let mut seen = std::collections::HashSet::new();
    for _ in 0..64 {
        let out = lwb4.out(&sent.long(10));
        assert!((FIRST..=LAST).contains(&out.identification));
        assert!(seen.insert(out.identification));
    }
    let outs: Vec<_> = pieces(&sent).iter().map(|piece| lwb4.out(piece)).collect();
    assert!(
        outs.iter()
            .all(|out| out.identification == outs[0].identification)
    );
    assert!((FIRST..=LAST).contains(&outs[0].identification));
}
