//! The rules, one by one, on octets that are written out by hand.

mod announcements;
mod map;
mod nat;
mod options;
mod peer;
mod properties;
mod sets;
mod validation;

use std::net::Ipv4Addr;
use std::net::SocketAddrV4;

use pcp::instant::Instant;

use self::nat::FakeNat;
use super::Contact;
use super::Datagram;
use super::LanConfig;
use super::LanServer;
use super::Mapping;

const HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
const OTHER_HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 11);
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const PUBLIC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const OTHER_PUBLIC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 6);
const NONCE: [u8; 12] = *b"0123456789ab";
const OTHER_NONCE: [u8; 12] = *b"0123456789ac";
const TCP: u8 = 6;
const UDP: u8 = 17;
const MAP: u8 = 1;
const PEER: u8 = 2;

/// A server, a NAT with 2048 ports, and a clock. The server is 100 seconds old.
struct Home {
    server: LanServer,
    nat: FakeNat,
    set_expires: Option<Instant>,
    now: Instant,
}

impl Home {
    fn new() -> Self {
        Self::with(LanConfig::default())
    }

    fn with(config: LanConfig) -> Self {
        Self {
            server: LanServer::new(config, Instant::from_secs(1000)),
            nat: FakeNat::with(PUBLIC, 26624..=28671),
            set_expires: None,
            now: Instant::from_secs(1100),
        }
    }

    fn wait(&mut self, seconds: u32) {
        self.now = Instant::from_nanos(self.now.as_nanos() + u64::from(seconds) * 1_000_000_000);
    }

    /// What the host hears.
    fn hear(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        self.hear_from(HOST, request)
    }

    fn hear_from(&mut self, host: Ipv4Addr, request: &[u8]) -> Option<Vec<u8>> {
        let from = contact(host);
        let Self {
            server,
            nat,
            set_expires,
            now,
        } = self;
        let answer = server.receive(from, request, nat, *set_expires, *now);
        answer.map(|answer| answer.to_vec())
    }

    /// What the host hears when it must hear something.
    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        self.hear(request).expect("an answer")
    }

    /// The result code of the answer.
    fn result(&mut self, request: &[u8]) -> u8 {
        self.answer(request)[3]
    }

    /// The end that the answer assigns; the answer is a success.
    fn end(&mut self, request: &[u8]) -> SocketAddrV4 {
        let answer = self.answer(request);
        assert_eq!(answer[3], 0, "result of {answer:?}");
        end(&answer)
    }

    fn change_sets(&mut self, address: Ipv4Addr, ports: std::ops::RangeInclusive<u16>) {
        self.nat.change(vec![(address, ports)]);
        self.tell_of_change();
    }

    fn tell_of_change(&mut self) {
        let Self {
            server,
            nat,
            set_expires,
            now,
        } = self;
        server.sets_changed(nat, *set_expires, *now);
    }

    /// What is sent unasked in the next 200 seconds, with the milliseconds that it takes.
    fn unasked(&mut self) -> Vec<(u64, Datagram)> {
        let start = self.now;
        let mut sent = Vec::new();
        let last = Instant::from_nanos(start.as_nanos() + 200_000_000_000);
        while let Some(due) = self.server.due().filter(|due| *due <= last) {
            self.now = self.now.max(due);
            self.server.expire(&mut self.nat, self.now);
            while let Some(datagram) = self.server.poll(self.now) {
                sent.push((self.now.since(start).as_millis() as u64, datagram));
            }
        }
        self.now = start;
        sent
    }

    fn mapping(&self) -> &Mapping {
        let mut mappings = self.server.mappings();
        let mapping = mappings.next().expect("a mapping");
        assert!(mappings.next().is_none(), "more than one mapping");
        mapping
    }
}

fn contact(host: Ipv4Addr) -> Contact {
    Contact {
        client: SocketAddrV4::new(host, 40000),
        server: ROUTER,
        interface: 3,
    }
}

fn mapped(address: Ipv4Addr) -> [u8; 16] {
    address.to_ipv6_mapped().octets()
}

/// A request's first 24 octets.
fn header(opcode: u8, lifetime_s: u32, client: Ipv4Addr) -> Vec<u8> {
    let lifetime = lifetime_s.to_be_bytes();
    [&[2, opcode, 0, 0], &lifetime[..], &mapped(client)].concat()
}

/// What is asked of a port.
#[derive(Clone, Copy)]
struct Asking {
    host: Ipv4Addr,
    lifetime_s: u32,
    nonce: [u8; 12],
    protocol: u8,
    port: u16,
    external: (Ipv4Addr, u16),
}

const ASKING: Asking = Asking {
    host: HOST,
    lifetime_s: 3600,
    nonce: NONCE,
    protocol: TCP,
    port: 8080,
    external: (Ipv4Addr::UNSPECIFIED, 0),
};

impl Asking {
    fn payload(&self) -> Vec<u8> {
        let [high, low] = self.port.to_be_bytes();
        let [external_high, external_low] = self.external.1.to_be_bytes();
        let fields = [
            self.protocol,
            0,
            0,
            0,
            high,
            low,
            external_high,
            external_low,
        ];
        [&self.nonce[..], &fields, &mapped(self.external.0)].concat()
    }

    fn map(&self) -> Vec<u8> {
        [header(MAP, self.lifetime_s, self.host), self.payload()].concat()
    }

    fn peer(&self, remote: Ipv4Addr, remote_port: u16) -> Vec<u8> {
        let [high, low] = remote_port.to_be_bytes();
        let peer = [&[high, low, 0, 0], &mapped(remote)[..]].concat();
        [
            header(PEER, self.lifetime_s, self.host),
            self.payload(),
            peer,
        ]
        .concat()
    }
}

/// An option with its padding.
fn option(code: u8, data: &[u8]) -> Vec<u8> {
    let [high, low] = (data.len() as u16).to_be_bytes();
    let mut octets = [&[code, 0, high, low], data].concat();
    octets.resize(octets.len().next_multiple_of(4), 0);
    octets
}

fn with(request: &[u8], options: &[Vec<u8>]) -> Vec<u8> {
    [request, &options.concat()].concat()
}

fn lifetime_s(answer: &[u8]) -> u32 {
    u32::from_be_bytes(answer[4..8].try_into().unwrap())
}

fn epoch_s(answer: &[u8]) -> u32 {
    u32::from_be_bytes(answer[8..12].try_into().unwrap())
}

fn end(answer: &[u8]) -> SocketAddrV4 {
    assert_eq!(answer[44..56], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
    let address: [u8; 4] = answer[56..60].try_into().unwrap();
    let port = u16::from_be_bytes(answer[42..44].try_into().unwrap());
    SocketAddrV4::new(address.into(), port)
}

/// The code of each option after a payload, with its data.
fn options_of(answer: &[u8], payload: usize) -> Vec<(u8, Vec<u8>)> {
    let mut rest = &answer[24 + payload..];
    let mut options = Vec::new();
    while let &[code, _, high, low, ref data @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        options.push((code, data[..length].to_vec()));
        rest = &data[length.next_multiple_of(4)..];
    }
    options
}
