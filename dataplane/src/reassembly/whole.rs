//! Putting a packet together (RFC 8200 s4.5): the first fragment's frame without its Fragment header,
//! and the payloads of the others after it.
//!
//! ```text
//!  ┌──────────┬──────┬─────────┬──────────┬─────────┐
//!  │ Ethernet │ IPv6 │ options │ Fragment │ payload │   first fragment
//!  └──────────┴──────┴─────────┴──────────┴─────────┘
//!      └─────── moved by 8 ───────►└─ gone ─┘     ┌─────────┐
//!                                                 │ payload │   the others, in order
//!                                                 └─────────┘
//! ```

use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::wire::fragment;
use crate::wire::ipv6;

use super::Absorbed;
use super::fragment::Place;
use super::gathered::Gathered;
use super::pieces::Pieces;

/// Makes the whole packet in `packet`, which is the last fragment to arrive and lies at `place`, of
/// it and all pieces of `gathered`, whose sums tell of `packet` already.
///
/// # Errors
/// Why the packet must be dropped. What of `gathered` is not in `packet` then is still there.
pub(super) fn assemble<P: Packet>(
    packet: &mut P,
    place: &Place,
    gathered: &mut Gathered,
    pieces: &mut Pieces<P>,
) -> Result<Absorbed, DropReason> {
    let first_place = match gathered.first_place(pieces) {
        Some(held) if !place.is_first() => *held,
        _ => *place,
    };
    let traffic_class = gathered
        .seen()
        .traffic_class(first_place.traffic_class())
        .ok_or(DropReason::Ipv6FragmentEcn)?;
    // Each fragment was held against its own options; the first fragment's may be longer.
    let payload_len = first_place.options_len() + gathered.covered() as usize;
    let payload_len = u16::try_from(payload_len).map_err(|_| DropReason::Ipv6FragmentTooLong)?;

    let mut late = None;
    if !place.is_first()
        && let Some((first, _)) = gathered.pop(pieces)
    {
        late = Some((std::mem::replace(packet, first), *place));
    }
    packet.truncate(first_place.payload_end());
    cut_header(packet, &first_place, traffic_class, payload_len);
    while let Some((piece, place)) = following(&mut late, gathered, pieces) {
        join_payload(packet, piece, &place)?;
    }
    Ok(Absorbed {
        fragments: gathered.fragments(),
        octets: gathered.octets(),
    })
}

/// Makes an ordinary packet of an atomic fragment, in place (RFC 6946).
pub(super) fn unwrap_atomic<P: Packet>(packet: &mut P, place: &Place) {
    // Less than what a Payload Length said, as the Fragment header was in it.
    let payload_len = (place.options_len() + place.payload_len()) as u16;
    cut_header(packet, place, place.traffic_class(), payload_len);
}

/// The piece that follows: the fragment that arrived last stands in no list.
fn following<P: Packet>(
    late: &mut Option<(P, Place)>,
    gathered: &mut Gathered,
    pieces: &mut Pieces<P>,
) -> Option<(P, Place)> {
    let held_start = gathered.first_place(pieces).map(Place::start);
    let is_next = |(_, place): &mut (P, Place)| held_start.is_none_or(|held| place.start() < held);
    late.take_if(is_next).or_else(|| gathered.pop(pieces))
}

fn join_payload<P: Packet>(packet: &mut P, mut piece: P, place: &Place) -> Result<(), DropReason> {
    piece.truncate(place.payload_end());
    piece.trim_front(place.payload_at());
    packet
        .join(piece)
        .map_err(|_| DropReason::Ipv6FragmentTooMany)
}

/// Takes the Fragment header out of the frame and corrects the headers before it.
fn cut_header<P: Packet>(packet: &mut P, place: &Place, traffic_class: u8, payload_len: u16) {
    let (ipv6_at, header_at) = (place.ipv6_at(), place.header_at());
    let head = packet.head_mut();
    let next_header_at = next_header_at(head, ipv6_at, header_at);
    head[next_header_at] = place.next_header();
    let ipv6 = &mut head[ipv6_at..];
    ipv6[0] = ipv6[0] & 0xf0 | traffic_class >> 4;
    ipv6[1] = ipv6[1] & 0x0f | traffic_class << 4;
    ipv6[4..6].copy_from_slice(&payload_len.to_be_bytes());
    head.copy_within(..header_at, fragment::HEADER);
    packet.trim_front(fragment::HEADER);
}

/// Where it says that a Fragment header follows: in the IPv6 header or the last options before it.
fn next_header_at(head: &[u8], ipv6_at: usize, header_at: usize) -> usize {
    let (mut last, mut at) = (ipv6_at + NEXT_HEADER, ipv6_at + ipv6::HEADER);
    while at < header_at {
        last = at;
        at += (usize::from(head[at + 1]) + 1) * 8;
    }
    last
}

/// Where the IPv6 header has its Next Header field.
const NEXT_HEADER: usize = 6;
