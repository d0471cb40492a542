//! Random messages survive, and random octets get what the rules say.

use std::net::IpAddr;
use std::net::Ipv6Addr;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::*;
use super::B4;
use super::canonical;
use crate::result_code::ResultCode;

fn address() -> impl Strategy<Value = IpAddr> {
    any::<[u8; 16]>().prop_flat_map(|octets| {
        prop_oneof![
            Just(Ipv6Addr::from(octets).to_canonical()),
            Just(IpAddr::from([octets[0], octets[1], octets[2], octets[3]])),
        ]
    })
}

fn map() -> impl Strategy<Value = MapPayload> {
    (any::<([u8; 12], u8, u16, u16)>(), address()).prop_map(
        |((nonce, protocol, internal_port, external_port), external_address)| MapPayload {
            nonce: Nonce::new(nonce),
            protocol,
            internal_port,
            external_port,
            external_address,
        },
    )
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        Just(Payload::Announce),
        map().prop_map(Payload::Map),
        (map(), any::<u16>(), address()).prop_map(|(map, remote_port, remote_address)| {
            Payload::Peer(PeerPayload {
                map,
                remote_port,
                remote_address,
            })
        }),
    ]
}

/// An option that keeps data of its own, so that a list of them can be built.
#[derive(Clone, Debug)]
enum Owned {
    Fixed(PcpOption<'static>),
    Data(u8, Vec<u8>),
}

impl Owned {
    fn option(&self) -> PcpOption<'_> {
        match self {
            Self::Fixed(option) => *option,
            Self::Data(13, data) => PcpOption::ThirdPartyId(data),
            Self::Data(128, data) => PcpOption::Description(data),
            Self::Data(129, data) => PcpOption::Prefix64(data),
            Self::Data(code, data) => PcpOption::Unknown { code: *code, data },
        }
    }
}

fn option() -> impl Strategy<Value = Owned> {
    prop_oneof![
        address().prop_map(|host| Owned::Fixed(PcpOption::ThirdParty(host))),
        Just(Owned::Fixed(PcpOption::PreferFailure)),
        (96_u8..=128, any::<u16>(), address()).prop_map(|(prefix_length, port, address)| {
            Owned::Fixed(PcpOption::Filter(Filter {
                prefix_length,
                remote_port: port,
                remote_address: address,
            }))
        }),
        any::<(u16, u16, bool)>().prop_map(|(size, first, parity)| {
            Owned::Fixed(PcpOption::PortSet(PortSetOption {
                size,
                first_internal_port: first,
                parity: if parity {
                    Parity::Preserved
                } else {
                    Parity::Any
                },
            }))
        }),
        (
            prop_oneof![Just(13_u8), Just(128), Just(129), Just(64), Just(200)],
            vec(any::<u8>(), 1..40)
        )
            .prop_map(|(code, data)| Owned::Data(code, data)),
    ]
}

/// Options of which those that may stand only once do.
fn options() -> impl Strategy<Value = Vec<Owned>> {
    vec(option(), 0..6).prop_map(|mut options| {
        let mut seen = std::collections::HashSet::new();
        options.retain(|option| {
            let code = option.option().code();
            matches!(code, 3 | 64 | 129 | 200) || seen.insert(code)
        });
        options
    })
}

/// Octets that nearly are a request: a real one, cut, stretched and with some octets changed.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    (
        0_usize..1200,
        vec((any::<u16>(), any::<u8>()), 0..6),
        any::<bool>(),
    )
        .prop_map(|(length, changes, keep)| {
            let mut octets = canonical();
            if !keep {
                octets.resize(length, 0);
            }
            for (place, octet) in changes {
                let place = usize::from(place) % octets.len().max(1);
                if let Some(old) = octets.get_mut(place) {
                    *old = octet;
                }
            }
            octets
        })
}

proptest! {
    #[test]
    fn a_request_survives_the_wire(
        lifetime_s: u32,
        client in address(),
        payload in payload(),
        options in options(),
    ) {
        let mut message = Message::request(lifetime_s, client, &payload);
        for option in &options {
            message.push(&option.option()).unwrap();
        }
        let request = Request::parse(&message, client, Enabled::MapAndPeer).unwrap();
        prop_assert_eq!(request.lifetime_s, lifetime_s);
        prop_assert_eq!(request.client, client);
        prop_assert_eq!(request.payload, payload);
        let read: Vec<_> = request.options.iter().map(Result::unwrap).collect();
        let sent: Vec<_> = options.iter().map(Owned::option).collect();
        prop_assert_eq!(read, sent);
        prop_assert_eq!(request.encode().unwrap(), message);
    }

    #[test]
    fn a_response_survives_the_wire(
        code: u8,
        lifetime_s: u32,
        epoch_s: u32,
        payload in payload(),
        options in options(),
    ) {
        prop_assume!(code != 1);
        let header = ResponseHeader {
            opcode: payload.opcode(),
            result: ResultCode::from(code),
            lifetime_s,
            epoch_s,
        };
        let mut message = Message::response(&header, &payload);
        for option in &options {
            message.push(&option.option()).unwrap();
        }
        let response = Response::parse(&message).unwrap();
        prop_assert_eq!(response.header, header);
        prop_assert_eq!(response.payload, payload);
        let read: Vec<_> = response.options.iter().map(Result::unwrap).collect();
        let sent: Vec<_> = options.iter().map(Owned::option).collect();
        prop_assert_eq!(read, sent);
        prop_assert_eq!(response.encode().unwrap(), message);
    }

    #[test]
    fn any_octets_are_dropped_or_refused_by_the_rules(
        octets in prop_oneof![vec(any::<u8>(), 0..200), nearly()],
    ) {
        let octets: Vec<u8> = octets;
        let Err(error) = Request::parse(&octets, B4, Enabled::Map) else {
            return Ok(());
        };
        match error.treatment() {
            Treatment::Drop => {
                let silent = octets.len() < 2
                    || octets[1] & 0x80 != 0
                    || (octets[0] == VERSION && octets.len() < 24);
                prop_assert!(silent);
            }
            Treatment::Refuse(result) => {
                let answer = Refusal::new(result).response(&octets, 1);
                prop_assert!((24..=MAX_LENGTH).contains(&answer.len()));
                prop_assert!(answer.len().is_multiple_of(4));
                prop_assert_eq!(answer[0], VERSION);
                prop_assert_eq!(answer[1], octets[1] | 0x80);
                prop_assert_eq!(answer[3], result.code());
                let copied = octets.len().min(MAX_LENGTH);
                if copied > 24 {
                    prop_assert_eq!(&answer[24..copied], &octets[24..copied]);
                }
                prop_assert!(answer[copied.max(24)..].iter().all(|octet| *octet == 0));
            }
        }
    }

    #[test]
    fn any_octets_may_come_as_a_response(octets in prop_oneof![vec(any::<u8>(), 0..200), nearly()]) {
        if let Ok(response) = Response::parse(&octets) {
            for option in response.options.iter() {
                let _ = option;
            }
        }
    }
}
