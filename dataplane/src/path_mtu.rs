//! What is known of the paths to lwB4s, and how it comes to be known (IC-007, RFC 8201).
//!
//! ```text
//!  ICMPv6 packet too big ─► worker ─ News ─► queue ─► whoever publishes ─► the softwire's entry
//!                                                          └─ ten minutes later: forgotten
//! ```
//!
//! A worker that has believed such an error tells it without waiting; the queue is bounded, and what does
//! not fit is lost, as the error may have been. The estimate only goes down, and lapses as a whole, so
//! that larger packets are tried again (FR-005).

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use hashbrown::HashMap;

use crate::instant::Instant;
use crate::port_set::PortSet;
use crate::table::PathMtu;
use crate::table::Publisher;

/// A path takes less than was thought.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct News {
    /// The subscriber's address.
    pub ipv4: Ipv4Addr,
    /// A port of the softwire; any, if it has the whole address.
    pub port: u16,
    /// The lwB4 at the path's end.
    pub b4: Ipv6Addr,
    /// What the path takes, in octets of IPv6.
    pub mtu: PathMtu,
}

/// Where workers put news, and whoever publishes takes them.
pub type NewsQueue = Arc<ArrayQueue<News>>;

/// An empty queue.
#[must_use]
pub fn queue() -> NewsQueue {
    Arc::new(ArrayQueue::new(QUEUE))
}

/// The paths that are known to be narrow, on the side of whoever publishes.
#[derive(Debug, Default)]
pub struct PathMtus {
    /// When each is forgotten; later than its line says, if it was heard of again.
    until: HashMap<(Ipv4Addr, PortSet), Instant>,
    /// In the order in which they may be forgotten.
    line: VecDeque<(Instant, Ipv4Addr, PortSet)>,
}

impl PathMtus {
    /// Sets what a softwire's path takes, unless less is known already, or the softwire is another's
    /// by now.
    pub fn hear(&mut self, news: News, publisher: &Publisher, now: Instant) {
        let Some(row) = publisher.owner_of(news.ipv4, news.port) else {
            return;
        };
        if row.binding.b4() != news.b4 || !row.path_mtu.takes(usize::from(news.mtu.0)) {
            return;
        }
        let name = (news.ipv4, row.binding.ports());
        let is_new = !self.until.contains_key(&name);
        if is_new && self.until.len() >= KNOWN_MAX {
            return;
        }
        if publisher.set_path_mtu(name.0, name.1, news.mtu).is_ok() {
            let until = now + LIFETIME;
            self.until.insert(name, until);
            if is_new {
                self.line.push_back((until, name.0, name.1));
            }
        }
    }

    /// Forgets what was heard ten minutes ago.
    pub fn lapse(&mut self, publisher: &Publisher, now: Instant) {
        while let Some((due, ipv4, ports)) = self.line.pop_front_if(|(due, ..)| *due <= now) {
            let until = self.until.get(&(ipv4, ports)).copied().unwrap_or(due);
            if until > now {
                // Heard of again since; the line need not be in strict order, only not early.
                self.line.push_back((until, ipv4, ports));
                continue;
            }
            self.until.remove(&(ipv4, ports));
            // A softwire that is gone has taken what was known of it along.
            let _ = publisher.set_path_mtu(ipv4, ports, PathMtu::UNKNOWN);
        }
    }

    /// Whether nothing is known, so that nothing can lapse.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.until.is_empty()
    }
}

/// How long an estimate holds: ten minutes, as RFC 8201 s4 recommends.
const LIFETIME: Duration = Duration::from_secs(600);
/// News on their way; as many errors as the daemon's control thread may find after a tick.
const QUEUE: usize = 1024;
/// Paths that are remembered at once; forged errors of true quotes cannot fill memory.
const KNOWN_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::tests::SHARED;
    use crate::pipeline::tests::publisher;

    fn news(mtu: u16) -> News {
        News {
            ipv4: SHARED,
            port: 5000,
            b4: "2001:db8::1".parse().unwrap(),
            mtu: PathMtu(mtu),
        }
    }

    fn at(seconds: u64) -> Instant {
        Instant::default() + Duration::from_secs(seconds)
    }

    fn known(publisher: &Publisher) -> u16 {
        publisher.owner_of(SHARED, 5000).unwrap().path_mtu.0
    }

    #[test]
    fn fr_005_the_estimate_only_goes_down_and_lapses_after_ten_minutes() {
        let (publisher, mut paths) = (publisher(), PathMtus::default());
        for (time, mtu, expected) in [(0, 1400, 1400), (1, 1450, 1400), (2, 1300, 1300)] {
            paths.hear(news(mtu), &publisher, at(time));
            assert_eq!(known(&publisher), expected);
        }
        paths.lapse(&publisher, at(601));
        assert_eq!(known(&publisher), 1300);
        paths.lapse(&publisher, at(602));
        assert_eq!((known(&publisher), paths.is_empty()), (0, true));
    }

    #[test]
    fn ic_008_news_of_another_lwb4_or_of_no_softwire_change_nothing() {
        let (publisher, mut paths) = (publisher(), PathMtus::default());
        let b4 = "2001:db8::2".parse().unwrap();
        paths.hear(News { b4, ..news(1400) }, &publisher, at(0));
        let port = 1;
        paths.hear(News { port, ..news(1400) }, &publisher, at(0));
        assert_eq!((known(&publisher), paths.is_empty()), (0, true));
    }

    #[test]
    fn a_softwire_that_is_gone_is_forgotten_in_peace() {
        let (mut publisher, mut paths) = (publisher(), PathMtus::default());
        paths.hear(news(1400), &publisher, at(0));
        let ports = publisher.owner_of(SHARED, 5000).unwrap().binding.ports();
        publisher.remove(SHARED, ports).unwrap();
        paths.lapse(&publisher, at(700));
        assert!(paths.is_empty());
    }
}
