//! How long things live (NT-006, NT-007, NT-017, NT-018).

use super::packets::ACK;
use super::packets::FIN;
use super::packets::Packet;
use super::packets::RST;
use super::packets::SYN;
use super::*;

#[test]
fn nt_006_an_idle_udp_mapping_lives_five_minutes() {
    let mut lwb4 = Lwb4::new();
    let out = lwb4.out(&Packet::new(UDP, HOST, REMOTE));
    assert_eq!(lwb4.nat.due(), Some(lwb4.now + Duration::from_secs(300)));
    lwb4.pass(299);
    lwb4.come(&out.answer());
    lwb4.pass(1);
    lwb4.refuses(&out.answer(), NatDrop::NoMapping);
}

#[test]
fn nt_007_outbound_packets_keep_a_mapping_and_inbound_ones_only_if_configured() {
    for (inbound_refresh, lives) in [(false, false), (true, true)] {
        let mut lwb4 = Lwb4::with(|config| config.inbound_refresh = inbound_refresh);
        let udp = Packet::new(UDP, HOST, REMOTE);
        let out = lwb4.out(&udp);
        for _ in 0..3 {
            lwb4.pass(299);
            lwb4.out(&udp);
        }
        lwb4.pass(299);
        lwb4.come(&out.answer());
        lwb4.pass(299);
        let (inbound, _) = lwb4.try_in(&out.answer());
        assert_eq!(inbound == Inbound::ToLan, lives);
    }
}

#[test]
fn nt_007_errors_and_refused_strangers_refresh_nothing() {
    let mut lwb4 = Lwb4::with(|config| config.filtering = open());
    let udp = lwb4.out(&Packet::new(UDP, HOST, REMOTE));
    lwb4.pass(200);
    let delivered = lwb4.come(&udp.answer());
    lwb4.out(&Packet::error("192.168.1.10", 3, 3, &delivered, 28));
    lwb4.pass(100);
    lwb4.refuses(&udp.answer(), NatDrop::NoMapping);

    let tcp = lwb4
        .out(&Packet::tcp(HOST, REMOTE, SYN, 1, 0))
        .source()
        .to_string();
    lwb4.pass(200);
    lwb4.come(&Packet::tcp(OTHER_REMOTE, &tcp, SYN, 9, 0));
    lwb4.pass(39);
    lwb4.out(&Packet::tcp(HOST, OTHER_REMOTE, RST | ACK, 0, 10));
    lwb4.pass(201);
    assert!(lwb4.released_mappings());
}

fn open() -> Filterings {
    Filterings {
        tcp: Filtering::EndpointIndependent,
        udp: Filtering::EndpointIndependent,
        icmp: Filtering::EndpointIndependent,
    }
}

impl Lwb4 {
    /// Whether no mapping is in use any more.
    fn released_mappings(&mut self) -> bool {
        self.nat.poll(self.now);
        self.active().is_empty()
    }

    /// A connection from `HOST` to `REMOTE`, and its external end.
    fn connect(&mut self) -> String {
        let out = self.out(&Packet::tcp(HOST, REMOTE, SYN, 100, 0));
        let external = out.source().to_string();
        self.come(&Packet::tcp(REMOTE, &external, SYN | ACK, 500, 101));
        self.out(&Packet::tcp(HOST, REMOTE, ACK, 101, 501));
        external
    }
}

#[test]
fn nt_017_an_established_connection_may_be_idle_for_two_hours_and_four_minutes() {
    let mut lwb4 = Lwb4::new();
    let external = lwb4.connect();
    let data = Packet::tcp(REMOTE, &external, ACK, 501, 101);
    lwb4.pass(7439);
    lwb4.come(&data);
    lwb4.pass(7439);
    lwb4.come(&data);
    lwb4.pass(7440);
    lwb4.refuses(&data, NatDrop::NoMapping);
}

#[test]
fn nt_017_a_connection_that_is_opening_closing_or_reset_lives_four_minutes() {
    let mut lwb4 = Lwb4::new();
    let syn = lwb4.out(&Packet::tcp(HOST, REMOTE, SYN, 100, 0));
    lwb4.pass(239);
    lwb4.come(&Packet::tcp(REMOTE, &syn.source().to_string(), ACK, 1, 1));
    lwb4.pass(1);
    assert!(lwb4.released_mappings());

    let external = lwb4.connect();
    lwb4.out(&Packet::tcp(HOST, REMOTE, FIN | ACK, 101, 501));
    lwb4.pass(7000);
    lwb4.come(&Packet::tcp(REMOTE, &external, FIN | ACK, 501, 102));
    lwb4.pass(239);
    lwb4.come(&Packet::tcp(REMOTE, &external, ACK, 502, 102));
    lwb4.pass(1);
    assert!(lwb4.released_mappings());

    let external = lwb4.connect();
    lwb4.come(&Packet::tcp(REMOTE, &external, RST, 501, 101));
    lwb4.pass(239);
    assert!(!lwb4.released_mappings());
    lwb4.pass(1);
    assert!(lwb4.released_mappings());
}

#[test]
fn nt_017_a_reset_outside_the_window_ends_nothing() {
    let mut lwb4 = Lwb4::new();
    let external = lwb4.connect();
    lwb4.come(&Packet::tcp(REMOTE, &external, RST, 99_999, 0));
    lwb4.pass(7400);
    lwb4.come(&Packet::tcp(REMOTE, &external, ACK, 501, 101));
}

#[test]
fn nt_018_a_query_lives_a_minute() {
    let mut lwb4 = Lwb4::new();
    let out = lwb4.out(&Packet::new(1, HOST, REMOTE));
    lwb4.pass(59);
    lwb4.come(&out.answer());
    lwb4.pass(1);
    lwb4.refuses(&out.answer(), NatDrop::NoMapping);
}

#[test]
fn nt_018_timers_are_configurable() {
    let timers = Timers::default().with(Timer::IcmpQuery, 90).unwrap();
    let mut lwb4 = Lwb4::with(|config| config.timers = timers);
    let out = lwb4.out(&Packet::new(1, HOST, REMOTE));
    lwb4.pass(89);
    lwb4.come(&out.answer());
}

#[test]
fn sessions_of_one_mapping_end_each_in_its_time() {
    let mut lwb4 = Lwb4::new();
    let first = lwb4.out(&Packet::new(UDP, HOST, REMOTE));
    lwb4.pass(200);
    let second = lwb4.out(&Packet::new(UDP, HOST, OTHER_REMOTE));
    lwb4.pass(100);
    lwb4.refuses(&first.answer(), NatDrop::Filtered);
    lwb4.come(&second.answer());
}
