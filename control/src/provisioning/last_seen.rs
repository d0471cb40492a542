//! Since when softwires have carried nothing, for takeovers after silence (C-03).
//!
//! Workers count packets, not times. So the leases are visited in turn, all of them several times within the
//! silence that is asked for; a softwire whose count is what it was has been silent since the visit that
//! first found it. A silence is thus never told longer than it was.

use std::time::Duration;

use hashbrown::HashMap;
use pcp::book::Book;
use pcp::instant::Instant;
use pcp::port_set::PortSet;

/// What was seen of each lease.
#[derive(Clone, Debug)]
pub(super) struct LastSeen {
    round: Duration,
    seen: HashMap<PortSet, Seen>,
    place: usize,
    next: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    packets: u64,
    since: Instant,
}

impl LastSeen {
    /// For takeovers after a silence of `least`.
    pub(super) fn new(least: Duration, now: Instant) -> Self {
        Self {
            round: least / ROUNDS,
            seen: HashMap::new(),
            place: 0,
            next: now,
        }
    }

    /// The leases whose turn it is; none before it is time.
    pub(super) fn turn(&mut self, book: &Book, now: Instant) -> Vec<PortSet> {
        if now < self.next {
            return Vec::new();
        }
        self.next = now + EVERY;
        let turns = (self.round.as_secs() / EVERY.as_secs()).max(1) as usize;
        let (held, resting) = book.counts();
        let most = (held + resting).div_ceil(turns).clamp(1, MOST);
        let (leases, next) = book.page(self.place, most);
        let sets = leases.map(|(lease, _)| lease.set).collect();
        self.place = next.unwrap_or(0);
        sets
    }

    /// The softwire of a set has carried so many packets by `now`.
    pub(super) fn hear(&mut self, set: PortSet, packets: u64, now: Instant) {
        let fresh = Seen {
            packets,
            since: now,
        };
        let seen = self.seen.entry(set).or_insert(fresh);
        if seen.packets != packets {
            *seen = fresh;
        }
    }

    /// A set has another holder, or none.
    pub(super) fn forget(&mut self, set: PortSet) {
        self.seen.remove(&set);
    }

    /// For how long the softwire of a set has carried nothing, as far as that was seen.
    pub(super) fn silence(&self, set: PortSet, now: Instant) -> Option<Duration> {
        self.seen.get(&set).map(|seen| now.since(seen.since))
    }
}

/// Visits of every lease within the silence that counts.
const ROUNDS: u32 = 4;
const EVERY: Duration = Duration::from_secs(1);
/// Leases visited at once: what the publisher looks up in a few milliseconds.
const MOST: usize = 16_384;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn c_03_a_silence_begins_when_the_count_was_first_seen() {
        let at = |seconds: u32| Instant::from_secs(1000 + seconds);
        let set = PortSet::new(Ipv4Addr::new(192, 0, 2, 1), 6, 7).unwrap();
        let mut last_seen = LastSeen::new(Duration::from_secs(600), at(0));
        assert_eq!(last_seen.silence(set, at(0)), None);
        last_seen.hear(set, 5, at(10));
        last_seen.hear(set, 5, at(100));
        assert_eq!(
            last_seen.silence(set, at(110)),
            Some(Duration::from_secs(100))
        );
        last_seen.hear(set, 6, at(120));
        assert_eq!(
            last_seen.silence(set, at(150)),
            Some(Duration::from_secs(30))
        );
        last_seen.forget(set);
        assert_eq!(last_seen.silence(set, at(150)), None);
    }
}
