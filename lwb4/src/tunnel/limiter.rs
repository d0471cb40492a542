//! A token bucket for the errors that are made here (RFC 4443 s2.4(f), RFC 1812 s4.3.2.8, IC-012).

use std::time::Duration;

use pcp::instant::Instant;

/// Says whether there may be one more.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// Time that one error costs.
    each: Duration,
    /// Time that a full bucket holds.
    depth: Duration,
    /// When the bucket is full again.
    full_at: Instant,
}

impl Bucket {
    /// A full bucket for `per_second` errors a second, and `burst` after a silence; none of either allows
    /// nothing.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        let each = match per_second {
            0 => Duration::MAX,
            rate => Duration::from_secs(1) / rate,
        };
        Self {
            each,
            depth: each.saturating_mul(burst),
            full_at: Instant::default(),
        }
    }

    /// Takes one out, if there is one.
    pub fn allows(&mut self, now: Instant) -> bool {
        let debt = self.full_at.since(now);
        let Some(more) = debt
            .checked_add(self.each)
            .filter(|debt| *debt <= self.depth)
        else {
            return false;
        };
        if self.each == Duration::MAX {
            return false;
        }
        self.full_at = now + more;
        true
    }
}

impl Default for Bucket {
    /// What RFC 4443 s2.4(f) gives for a small box.
    fn default() -> Self {
        Self::new(10, 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Instant {
        Instant::from_nanos(milliseconds * 1_000_000)
    }

    fn taken(bucket: &mut Bucket, now: Instant) -> usize {
        (0..1000).take_while(|_| bucket.allows(now)).count()
    }

    #[test]
    fn ic_012_a_burst_then_the_rate_then_a_burst_again() {
        let mut bucket = Bucket::new(10, 5);
        assert_eq!(taken(&mut bucket, at(0)), 5);
        assert_eq!(taken(&mut bucket, at(99)), 0);
        assert_eq!(taken(&mut bucket, at(100)), 1);
        assert_eq!(taken(&mut bucket, at(350)), 2);
        assert_eq!(taken(&mut bucket, at(9000)), 5);
    }

    #[test]
    fn ic_012_a_rate_of_none_allows_none() {
        assert_eq!(taken(&mut Bucket::new(0, 10), at(5)), 0);
        assert_eq!(taken(&mut Bucket::new(10, 0), at(5)), 0);
    }
}
