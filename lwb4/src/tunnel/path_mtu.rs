//! What the path to the lwAFTR takes (RFC 2473 s6.7, RFC 8201 s4, FR-004, FR-005).

use std::time::Duration;

use pcp::instant::Instant;

use crate::tunnel::OVERHEAD;

/// The MTU of the tunnel's path, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct PathMtu {
    /// Octets of an IPv6 packet that the access interface takes, or that the operator says.
    first_hop: u16,
    /// Octets that a router on the path said, and until when this holds.
    learned: Option<(u16, Instant)>,
}

impl PathMtu {
    /// Nothing is known but the first hop, or what the operator says of the whole path, in octets of an
    /// IPv6 packet; every link takes 1280 (RFC 8200 s5).
    #[must_use]
    pub fn new(first_hop: u16) -> Self {
        Self {
            first_hop: first_hop.max(IPV6_MIN),
            learned: None,
        }
    }

    /// The access interface has another MTU. What was learned of the path beyond it stays.
    pub fn set_first_hop(&mut self, mtu: u16) {
        self.first_hop = mtu.max(IPV6_MIN);
    }

    /// Octets of an IPv6 packet that the path takes now.
    #[must_use]
    pub fn path(&self, now: Instant) -> u16 {
        match self.learned {
            Some((mtu, until)) if now < until => mtu.min(self.first_hop),
            _ => self.first_hop,
        }
    }

    /// Octets of an inner packet that fit into one IPv6 packet now.
    #[must_use]
    pub fn tunnel(&self, now: Instant) -> u16 {
        self.path(now) - OVERHEAD
    }

    /// A believed packet-too-big says `mtu` ([`super::icmpv6::Heard`]). It never raises what is known, and
    /// less than 1280 is no news (FR-005). Says whether the path takes less than before.
    pub fn learn(&mut self, mtu: u16, now: Instant) -> bool {
        let known = self.path(now);
        if mtu < IPV6_MIN || mtu > known || mtu >= self.first_hop {
            return false;
        }
        self.learned = Some((mtu, now + LAPSE));
        mtu < known
    }

    /// When something learned lapses, so that larger packets are tried again.
    #[must_use]
    pub fn lapses(&self, now: Instant) -> Option<Instant> {
        self.learned
            .map(|(_, until)| until)
            .filter(|until| now < *until)
    }
}

/// What every link takes (RFC 8200 s5).
pub const IPV6_MIN: u16 = 1280;
/// After what time a larger packet is tried (RFC 8201 s4 recommends ten minutes).
const LAPSE: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u32) -> Instant {
        Instant::from_secs(seconds)
    }

    #[test]
    fn fr_004_fr_005_it_is_learned_downwards_and_lapses_after_ten_minutes() {
        let mut path = PathMtu::new(1540);
        assert_eq!((path.path(at(0)), path.tunnel(at(0))), (1540, 1500));
        assert!(path.learn(1400, at(1)));
        assert!(!path.learn(1500, at(2)), "a packet-too-big never raises it");
        assert_eq!(path.path(at(2)), 1400);
        assert!(path.learn(1280, at(3)));
        assert_eq!(path.tunnel(at(602)), 1240);
        assert_eq!(path.lapses(at(602)), Some(at(603)));
        assert_eq!(path.tunnel(at(603)), 1500);
        assert_eq!(path.lapses(at(603)), None);
    }

    #[test]
    fn fr_005_what_no_link_refuses_is_no_news() {
        let mut path = PathMtu::new(1500);
        for mtu in [0, 1279, 1500, 9000] {
            assert!(!path.learn(mtu, at(0)), "{mtu}");
        }
        assert_eq!(path.path(at(0)), 1500);
    }

    #[test]
    fn fr_005_hearing_the_same_again_keeps_it() {
        let mut path = PathMtu::new(1500);
        path.learn(1400, at(0));
        assert!(!path.learn(1400, at(500)));
        assert_eq!(path.path(at(1000)), 1400);
    }

    #[test]
    fn fr_004_the_first_hop_may_change_and_is_never_below_what_every_link_takes() {
        let mut path = PathMtu::new(9000);
        path.learn(1400, at(0));
        path.set_first_hop(1300);
        assert_eq!(path.path(at(1)), 1300);
        path.set_first_hop(576);
        assert_eq!(path.path(at(1)), 1280);
    }
}
