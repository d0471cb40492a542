//! A next hop by its address: asked for until it answers, asked again before its answer is old, and
//! followed when it moves.
//!
//! ```text
//!  unknown ── hears ──► known ── 30 s ──► asked again, every second ── hears ──► known
//!     ▲                                        └─ ten times in vain ─┐
//!     └──────────────────────────────────────────────────────────────┘
//! ```
//!
//! Whatever its address says of itself, asked for or not, counts at once: a router that takes over from
//! another announces itself.

use std::time::Duration;

use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::wire::ethernet::Mac;

/// One side's next hop.
#[derive(Clone, Debug)]
pub struct NextHop<A> {
    address: A,
    mac: Option<Mac>,
    /// How often it was asked for since it was last heard of.
    asked: u32,
    next_ask: Instant,
}

/// A question that is due.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Question<A> {
    /// Who is asked for.
    pub address: A,
    /// The neighbour that is asked; everybody when absent.
    pub to: Option<Mac>,
}

impl<A: Copy + Eq> NextHop<A> {
    /// A next hop of which nothing is known; it is to be asked for at once.
    #[must_use]
    pub fn new(address: A) -> Self {
        Self {
            address,
            mac: None,
            asked: 0,
            next_ask: Instant::default(),
        }
    }

    /// Its Ethernet address, while it is known.
    #[must_use]
    pub fn mac(&self) -> Option<Mac> {
        self.mac
    }

    /// Whether there is something to ask at `now`. The caller asks it.
    pub fn question(&mut self, now: Instant) -> Option<Question<A>> {
        if now < self.next_ask {
            return None;
        }
        if self.asked >= ASKED_IN_VAIN {
            self.mac = None;
        }
        // First the neighbour that had it, so that nobody else need listen; then everybody.
        let to = self.mac.filter(|_| self.asked < ASKED_ALONE);
        self.asked = self.asked.saturating_add(1);
        self.next_ask = now + ASK_AGAIN;
        Some(Question {
            address: self.address,
            to,
        })
    }

    /// Hears that `address` is at `mac`. Returns whether that is news.
    pub fn hear(&mut self, address: A, mac: Mac, now: Instant) -> bool {
        if address != self.address {
            return false;
        }
        let is_news = self.mac != Some(mac);
        self.mac = Some(mac);
        self.asked = 0;
        self.next_ask = now + FRESH;
        is_news
    }
}

/// How long an answer is good: `REACHABLE_TIME` of RFC 4861 s10.
const FRESH: Duration = Duration::from_secs(30);
/// `RETRANS_TIMER` of RFC 4861 s10.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Questions to the neighbour itself: `MAX_UNICAST_SOLICIT` of RFC 4861 s10.
const ASKED_ALONE: u32 = 3;
/// Questions in vain after which it is gone: a router that restarts is given some seconds.
const ASKED_IN_VAIN: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const NEW: Mac = Mac([2, 0, 0, 0, 0, 2]);

    fn at(seconds: u64) -> Instant {
        Instant::default() + Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_asked_for_every_second_until_it_answers() {
        let mut hop = NextHop::new(7);
        let asked: Vec<_> = (0..6)
            .map(|half| hop.question(Instant::default() + Duration::from_millis(500 * half)))
            .map(|question| question.is_some())
            .collect();
        assert_eq!(asked, [true, false, true, false, true, false]);
        assert!(hop.hear(7, OLD, at(3)));
        assert_eq!((hop.mac(), hop.question(at(32))), (Some(OLD), None));
    }

    #[test]
    fn it_is_asked_again_alone_then_before_everybody_and_then_given_up() {
        let mut hop = NextHop::new(7);
        hop.hear(7, OLD, at(0));
        let to: Vec<_> = (30..40).map(|s| hop.question(at(s)).unwrap().to).collect();
        assert_eq!(to[..3], [Some(OLD); 3]);
        assert_eq!(to[3..], [None; 7]);
        assert_eq!(hop.mac(), Some(OLD));
        assert!(hop.question(at(40)).is_some());
        assert_eq!(hop.mac(), None);
        assert!(hop.question(at(41)).is_some(), "it may come back");
    }

    #[test]
    fn it_is_followed_when_it_moves_and_others_are_not_believed() {
        let mut hop = NextHop::new(7);
        assert!(!hop.hear(8, NEW, at(0)));
        assert_eq!(hop.mac(), None);
        assert!(hop.hear(7, OLD, at(0)));
        assert!(!hop.hear(7, OLD, at(1)));
        assert!(hop.hear(7, NEW, at(2)));
        assert_eq!(hop.mac(), Some(NEW));
    }
}
