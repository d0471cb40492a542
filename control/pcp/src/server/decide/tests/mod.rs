//! The server, request by request: rows of s3.5, rules and rows of the test matrix.

mod bench;
mod codec_rules;
mod elsewhere;
mod lifecycle;
mod model;
mod rows;
mod rules;
mod third_party;

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::time::Duration;

use super::super::*;
use super::Decision;
use crate::book::Book;
use crate::epoch::ServerEpoch;
use crate::instant::Instant;
use crate::pool::Ipv4Prefix;
use crate::pool::Ipv6Prefix;
use crate::pool::Owner;
use crate::pool::PcpPorts;
use crate::pool::PoolConfig;
use crate::pool::Pools;
use crate::port_set::PortRange;
use crate::result_code::ResultCode;
use crate::wire::MapPayload;
use crate::wire::Message;
use crate::wire::Nonce;
use crate::wire::Parity;
use crate::wire::Payload;
use crate::wire::PcpOption;
use crate::wire::PortSetOption;
use crate::wire::Response;

/// The address of every lwB4 inside its tunnel.
const B4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 2));
const BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xaf, 0, 0, 0, 0, 1);

/// The lwB4 of subscriber `number`: the first address of a /56 of its own.
fn b4(number: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xb400, number << 8, 0, 0, 0, 1)
}

fn nonce(number: u8) -> Nonce {
    Nonce::new([number; 12])
}

fn pool(name: &str, address: Ipv4Addr, length: u8, psid_length: u8) -> PoolConfig {
    PoolConfig {
        name: name.to_owned(),
        prefix: Ipv4Prefix::new(address, length).unwrap(),
        psid_length,
        br: BR,
        owner: Owner::Pcp,
        clients: vec![Ipv6Prefix::new("2001:db8::".parse().unwrap(), 32).unwrap()],
        reserved: Vec::new(),
        exclude_ports: vec![PortRange::new(0, 1023).unwrap()],
        pcp_ports: PcpPorts::Excluded,
    }
}

/// 2048 ports a set on 192.0.2.4 and 192.0.2.5.
fn residential() -> PoolConfig {
    pool("residential", Ipv4Addr::new(192, 0, 2, 4), 31, 5)
}

/// A request that is being put together.
#[derive(Clone, Debug)]
struct Ask {
    lifetime_s: u32,
    map: MapPayload,
    options: Vec<PcpOption<'static>>,
}

impl Ask {
    /// The canonical request: all ports, from 1, for an hour.
    fn canonical() -> Self {
        Self::set(1, 65535)
    }

    /// A set inside `size` ports from `first`.
    fn set(first: u16, size: u16) -> Self {
        Self::one(0, first).with(port_set(size, first))
    }

    /// One port of one protocol, without options.
    fn one(protocol: u8, internal_port: u16) -> Self {
        Self {
            lifetime_s: 3600,
            map: MapPayload {
                nonce: nonce(1),
                protocol,
                internal_port,
                external_port: 0,
                external_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            },
            options: Vec::new(),
        }
    }

    fn with(mut self, option: PcpOption<'static>) -> Self {
        self.options.push(option);
        self
    }

    fn lifetime(mut self, lifetime_s: u32) -> Self {
        self.lifetime_s = lifetime_s;
        self
    }

    fn nonce(mut self, number: u8) -> Self {
        self.map.nonce = nonce(number);
        self
    }

    fn suggest(mut self, address: [u8; 4], port: u16) -> Self {
        self.map.external_address = address.into();
        self.map.external_port = port;
        self
    }

    fn octets(&self, client: IpAddr) -> Message {
        let mut message = Message::request(self.lifetime_s, client, &Payload::Map(self.map));
        for option in &self.options {
            message.push(option).unwrap();
        }
        message
    }
}

fn port_set(size: u16, first_internal_port: u16) -> PcpOption<'static> {
    PcpOption::PortSet(PortSetOption {
        size,
        first_internal_port,
        parity: Parity::Any,
    })
}

/// What a response says, in numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Said {
    result: ResultCode,
    lifetime_s: u32,
    internal_port: u16,
    external: (IpAddr, u16),
    /// Size and First Internal Port.
    port_set: Option<(u16, u16)>,
}

fn said(octets: &[u8]) -> Said {
    let response = Response::parse(octets).unwrap();
    let Payload::Map(map) = response.payload else {
        panic!("no MAP response");
    };
    let port_set = response.options.iter().find_map(|option| match option {
        Ok(PcpOption::PortSet(set)) => Some((set.size, set.first_internal_port)),
        _ => None,
    });
    Said {
        result: response.header.result,
        lifetime_s: response.header.lifetime_s,
        internal_port: map.internal_port,
        external: (map.external_address, map.external_port),
        port_set,
    }
}

/// A server, its book and a clock.
struct World {
    server: Server,
    book: Book,
    now: Instant,
}

impl World {
    fn new(pools: Vec<PoolConfig>, config: ServerConfig) -> Self {
        let now = Instant::from_secs(1000);
        let pools = Pools::new(pools).unwrap();
        Self {
            server: Server::new(config, ServerEpoch::continuing(42, now)),
            book: Book::new(pools, 56, Duration::from_secs(120), now),
            now,
        }
    }

    fn residential() -> Self {
        Self::new(vec![residential()], ServerConfig::default())
    }

    /// Lets time pass and ends what is over by then.
    fn pass(&mut self, seconds: u64) -> Vec<Effect> {
        self.now = self.now + Duration::from_secs(seconds);
        std::iter::from_fn(|| self.book.expire(self.now)).collect()
    }

    fn decide(&self, packet: &Packet<'_>) -> Decision {
        self.server.decide(&self.book, packet, self.now)
    }

    /// What octets from `outer`, through its tunnel, lead to; nothing is applied.
    fn decide_octets(&self, outer: Ipv6Addr, octets: &[u8]) -> Decision {
        self.decide(&Packet {
            octets,
            source: B4,
            port: 40000,
            arrival: Arrival::Tunnel { outer, br: BR },
        })
    }

    /// Decides and applies.
    fn send(&mut self, outer: Ipv6Addr, ask: &Ask) -> Decision {
        let decision = self.decide_octets(outer, &ask.octets(B4));
        for effect in &decision.effects {
            self.book.apply(effect, self.now).unwrap();
        }
        decision
    }

    /// Decides, applies and reads the answer.
    fn ask(&mut self, outer: Ipv6Addr, ask: &Ask) -> Said {
        said(&self.send(outer, ask).response.unwrap())
    }

    /// The result of a request that must change nothing.
    fn refused(&mut self, outer: Ipv6Addr, ask: &Ask) -> ResultCode {
        let before = self.book.counts();
        let decision = self.send(outer, ask);
        assert!(decision.effects.is_empty());
        assert_eq!(self.book.counts(), before);
        let response = decision.response.unwrap();
        let request = ask.octets(B4);
        assert_eq!(response[24..], request[24..], "PC-012: a full copy");
        decision.result.unwrap()
    }
}
