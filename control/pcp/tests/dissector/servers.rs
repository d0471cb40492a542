//! What servers send.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::time::Duration;

use pcp::book::Book;
use pcp::client::Internal;
use pcp::client::MapRequest;
use pcp::client::ThirdParty;
use pcp::epoch::ServerEpoch;
use pcp::instant::Instant;
use pcp::pool::Ipv4Prefix;
use pcp::pool::Ipv6Prefix;
use pcp::pool::Owner;
use pcp::pool::PcpPorts;
use pcp::pool::PoolConfig;
use pcp::pool::Pools;
use pcp::port_set::PortRange;
use pcp::result_code::ResultCode;
use pcp::server::Arrival;
use pcp::server::Packet;
use pcp::server::Server;
use pcp::server::ServerConfig;
use pcp::wire::Filter;
use pcp::wire::Message;
use pcp::wire::Opcode;
use pcp::wire::Payload;
use pcp::wire::PcpOption;
use pcp::wire::Refusal;
use pcp::wire::ResponseHeader;
use pcp::wire::unsolicited_announce;

use crate::clients;
use crate::clients::B4;
use crate::clients::NOTHING;
use crate::clients::all_ports;
use crate::expected::Expected;

const BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xaf, 0, 0, 0, 0, 1);
const SOFTWIRE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb4, 0, 0, 0, 0, 1);
const WITH_ADDRESS: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb9, 0, 0, 0, 0, 0, 1);
const KEA: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
const EPOCH_S: u32 = 42;

/// A server that has been asked a few things.
struct World {
    server: Server,
    book: Book,
}

impl World {
    fn new() -> Self {
        let pools = Pools::new(vec![
            pool([192, 0, 2, 5], 5, "2001:db8::", Owner::Pcp),
            pool([192, 0, 2, 6], 0, "2001:db9::", Owner::Pcp),
            pool([198, 51, 100, 1], 5, "2001:db8::", Owner::ThirdParty(0)),
        ]);
        let now = Instant::default();
        let rest = Duration::from_secs(120);
        Self {
            server: Server::new(
                ServerConfig::default(),
                ServerEpoch::continuing(EPOCH_S, now),
            ),
            book: Book::new(pools.expect("pools"), 56, rest, now),
        }
    }

    fn ask(&mut self, octets: &[u8], source: IpAddr, arrival: Arrival) -> Vec<u8> {
        let now = Instant::default();
        let packet = Packet {
            octets,
            source,
            port: 40000,
            arrival,
        };
        let decision = self.server.decide(&self.book, &packet, now);
        for effect in &decision.effects {
            let applied = self.book.apply(effect, now);
            applied.expect("what was decided");
        }
        decision.response.expect("an answer").to_vec()
    }

    fn map(&mut self, request: &MapRequest) -> Vec<u8> {
        let octets = request.encode(B4).expect("a request that may leave");
        self.ask(&octets, B4, tunnel(SOFTWIRE))
    }

    fn update(&self) -> Vec<u8> {
        let lease = self.book.leases().next().expect("a lease");
        let update = self.server.mapping_update(&lease, Instant::default());
        update.expect("room for a lease").to_vec()
    }
}

fn tunnel(outer: Ipv6Addr) -> Arrival {
    Arrival::Tunnel { outer, br: BR }
}

fn pool(address: [u8; 4], psid_length: u8, clients: &str, owner: Owner) -> PoolConfig {
    let clients = clients.parse().expect("an address");
    PoolConfig {
        name: format!("{address:?}"),
        prefix: Ipv4Prefix::new(address.into(), 32).expect("an address"),
        psid_length,
        br: BR,
        owner,
        clients: vec![Ipv6Prefix::new(clients, 32).expect("a prefix")],
        reserved: Vec::new(),
        exclude_ports: vec![PortRange::sized(0, 1024)],
        pcp_ports: PcpPorts::Excluded,
    }
}

type Messages = Vec<(String, Vec<u8>, Expected)>;

/// Every kind of response that is a success.
pub(crate) fn messages() -> Messages {
    let mut all = of_a_set();
    all.extend(of_a_whole_address());
    all.extend(of_a_third_party());
    all.extend(without_a_book());
    all.extend(before_a_nat());
    all
}

fn of_a_set() -> Messages {
    let mut world = World::new();
    let suggestion = (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 5)), 26624);
    let request = MapRequest {
        suggestion: Some(suggestion),
        ..all_ports()
    };
    let granted = |lifetime_s| {
        Expected::response(1, 0, lifetime_s, EPOCH_S)
            .map(&clients::map(0, 1, suggestion))
            .set(2048, 26624, 0)
    };
    let mut all = vec![("a set".to_owned(), world.map(&request), granted(3600))];
    let one_port = MapRequest {
        internal: Internal::Port {
            protocol: 17,
            port: 27000,
        },
        ..all_ports()
    };
    all.push((
        "a port of the own set".to_owned(),
        world.map(&one_port),
        Expected::response(1, 0, 3600, EPOCH_S).map(&clients::map(
            17,
            27000,
            (suggestion.0, 27000),
        )),
    ));
    let shorter = MapRequest {
        lifetime_s: 600,
        ..request
    };
    all.push(("refreshed".to_owned(), world.map(&shorter), granted(600)));
    all.push(("a mapping update".to_owned(), world.update(), granted(600)));
    let delete = MapRequest {
        lifetime_s: 0,
        ..request
    };
    all.push((
        "deleted".to_owned(),
        world.map(&delete),
        Expected::response(1, 0, 0, EPOCH_S)
            .map(&clients::map(0, 1, NOTHING))
            .set(65535, 1, 0),
    ));
    let announce = Message::request(0, B4, &Payload::Announce);
    all.push((
        "the epoch".to_owned(),
        world.ask(&announce, B4, tunnel(SOFTWIRE)),
        Expected::response(0, 0, 0, EPOCH_S),
    ));
    all
}

fn of_a_whole_address() -> Messages {
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 6));
    let answer = |request: &MapRequest| {
        let octets = request.encode(B4).expect("a request that may leave");
        World::new().ask(&octets, B4, tunnel(WITH_ADDRESS))
    };
    let everything = MapRequest {
        internal: Internal::Everything,
        ..all_ports()
    };
    let plain = || Expected::response(1, 0, 3600, EPOCH_S);
    vec![
        (
            "a whole address as a set".to_owned(),
            answer(&all_ports()),
            plain()
                .map(&clients::map(0, 1, (address, 1)))
                .set(65535, 1, 0),
        ),
        (
            "a whole address".to_owned(),
            answer(&everything),
            plain().map(&clients::map(0, 0, (address, 0))),
        ),
    ]
}

fn of_a_third_party() -> Messages {
    let mut world = World::new();
    let suggestion = (IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), 2048);
    let request = MapRequest {
        internal: Internal::Set {
            protocol: 0,
            ports: PortRange::sized(2048, 2048),
        },
        suggestion: Some(suggestion),
        third_party: Some(ThirdParty {
            address: B4,
            softwire: Some(SOFTWIRE),
        }),
        ..all_ports()
    };
    let octets = request.encode(KEA).expect("a request that may leave");
    let granted = || {
        Expected::response(1, 0, 3600, EPOCH_S)
            .map(&clients::map(0, 2048, suggestion))
            .third_party(B4)
            .option(13, 16)
            .set(2048, 2048, 0)
    };
    let answer = world.ask(&octets, KEA, Arrival::Management(0));
    vec![
        ("a set of a third party".to_owned(), answer, granted()),
        (
            "a mapping update to a third party".to_owned(),
            world.update(),
            granted(),
        ),
    ]
}

fn without_a_book() -> Messages {
    let external = (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 5)), 27000);
    let peer = clients::peer(external);
    let header = ResponseHeader {
        opcode: Opcode::Peer,
        result: ResultCode::Success,
        lifetime_s: 60,
        epoch_s: EPOCH_S,
    };
    vec![
        (
            "an announcement of a lost state".to_owned(),
            unsolicited_announce(0).to_vec(),
            Expected::response(0, 0, 0, 0),
        ),
        (
            "PEER".to_owned(),
            Message::response(&header, &Payload::Peer(peer)).to_vec(),
            Expected::response(2, 0, 60, EPOCH_S).peer(&peer),
        ),
    ]
}

/// What a server before a NAT answers with: one port, and the options that go with it.
fn before_a_nat() -> Messages {
    let map = clients::map(6, 8080, (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 5)), 27000));
    let header = ResponseHeader {
        opcode: Opcode::Map,
        result: ResultCode::Success,
        lifetime_s: 3600,
        epoch_s: EPOCH_S,
    };
    let filter = PcpOption::Filter(Filter {
        prefix_length: 120,
        remote_port: 443,
        remote_address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 0)),
    });
    let description = PcpOption::Description(b"camera");
    let granted = || Expected::response(1, 0, 3600, EPOCH_S).map(&map);
    let filtered = || {
        let new = granted().option(3, 20).with("filter prefix length", 120);
        new.with("filter port", 443)
            .with("filter address", "::ffff:198.51.100.0")
    };
    let of = |what: &str, options: &[PcpOption<'_>], expected| {
        let mut message = Message::response(&header, &Payload::Map(map));
        for option in options {
            message.push(option).expect("room");
        }
        (what.to_owned(), message.to_vec(), expected)
    };
    vec![
        of("one port", &[], granted()),
        of(
            "the suggested port",
            &[PcpOption::PreferFailure],
            granted().option(2, 0),
        ),
        of("a port for some", &[filter], filtered()),
        of(
            "a port for some, with a name",
            &[filter, description],
            filtered().option(128, 6).with("description", "camera"),
        ),
    ]
}

/// Every result code there is, each with a copy of the request; and what servers make of it by themselves.
pub(crate) fn refusals() -> Messages {
    let request = all_ports().encode(B4).expect("a request that may leave");
    let codes = (1..=13).chain(24..=26);
    let copied = |result, lifetime_s| {
        Expected::response(1, result, lifetime_s, EPOCH_S)
            .map(&clients::map(0, 1, NOTHING))
            .set(65535, 1, 0)
    };
    let mut all: Messages = codes
        .map(|code| {
            let result = ResultCode::from(code);
            let answer = Refusal::new(result).response(&request, EPOCH_S);
            let lifetime_s = if [7, 8, 10].contains(&code) { 30 } else { 1800 };
            let expected = copied(code, lifetime_s);
            (result.to_string(), answer.to_vec(), expected)
        })
        .collect();
    let mut world = World::new();
    let suggestion = (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 5)), 26624);
    world.map(&MapRequest {
        suggestion: Some(suggestion),
        ..all_ports()
    });
    let stranger = MapRequest {
        nonce: pcp::wire::Nonce::new([7; 12]),
        ..all_ports()
    };
    all.push((
        "another nonce".to_owned(),
        world.map(&stranger),
        copied(2, 3600).with("map nonce", "07".repeat(12)),
    ));
    all.push((
        "NAT-PMP".to_owned(),
        world.ask(&[0, 0], B4, tunnel(SOFTWIRE)),
        Expected::response(0, 1, 1800, EPOCH_S),
    ));
    // Port 1 of all protocols, without a set.
    all.push((
        "a mapping that there is not".to_owned(),
        world.ask(&request[..60], B4, tunnel(SOFTWIRE)),
        Expected::response(1, 3, 1800, EPOCH_S).map(&clients::map(0, 1, NOTHING)),
    ));
    all
}
