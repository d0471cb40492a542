//! Where what leaves has come from: a packet that arrived with one hop more, and the same contents.

use std::ops::Range;

use crate::dataplane::front;
use crate::dataplane::ip::Ipv4;
use crate::sum::sum;

/// The frames that have arrived.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// One after the other.
    octets: Vec<u8>,
    arrived: Vec<Arrived>,
    /// Whether every packet was one frame; otherwise some were put together, and none may be found.
    pub(super) is_complete: bool,
    /// Whether a packet has come with a Fragment header, which it loses before it is quoted.
    unwraps: bool,
}

#[derive(Debug)]
struct Arrived {
    frame: Range<usize>,
    /// Where an IPv4 packet stands in it, inside a tunnel or not.
    ipv4: Option<Range<usize>>,
}

impl Origins {
    pub(super) fn remember(&mut self, frame: &[u8]) {
        let start = self.octets.len();
        let end = start + frame.len();
        let found = ipv4_at(frame);
        self.unwraps |= found.is_some_and(|found| found.is_fragment);
        self.octets.extend_from_slice(frame);
        self.arrived.push(Arrived {
            frame: start..end,
            ipv4: found.map(|found| start + found.at..end),
        });
    }

    /// Nothing has arrived yet.
    pub(super) fn forget(&mut self) {
        self.octets.clear();
        self.arrived.clear();
        self.is_complete = false;
        self.unwraps = false;
    }

    /// Fails unless `sent` is a packet that arrived, or a piece of one, but for what a hop changes.
    pub(super) fn find(&self, sent: &Ipv4<'_>, clamps: bool) {
        let is_found = self.arrived.iter().rev().any(|arrived| {
            let ipv4 = arrived.ipv4.clone();
            ipv4.and_then(|ipv4| Ipv4::new(&self.octets[ipv4]))
                .is_some_and(|arrived| is_made_of(sent, &arrived, clamps))
        });
        assert!(
            is_found || !self.is_complete,
            "made of nothing that arrived: {sent:02x?}"
        );
    }

    /// Fails unless these octets have arrived.
    pub(super) fn find_quote(&self, quote: &[u8]) {
        let is_found = self.arrived.iter().rev().any(|arrived| {
            let frame = &self.octets[arrived.frame.clone()];
            let mut places = frame.windows(quote.len().max(1));
            // Whole comparisons are dear here, as libFuzzer watches them.
            places.any(|octets| octets[0] == quote[0] && octets == quote)
        });
        assert!(
            is_found || !self.is_complete || self.unwraps,
            "quoted, but not as it arrived: {quote:02x?}"
        );
    }
}

fn is_made_of(sent: &Ipv4<'_>, arrived: &Ipv4<'_>, clamps: bool) -> bool {
    let name = |ipv4: &Ipv4<'_>| {
        (
            ipv4.source(),
            ipv4.destination(),
            ipv4.id(),
            ipv4.protocol(),
        )
    };
    let Some(start) = sent.offset().checked_sub(arrived.offset()) else {
        return false;
    };
    let (payload, all) = (sent.payload(), arrived.payload());
    let end = start + payload.len();
    let Some(original) = all.get(start..end) else {
        return false;
    };
    let options_fit = start > 0 || sent.header()[20..] == arrived.header()[20..];
    let flags = |ipv4: &Ipv4<'_>| ipv4.header()[6] & 0xc0;
    name(sent) == name(arrived)
        && sent.ttl().checked_add(1) == Some(arrived.ttl())
        && sent.more_follow() == (arrived.more_follow() || end < all.len())
        && flags(sent) == flags(arrived)
        && options_fit
        && (payload == original
            || clamps && start == 0 && is_clamped(sent, original)
            || clamps && start > 0 && is_piece_of_clamped(payload, start, arrived))
}

/// Whether a later piece of a TCP segment, which arrived with its header, differs only where an MSS option
/// and the checksum may: a small MTU parts the header.
fn is_piece_of_clamped(piece: &[u8], start: usize, arrived: &Ipv4<'_>) -> bool {
    let segment = arrived.payload();
    let header_len = segment
        .get(12)
        .map_or(0, |octet| usize::from(octet >> 4) * 4);
    arrived.offset() == 0
        && arrived.protocol() == 6
        && piece.iter().enumerate().all(|(index, octet)| {
            let place = start + index;
            let may_differ = (16..18).contains(&place) || (20..header_len).contains(&place);
            may_differ || segment.get(place) == Some(octet)
        })
}

/// Whether a TCP segment differs from how it arrived only where an MSS option and the checksum may.
fn is_clamped(sent: &Ipv4<'_>, original: &[u8]) -> bool {
    let segment = sent.payload();
    let header_len = segment
        .get(12)
        .map_or(0, |octet| usize::from(octet >> 4) * 4)
        .min(segment.len());
    let is_whole = sent.offset() == 0 && !sent.more_follow();
    let sum_of = |segment: &[u8]| {
        let [high, low] = (segment.len() as u16).to_be_bytes();
        sum(&[&sent.header()[12..20], &[0, 6, high, low], segment])
    };
    sent.protocol() == 6
        && header_len >= 20
        && segment[..16] == original[..16]
        && segment[18..20] == original[18..20]
        && segment[header_len..] == original[header_len..]
        && (!is_whole || sum_of(original) != 0xffff || sum_of(segment) == 0xffff)
}

/// An IPv4 packet in a frame.
#[derive(Clone, Copy, Debug)]
struct Found {
    at: usize,
    /// Whether a Fragment header stands before it.
    is_fragment: bool,
}

/// Where the IPv4 packet of a frame begins: at once, or behind IPv6 and what may stand between.
fn ipv4_at(frame: &[u8]) -> Option<Found> {
    let (at, ether_type) = front::payload(frame)?;
    let (mut next_header, mut at) = match ether_type {
        front::IPV6 => (*frame.get(at + 6)?, at + 40),
        _ => (4, at),
    };
    let mut is_fragment = false;
    while next_header != 4 {
        let len = match next_header {
            60 => (usize::from(*frame.get(at + 1)?) + 1) * 8,
            44 => 8,
            _ => return None,
        };
        is_fragment |= next_header == 44;
        next_header = *frame.get(at)?;
        at += len;
    }
    (frame.len() > at).then_some(Found { at, is_fragment })
}
