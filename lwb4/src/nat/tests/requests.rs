//! What PCP asks for (NT-024, PC-048).

use super::packets::ACK;
use super::packets::FIN;
use super::packets::Packet;
use super::packets::RST;
use super::packets::SYN;
use super::packets::end;
use super::*;
use crate::explicit::ExplicitMappings;
use crate::explicit::MappingKey;
use crate::explicit::RemoteFilter;
use crate::explicit::Unmapped;
use crate::explicit::Wanted;

fn key(protocol: u8, internal: &str) -> MappingKey {
    MappingKey {
        protocol,
        internal: end(internal),
        remote: None,
    }
}

impl Lwb4 {
    fn wanted(&self, protocol: u8, internal: &str, seconds: u64) -> Wanted {
        Wanted {
            key: key(protocol, internal),
            suggested: end("0.0.0.0:0"),
            exactly: false,
            filters: Vec::new(),
            expires: self.now + Duration::from_secs(seconds),
        }
    }

    fn open(&mut self, wanted: &Wanted) -> Result<SocketAddrV4, Unmapped> {
        self.nat.open(wanted, self.now)
    }
}

#[test]
fn nt_024_a_mapping_is_open_to_anybody_until_its_time() {
    for protocol in [TCP, UDP] {
        let mut lwb4 = Lwb4::new();
        let external = lwb4.open(&lwb4.wanted(protocol, HOST, 3600)).unwrap();
        assert_eq!(lwb4.nat.external(&key(protocol, HOST)), Some(external));
        let stranger = Packet::new(protocol, REMOTE, &external.to_string());
        lwb4.pass(3599);
        assert_eq!(lwb4.come(&stranger).destination(), end(HOST));
        assert_eq!(
            lwb4.out(&stranger.to(end(HOST)).answer()).source(),
            external
        );
        lwb4.pass(1);
        lwb4.refuses(
            &Packet::new(protocol, OTHER_REMOTE, &external.to_string()),
            NatDrop::Filtered,
        );
        lwb4.out(&Packet::new(protocol, HOST, REMOTE));
        assert_eq!(lwb4.active().len(), 1, "the session goes on");
    }
}

#[test]
fn nt_024_a_mapping_that_nobody_uses_ends_and_rests() {
    let mut lwb4 = Lwb4::new();
    let external = lwb4.open(&lwb4.wanted(UDP, HOST, 60)).unwrap();
    assert_eq!(lwb4.nat.due(), Some(lwb4.now + Duration::from_secs(60)));
    lwb4.pass(60);
    lwb4.refuses(
        &Packet::new(UDP, REMOTE, &external.to_string()),
        NatDrop::NoMapping,
    );
    assert_eq!(lwb4.nat.external(&key(UDP, HOST)), None);
    let mut wanted = lwb4.wanted(UDP, OTHER_HOST, 60);
    wanted.suggested = external;
    assert_ne!(lwb4.open(&wanted).unwrap(), external);
    wanted.key = key(UDP, "192.168.1.10:6000");
    assert_eq!(
        lwb4.open(&wanted).unwrap(),
        external,
        "its own host may have it"
    );
}

#[test]
fn nt_024_pc_048_no_fin_or_reset_shortens_a_mapping() {
    let mut lwb4 = Lwb4::new();
    let external = lwb4
        .open(&lwb4.wanted(TCP, HOST, 3600))
        .unwrap()
        .to_string();
    for last in [RST, FIN | ACK] {
        lwb4.come(&Packet::tcp(REMOTE, &external, SYN, 500, 0));
        lwb4.out(&Packet::tcp(HOST, REMOTE, SYN | ACK, 100, 501));
        lwb4.come(&Packet::tcp(REMOTE, &external, last, 501, 101));
        lwb4.out(&Packet::tcp(HOST, REMOTE, last, 101, 502));
        lwb4.pass(300);
    }
    lwb4.come(&Packet::tcp(OTHER_REMOTE, &external, SYN, 500, 0));
}

#[test]
fn nt_024_pc_049_errors_about_a_mapping_pass_while_it_lives() {
    let mut lwb4 = Lwb4::new();
    let external = lwb4
        .open(&lwb4.wanted(UDP, HOST, 3600))
        .unwrap()
        .to_string();
    lwb4.pass(3000);
    let sent = Packet::new(UDP, &external, REMOTE);
    lwb4.come(&Packet::error("203.0.113.1", 3, 1, &sent, 28));
    let delivered = lwb4.come(&sent.answer());
    lwb4.out(&Packet::error("192.168.1.10", 3, 3, &delivered, 28));
}

#[test]
fn nt_024_filters_say_who_may_send() {
    let mut lwb4 = Lwb4::new();
    let mut wanted = lwb4.wanted(UDP, HOST, 3600);
    wanted.filters = vec![RemoteFilter {
        remote: end("198.51.100.0:0"),
        prefix_length: 24,
    }];
    let external = lwb4.open(&wanted).unwrap().to_string();
    lwb4.come(&Packet::new(UDP, REMOTE, &external));
    let other = Packet::new(UDP, OTHER_REMOTE, &external);
    lwb4.refuses(&other, NatDrop::Filtered);
    lwb4.out(&Packet::new(UDP, HOST, OTHER_REMOTE));
    lwb4.come(&other);
    wanted.filters.clear();
    lwb4.open(&wanted).unwrap();
    lwb4.come(&Packet::new(UDP, "8.8.8.8:53", &external));
}

#[test]
fn nt_024_what_packets_made_becomes_explicit_and_stays_where_it_is() {
    let mut lwb4 = Lwb4::new();
    let external = lwb4.external(UDP, HOST, REMOTE);
    let mut wanted = lwb4.wanted(UDP, HOST, 3600);
    wanted.suggested = end("192.0.2.5:4096");
    assert_eq!(lwb4.open(&wanted), Ok(external));
    wanted.exactly = true;
    wanted.suggested = SocketAddrV4::new(EXTERNAL, external.port() ^ 1);
    assert_eq!(lwb4.open(&wanted), Err(Unmapped::NotFree));
    lwb4.come(&Packet::new(UDP, OTHER_REMOTE, &external.to_string()));
}

#[test]
fn nt_024_a_suggested_port_is_given_if_it_is_free_and_ours() {
    let mut lwb4 = Lwb4::new();
    lwb4.uses(&[run(EXTERNAL, 5300, 5363)]);
    let mut wanted = lwb4.wanted(UDP, HOST, 3600);
    wanted.suggested = end("192.0.2.5:5333");
    assert_eq!(lwb4.open(&wanted), Ok(end("192.0.2.5:5333")));
    wanted.key = key(UDP, OTHER_HOST);
    wanted.exactly = true;
    assert_eq!(lwb4.open(&wanted), Err(Unmapped::NotFree));
    for suggested in [
        "0.0.0.0:5333",
        "192.0.2.5:5299",
        "192.0.2.6:5334",
        "192.0.2.5:5351",
    ] {
        wanted.suggested = end(suggested);
        wanted.exactly = true;
        assert_eq!(lwb4.open(&wanted), Err(Unmapped::NotFree), "{suggested}");
    }
    wanted.suggested = end("0.0.0.0:5340");
    assert_eq!(lwb4.open(&wanted), Ok(end("192.0.2.5:5340")));
    assert_eq!(lwb4.active().len(), 2);
}

#[test]
fn why_there_is_no_mapping_is_told() {
    let mut lwb4 = Lwb4::new();
    assert_eq!(
        lwb4.open(&lwb4.wanted(1, HOST, 60)),
        Err(Unmapped::Protocol(1))
    );
    assert_eq!(
        lwb4.open(&lwb4.wanted(47, HOST, 60)),
        Err(Unmapped::Protocol(47))
    );
    assert_eq!(
        lwb4.open(&lwb4.wanted(132, HOST, 60)),
        Err(Unmapped::NotFree)
    );
    lwb4.uses(&[run(EXTERNAL, 4096, 4096)]);
    lwb4.external(UDP, HOST, REMOTE);
    assert_eq!(
        lwb4.open(&lwb4.wanted(UDP, OTHER_HOST, 60)),
        Err(Unmapped::Exhausted)
    );
    lwb4.uses(&[]);
    assert_eq!(lwb4.open(&lwb4.wanted(UDP, HOST, 60)), Err(Unmapped::NoSet));
}

#[test]
fn nt_024_a_closed_mapping_goes_on_as_long_as_its_sessions() {
    let mut lwb4 = Lwb4::new();
    let external = lwb4
        .open(&lwb4.wanted(UDP, HOST, 3600))
        .unwrap()
        .to_string();
    lwb4.out(&Packet::new(UDP, HOST, REMOTE));
    lwb4.nat.close(&key(UDP, HOST), lwb4.now);
    lwb4.come(&Packet::new(UDP, REMOTE, &external));
    lwb4.refuses(
        &Packet::new(UDP, OTHER_REMOTE, &external),
        NatDrop::Filtered,
    );
    lwb4.pass(300);
    lwb4.refuses(&Packet::new(UDP, REMOTE, &external), NatDrop::NoMapping);
    lwb4.open(&lwb4.wanted(UDP, OTHER_HOST, 3600)).unwrap();
    lwb4.nat.close(&key(UDP, OTHER_HOST), lwb4.now);
    assert!(
        lwb4.active().is_empty(),
        "one without sessions ends at once"
    );
}

#[test]
fn nt_024_a_peer_keeps_its_session_and_lets_nobody_else_in() {
    for protocol in [TCP, UDP] {
        let mut lwb4 = Lwb4::new();
        let mut wanted = lwb4.wanted(protocol, HOST, 3600);
        wanted.key.remote = Some(end(REMOTE));
        let external = lwb4.open(&wanted).unwrap().to_string();
        let from = |remote| match protocol {
            TCP => Packet::tcp(remote, &external, ACK, 1, 1),
            _ => Packet::new(protocol, remote, &external),
        };
        lwb4.pass(3599);
        lwb4.come(&from(REMOTE));
        lwb4.refuses(&from(OTHER_REMOTE), NatDrop::Filtered);
        wanted.expires = lwb4.now + Duration::from_secs(600);
        lwb4.open(&wanted).unwrap();
        lwb4.pass(599);
        lwb4.come(&from(REMOTE));
        lwb4.pass(1);
        lwb4.refuses(&from(REMOTE), NatDrop::NoMapping);
    }
}

#[test]
fn nt_024_a_closed_peer_that_sent_nothing_is_gone() {
    let mut lwb4 = Lwb4::new();
    let mut wanted = lwb4.wanted(UDP, HOST, 3600);
    wanted.key.remote = Some(end(REMOTE));
    lwb4.open(&wanted).unwrap();
    lwb4.nat.close(&wanted.key, lwb4.now);
    assert!(lwb4.active().is_empty());
    lwb4.open(&wanted).unwrap();
    lwb4.out(&Packet::new(UDP, HOST, REMOTE));
    lwb4.nat.close(&wanted.key, lwb4.now);
    lwb4.pass(299);
    lwb4.nat.poll(lwb4.now);
    assert_eq!(lwb4.active().len(), 1);
}
