//! A token bucket, for the messages that are made here (RFC 1812 s4.3.2.8).

use pcp::instant::Instant;

/// So many a second, and as many at once after a silence.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: u64,
    /// Billionths of a token.
    level: u64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second: u64::from(per_second),
            level: u64::from(per_second) * TOKEN,
            filled: Instant::default(),
        }
    }

    /// Whether there may be one more now.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let passed = now.since(self.filled).as_nanos().min(u128::from(TOKEN)) as u64;
        self.filled = self.filled.max(now);
        let full = self.per_second * TOKEN;
        self.level = (self.level + passed * self.per_second).min(full);
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

    #[test]
    fn a_bucket_gives_so_many_a_second() {
        let mut bucket = Bucket::new(5);
        let mut given = |nanoseconds| {
            let now = Instant::from_nanos(nanoseconds);
            (0..100).filter(|_| bucket.take(now)).count()
        };
        assert_eq!(given(1), 5);
        assert_eq!(given(400_000_001), 2);
        assert_eq!(given(9_000_000_000), 5);
        assert_eq!(
            (0..3)
                .filter(|_| Bucket::new(0).take(Instant::from_secs(9)))
                .count(),
            0
        );
    }
}
