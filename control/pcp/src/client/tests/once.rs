//! Questions that are asked once: spelling, repetition, and what counts as the answer.

use std::net::SocketAddr;

use super::super::*;
use crate::instant::Instant;
use crate::result_code::ResultCode;
use crate::wire::MapPayload;
use crate::wire::Opcode;
use crate::wire::Payload;
use crate::wire::PcpOption;
use crate::wire::Refusal;
use crate::wire::Response;
use crate::wire::ResponseHeader;
use crate::wire::unsolicited_announce;

const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 2));

fn server() -> SocketAddr {
    "192.0.0.1:5351".parse().unwrap()
}

fn all_ports() -> MapRequest {
    MapRequest {
        nonce: Nonce::new([7; 12]),
        internal: Internal::Set {
            protocol: 0,
            ports: PortRange::ALL,
        },
        lifetime_s: 3600,
        suggestion: None,
        otherwise: Otherwise::AnythingElse,
        third_party: None,
    }
}

fn one_port() -> MapRequest {
    MapRequest {
        internal: Internal::Port {
            protocol: 17,
            port: 4000,
        },
        ..all_ports()
    }
}

fn exchange(request: &MapRequest, until_s: u32) -> Exchange {
    let until = Instant::from_secs(until_s);
    Exchange::map(server(), OWN, request, Instant::default(), until).unwrap()
}

/// A success that says what the request said, with `options`.
fn success(request: &MapRequest, options: &[PcpOption<'_>]) -> Message {
    let octets = request.encode(OWN).unwrap();
    let asked =
        crate::wire::Request::parse(&octets, OWN, crate::wire::Enabled::MapAndPeer).unwrap();
    let Payload::Map(map) = asked.payload else {
        panic!("{asked:?}");
    };
    let header = ResponseHeader {
        opcode: Opcode::Map,
        result: ResultCode::Success,
        lifetime_s: 600,
        epoch_s: 1,
    };
    let payload = Payload::Map(MapPayload {
        external_port: 1024,
        external_address: IpAddr::from([192, 0, 2, 1]),
        ..map
    });
    let mut message = Message::response(&header, &payload);
    for option in options {
        message.push(option).unwrap();
    }
    message
}

#[test]
fn ps_001_pc_046_a_request_is_spelled_as_its_rules_have_it() {
    let canonical = all_ports().encode(OWN).unwrap();
    assert_eq!(canonical.len(), 72);
    assert_eq!(canonical[40..42], [0, 1]);
    assert_eq!(
        canonical[60..72],
        [130, 0, 0, 5, 255, 255, 0, 1, 0, 0, 0, 0]
    );
    let delete = MapRequest {
        lifetime_s: 0,
        suggestion: Some((IpAddr::from([192, 0, 2, 1]), 1024)),
        ..all_ports()
    };
    let octets = delete.encode(OWN).unwrap();
    assert_eq!(octets[42..60], canonical[42..60]);
    assert_eq!(octets[60..], canonical[60..]);
    let strict = all_ports().spelled_otherwise().unwrap();
    assert_eq!(strict.encode(OWN).unwrap()[40..42], [0, 0]);
    assert_eq!(strict.spelled_otherwise(), None);
    assert_eq!(one_port().spelled_otherwise(), None);
}

#[test]
fn ps_005_ps_006_pc_062_what_no_server_may_grant_does_not_leave() {
    let single = |protocol| MapRequest {
        internal: Internal::Set {
            protocol,
            ports: PortRange::sized(4000, 1),
        },
        ..all_ports()
    };
    assert_eq!(single(17).encode(OWN).unwrap().len(), 60);
    assert_eq!(
        single(0).encode(OWN),
        Err(MapRequestError::OnePortOfAllProtocols { port: 4000 })
    );
    let suggestion = Some((IpAddr::from([192, 0, 2, 1]), 1024));
    let or_nothing = |request: MapRequest| MapRequest {
        otherwise: Otherwise::Nothing,
        ..request
    };
    let suggested = MapRequest {
        suggestion,
        ..one_port()
    };
    assert_eq!(or_nothing(suggested).encode(OWN).unwrap().len(), 64);
    for senseless in [
        one_port(),
        MapRequest {
            suggestion,
            ..all_ports()
        },
        MapRequest {
            lifetime_s: 0,
            ..suggested
        },
    ] {
        assert_eq!(
            or_nothing(senseless).encode(OWN),
            Err(MapRequestError::PreferFailure)
        );
    }
}

#[test]
fn pc_103_pc_102_the_same_octets_leave_until_patience_ends() {
    let mut exchange = exchange(&all_ports(), 10);
    let mut sent = Vec::new();
    let mut now = Instant::default();
    let mut random = || u64::MAX / 2;
    loop {
        match exchange.poll(now, &mut random) {
            Step::Send(message) => sent.push((now.as_secs(), message.clone())),
            Step::Wait(until) => now = until,
            Step::GiveUp => break,
        }
    }
    assert_eq!(now, Instant::from_secs(10));
    let times: Vec<u64> = sent.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 3, 9]);
    assert!(sent.iter().all(|(_, message)| *message == sent[0].1));
}

#[test]
fn pc_105_only_the_answer_of_the_server_to_the_request_counts() {
    let request = all_ports();
    let exchange = exchange(&request, 10);
    let answer = success(&request, &[]);
    assert!(exchange.receive(server(), &answer).is_some());
    for other in ["192.0.0.1:5350", "192.0.0.3:5351", "[2001:db8::1]:5351"] {
        assert!(exchange.receive(other.parse().unwrap(), &answer).is_none());
    }
    // The R bit, the nonce, the protocol, the internal port, the opcode.
    for place in [1, 24, 35, 36, 41] {
        let mut other = answer.to_vec();
        other[place] ^= if place == 1 { 0x80 } else { 1 };
        assert!(exchange.receive(server(), &other).is_none(), "{place}");
    }
    assert!(exchange.receive(server(), &answer[..58]).is_none());
    assert!(
        exchange
            .receive(server(), &unsolicited_announce(0))
            .is_none()
    );
    let refusal = Refusal::new(ResultCode::NoResources);
    let refused = refusal.response(&request.encode(OWN).unwrap(), 3);
    assert!(matches!(
        exchange.receive(server(), &refused),
        Some(Answer::Response(Response { header, .. })) if header.result == ResultCode::NoResources
    ));
    assert!(matches!(
        exchange.receive(server(), &[0, 0x80, 0, 1]),
        Some(Answer::OtherVersion { supported: 0 })
    ));
}

#[test]
fn pc_061_the_answer_names_the_third_party() {
    let host = ThirdParty {
        address: IpAddr::from([192, 0, 0, 2]),
        softwire: Some("2001:db8::1".parse().unwrap()),
    };
    let request = MapRequest {
        third_party: Some(host),
        ..all_ports()
    };
    let exchange = exchange(&request, 10);
    let named = PcpOption::ThirdParty(host.address);
    let other = PcpOption::ThirdParty(IpAddr::from([192, 0, 0, 3]));
    for (options, is_answer) in [(&[named][..], true), (&[other], false), (&[], false)] {
        let answer = success(&request, options);
        assert_eq!(exchange.receive(server(), &answer).is_some(), is_answer);
    }
}

#[test]
fn pc_141_an_epoch_is_asked_for_with_a_header() {
    let until = Instant::from_secs(10);
    let mut exchange = Exchange::announce(server(), OWN, Instant::default(), until);
    let mut random = || 0;
    let Step::Send(request) = exchange.poll(Instant::default(), &mut random) else {
        panic!("nothing to send");
    };
    assert_eq!(request.len(), 24);
    assert!(
        exchange
            .receive(server(), &unsolicited_announce(9))
            .is_some()
    );
    assert!(
        exchange
            .receive(server(), &success(&one_port(), &[]))
            .is_none()
    );
}

#[test]
fn ps_010_ps_019_what_is_granted_is_read_from_the_answer() {
    let set = PcpOption::PortSet(crate::wire::PortSetOption {
        size: 2048,
        first_internal_port: 5000,
        parity: crate::wire::Parity::Any,
    });
    let everything = MapRequest {
        internal: Internal::Everything,
        ..all_ports()
    };
    for (request, options, first, last, internal) in [
        (all_ports(), &[set][..], 1024, 3071, 5000),
        (all_ports(), &[], 1024, 1024, 1),
        (one_port(), &[], 1024, 1024, 4000),
        (everything, &[], 0, 65535, 0),
    ] {
        let octets = success(&request, options);
        let grant = request.grant(&Response::parse(&octets).unwrap()).unwrap();
        assert_eq!(grant.address, IpAddr::from([192, 0, 2, 1]));
        assert_eq!((grant.ports.first(), grant.ports.last()), (first, last));
        assert_eq!(grant.first_internal_port, internal);
    }
}
