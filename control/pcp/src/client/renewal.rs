//! When to renew a mapping (RFC 6887 s11.2.1; PC-104).

use std::time::Duration;

use super::Random;
use super::uniform;
use crate::instant::Instant;

/// The points at which a mapping is renewed, until one of the requests succeeds: between 1/2 and 5/8 of
/// its lifetime, then from 3/4 for 1/16 of it, from 7/8 for 1/32, and so on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Renewal {
    since: Instant,
    lifetime: Duration,
    tried: u32,
    last: Option<Instant>,
}

impl Renewal {
    pub(super) const fn new(since: Instant, lifetime: Duration) -> Self {
        Self {
            since,
            lifetime,
            tried: 0,
            last: None,
        }
    }

    /// The next point, never within four seconds of the one before; `None` when the end of the lifetime
    /// comes first.
    pub(super) fn next(&mut self, random: &mut impl Random) -> Option<Instant> {
        let left = self.lifetime / 2_u32.checked_pow(self.tried + 1)?;
        let from = self.lifetime - left;
        let chosen = uniform(random, from, from + left / 4);
        let earliest = self.last.map(|last| last + LEAST_GAP);
        let at = earliest.map_or(self.since + chosen, |earliest| {
            earliest.max(self.since + chosen)
        });
        self.tried += 1;
        self.last = Some(at);
        (at < self.since + self.lifetime).then_some(at)
    }
}

/// Renewals are never closer to each other (RFC 6887 s11.2.1).
const LEAST_GAP: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    fn points(lifetime_s: u64, random: u64) -> Vec<f64> {
        let start = Instant::from_secs(1000);
        let mut renewal = Renewal::new(start, Duration::from_secs(lifetime_s));
        std::iter::from_fn(|| renewal.next(&mut || random))
            .map(|at| at.since(start).as_secs_f64())
            .collect()
    }

    #[test]
    fn pc_104_renewals_come_in_windows_that_halve_and_four_seconds_apart() {
        let earliest = points(3200, 0);
        assert_eq!(earliest[..4], [1600.0, 2400.0, 2800.0, 3000.0]);
        let latest = points(3200, u64::MAX);
        assert_eq!(latest[..4], [2000.0, 2600.0, 2900.0, 3050.0]);
        for points in [earliest, latest, points(120, 0), points(9, u64::MAX)] {
            assert!(points.windows(2).all(|pair| pair[1] - pair[0] >= 4.0));
        }
        assert_eq!(points(1, 0), [0.5]);
    }
}
