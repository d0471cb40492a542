//! Reassembly of IPv6 fragments at the tunnel's end (RFC 8200 s4.5, RFC 5722, RFC 6946).
//!
//! ```text
//!  fragment ─► take ─┬─ Held ─────► pieces, until the others come ─┬─► expire: too late
//!                    ├─ Whole: the last that was missing           └─► evicted: no room
//!                    ├─ Alone: was no part of anything
//!                    └─ Dropped, Problem: with those held, if the packet cannot become whole
//! ```
//!
//! Whatever arrives, memory is what [`Reassembly::new`] took, and of buffers no more than
//! [`Limits::buffers`] are held: whoever sends first fragments only drives out the oldest, and so can
//! slow others down, but never lock them out (FR-010). Only so many a second may have room made for them,
//! in all and from one sender: a flood beyond that is turned away, which costs little. Every fragment is accounted for once: by its own
//! outcome, in a later packet's [`Absorbed`], or in one [`Discarded`].

mod ecn;
mod fragment;
mod gathered;
mod packets;
mod pieces;
#[cfg(test)]
mod tests;
mod whole;

use std::ops::AddAssign;
use std::time::Duration;

use crate::drop_reason::DropReason;
use crate::instant::Instant;
use crate::limiter::Limiter;
use crate::limiter::Rates;
use crate::packet::Packet;

pub use self::fragment::Fragment;

use self::fragment::Refusal;
use self::gathered::Gap;
use self::gathered::Gathered;
use self::gathered::Misfit;
use self::packets::Incomplete;
use self::packets::Packets;
use self::pieces::Pieces;

/// What reassembly may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Incomplete packets at once, those that are abandoned and not yet forgotten included.
    pub packets: usize,
    /// Fragments of one packet.
    pub fragments_each: usize,
    /// Fragments that wait at once, of all packets.
    pub buffers: usize,
    /// From a packet's first arriving fragment to its last (RFC 8200 s4.5: 60 s).
    pub timeout: Duration,
    /// How many fragments may have others make room for them.
    pub evictions: Rates,
}

/// Incomplete packets, and their fragments.
#[derive(Debug)]
pub struct Reassembly<P> {
    limits: Limits,
    packets: Packets,
    pieces: Pieces<P>,
    evicted: Discarded,
    evictions: Limiter,
}

/// What became of a fragment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It waits for others. What is in its place now is empty, and is no packet to count.
    Held,
    /// In its place is now the whole packet, without Fragment header.
    Whole(Absorbed),
    /// It was a whole packet by itself, and has no Fragment header any more (FR-009).
    Alone,
    /// It must be dropped.
    Dropped {
        /// Why, and why the others are.
        reason: DropReason,
        /// Held fragments that were freed with it.
        others: Discarded,
    },
    /// It must be dropped, and its sender told with an ICMPv6 Parameter Problem (type 4). It is as it
    /// arrived, and others of its packet still wait.
    Problem {
        /// Why.
        reason: DropReason,
        /// The code of the ICMPv6 error.
        code: u8,
        /// The pointer of the ICMPv6 error: octets from the start of the IPv6 packet.
        pointer: u32,
    },
}

/// The fragments that a whole packet is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Absorbed {
    /// How many.
    pub fragments: u64,
    /// Their octets, IPv6 headers included.
    pub octets: u64,
}

/// Fragments that waited and were freed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Discarded {
    /// How many.
    pub packets: u64,
    /// Their octets, IPv6 headers included.
    pub octets: u64,
}

/// A packet that was not complete in time.
#[derive(Debug)]
pub struct Expired<P> {
    /// Its first fragment as it arrived, if it did: then the sender is told (ICMPv6 type 3 code 1).
    pub first: Option<P>,
    /// All of its fragments, the first included.
    pub discarded: Discarded,
}

impl<P: Packet> Reassembly<P> {
    /// Takes all memory that will be needed.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            packets: Packets::new(limits.packets),
            pieces: Pieces::new(limits.buffers),
            evicted: Discarded::default(),
            evictions: Limiter::new(limits.evictions),
        }
    }

    /// Takes the fragment that `packet` is.
    ///
    /// When the outcome is a drop, `packet` is still as it arrived; only of a packet that was whole but
    /// has too many segments, it holds some more. What is overdue at `now` should be
    /// [expired](Self::expire) before, or it may still become whole.
    pub fn take(&mut self, packet: &mut P, fragment: &Fragment, now: Instant) -> Outcome {
        let place = &fragment.place;
        if place.is_atomic() {
            whole::unwrap_atomic(packet, place);
            return Outcome::Alone;
        }
        let hash = self.packets.hash(&fragment.key);
        let known = self.packets.find(&fragment.key, hash);
        let gathered = known.map(|index| (index, self.packets.packet(index)));
        if let Some((_, Incomplete::Abandoned(reason))) = gathered {
            return dropped(*reason);
        }
        if let Err(refusal) = place.check(packet) {
            return refused(refusal, fragment);
        }
        let Some((index, Incomplete::Gathered(gathered))) = gathered else {
            return self.begin(packet, fragment, hash, now);
        };
        match gathered.gap(&self.pieces, packet, place) {
            Err(Misfit::Duplicate) => dropped(DropReason::Ipv6FragmentDuplicate),
            Err(Misfit::Packet(reason)) => self.abandon(index, reason),
            Ok(_) if gathered.fragments() >= self.limits.fragments_each as u64 => {
                self.abandon(index, DropReason::Ipv6FragmentTooMany)
            }
            Ok(gap) if gap.completes => self.complete(packet, fragment, index),
            Ok(gap) => self.add(packet, fragment, (index, gap), now),
        }
    }

    /// Whether something is known of the packet that a fragment is of.
    #[must_use]
    pub fn knows(&self, fragment: &Fragment) -> bool {
        let hash = self.packets.hash(&fragment.key);
        !self.is_empty() && self.packets.find(&fragment.key, hash).is_some()
    }

    /// Whether nothing is known of any packet.
    #[must_use]
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.packets.oldest().is_none()
    }

    /// Whether something is known of the packet with this [hash](Self::hash).
    #[must_use]
    #[inline(always)]
    pub fn has(&self, hash: u64) -> bool {
        self.packets.has(hash)
    }

    /// What [`turns_away`](Self::turns_away) finds a packet by.
    #[must_use]
    #[inline(always)]
    pub fn hash(&self, source: &[u8; 16], destination: &[u8; 16], identification: u32) -> u64 {
        self.packets.hash_of(source, destination, identification)
    }

    /// Whether a fragment of a new packet has to have others make room for it.
    #[must_use]
    #[inline(always)]
    pub fn is_crowded(&self) -> bool {
        self.packets.vacancy().is_none() || self.pieces.vacancy().is_none()
    }

    /// Whether nothing is here of the packet with this [hash](Self::hash), and no fragment that `sender`
    /// sends of it would be held now, after `others` that are.
    #[must_use]
    #[inline(always)]
    pub fn turns_away(&self, hash: u64, sender: &[u8; 16], others: u64, now: Instant) -> bool {
        self.is_crowded()
            && self.evictions.denies_after(others, sender, now)
            && !self.packets.has(hash)
    }

    /// Gives up a packet whose time is up at `now`; called again until there is none.
    pub fn expire(&mut self, now: Instant) -> Option<Expired<P>> {
        let (index, deadline) = self.packets.oldest()?;
        if now < deadline {
            return None;
        }
        let Incomplete::Gathered(mut gathered) = self.packets.remove(index) else {
            // Abandoned long ago: there is nothing left of it.
            return Some(Expired {
                first: None,
                discarded: Discarded::default(),
            });
        };
        let starts = gathered.first_place(&self.pieces);
        let has_first = starts.is_some_and(|place| place.is_first());
        let first = has_first.then(|| gathered.pop(&mut self.pieces)).flatten();
        Some(Expired {
            first: first.map(|(packet, _)| packet),
            discarded: gathered.discard(&mut self.pieces),
        })
    }

    /// The fragments that were freed since the last call to make room for newer ones
    /// ([`DropReason::Ipv6FragmentNoRoom`]).
    pub fn evicted(&mut self) -> Discarded {
        std::mem::take(&mut self.evicted)
    }

    /// How many fragments wait.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.pieces.held()
    }

    /// When [`Self::expire`] has something to do, unless packets become whole before.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        self.packets.oldest().map(|(_, deadline)| deadline)
    }

    /// What it may take.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Holds the first fragment to arrive of a packet.
    fn begin(&mut self, packet: &mut P, fragment: &Fragment, hash: u64, now: Instant) -> Outcome {
        if self.is_crowded() && !self.evictions.allows(fragment.key.sender(), now) {
            return dropped(DropReason::Ipv6FragmentNoRoom);
        }
        let (entry, slot) = loop {
            if let (Some(entry), Some(slot)) = (self.packets.vacancy(), self.pieces.vacancy()) {
                break (entry, slot);
            }
            if self.evict_oldest().is_none() {
                return dropped(DropReason::Ipv6FragmentNoRoom);
            }
        };
        let Some(placeholder) = packet.sibling() else {
            return dropped(DropReason::NoBuffer);
        };
        let arrived = std::mem::replace(packet, placeholder);
        let mut gathered = Gathered::default();
        gathered.insert(&mut self.pieces, slot, Gap::ALL, arrived, fragment.place);
        let deadline = now + self.limits.timeout;
        self.packets
            .insert(entry, fragment.key, hash, deadline, gathered);
        Outcome::Held
    }

    /// Holds a further fragment.
    fn add(
        &mut self,
        packet: &mut P,
        fragment: &Fragment,
        (index, gap): (u32, Gap),
        now: Instant,
    ) -> Outcome {
        if self.pieces.vacancy().is_none() && !self.evictions.allows(fragment.key.sender(), now) {
            return dropped(DropReason::Ipv6FragmentNoRoom);
        }
        let slot = loop {
            if let Some(slot) = self.pieces.vacancy() {
                break slot;
            }
            // When the packet is the oldest itself, nothing is left to which a fragment could be added.
            if self.evict_oldest().is_none_or(|evicted| evicted == index) {
                return dropped(DropReason::Ipv6FragmentNoRoom);
            }
        };
        let Some(placeholder) = packet.sibling() else {
            return dropped(DropReason::NoBuffer);
        };
        if let Incomplete::Gathered(gathered) = self.packets.packet_mut(index) {
            let arrived = std::mem::replace(packet, placeholder);
            gathered.insert(&mut self.pieces, slot, gap, arrived, fragment.place);
        }
        Outcome::Held
    }

    /// Makes a packet whole with the one fragment that is missing. It needs no room of its own.
    fn complete(&mut self, packet: &mut P, fragment: &Fragment, index: u32) -> Outcome {
        let mut gathered = self.packets.remove(index).into_gathered();
        let others = gathered.discarded();
        gathered.count(&fragment.place);
        match whole::assemble(packet, &fragment.place, &mut gathered, &mut self.pieces) {
            Ok(absorbed) => Outcome::Whole(absorbed),
            Err(reason) => {
                gathered.discard(&mut self.pieces);
                Outcome::Dropped { reason, others }
            }
        }
    }

    /// Frees what is held of a packet, and drops what will still come of it.
    fn abandon(&mut self, index: u32, reason: DropReason) -> Outcome {
        let known = self.packets.packet_mut(index);
        let known = std::mem::replace(known, Incomplete::Abandoned(reason));
        let others = known.into_gathered().discard(&mut self.pieces);
        Outcome::Dropped { reason, others }
    }

    /// Frees what is held of the packet that has waited longest, and says which it was.
    fn evict_oldest(&mut self) -> Option<u32> {
        let (index, _) = self.packets.oldest()?;
        let gathered = self.packets.remove(index).into_gathered();
        self.evicted += gathered.discard(&mut self.pieces);
        Some(index)
    }
}

impl AddAssign for Discarded {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.octets += other.octets;
    }
}

/// A fragment is dropped, and no other with it.
fn dropped(reason: DropReason) -> Outcome {
    let others = Discarded::default();
    Outcome::Dropped { reason, others }
}

/// What RFC 8200 s4.5 says to do about a fragment that no packet can be made of.
fn refused(refusal: Refusal, fragment: &Fragment) -> Outcome {
    let (reason, code, pointer) = match refusal {
        Refusal::Empty => return dropped(DropReason::Ipv6FragmentLength),
        Refusal::Length => (
            DropReason::Ipv6FragmentLength,
            ERRONEOUS_FIELD,
            PAYLOAD_LENGTH_FIELD,
        ),
        Refusal::TooLong => (
            DropReason::Ipv6FragmentTooLong,
            ERRONEOUS_FIELD,
            fragment.place.offset_field_at(),
        ),
        Refusal::Headers => (DropReason::Ipv6FragmentHeaders, INCOMPLETE_CHAIN, 0),
    };
    Outcome::Problem {
        reason,
        code,
        pointer,
    }
}

/// ICMPv6 Parameter Problem: erroneous header field (RFC 4443 s3.4).
const ERRONEOUS_FIELD: u8 = 0;
/// ICMPv6 Parameter Problem: first fragment with incomplete header chain (RFC 8200 s4.5, RFC 7112).
const INCOMPLETE_CHAIN: u8 = 3;
/// Where the IPv6 header has its Payload Length.
const PAYLOAD_LENGTH_FIELD: u32 = 4;
