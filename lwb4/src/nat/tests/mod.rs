//! What the NAT does to packets, rule by rule.

mod checksums;
mod filtering;
mod fragments;
mod hairpin;
mod icmp;
mod model;
mod packets;
mod ports;
mod requests;
mod sets;
mod timers;
mod translation;

use std::net::Ipv4Addr;
use std::net::SocketAddrV4;
use std::time::Duration;

use pcp::instant::Instant;
use pcp::port_set::PortRange;

use super::*;
use crate::external::ExternalSet;

use self::packets::Packet;

const EXTERNAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const FIRST: u16 = 4096;
const LAST: u16 = 4096 + 63;

/// A NAT on a clock of its own, with every packet that leaves it looked at.
struct Lwb4 {
    nat: Nat,
    now: Instant,
}

impl Lwb4 {
    /// 64 ports, one of which UDP may not have.
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(configure: impl FnOnce(&mut NatConfig)) -> Self {
        let mut config = NatConfig::new(ROUTER);
        configure(&mut config);
        let mut this = Self {
            nat: Nat::new(config, 7),
            now: Instant::from_secs(1000),
        };
        this.uses(&[run(EXTERNAL, FIRST, LAST)]);
        this
    }

    fn uses(&mut self, sets: &[ExternalSet]) -> Vec<MappingView> {
        self.nat.set_external(sets, self.now)
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }

    /// Sends from the LAN.
    fn try_out(&mut self, packet: &Packet) -> (Outbound, Packet) {
        let mut bytes = packet.bytes();
        let outbound = self.nat.outbound(&mut bytes, Checksum::Complete, self.now);
        if matches!(outbound, Outbound::ToTunnel | Outbound::Hairpin) {
            packets::verify(&bytes);
        }
        if let Outbound::Reply(reply) = &outbound {
            packets::verify(reply);
        }
        (outbound, Packet::read(&bytes))
    }

    /// Sends from the tunnel.
    fn try_in(&mut self, packet: &Packet) -> (Inbound, Packet) {
        let mut bytes = packet.bytes();
        let inbound = self.nat.inbound(&mut bytes, Checksum::Complete, self.now);
        if inbound == Inbound::ToLan {
            packets::verify(&bytes);
        }
        (inbound, Packet::read(&bytes))
    }

    /// Sends what must go out, and says how it does.
    #[track_caller]
    fn out(&mut self, packet: &Packet) -> Packet {
        let (outbound, packet) = self.try_out(packet);
        assert_eq!(outbound, Outbound::ToTunnel);
        packet
    }

    /// Sends what must come in, and says how it does.
    #[track_caller]
    fn come(&mut self, packet: &Packet) -> Packet {
        let (inbound, packet) = self.try_in(packet);
        assert_eq!(inbound, Inbound::ToLan);
        packet
    }

    /// Sends from the tunnel what must be dropped for this reason, and for no other.
    #[track_caller]
    fn refuses(&mut self, packet: &Packet, reason: NatDrop) {
        let before = self.nat.counters.clone();
        let (inbound, _) = self.try_in(packet);
        assert_eq!(inbound, Inbound::Drop(reason));
        let mut expected = before;
        expected.drop(reason);
        assert_eq!(self.nat.counters, expected);
    }

    /// Sends from the LAN what must be dropped for this reason, and for no other; says what is answered.
    #[track_caller]
    fn refuses_out(&mut self, packet: &Packet, reason: NatDrop) -> Option<Packet> {
        let before = self.nat.counters.clone();
        let (outbound, _) = self.try_out(packet);
        let mut expected = before;
        expected.drop(reason);
        if let Outbound::Reply(reply) = outbound {
            expected.answered += 1;
            assert_eq!(self.nat.counters, expected);
            return Some(Packet::read(&reply));
        }
        assert_eq!(outbound, Outbound::Drop(reason));
        assert_eq!(self.nat.counters, expected);
        None
    }

    /// What was released, and where it goes.
    fn released(&mut self) -> Vec<(Way, Packet)> {
        let released = std::iter::from_fn(|| self.nat.take_released());
        let read = |released: Released| {
            packets::verify(&released.packet);
            (released.way, Packet::read(&released.packet))
        };
        released.map(read).collect()
    }

    /// The mappings that translate packets.
    fn active(&mut self) -> Vec<MappingView> {
        self.nat.poll(self.now);
        let all = self.nat.mappings();
        all.filter(|mapping| !mapping.is_resting).collect()
    }

    /// The external end of a LAN host's port, which a packet makes if there is none.
    fn external(&mut self, protocol: u8, internal: &str, remote: &str) -> SocketAddrV4 {
        self.out(&Packet::new(protocol, internal, remote)).source()
    }
}

fn run(address: Ipv4Addr, first: u16, last: u16) -> ExternalSet {
    ExternalSet::run(address, PortRange::new(first, last).unwrap())
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const HOST: &str = "192.168.1.10:5000";
const OTHER_HOST: &str = "192.168.1.11:5000";
const REMOTE: &str = "198.51.100.7:80";
const OTHER_REMOTE: &str = "203.0.113.9:443";
