//! Fragment Identifications (RFC 8200 s4.5): those that are sent are random (FR-007), those that a
//! case expects count from one. Both are numbered by their first appearance before they are
//! compared; pieces of different packets must not share one.

use std::collections::HashMap;

use crate::capture::Frame;

/// The frames with the Identification of every IPv6 fragment replaced by its number in the order
/// in which they appear.
pub(crate) fn renumbered(frames: &[Frame]) -> Vec<Frame> {
    let mut numbers = HashMap::new();
    let mut frames = frames.to_vec();
    for frame in &mut frames {
        if let Some(at) = fragment_header(&frame.octets) {
            let identification = at + 4..at + 8;
            let next = numbers.len() as u32 + 1;
            let number = *numbers
                .entry(frame.octets[identification.clone()].to_vec())
                .or_insert(next);
            frame.octets[identification].copy_from_slice(&number.to_be_bytes());
        }
    }
    frames
}

/// The first frame that bears the Identification of another packet: that of other addresses, or of
/// one whose first piece has been seen before.
pub(crate) fn shared(frames: &[Frame]) -> Option<usize> {
    let mut packets: HashMap<&[u8], &[u8]> = HashMap::new();
    frames.iter().position(|frame| {
        let octets = frame.octets.as_slice();
        let Some(at) = fragment_header(octets) else {
            return false;
        };
        let addresses = &octets[at - ADDRESSES..at];
        let is_first = u16::from_be_bytes([octets[at + 2], octets[at + 3]]) >> 3 == 0;
        let other = packets.insert(&octets[at + 4..at + 8], addresses);
        other.is_some_and(|other| other != addresses || is_first)
    })
}

/// Where the Fragment header of a frame is that has one right behind its IPv6 header.
fn fragment_header(octets: &[u8]) -> Option<usize> {
    let ether_type = |at: usize| octets.get(at..at + 2);
    let ipv6_at = match ether_type(12)? {
        [0x86, 0xdd] => 14,
        [0x81, 0x00] if ether_type(16)? == [0x86, 0xdd] => 18,
        _ => return None,
    };
    let at = ipv6_at + IPV6_HEADER;
    let is_whole = octets.len() >= at + FRAGMENT_HEADER;
    (is_whole && octets[ipv6_at + NEXT_HEADER] == FRAGMENT).then_some(at)
}

const IPV6_HEADER: usize = 40;
/// Octets of the two addresses that end an IPv6 header.
const ADDRESSES: usize = 32;
/// Where the next header is in an IPv6 header.
const NEXT_HEADER: usize = 6;
const FRAGMENT: u8 = 44;
const FRAGMENT_HEADER: usize = 8;
