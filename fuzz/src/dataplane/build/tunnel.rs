//! IPv6 packets, and tunnels made of them.

use crate::dataplane::network::ACCESS_ADDRESS;
use crate::dataplane::network::BRS;
use crate::dataplane::network::SOFTWIRES;
use crate::dataplane::network::Softwire;
use crate::input::Input;

/// An IPv6 packet.
pub(super) fn ipv6(
    source: [u8; 16],
    destination: [u8; 16],
    next_header: u8,
    payload: &[u8],
) -> Vec<u8> {
    let [high, low] = (payload.len() as u16).to_be_bytes();
    let mut packet = Vec::with_capacity(40 + payload.len());
    packet.extend([0x60, 0, 0, 0, high, low, next_header, 64]);
    packet.extend(source);
    packet.extend(destination);
    packet.extend_from_slice(payload);
    packet
}

/// A packet in a tunnel from a lwB4, mostly the right one.
pub(super) fn build(input: &mut Input<'_>, softwire: &Softwire, inner: &[u8]) -> Vec<u8> {
    let whims = input.octet();
    let b4 = match whims & 7 {
        7 => input.pick(&[SOFTWIRES[3].b4, SOFTWIRES[1].b4, [0; 16], MULTICAST, BRS[0]]),
        _ => softwire.b4,
    };
    let br = match whims >> 3 & 7 {
        7 => input.pick(&[BRS[0], BRS[1], ACCESS_ADDRESS, MULTICAST]),
        _ => softwire.br,
    };
    let options = match whims >> 6 {
        3 => usize::from(input.octet() & 31),
        _ => 0,
    };
    let mut payload = destination_options(options, 4);
    payload.extend_from_slice(inner);
    let next_header = if options > 0 { DESTINATION_OPTIONS } else { 4 };
    let mut packet = ipv6(b4, br, next_header, &payload);
    let traffic_class = match whims >> 6 {
        2 => input.octet(),
        _ => inner[1],
    };
    packet[0] |= traffic_class >> 4;
    packet[1] = traffic_class << 4;
    packet
}

/// Padding of so many times 8 octets, in front of `next_header`.
pub(super) fn destination_options(units: usize, next_header: u8) -> Vec<u8> {
    let mut options = vec![0; units * 8];
    if let [next, len, pad, pad_len, ..] = options.as_mut_slice() {
        (*next, *len) = (next_header, (units - 1) as u8);
        (*pad, *pad_len) = (1, (units * 8 - 4) as u8);
    }
    options
}

pub(super) const DESTINATION_OPTIONS: u8 = 60;
/// ff02::1.
pub(super) const MULTICAST: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
