//! The rules of reassembly, one test each, and properties of it all.

mod limits;
mod pool_packet;
mod properties;
mod rules;
mod sample;

use std::time::Duration;

use crate::drop_reason::DropReason;
use crate::instant::Instant;
use crate::limiter::Rates;
use crate::packet::Packet;
use crate::wire::ipv6;
use crate::wire::ipv6::Ipv6;

use self::pool_packet::Pool;
use self::pool_packet::PoolPacket;
use super::Discarded;
use super::Fragment;
use super::Limits;
use super::Outcome;
use super::Reassembly;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Limits that no test reaches unless it wants to.
const AMPLE: Limits = Limits {
    packets: 16,
    fragments_each: 20,
    buffers: 64,
    timeout: TIMEOUT,
    evictions: Rates {
        per_second: 1_000_000_000,
        burst: 1_000_000_000,
        per_source: 1_000_000_000,
    },
};

/// Octets of a fragment's first segment: all headers, and seldom all of the payload.
const HEAD: usize = 128;

/// Reassembly beside the pool its packets come from.
struct Bench {
    pool: Pool,
    reassembly: Reassembly<PoolPacket>,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        Self {
            pool: Pool::new(usize::MAX),
            reassembly: Reassembly::new(limits),
        }
    }

    fn take(&mut self, frame: &[u8]) -> (Outcome, PoolPacket) {
        self.take_at(frame, at_second(0))
    }

    fn take_at(&mut self, frame: &[u8], now: Instant) -> (Outcome, PoolPacket) {
        let mut packet = self.pool.packet(frame, HEAD);
        let fragment = parse(&packet).expect("a fragment");
        let outcome = self.reassembly.take(&mut packet, &fragment, now);
        (outcome, packet)
    }

    /// Takes fragments that all must wait.
    fn hold(&mut self, frames: &[Vec<u8>]) {
        for frame in frames {
            let (outcome, packet) = self.take(frame);
            assert_eq!(outcome, Outcome::Held);
            assert!(packet.is_empty());
        }
    }

    /// Takes a fragment that must be dropped, untouched; the reason, and the others that go with it.
    fn drop(&mut self, frame: &[u8]) -> (DropReason, Discarded) {
        match self.take(frame) {
            (Outcome::Dropped { reason, others }, packet) => {
                assert_eq!(packet.octets(), frame);
                (reason, others)
            }
            (outcome, _) => panic!("{outcome:?}"),
        }
    }

    /// Takes a fragment that must be dropped with an error, untouched: reason, code, pointer.
    fn problem(&mut self, frame: &[u8]) -> (DropReason, u8, u32) {
        let held = self.reassembly.held();
        let (outcome, packet) = self.take(frame);
        assert_eq!(packet.octets(), frame);
        assert_eq!(self.reassembly.held(), held);
        match outcome {
            Outcome::Problem {
                reason,
                code,
                pointer,
            } => (reason, code, pointer),
            _ => panic!("{outcome:?}"),
        }
    }

    /// Takes the fragment that completes a packet; the packet's octets.
    fn finish(&mut self, frame: &[u8]) -> Vec<u8> {
        let (outcome, packet) = self.take(frame);
        assert!(matches!(outcome, Outcome::Whole(_)), "{outcome:?}");
        packet.octets()
    }
}

/// What the pipeline does before: the IPv6 header, and the way to the Fragment header.
fn parse(packet: &PoolPacket) -> Result<Fragment, DropReason> {
    let head = packet.head();
    let is_tagged = head.get(12..14) == Some(&[0x81, 0]);
    let ipv6_at = if is_tagged { 18 } else { 14 };
    let bytes = head.get(ipv6_at..).ok_or(DropReason::BadIpv6Header)?;
    let ipv6 = Ipv6::parse(bytes, packet.len() - ipv6_at)?;
    let (mut next_header, mut header_at) = (ipv6.next_header, ipv6_at + ipv6::HEADER);
    while next_header == ipv6::DESTINATION_OPTIONS {
        let option = head.get(header_at..header_at + 2);
        let option = option.ok_or(DropReason::BadIpv6Header)?;
        next_header = option[0];
        header_at += (usize::from(option[1]) + 1) * 8;
    }
    if next_header != ipv6::FRAGMENT {
        return Err(DropReason::UnknownNextHeader);
    }
    Fragment::parse(packet, ipv6_at, header_at, &ipv6)
}

fn at_second(second: u64) -> Instant {
    Instant::from_nanos(second * 1_000_000_000)
}

/// These frames, all with 14 octets of Ethernet, as something that was freed.
fn discarded(frames: &[Vec<u8>]) -> Discarded {
    let octets = frames.iter().map(|frame| frame.len() as u64 - 14).sum();
    Discarded {
        packets: frames.len() as u64,
        octets,
    }
}
