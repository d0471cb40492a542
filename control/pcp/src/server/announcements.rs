//! Announcements after state was lost: to everyone who is known, again and again, and not all at once
//! (PC-142, FO-013, FO-015).
//!
//! ```text
//!  slots, evenly spaced        | | | | | |           | | | | | |                      | | | …
//!  each leaves a little later   | || |  ||             || | ||  |
//!                              ◄─ round ─► ≥ 250 ms ◄──────────► ≥ twice any gap so far ◄── …
//! ```
//!
//! Invariant: between two copies to one client there are 250 ms at least, and every gap is at least twice
//! the one before, however late the caller comes (RFC 6887 s14.1.3). What a late caller has missed is not
//! made up for in a burst.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::client::Random;
use crate::instant::Instant;

/// How fast, how evenly and how often clients are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// Clients that are told in a second.
    pub per_second: u32,
    /// Each leaves up to this much later than its turn, so that boxes that start together do not speak
    /// together.
    pub jitter: Duration,
    /// How often each is told; ten times at most.
    pub rounds: u32,
}

/// Announcements that are still to be sent, as the positions of their receivers in a list of the caller's.
/// The payload is [`crate::wire::unsolicited_announce`] with the epoch of the moment, from the address and
/// port where requests are received.
#[derive(Clone, Debug)]
pub struct Announcements {
    receivers: usize,
    every: Duration,
    jitter: Duration,
    rounds: u32,
    round: u32,
    /// Whose slot is next in this round, and when it is.
    next: usize,
    slot: Instant,
    /// When this round and the one before began.
    began: Instant,
    began_before: Instant,
    /// What has had its slot and waits for its jitter. A round ends when all of it has left.
    leaving: BinaryHeap<Reverse<(Instant, usize)>>,
}

impl Announcements {
    /// To so many `receivers`, from now on.
    #[must_use]
    pub fn new(receivers: usize, pace: Pace, now: Instant) -> Self {
        Self {
            receivers,
            every: Duration::from_secs(1) / pace.per_second.max(1),
            jitter: pace.jitter,
            rounds: if receivers == 0 {
                0
            } else {
                pace.rounds.min(MAX_ROUNDS)
            },
            round: 0,
            next: 0,
            slot: now,
            began: now,
            began_before: now,
            leaving: BinaryHeap::new(),
        }
    }

    /// When the next one may be due; `None` when all are sent.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let leaving = self.leaving.peek().map(|Reverse((at, _))| *at);
        let slot = self.has_slot().then_some(self.slot);
        leaving.into_iter().chain(slot).min()
    }

    /// The position of a receiver whose announcement is due, which leaves now.
    pub fn pop(&mut self, now: Instant, random: &mut impl Random) -> Option<usize> {
        while self.has_slot() && self.slot <= now {
            let at = self.slot + uniform(random, self.jitter);
            self.leaving.push(Reverse((at, self.next)));
            self.pass_slot(now);
        }
        let Reverse((at, receiver)) = *self.leaving.peek()?;
        if at > now {
            return None;
        }
        self.leaving.pop();
        if self.leaving.is_empty() && self.next == self.receivers {
            self.end_round(now);
        }
        Some(receiver)
    }

    /// The round that is under way, from 1, and how many there are.
    #[must_use]
    pub fn rounds(&self) -> (u32, u32) {
        ((self.round + 1).min(self.rounds), self.rounds)
    }

    fn has_slot(&self) -> bool {
        self.round < self.rounds && self.next < self.receivers
    }

    fn pass_slot(&mut self, now: Instant) {
        if self.next == 0 {
            self.began_before = self.began;
            self.began = now;
        }
        self.next += 1;
        self.slot = self.slot + self.every;
        if now.since(self.slot) > MAX_LAG {
            self.slot = now;
        }
    }

    fn end_round(&mut self, now: Instant) {
        // No client can have had a longer gap than this before the copy that it heard last.
        let longest = now.since(self.began_before);
        let gap = if self.round == 0 {
            FIRST_GAP
        } else {
            longest * 2
        };
        self.round += 1;
        self.next = 0;
        self.slot = now + gap;
    }
}

/// From nothing to `most`.
fn uniform(random: &mut impl Random, most: Duration) -> Duration {
    let span = most.as_nanos() as u64;
    let chosen = (u128::from(random.next()) * (u128::from(span) + 1)) >> 64;
    Duration::from_nanos(chosen as u64)
}

/// RFC 6887 s14.1.3.
const MAX_ROUNDS: u32 = 10;
const FIRST_GAP: Duration = Duration::from_millis(250);
/// A caller that comes every few milliseconds has all that was due meanwhile; one that was away longer has
/// missed its slots.
const MAX_LAG: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(rounds: u32) -> Pace {
        Pace {
            per_second: 1000,
            jitter: Duration::ZERO,
            rounds,
        }
    }

    fn start() -> Instant {
        Instant::from_secs(1)
    }

    /// When each announcement leaves, in milliseconds, for a caller that is never late.
    fn times(announcements: &mut Announcements) -> Vec<u64> {
        let mut times = Vec::new();
        while let Some(due) = announcements.due() {
            let early = Instant::from_nanos(due.as_nanos() - 1);
            assert_eq!(announcements.pop(early, &mut || 0), None);
            announcements.pop(due, &mut || 0).unwrap();
            times.push(due.as_nanos() / 1_000_000);
        }
        times
    }

    #[test]
    fn pc_142_one_client_hears_it_ten_times_with_gaps_that_double() {
        let mut announcements = Announcements::new(1, pace(99), start());
        let times = times(&mut announcements);
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(
            gaps,
            [250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000]
        );
    }

    #[test]
    fn fo_013_many_clients_hear_it_one_after_the_other() {
        let mut announcements = Announcements::new(1000, pace(2), start());
        let times = times(&mut announcements);
        assert_eq!(times.len(), 2000);
        assert_eq!((times[0], times[999], times[1000]), (1000, 1999, 2249));
    }

    #[test]
    fn fo_013_what_was_missed_is_not_made_up_for() {
        let mut announcements = Announcements::new(1000, pace(1), start());
        let late = start() + Duration::from_secs(600);
        let mut sent = 0;
        while announcements.pop(late, &mut || 0).is_some() {
            sent += 1;
        }
        assert!(sent <= 2, "{sent} at once");
        assert_eq!(announcements.due(), Some(late + Duration::from_millis(1)));
    }

    #[test]
    fn nobody_is_told_where_nobody_is_known() {
        assert_eq!(Announcements::new(0, pace(3), start()).due(), None);
        assert_eq!(Announcements::new(5, pace(0), start()).due(), None);
    }

    proptest! {
        #[test]
        fn pc_142_gaps_double_for_every_client_whatever_the_jitter_and_the_caller(
            receivers in 1_usize..40,
            per_second in 1_u32..2000,
            jitter_ms in 0_u64..3000,
            seed: u64,
            delays in prop::collection::vec(0_u64..5000, 1..20),
        ) {
            let jitter = Duration::from_millis(jitter_ms);
            let pace = Pace { per_second, jitter, rounds: 4 };
            let mut announcements = Announcements::new(receivers, pace, start());
            let mut state = seed;
            let mut random = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state
            };
            let mut heard = vec![Vec::new(); receivers];
            let mut delays = delays.iter().cycle();
            while let Some(due) = announcements.due() {
                // Late by anything, and once it is there it takes all that is due.
                let now = due + Duration::from_millis(*delays.next().unwrap());
                while let Some(receiver) = announcements.pop(now, &mut random) {
                    heard[receiver].push(now.as_nanos());
                }
            }
            for times in heard {
                prop_assert_eq!(times.len(), 4);
                let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
                prop_assert!(gaps[0] >= 250_000_000, "{:?}", gaps);
                for pair in gaps.windows(2) {
                    prop_assert!(pair[1] >= 2 * pair[0], "{:?}", gaps);
                }
            }
        }
    }
}
