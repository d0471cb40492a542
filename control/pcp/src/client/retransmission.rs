//! When to ask again while nobody answers (RFC 6887 s8.1.1; PC-103).

use std::time::Duration;

use super::Random;
use super::uniform;

/// Timeouts that grow: 3 s first, then twice the one before, 1024 s at most, each a tenth more or less.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Retransmission {
    previous: Option<Duration>,
}

impl Retransmission {
    /// How long to wait for an answer this time.
    pub fn next(&mut self, random: &mut impl Random) -> Duration {
        let base = match self.previous {
            None => INITIAL,
            Some(previous) => (previous * 2).min(MAXIMUM),
        };
        let timeout = uniform(random, base * 9 / 10, base * 11 / 10);
        self.previous = Some(timeout);
        timeout
    }
}

/// IRT and MRT; there is no end to it (MRC and MRD are 0).
const INITIAL: Duration = Duration::from_secs(3);
const MAXIMUM: Duration = Duration::from_secs(1024);

#[cfg(test)]
mod tests {
    use super::*;

    fn timeouts(random: u64) -> Vec<f64> {
        let mut retransmission = Retransmission::default();
        (0..12)
            .map(|_| retransmission.next(&mut || random).as_secs_f64())
            .collect()
    }

    #[test]
    fn pc_103_three_seconds_that_double_up_to_1024_a_tenth_more_or_less() {
        let middle = timeouts(u64::MAX / 2);
        for (timeout, expected) in middle.iter().zip([
            3.0, 6.0, 12.0, 24.0, 48.0, 96.0, 192.0, 384.0, 768.0, 1024.0, 1024.0, 1024.0,
        ]) {
            assert!((timeout - expected).abs() < 1e-3, "{timeout} {expected}");
        }
        assert_eq!(timeouts(0)[..2], [2.7, 4.86]);
        assert_eq!(timeouts(u64::MAX)[..2], [3.3, 7.26]);
        assert_eq!(timeouts(u64::MAX)[11], 1126.4);
    }
}
