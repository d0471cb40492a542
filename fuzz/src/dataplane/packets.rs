//! The target `packets`: valid packets and plausible attacks on either side, in a story with time.
//!
//! ```text
//!  settings | step | step | …       a step: a datagram with all its fragments, a round, or a wait
//! ```

use std::time::Duration;

use lwaftr_dataplane::side::Side;

use crate::dataplane::bench::Arrival;
use crate::dataplane::bench::Bench;
use crate::dataplane::build;
use crate::dataplane::build::frame;
use crate::dataplane::shelf;
use crate::input::Input;

/// Runs one input.
pub fn packets(octets: &[u8]) {
    shelf::with_bench(octets, tell);
}

fn tell(bench: &mut Bench, input: &mut Input<'_>) {
    let mut budget = OCTETS_MAX;
    while !input.is_empty() && budget > 0 {
        let (side, packets) = match input.octet() & 15 {
            0..=3 => (Side::Internet, build::from_internet(input)),
            4..=7 => (Side::Access, build::from_access(input)),
            8 | 9 => (Side::Access, build::hairpin(input)),
            10 | 11 => (Side::Access, vec![build::tunnel_error(input)]),
            12 => (Side::Access, vec![build::for_control(input)]),
            13 => {
                bench.round();
                continue;
            }
            _ => {
                bench.wait(Duration::from_millis(input.pick(WAITS_MS)));
                continue;
            }
        };
        for packet in packets {
            budget = budget.saturating_sub(packet.len() + OCTETS_EACH);
            send(bench, input, side, &packet);
        }
    }
}

/// Makes a frame of a packet, harms it or not, and has it arrive.
fn send(bench: &mut Bench, input: &mut Input<'_>, side: Side, packet: &[u8]) {
    let link = bench.settings().link(side);
    let (frame, stripped_vlan, claims_good_checksum) = frame::build(input, link, side, packet);
    let arrival = Arrival {
        side,
        first: frame::first_octets(input, claims_good_checksum),
        stripped_vlan,
        checksum_is_good: claims_good_checksum
            && crate::dataplane::front::ipv4_checksum_is_good(&frame),
    };
    bench.receive(&frame, arrival);
}

/// Octets that one input makes, so that none takes long.
const OCTETS_MAX: usize = 30_000;
/// What a packet costs beside its octets.
const OCTETS_EACH: usize = 500;
/// Around the time-outs: 2 s for IPv4 fragments, 60 s for IPv6, 10 minutes for paths.
const WAITS_MS: &[u64] = &[
    1, 0, 100, 1000, 1999, 2000, 30_000, 59_000, 60_000, 61_000, 600_000,
];
