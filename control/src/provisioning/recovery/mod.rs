//! After a loss of leases: everyone who is known hears of it, and what they had is kept for them
//! (PC-142, FO-011, FO-013, FO-015).
//!
//! ```text
//!  roster ─► peers ─┬─ announcements, paced ─► ANNOUNCE with the epoch ─► injected, behind all answers
//!  leases ─────────┘            │
//!                               └─ skips who has been granted a set since
//! ```
//!
//! At the start the peers come from the roster; when an operator asks, from the leases, page by page, so
//! that nobody waits for it. Groups, if there are any, are told first in every round.

mod notes;
mod telling;
#[cfg(test)]
mod tests;

use crossbeam_channel::Sender;
use lwaftr_dataplane::wire::ethernet::Mac;
use pcp::instant::Instant;
use pcp::lease::Lease;
use pcp::lease::Phase;
use serde::Serialize;
use tracing::info;

use self::notes::Notes;
pub use self::notes::Place;
use self::telling::Receiver;
use self::telling::Telling;
use super::Provisioning;
use crate::config;
use crate::exception::Frame;
use crate::roster::Peer;
use crate::roster::Peers;

/// What is left to do about those who may not know that their lease is gone.
#[derive(Debug)]
pub(super) struct Recovery {
    settings: config::Recovery,
    telling: Option<Telling>,
    gathering: Option<Gathering>,
    /// How the last one ended.
    ended: Option<RecoveryFacts>,
    pub(super) notes: Notes,
}

/// Peers that an operator wants to be told, as far as they are found.
#[derive(Debug)]
struct Gathering {
    peers: Peers,
    place: Place,
    answers: Vec<Sender<usize>>,
}

/// How far the announcements are.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct RecoveryFacts {
    /// lwB4s that are told.
    pub peers: usize,
    /// Those of them that were found to have a set again when it was their turn.
    pub returned: usize,
    /// The round that is under way, from 1.
    pub round: u32,
    /// How often everybody is told.
    pub rounds: u32,
    /// Announcements that have left.
    pub sent: u64,
    /// Whether all are told.
    pub is_over: bool,
}

impl Recovery {
    pub(super) fn new(settings: config::Recovery) -> Self {
        Self {
            settings,
            telling: None,
            gathering: None,
            ended: None,
            notes: Notes::default(),
        }
    }

    pub(super) fn facts(&self) -> Option<RecoveryFacts> {
        self.telling.as_ref().map(Telling::facts).or(self.ended)
    }
}

impl Provisioning {
    /// Leases were lost, and the epoch of the server has begun anew: tells `peers`, and the groups. Sets of
    /// the pools that they had sets of, or of all pools when `peers` may not be all, go back to their
    /// holders for a while and to nobody else.
    pub fn recover(&mut self, peers: Peers, is_whole: bool, now: Instant) {
        if is_whole {
            self.book.had_sets_of(peers.addresses());
        }
        if !(is_whole && peers.is_empty()) {
            self.server.begin_grace(now, self.recovery.settings.grace);
        }
        self.tell(peers, now);
    }

    /// Whether there are some who have not been told yet.
    #[must_use]
    pub const fn is_recovering(&self) -> bool {
        self.recovery.telling.is_some() || self.recovery.gathering.is_some()
    }

    /// Announcements that are due, at most so many, by the neighbour `next_hop`.
    pub fn due_announcements(
        &mut self,
        next_hop: Option<Mac>,
        most: usize,
        now: Instant,
    ) -> Vec<Frame> {
        let (Some(telling), Some(next_hop)) = (&mut self.recovery.telling, next_hop) else {
            return Vec::new();
        };
        let message = pcp::wire::unsolicited_announce(self.server.epoch_s(now));
        let mut frames = Vec::new();
        for _ in 0..most {
            let Some(receiver) = telling.next(now) else {
                break;
            };
            if let Receiver::Peer(peer) = &receiver
                && self
                    .book
                    .of_subscriber(peer.outer)
                    .any(|(lease, phase)| phase == Phase::Active && telling.is_return(&lease, peer))
            {
                telling.has_returned();
                continue;
            }
            telling.has_been_told();
            self.tally.announcements += 1;
            frames.push(receiver.envelope(next_hop).seal(&self.own, &message));
        }
        if telling.is_over() {
            let facts = RecoveryFacts {
                is_over: true,
                ..telling.facts()
            };
            info!(
                peers = facts.peers,
                returned = facts.returned,
                sent = facts.sent,
                "all lwB4s that are known have been told"
            );
            (self.recovery.telling, self.recovery.ended) = (None, Some(facts));
        }
        frames
    }

    /// An operator wants all who have leases to ask again: `answer` gets their number once they are found.
    pub(super) fn gather(&mut self, answer: Sender<usize>) {
        let telling = self.recovery.telling.take();
        let gathering = self.recovery.gathering.get_or_insert_with(|| Gathering {
            // Those who are being told are not forgotten for it.
            peers: telling.map(Telling::into_peers).unwrap_or_default(),
            place: Place::START,
            answers: Vec::new(),
        });
        gathering.answers.push(answer);
    }

    /// Goes on finding those whom an operator wants to be told. Returns whether all are found, with which
    /// the epoch has begun anew.
    pub fn go_on_gathering(&mut self, now: Instant) -> bool {
        let Some(mut gathering) = self.recovery.gathering.take() else {
            return false;
        };
        let (page, next) = self.peers_from(gathering.place);
        for peer in &page {
            gathering.peers.push(peer);
        }
        if let Some(place) = next {
            gathering.place = place;
            self.recovery.gathering = Some(gathering);
            return false;
        }
        for answer in gathering.answers {
            // Whoever has gone does not hear it, and that is all.
            let _ = answer.send(gathering.peers.len());
        }
        // Nothing was lost, so that nobody needs to be spared.
        self.server.lose_state(now, std::time::Duration::ZERO);
        self.tell(gathering.peers, now);
        true
    }

    /// Seconds for which sets only go to those who had them.
    pub(super) fn grace_s(&self, now: Instant) -> Option<u32> {
        let until = self.server.grace_until(now)?;
        Some(now.seconds_until(until))
    }

    fn tell(&mut self, peers: Peers, now: Instant) {
        let mut brs: Vec<_> = self
            .book
            .pools()
            .iter()
            .map(|pool| pool.config().br)
            .collect();
        brs.sort_unstable();
        brs.dedup();
        let groups = self.recovery.settings.multicast;
        let groups = groups.map(|multicast| (multicast, brs));
        let telling = Telling::new(peers, groups, self.recovery.settings.pace, now);
        self.recovery.telling = (!telling.is_over()).then_some(telling);
    }
}

/// Whether the roster has another entry for a lease than it had before.
fn is_news(before: &Lease, after: &Lease) -> bool {
    Peer::from(before) != Peer::from(after)
}
