//! What clients send.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use pcp::client::Action;
use pcp::client::Client;
use pcp::client::ClientConfig;
use pcp::client::Exchange;
use pcp::client::Goal;
use pcp::client::Internal;
use pcp::client::MapRequest;
use pcp::client::Otherwise;
use pcp::client::Step;
use pcp::client::ThirdParty;
use pcp::instant::Instant;
use pcp::port_set::PortRange;
use pcp::wire::Filter;
use pcp::wire::MapPayload;
use pcp::wire::Message;
use pcp::wire::Nonce;
use pcp::wire::Parity;
use pcp::wire::Payload;
use pcp::wire::PcpOption;
use pcp::wire::PeerPayload;
use pcp::wire::PortSetOption;

use crate::expected::Expected;

/// The address of every lwB4 inside its tunnel.
pub(crate) const B4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 2));
const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 1));
const KEA: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x53));
const SOFTWIRE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb4, 0, 0, 0, 0, 1);
const SUGGESTED: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 5));
const SUGGESTION: (IpAddr, u16) = (SUGGESTED, 26624);

pub(crate) fn nonce() -> Nonce {
    Nonce::new([
        0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab,
    ])
}

pub(crate) fn map(protocol: u8, internal_port: u16, external: (IpAddr, u16)) -> MapPayload {
    MapPayload {
        nonce: nonce(),
        protocol,
        internal_port,
        external_port: external.1,
        external_address: external.0,
    }
}

pub(crate) fn peer(external: (IpAddr, u16)) -> PeerPayload {
    PeerPayload {
        map: map(6, 1000, external),
        remote_port: 443,
        remote_address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)),
    }
}

pub(crate) const NOTHING: (IpAddr, u16) = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// A request for all ports; the others are made from it.
pub(crate) fn all_ports() -> MapRequest {
    MapRequest {
        nonce: nonce(),
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

type Messages = Vec<(String, Vec<u8>, Expected)>;

/// Every kind of request, the canonical one first.
pub(crate) fn messages() -> Messages {
    let mut all = for_sets();
    all.extend(for_one_port_or_all());
    all.extend(for_third_parties());
    all.extend(of_an_lwb4());
    all.extend(with_options());
    let until = Instant::from_secs(10);
    let server = (SERVER, 5351).into();
    let mut announce = Exchange::announce(server, B4, Instant::default(), until);
    let Step::Send(request) = announce.poll(Instant::default(), &mut || 0) else {
        panic!("nothing to send");
    };
    all.push((
        "ANNOUNCE".to_owned(),
        request.to_vec(),
        Expected::request(0, 0, B4),
    ));
    all
}

/// A request of a client at `own`, encoded.
fn of(
    what: &str,
    request: MapRequest,
    own: IpAddr,
    expected: Expected,
) -> (String, Vec<u8>, Expected) {
    let octets = request.encode(own).expect("a request that may leave");
    (what.to_owned(), octets.to_vec(), expected)
}

fn for_sets() -> Messages {
    let request = |lifetime_s| Expected::request(1, lifetime_s, B4);
    vec![
        of(
            "all ports",
            all_ports(),
            B4,
            request(3600).map(&map(0, 1, NOTHING)).set(65535, 1, 0),
        ),
        of(
            "all ports from 0",
            all_ports().spelled_otherwise().expect("another form"),
            B4,
            request(3600).map(&map(0, 0, NOTHING)).set(65535, 0, 0),
        ),
        of(
            "the set of before",
            MapRequest {
                suggestion: Some(SUGGESTION),
                ..all_ports()
            },
            B4,
            request(3600).map(&map(0, 1, SUGGESTION)).set(65535, 1, 0),
        ),
        of(
            "delete",
            MapRequest {
                lifetime_s: 0,
                ..all_ports()
            },
            B4,
            request(0).map(&map(0, 1, NOTHING)).set(65535, 1, 0),
        ),
    ]
}

fn for_one_port_or_all() -> Messages {
    let one_port = MapRequest {
        internal: Internal::Port {
            protocol: 17,
            port: 27000,
        },
        suggestion: Some(SUGGESTION),
        ..all_ports()
    };
    let request = || Expected::request(1, 3600, B4);
    vec![
        of(
            "one port",
            one_port,
            B4,
            request().map(&map(17, 27000, SUGGESTION)),
        ),
        of(
            "one port or nothing",
            MapRequest {
                otherwise: Otherwise::Nothing,
                ..one_port
            },
            B4,
            request().map(&map(17, 27000, SUGGESTION)).option(2, 0),
        ),
        of(
            "a whole address",
            MapRequest {
                internal: Internal::Everything,
                ..all_ports()
            },
            B4,
            request().map(&map(0, 0, NOTHING)),
        ),
    ]
}

fn for_third_parties() -> Messages {
    let request = || Expected::request(1, 3600, KEA).map(&map(0, 1, NOTHING));
    vec![
        of(
            "for a third party by its IPv6 address",
            MapRequest {
                third_party: Some(ThirdParty {
                    address: IpAddr::V6(SOFTWIRE),
                    softwire: None,
                }),
                ..all_ports()
            },
            KEA,
            request().third_party(IpAddr::V6(SOFTWIRE)).set(65535, 1, 0),
        ),
        of(
            "for a third party by its softwire",
            MapRequest {
                third_party: Some(ThirdParty {
                    address: B4,
                    softwire: Some(SOFTWIRE),
                }),
                ..all_ports()
            },
            KEA,
            request().third_party(B4).option(13, 16).set(65535, 1, 0),
        ),
    ]
}

/// The machine of an lwB4 writes its requests by itself.
fn of_an_lwb4() -> Messages {
    let mut client = Client::new(ClientConfig {
        server: SERVER,
        own: B4,
        nonce: nonce(),
        goal: Goal::PortSet(PortRange::sized(2048, 4096)),
        lifetime_s: 600,
        suggestion: Some((Ipv4Addr::new(192, 0, 2, 5), 2048)),
    });
    let mut all = Vec::new();
    let mut next = |client: &mut Client, what: &str, expected: Expected| {
        let Some(Action::Send(message)) = client.poll(Instant::default(), &mut || 0) else {
            panic!("nothing to send");
        };
        all.push((what.to_owned(), message.to_vec(), expected));
    };
    client.start(Instant::default());
    let asked = Expected::request(1, 600, B4).map(&map(0, 2048, (SUGGESTED, 2048)));
    next(&mut client, "an lwB4 asks", asked.set(4096, 2048, 0));
    client.release(Instant::default());
    let gone = Expected::request(1, 0, B4).map(&map(0, 2048, NOTHING));
    next(&mut client, "an lwB4 releases", gone.set(4096, 2048, 0));
    all
}

/// What the codec can write and no client of ours sends.
fn with_options() -> Messages {
    let payload = map(17, 50000, NOTHING);
    let plain = || Expected::request(1, 60, B4).map(&payload);
    let filter = Filter {
        prefix_length: 120,
        remote_port: 443,
        remote_address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 0)),
    };
    let set = PortSetOption {
        size: 100,
        first_internal_port: 50000,
        parity: Parity::Preserved,
    };
    let of = |what: &str, option: PcpOption<'_>, expected| {
        let mut message = Message::request(60, B4, &Payload::Map(payload));
        message.push(&option).expect("room for one");
        (what.to_owned(), message.to_vec(), expected)
    };
    let peer = peer(NOTHING);
    let peer_octets = Message::request(60, B4, &Payload::Peer(peer)).to_vec();
    vec![
        of(
            "DESCRIPTION",
            PcpOption::Description("the router".as_bytes()),
            plain().option(128, 10).with("description", "the router"),
        ),
        of(
            "FILTER",
            PcpOption::Filter(filter),
            plain()
                .option(3, 20)
                .with("filter prefix length", 120)
                .with("filter port", 443)
                .with("filter address", "::ffff:198.51.100.0"),
        ),
        of(
            "parity",
            PcpOption::PortSet(set),
            plain().set(100, 50000, 1),
        ),
        (
            "PEER".to_owned(),
            peer_octets,
            Expected::request(2, 60, B4).peer(&peer),
        ),
    ]
}
