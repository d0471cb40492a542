//! What has arrived of one packet: its pieces, in the order of their octets.
//!
//! Pieces never overlap; so none is missing as soon as the end is known and their lengths add up to
//! it. An overlap is fatal (RFC 5722), which spares all questions of who wins.

use crate::drop_reason::DropReason;
use crate::packet::Packet;

use super::Discarded;
use super::ecn::Seen;
use super::fragment::Place;
use super::pieces::Pieces;
use super::pieces::Vacancy;

/// The pieces of one packet, a list in their order, and their sums.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    first: Option<u32>,
    last: Option<u32>,
    count: u32,
    /// Octets of all payloads.
    covered: u32,
    /// Octets of all fragments, IPv6 headers included.
    octets: u64,
    /// Where the fragmented part ends, once the last fragment is here.
    end: Option<u32>,
    seen: Seen,
}

/// Where a fragment goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    before: Option<u32>,
    after: Option<u32>,
    /// Whether nothing is missing any more with this fragment.
    pub(super) completes: bool,
}

impl Gap {
    /// Where the first fragment to arrive goes.
    pub(super) const ALL: Self = Self {
        before: None,
        after: None,
        completes: false,
    };
}

/// A fragment does not fit among the others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Misfit {
    /// It is here already, to the octet.
    Duplicate,
    /// The packet cannot be put together any more.
    Packet(DropReason),
}

impl Gathered {
    /// Where a fragment goes among those that are here.
    pub(super) fn gap<P: Packet>(
        &self,
        pieces: &Pieces<P>,
        packet: &P,
        place: &Place,
    ) -> Result<Gap, Misfit> {
        let before = self.before(pieces, place);
        let after = before.map_or(self.first, |index| pieces.next(index));
        if before.is_some_and(|index| pieces.place(index).end() > place.start())
            || after.is_some_and(|index| pieces.place(index).start() < place.end())
        {
            let is_here = before.is_some_and(|index| is_same(pieces, index, packet, place));
            return Err(if is_here {
                Misfit::Duplicate
            } else {
                Misfit::Packet(DropReason::Ipv6FragmentOverlap)
            });
        }
        let end = self.end.or(place.is_last().then_some(place.end()));
        let contradicts = match self.end {
            Some(end) => place.is_last() || place.end() > end,
            None => place.is_last() && after.is_some(),
        };
        if contradicts {
            return Err(Misfit::Packet(DropReason::Ipv6FragmentTooLong));
        }
        let covered = self.covered + place.end() - place.start();
        Ok(Gap {
            before,
            after,
            completes: end == Some(covered),
        })
    }

    /// Takes a fragment in, where [`Self::gap`] has found its place.
    pub(super) fn insert<P: Packet>(
        &mut self,
        pieces: &mut Pieces<P>,
        vacancy: Vacancy,
        gap: Gap,
        packet: P,
        place: Place,
    ) {
        let index = pieces.hold(vacancy, packet, place, gap.after);
        match gap.before {
            Some(before) => pieces.link(before, index),
            None => self.first = Some(index),
        }
        if gap.after.is_none() {
            self.last = Some(index);
        }
        self.count(&place);
    }

    /// Adds a fragment to the sums.
    pub(super) fn count(&mut self, place: &Place) {
        self.count += 1;
        self.covered += place.end() - place.start();
        self.octets += place.ipv6_octets();
        self.seen = self.seen.with(place.traffic_class());
        if place.is_last() {
            self.end = Some(place.end());
        }
    }

    /// Takes the first of the remaining pieces out. The sums stay: they tell of all that arrived.
    pub(super) fn pop<P: Packet>(&mut self, pieces: &mut Pieces<P>) -> Option<(P, Place)> {
        let (packet, place, next) = pieces.release(self.first?);
        self.first = next;
        packet.map(|packet| (packet, place))
    }

    /// Frees all remaining pieces, and tells what had arrived.
    pub(super) fn discard<P: Packet>(mut self, pieces: &mut Pieces<P>) -> Discarded {
        while self.pop(pieces).is_some() {}
        self.discarded()
    }

    /// What had arrived, as something that was freed.
    pub(super) const fn discarded(&self) -> Discarded {
        Discarded {
            packets: self.fragments(),
            octets: self.octets,
        }
    }

    /// Where the first of the remaining pieces lies.
    pub(super) fn first_place<'a, P: Packet>(&self, pieces: &'a Pieces<P>) -> Option<&'a Place> {
        self.first.map(|index| pieces.place(index))
    }

    /// How many fragments have arrived.
    pub(super) const fn fragments(&self) -> u64 {
        self.count as u64
    }

    /// Their octets, IPv6 headers included.
    pub(super) const fn octets(&self) -> u64 {
        self.octets
    }

    /// Octets of their payloads.
    pub(super) const fn covered(&self) -> u32 {
        self.covered
    }

    /// Their ECN fields.
    pub(super) const fn seen(&self) -> Seen {
        self.seen
    }

    /// The last piece that begins where the fragment does, or earlier. Fragments mostly arrive in
    /// order, so it is mostly the last of all.
    fn before<P: Packet>(&self, pieces: &Pieces<P>, place: &Place) -> Option<u32> {
        let is_before = |index: &u32| pieces.place(*index).start() <= place.start();
        if let Some(last) = self.last.filter(is_before) {
            return Some(last);
        }
        std::iter::successors(self.first, |index| pieces.next(*index))
            .take_while(is_before)
            .last()
    }
}

/// Whether a held piece is the same fragment: RFC 8200 s4.5 allows to ignore exact duplicates, which
/// networks make, while an overlap of any other kind is an attack (RFC 5722).
fn is_same<P: Packet>(pieces: &Pieces<P>, index: u32, packet: &P, place: &Place) -> bool {
    let held = pieces.place(index);
    let ranges_match =
        (held.start(), held.end(), held.is_last()) == (place.start(), place.end(), place.is_last());
    ranges_match
        && pieces
            .packet(index)
            .is_some_and(|held_packet| payloads_match(held_packet, held, packet, place))
}

/// Whether two payloads of the same length have the same octets, whatever segments they lie in.
fn payloads_match<P: Packet>(one: &P, one_place: &Place, other: &P, other_place: &Place) -> bool {
    let len = one_place.payload_len();
    let (mut ours, mut theirs) = ([0; CHUNK], [0; CHUNK]);
    (0..len).step_by(CHUNK).all(|at| {
        let count = CHUNK.min(len - at);
        let (ours, theirs) = (&mut ours[..count], &mut theirs[..count]);
        one.copy_out(one_place.payload_at() + at, ours)
            && other.copy_out(other_place.payload_at() + at, theirs)
            && ours == theirs
    })
}

/// Octets that are compared at once.
const CHUNK: usize = 256;
