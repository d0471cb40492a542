//! Provisioning alone, answer by answer and row by row of s10.1, and against the real server.

mod both_ends;
mod heard;
mod pool;
mod states;
mod unbound;

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::time::Duration;

use pcp::client::Random;
use pcp::instant::Instant;
use pcp::port_set::PortRange;

use super::nonce::DeviceSecret;
use super::*;
use crate::external::ExternalSet;

const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 0, 1)), 5351);
const CLIENT_PORT: u16 = 40000;
const OWN: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 0, 2)),
    CLIENT_PORT,
);
const TUNNEL: Tunnel = Tunnel {
    local: Ipv6Addr::new(0x2001, 0xdb8, 0xb4, 0, 0, 0, 0, 1),
    remote: Ipv6Addr::new(0x2001, 0xdb8, 0xaf, 0, 0, 0, 0, 1),
};
const ELSEWHERE: Tunnel = Tunnel {
    local: Ipv6Addr::new(0x2001, 0xdb8, 0xb4, 0, 0, 0, 0, 2),
    ..TUNNEL
};

fn config() -> ProvisioningConfig {
    ProvisioningConfig {
        client_port: CLIENT_PORT,
        ..ProvisioningConfig::new(DeviceSecret::new([7; 32]))
    }
}

fn run(address: [u8; 4], first: u16, last: u16) -> ExternalSet {
    ExternalSet::run(address.into(), PortRange::new(first, last).unwrap())
}

/// The set of the conformance list's test vector: a0 k5 PSID 13 of 192.0.2.5.
fn set() -> ExternalSet {
    run([192, 0, 2, 5], 26624, 28671)
}

/// Always the middle.
fn middle() -> u64 {
    u64::MAX / 2
}

/// A response by its octets (conformance list, s2.2 and s3.6).
#[derive(Clone, Copy)]
struct Answer {
    result: u8,
    lifetime_s: u32,
    epoch_s: u32,
    address: [u8; 4],
    port: u16,
    /// Size and First Internal Port.
    port_set: Option<(u16, u16)>,
}

impl Answer {
    const GRANT: Self = Self {
        result: 0,
        lifetime_s: 3600,
        epoch_s: 42,
        address: [192, 0, 2, 5],
        port: 26624,
        port_set: Some((2048, 26624)),
    };
    const OTHER: Self = Self {
        address: [192, 0, 2, 6],
        port: 4096,
        port_set: Some((2048, 4096)),
        ..Self::GRANT
    };
    const NO_RESOURCES: Self = Self {
        result: 8,
        lifetime_s: 30,
        ..Self::GRANT
    };
    const MALFORMED: Self = Self {
        result: 3,
        lifetime_s: 1800,
        ..Self::GRANT
    };

    fn at(self, epoch_s: u32) -> Self {
        Self { epoch_s, ..self }
    }

    /// The response to these octets: nonce, protocol and internal port are theirs.
    fn to(self, request: &[u8]) -> Vec<u8> {
        let mut octets = vec![2, 0x81, 0, self.result];
        octets.extend(self.lifetime_s.to_be_bytes());
        octets.extend(self.epoch_s.to_be_bytes());
        octets.extend([0; 12]);
        octets.extend(&request[24..42]);
        octets.extend(self.port.to_be_bytes());
        octets.extend([0; 10]);
        octets.extend([0xff, 0xff]);
        octets.extend(self.address);
        if let Some((size, first)) = self.port_set {
            octets.extend([130, 0, 0, 5]);
            octets.extend(size.to_be_bytes());
            octets.extend(first.to_be_bytes());
            octets.extend([0; 4]);
        }
        octets
    }
}

/// An lwB4 and its clock.
struct Bench {
    b4: Provisioning,
    now: Instant,
    /// The list of the last [`Action::Sets`].
    sets: Vec<ExternalSet>,
    /// Everything that it did since somebody looked.
    did: Vec<Action>,
}

impl Bench {
    fn new(config: ProvisioningConfig) -> Self {
        let now = Instant::from_secs(1000);
        Self {
            b4: Provisioning::new(config, Suggestions::default(), now, &mut middle),
            now,
            sets: Vec::new(),
            did: Vec::new(),
        }
    }

    /// Asked, and the request.
    fn asking() -> (Self, Vec<u8>) {
        Self::asking_with(config())
    }

    fn asking_with(config: ProvisioningConfig) -> (Self, Vec<u8>) {
        let mut bench = Self::new(config);
        bench.b4.tunnel_up(TUNNEL, TunnelBefore::Gone, bench.now);
        let request = bench.sent();
        (bench, request)
    }

    /// Bound to [`set`], and the request that got it.
    fn bound() -> (Self, Vec<u8>) {
        Self::bound_with(config())
    }

    fn bound_with(config: ProvisioningConfig) -> (Self, Vec<u8>) {
        let (mut bench, request) = Self::asking_with(config);
        bench.hear(&Answer::GRANT.to(&request));
        assert_eq!(bench.sets, [set()]);
        bench.did.clear();
        (bench, request)
    }

    /// Lets everything happen that does now.
    fn settle(&mut self) {
        while let Some(action) = self.b4.poll(self.now, &mut middle) {
            if let Action::Sets(sets) = &action {
                self.sets.clone_from(sets);
            }
            self.did.push(action);
        }
        let held: Vec<_> = self.b4.held().map(|held| held.set).collect();
        assert_eq!(self.sets, held);
    }

    /// What is sent now; exactly one message.
    fn sent(&mut self) -> Vec<u8> {
        let mut sent = self.all_sent();
        assert_eq!(sent.len(), 1);
        sent.remove(0)
    }

    fn all_sent(&mut self) -> Vec<Vec<u8>> {
        self.settle();
        let did = std::mem::take(&mut self.did);
        did.into_iter()
            .filter_map(|action| match action {
                Action::Send { payload, .. } => Some(payload.to_vec()),
                _ => None,
            })
            .collect()
    }

    /// The states that were entered since somebody looked.
    fn entered(&mut self) -> Vec<State> {
        self.settle();
        let did = std::mem::take(&mut self.did);
        did.into_iter()
            .filter_map(|action| match action {
                Action::Tell(Event::Entered(state)) => Some(state),
                _ => None,
            })
            .collect()
    }

    fn hear(&mut self, payload: &[u8]) {
        self.hear_by(IN_TUNNEL, SERVER, OWN, payload);
    }

    fn hear_by(&mut self, way: Way, source: SocketAddr, destination: SocketAddr, payload: &[u8]) {
        let datagram = Datagram {
            way,
            source,
            destination,
            payload,
        };
        self.b4.receive(&datagram, self.now, &mut middle);
        self.settle();
    }

    /// Waits for the next thing to do; after how many seconds it came.
    fn wait(&mut self) -> f64 {
        let due = self.b4.due().unwrap();
        let waited = due.since(self.now).as_secs_f64();
        self.now = self.now.max(due);
        waited
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.settle();
    }
}

const IN_TUNNEL: Way = Way::Tunnel {
    outer_source: TUNNEL.remote,
    outer_destination: OuterDestination::Own,
};

fn near(left: f64, right: f64) {
    assert!((left - right).abs() < 0.01, "{left} is not {right}");
}

/// SplitMix64, so that a failure can be run again.
struct Seed(u64);

impl Random for &mut Seed {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
