//! The target `frames`: any octets, as bursts on either side.
//!
//! ```text
//!  settings | control, length, octets | control, length, octets | …
//! ```
//!
//! The control octet may ask for a front as frames for us have it, and for a good IPv4 header checksum, so
//! that the octets meet more than the first compare.

use std::time::Duration;

use lwaftr_dataplane::side::Side;

use crate::dataplane::bench::Arrival;
use crate::dataplane::bench::Bench;
use crate::dataplane::front;
use crate::dataplane::front::Front;
use crate::dataplane::shelf;
use crate::input::Input;

/// Runs one input.
pub fn frames(octets: &[u8]) {
    shelf::with_bench(octets, tell);
}

fn tell(bench: &mut Bench, input: &mut Input<'_>) {
    let mut frames = 0;
    while !input.is_empty() && frames < FRAMES_MAX {
        frames += 1;
        let control = input.octet();
        let is_asked = |bit: u8| control >> bit & 1 == 1;
        if is_asked(7) {
            bench.wait(Duration::from_millis(1 << input.below(17)));
        } else if is_asked(6) {
            bench.round();
        }
        let side = if is_asked(0) {
            Side::Access
        } else {
            Side::Internet
        };
        let link = bench.settings().link(side);
        let octets = input.below(OCTETS_MAX);
        let octets = input.take(octets);
        let len = octets.len();
        let (mut frame, stripped_vlan) = match control >> 1 & 3 {
            0 => Front::Usual.build(link, front::ether_type(side), len),
            1 => Front::Stripped.build(link, front::ether_type(side), len),
            _ => (Vec::with_capacity(len), None),
        };
        frame.extend_from_slice(octets);
        if is_asked(3) {
            front::mend_ipv4(&mut frame);
        }
        let first = if is_asked(4) {
            input.below(256)
        } else {
            usize::MAX
        };
        let arrival = Arrival {
            side,
            first,
            stripped_vlan,
            checksum_is_good: is_asked(5) && front::ipv4_checksum_is_good(&frame),
        };
        bench.receive(&frame, arrival);
    }
}

/// Frames of one input.
const FRAMES_MAX: usize = 80;
/// Octets that a frame has behind its front, at most.
const OCTETS_MAX: usize = 2048;
