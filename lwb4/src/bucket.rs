//! A token bucket for what is sent unasked: errors and answers that are made here (RFC 1812 s4.3.2.8,
//! RFC 4443 s2.4(f), IC-012).

use pcp::instant::Instant;

/// So many a second, and a burst after a silence.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: u64,
    /// Billionths of a token, as are all levels.
    full: u64,
    level: u64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket; none of either allows nothing.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let burst = if per_second == 0 { 0 } else { burst };
        let full = u64::from(burst) * TOKEN;
        Self {
            per_second: per_second.into(),
            full,
            level: full,
            filled: Instant::default(),
        }
    }

    /// Takes one out, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let passed = now.as_nanos().saturating_sub(self.filled.as_nanos());
        self.filled = self.filled.max(now);
        // A token a second is a billionth a nanosecond.
        let more = passed.saturating_mul(self.per_second);
        self.level = self.level.saturating_add(more).min(self.full);
        if self.level < TOKEN {
            return false;
        }
        self.level -= TOKEN;
        true
    }
}

const TOKEN: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Instant {
        Instant::from_nanos(milliseconds * 1_000_000)
    }

    fn taken(bucket: &mut Bucket, now: Instant) -> usize {
        (0..1000).take_while(|_| bucket.take(now)).count()
    }

    #[test]
    fn a_bucket_gives_so_many_a_second() {
        let mut bucket = Bucket::new(5, 5);
        assert_eq!(taken(&mut bucket, Instant::from_nanos(1)), 5);
        assert_eq!(taken(&mut bucket, Instant::from_nanos(400_000_001)), 2);
        assert_eq!(taken(&mut bucket, at(9000)), 5);
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
    fn ic_012_a_burst_may_be_larger_than_the_rate() {
        let mut bucket = Bucket::new(10, 25);
        assert_eq!(taken(&mut bucket, at(0)), 25);
        assert_eq!(taken(&mut bucket, at(1000)), 10);
        assert_eq!(taken(&mut bucket, at(3000)), 20);
        assert_eq!(taken(&mut bucket, at(9000)), 25);
    }

    #[test]
    fn ic_012_a_rate_of_none_allows_none() {
        assert_eq!(taken(&mut Bucket::new(0, 10), at(5)), 0);
        assert_eq!(taken(&mut Bucket::new(10, 0), at(5)), 0);
    }

    #[test]
    fn the_highest_rate_and_the_longest_silence_are_no_trouble() {
        let mut bucket = Bucket::new(u32::MAX, u32::MAX);
        assert_eq!(taken(&mut bucket, at(0)), 1000);
        assert_eq!(taken(&mut bucket, Instant::from_nanos(u64::MAX)), 1000);
        assert_eq!(taken(&mut bucket, at(0)), 1000, "time that goes back");
    }
}
