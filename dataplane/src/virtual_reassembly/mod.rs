//! Virtual reassembly of IPv4 fragments: all fragments of a datagram go where its first goes, without
//! being put together (FR-011 to FR-013; RFC 6146 s3.5, RFC 7597 s8.3.2).
//!
//! Only the first fragment has the ports that a shared address is divided by. So what it said is
//! remembered for the others, and those that overtook it are held until it comes:
//!
//! ```text
//!          first fragment                       another fragment
//!                │ learn                                │ know
//!                ▼                                 yes  ▼  no
//!     [ known: key ► ports ] ◄───────────────────── forwarded  ─── hold ──► [ waiting ]
//!                                                                              │
//!         released ◄── its first came    expired ◄── its first did not    evicted ◄── no room
//! ```
//!
//! Every packet that is held comes out exactly once, by [`release`](VirtualReassembly::release),
//! [`expire`](VirtualReassembly::expire) or [`evicted`](VirtualReassembly::evicted). Whatever is sent
//! to us, memory is bounded, and all there from the start; when it runs out the oldest datagram makes
//! room for the newest, so that fragments which follow each other closely, as honest ones do, get
//! through among a flood of others that never meet (RFC 6146 s5.3). But only so many a second may have
//! room made for them, in all and from one sender: a flood beyond that is turned away, which costs
//! little, and a sender that floods does not use up what others may.
//!
//! The window of a datagram is fixed, however many fragments come in it; it begins with the first
//! fragment or, until that has come, with the earliest of the others.

mod datagrams;
mod key;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::key::Key;
pub use self::key::Known;

use crate::instant::Instant;
use crate::limiter::Limiter;
use crate::limiter::Rates;
use crate::lines::Line;
use crate::lines::Place;
use crate::lines::Places;
use crate::virtual_reassembly::datagrams::Datagram;
use crate::virtual_reassembly::datagrams::Datagrams;

/// How much may be remembered and held (FR-012).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Datagrams, known and waiting.
    pub datagrams: usize,
    /// Packets that wait, over all datagrams. Those on their way out, which the caller takes soon, do
    /// not count; there may be as many again.
    pub held: usize,
    /// Packets that wait for the same first fragment.
    pub held_each: usize,
    /// How long a datagram is remembered, and its fragments wait.
    pub timeout: Duration,
    /// How many packets may have others make room for them. A source is a sender, or a lwB4.
    pub evictions: Rates,
}

/// The default of [`Limits::timeout`]: `FRAGMENT_MIN` of RFC 6146 s4.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

/// What first fragments said, and the fragments that came before theirs. Time must not go backwards.
#[derive(Debug)]
pub struct VirtualReassembly<P> {
    limits: Limits,
    datagrams: Datagrams,
    packets: Places<P>,
    /// How many packets wait, in the lines of their datagrams.
    waiting: usize,
    evictions: Limiter,
    released: Line,
    expired: Line,
    evicted: Line,
}

impl<P> VirtualReassembly<P> {
    /// Nothing known and nothing held, and all the memory for as much as the limits allow.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            datagrams: Datagrams::new(limits.datagrams),
            packets: Places::new(2 * limits.held),
            waiting: 0,
            evictions: Limiter::new(limits.evictions),
            released: Line::default(),
            expired: Line::default(),
            evicted: Line::default(),
        }
    }

    /// What the first fragment of this datagram said, if that has come lately.
    #[must_use]
    pub fn know(&self, key: &Key, now: Instant) -> Option<Known> {
        let place = self.datagrams.find(key, self.datagrams.hash(key))?;
        let datagram = self.datagrams.at(place)?;
        datagram.known.filter(|_| !self.is_over(datagram, now))
    }

    /// Remembers what a first fragment said; the newest wins, as its datagram is the one that is on
    /// its way now. What waited for it is [released](Self::release).
    pub fn learn(&mut self, key: Key, known: Known, now: Instant) {
        let hash = self.datagrams.hash(&key);
        if let Some(place) = self.find_current(&key, hash, now) {
            let packets = self.datagrams.settle(place, known, now);
            self.waiting -= packets.len();
            self.packets.join(&mut self.released, packets);
        } else {
            self.make_place();
            self.datagrams.insert((key, hash), Some(known), now);
        }
    }

    /// Keeps a fragment until the first of its datagram comes. When that has come already, it is
    /// [released](Self::release) at once.
    ///
    /// # Errors
    /// When its datagram has as many as it may, or nobody takes what leaves, or others would have to make
    /// room for it and have done so too often; the packet comes back.
    pub fn hold(&mut self, key: Key, packet: P, now: Instant) -> Result<(), P> {
        let hash = self.datagrams.hash(&key);
        let mut place = self.find_current(&key, hash, now);
        let datagram = place.and_then(|place| self.datagrams.at(place));
        if datagram.is_some_and(|datagram| datagram.known.is_some()) {
            return self.packets.push(&mut self.released, packet).map(|_| ());
        }
        let held = datagram.map_or(0, |datagram| datagram.packets.len());
        if held >= self.limits.held_each || self.packets.is_full() {
            return Err(packet);
        }
        if self.waiting >= self.limits.held
            && let Some(oldest) = self.datagrams.oldest_waiting()
        {
            if !self.evictions.allows(&key.sender(), now) {
                return Err(packet);
            }
            self.evict(oldest);
            // The oldest may have been this one.
            place = place.filter(|place| *place != oldest);
        }
        let place = place.or_else(|| {
            self.make_place();
            self.datagrams.insert((key, hash), None, now)
        });
        let Some(datagram) = place.and_then(|place| self.datagrams.at_mut(place)) else {
            return Err(packet);
        };
        self.packets.push(&mut datagram.packets, packet)?;
        self.waiting += 1;
        Ok(())
    }

    /// What [`turns_away`](Self::turns_away) finds a datagram by.
    #[must_use]
    #[inline(always)]
    pub fn hash(&self, key: &Key) -> u64 {
        self.datagrams.hash(key)
    }

    /// Whether as many packets wait as may.
    #[must_use]
    #[inline(always)]
    pub fn is_crowded(&self) -> bool {
        self.waiting >= self.limits.held
    }

    /// Whether nothing is here of the datagram with this [hash](Self::hash), and no fragment that `sender`
    /// sends of it could be [held](Self::hold) now, after `others` that can.
    #[must_use]
    #[inline(always)]
    pub fn turns_away(&self, hash: u64, sender: &[u8; 16], others: u64, now: Instant) -> bool {
        self.is_crowded()
            && self.evictions.denies_after(others, sender, now)
            && !self.datagrams.has(hash)
    }

    /// Takes a packet whose datagram is known now, in order of arrival.
    pub fn release(&mut self) -> Option<P> {
        self.packets.pop(&mut self.released)
    }

    /// Takes a packet whose first fragment has not come in time, and forgets datagrams that are over.
    /// Costs next to nothing when none is.
    pub fn expire(&mut self, now: Instant) -> Option<P> {
        // A datagram that is over is not known, forgotten or not; so there is no haste.
        for _ in 0..FORGOTTEN_AT_ONCE {
            let Some(oldest) = self.datagrams.oldest_known() else {
                break;
            };
            if !self.forget_if_over(oldest, now) {
                break;
            }
        }
        if self.expired.is_empty()
            && let Some(oldest) = self.datagrams.oldest_waiting()
        {
            self.forget_if_over(oldest, now);
        }
        self.packets.pop(&mut self.expired)
    }

    /// Takes a packet that had to make room for newer ones.
    pub fn evicted(&mut self) -> Option<P> {
        self.packets.pop(&mut self.evicted)
    }

    /// How many packets are held: those that wait and those that have not been taken yet.
    #[must_use]
    pub fn held(&self) -> usize {
        self.packets.len()
    }

    /// How many datagrams are remembered, known and waiting.
    #[must_use]
    pub fn datagrams(&self) -> usize {
        self.datagrams.len()
    }

    /// Whether nothing is held and nothing remembered, so that time changes nothing.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.held() == 0 && self.datagrams() == 0
    }

    fn is_over(&self, datagram: &Datagram, now: Instant) -> bool {
        datagram.since + self.limits.timeout <= now
    }

    /// The datagram with this key, unless it is over; then it is forgotten first.
    fn find_current(&mut self, key: &Key, hash: u64, now: Instant) -> Option<Place> {
        let place = self.datagrams.find(key, hash)?;
        (!self.forget_if_over(place, now)).then_some(place)
    }

    /// Forgets a datagram that is over; packets that wait for its first fragment do so in vain.
    fn forget_if_over(&mut self, place: Place, now: Instant) -> bool {
        let datagram = self.datagrams.at(place);
        let is_over = datagram.is_some_and(|datagram| self.is_over(datagram, now));
        if is_over {
            let packets = self.datagrams.remove(place);
            self.waiting -= packets.len();
            self.packets.join(&mut self.expired, packets);
        }
        is_over
    }

    /// Makes a place for another datagram.
    fn make_place(&mut self) {
        if self.datagrams.is_full()
            && let Some(oldest) = self.datagrams.oldest()
        {
            self.evict(oldest);
        }
    }

    fn evict(&mut self, place: Place) {
        let packets = self.datagrams.remove(place);
        self.waiting -= packets.len();
        self.packets.join(&mut self.evicted, packets);
    }
}

/// Known datagrams that are forgotten in one call, so that a flood's end does not hold up a round.
const FORGOTTEN_AT_ONCE: usize = 32;
