//! Fragments of packets: cut at places that the octets say, in whatever order, some twice, some never, and
//! some a little longer than they should be.

use std::ops::Range;

use crate::dataplane::ip::Ipv4;
use crate::input::Input;
use crate::sum::mend;

/// The datagram, or fragments of it (RFC 791 s3.2).
pub(super) fn ipv4(input: &mut Input<'_>, datagram: Vec<u8>) -> Vec<Vec<u8>> {
    let Some(whole) = Ipv4::new(&datagram) else {
        return vec![datagram];
    };
    let payload = whole.payload();
    let Some(how) = Cut::read(input) else {
        return vec![datagram];
    };
    cut(input, how, payload.len(), |piece, more_follow| {
        let header_len = whole.header().len();
        let mut fragment = Vec::with_capacity(header_len + piece.len());
        fragment.extend_from_slice(whole.header());
        let total_len = (header_len + piece.len()) as u16;
        fragment[2..4].copy_from_slice(&total_len.to_be_bytes());
        let more = if more_follow {
            0x2000
        } else {
            u16::from(whole.more_follow()) << 13
        };
        let flags = u16::from(fragment[6] & 0xc0) << 8;
        let offset = (whole.offset() + piece.start) / 8;
        let word = flags | more | offset as u16 & 0x1fff;
        fragment[6..8].copy_from_slice(&word.to_be_bytes());
        mend(&mut fragment, 10);
        fragment.extend_from_slice(&payload[piece]);
        fragment
    })
}

/// The packet, or fragments of it (RFC 8200 s4.5).
pub(super) fn ipv6(input: &mut Input<'_>, packet: Vec<u8>) -> Vec<Vec<u8>> {
    let id = input.octet();
    let Some(how) = Cut::read(input) else {
        return vec![packet];
    };
    let (header, payload) = packet.split_at(40);
    cut(input, how, payload.len(), |piece, more_follow| {
        let mut fragment = Vec::with_capacity(48 + piece.len());
        fragment.extend_from_slice(header);
        let payload_len = (8 + piece.len()) as u16;
        fragment[4..6].copy_from_slice(&payload_len.to_be_bytes());
        fragment[6] = 44;
        let word = piece.start as u16 & 0xfff8 | u16::from(more_follow);
        let [high, low] = word.to_be_bytes();
        fragment.extend([header[6], 0, high, low, 0, 0, 0, id & 3]);
        // Congestion may be marked on some of the fragments only.
        fragment[1] ^= (id >> 2 & 3) << 4 & if piece.start > 0 { 0xff } else { 0 };
        fragment.extend_from_slice(&payload[piece]);
        fragment
    })
}

/// How a packet is cut.
#[derive(Clone, Copy, Debug)]
struct Cut {
    pieces: u8,
    /// Whether pieces reach into the next ones.
    overlaps: bool,
    order: u8,
}

impl Cut {
    /// Most packets stay whole.
    fn read(input: &mut Input<'_>) -> Option<Self> {
        let how = input.octet();
        let cut = Self {
            pieces: how & 7,
            overlaps: how >> 3 & 3 == 3,
            order: how >> 5,
        };
        (cut.pieces > 0).then_some(cut)
    }
}

fn cut(
    input: &mut Input<'_>,
    how: Cut,
    len: usize,
    make: impl Fn(Range<usize>, bool) -> Vec<u8>,
) -> Vec<Vec<u8>> {
    let mut places: Vec<_> = (1..how.pieces)
        .map(|_| input.below(len / 8 + 1) * 8)
        .collect();
    places.extend([0, len]);
    places.sort_unstable();
    let mut pieces: Vec<_> = places
        .windows(2)
        .filter(|ends| ends[0] < ends[1] || len == 0)
        .map(|ends| {
            let longer = if how.overlaps {
                usize::from(input.octet())
            } else {
                0
            };
            make(ends[0]..(ends[1] + longer).min(len), ends[1] < len)
        })
        .collect();
    disorder(input, how.order, &mut pieces);
    pieces
}

fn disorder(input: &mut Input<'_>, how: u8, pieces: &mut Vec<Vec<u8>>) {
    if pieces.is_empty() {
        return;
    }
    match how {
        1 => pieces.reverse(),
        2 => pieces.rotate_left(1),
        3 => pieces.push(pieces[input.below(pieces.len())].clone()),
        4 => {
            pieces.remove(input.below(pieces.len()));
        }
        5 => {
            let (one, other) = (input.below(pieces.len()), input.below(pieces.len()));
            pieces.swap(one, other);
        }
        _ => {}
    }
}
