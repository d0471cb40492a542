//! Token buckets for the errors that are made here (RFC 4443 s2.4(f), RFC 1812 s4.3.2.8), and for the
//! packets that go up to control (PC-042).
//!
//! Two must allow one: a bucket for the whole worker, so that a flood does not turn the box into a second
//! one, and one for whoever caused it, so that a single source does not use up what all share (IC-012).
//! Sources are told apart by a hash into a fixed number of buckets: two of the same bucket share its rate,
//! and memory does not grow with spoofed addresses.

use std::hash::BuildHasher;
use std::hash::RandomState;

use crate::instant::Instant;
use crate::prefetch::prefetch;

/// How many errors may be sent, or packets go up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rates {
    /// How many a second in all.
    pub per_second: u32,
    /// How many at once after a silence.
    pub burst: u32,
    /// How many a second about one source; as many at once after a silence.
    pub per_source: u32,
}

impl Rates {
    /// One of `workers` equal shares of what the box may send. What a source may cause is not split:
    /// its packets meet one worker as long as they go to one address.
    #[must_use]
    pub fn share(self, workers: u32) -> Self {
        Self {
            per_second: self.per_second.div_ceil(workers.max(1)),
            burst: self.burst.div_ceil(workers.max(1)),
            per_source: self.per_source,
        }
    }
}

/// Says whether there may be one more.
#[derive(Debug)]
pub struct Limiter {
    all: Bucket,
    all_rate: Rate,
    /// Buckets, as bare words: so their memory is not touched before they are.
    sources: Box<[u64]>,
    source_rate: Rate,
    secret: [u64; 2],
}

impl Limiter {
    /// Full buckets, as many for sources as do for errors.
    #[must_use]
    pub fn new(rates: Rates) -> Self {
        Self::with_sources(rates, SOURCES)
    }

    /// Full buckets, `sources` for those that are told apart, or somewhat more.
    #[must_use]
    pub fn with_sources(rates: Rates, sources: usize) -> Self {
        let sources = sources.max(2).next_power_of_two();
        let random = RandomState::new();
        Self {
            all: Bucket::default(),
            all_rate: Rate::new(rates.per_second, rates.burst),
            sources: vec![0; sources].into_boxed_slice(),
            source_rate: Rate::new(rates.per_source, rates.per_source),
            secret: [0_u64, 1].map(|word| random.hash_one(word)),
        }
    }

    /// Takes a token for `source` from both buckets, or from none.
    pub fn allows(&mut self, source: &[u8; 16], now: Instant) -> bool {
        if !self.all.has_token(self.all_rate, now) {
            return false;
        }
        let place = self.place(source);
        let mut own = Bucket::full_at(self.sources[place]);
        if !own.has_token(self.source_rate, now) {
            return false;
        }
        own.take(self.source_rate, now);
        self.sources[place] = own.full_at.as_nanos();
        self.all.take(self.all_rate, now);
        true
    }

    /// Has the bucket of a source fetched. Of many sources it is in a far cache, behind other traffic, and
    /// whoever looks at once waits for a tenth of a microsecond.
    #[inline]
    pub fn prefetch(&self, source: &[u8; 16]) {
        prefetch(&raw const self.sources[self.place(source)]);
    }

    /// Whether one for `source` would be refused now.
    #[must_use]
    pub fn denies(&self, source: &[u8; 16], now: Instant) -> bool {
        self.denies_after(0, source, now)
    }

    /// Whether one for `source` would be refused now, after `others` that are not.
    #[must_use]
    #[inline(always)]
    pub fn denies_after(&self, others: u64, source: &[u8; 16], now: Instant) -> bool {
        // Under a flood of all the world this is where it ends, before anything is hashed.
        !self
            .all
            .after(others, self.all_rate, now)
            .has_token(self.all_rate, now)
            || !Bucket::full_at(self.sources[self.place(source)]).has_token(self.source_rate, now)
    }

    /// The bucket of a source: a product of its halves, both hidden, folded (as in wyhash). Nobody sees
    /// which it is, and whoever shares one has the same rate less; so it need not be as strong as the
    /// hash of a table, and every packet of a flood from one source comes here.
    fn place(&self, source: &[u8; 16]) -> usize {
        let source = u128::from_be_bytes(*source);
        let [high, low] = [(source >> 64) as u64, source as u64];
        let product = u128::from(high ^ self.secret[0]) * u128::from(low ^ self.secret[1]);
        let folded = (product >> 64) as u64 ^ product as u64;
        // The low bits alone would hang on few of a secret's; the top ones of a product hang on all.
        (folded.wrapping_mul(GOLDEN) >> (u64::BITS - self.sources.len().ilog2())) as usize
    }
}

/// A token bucket as one time: when it will be full again.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    full_at: Instant,
}

/// How fast a bucket fills, and how long from empty to full but for one token.
#[derive(Clone, Copy, Debug)]
struct Rate {
    token_ns: u64,
    all_but_one_ns: u64,
}

impl Rate {
    fn new(per_second: u32, burst: u32) -> Self {
        let token_ns = SECOND_NS / u64::from(per_second.max(1));
        Self {
            token_ns,
            all_but_one_ns: token_ns * u64::from(burst.saturating_sub(1)),
        }
    }
}

impl Bucket {
    fn full_at(nanoseconds: u64) -> Self {
        Self {
            full_at: Instant::from_nanos(nanoseconds),
        }
    }

    fn has_token(self, rate: Rate, now: Instant) -> bool {
        self.full_at.nanos_since(now) <= rate.all_but_one_ns
    }

    fn take(&mut self, rate: Rate, now: Instant) {
        *self = self.after(1, rate, now);
    }

    /// The bucket after `tokens` were taken.
    fn after(self, tokens: u64, rate: Rate, now: Instant) -> Self {
        let full_at = self.full_at.max(now).as_nanos();
        let taken = rate.token_ns.saturating_mul(tokens);
        Self::full_at(full_at.saturating_add(taken))
    }
}

/// 2^64 divided by the golden ratio: what follows each other is spread most evenly (Knuth, TAOCP 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const SECOND_NS: u64 = 1_000_000_000;
/// Buckets for sources of errors: 32 KiB, of which only those of active offenders are touched.
const SOURCES: usize = 4096;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const RATES: Rates = Rates {
        per_second: 100,
        burst: 20,
        per_source: 5,
    };

    fn source(number: u32) -> [u8; 16] {
        u128::from(number).to_be_bytes()
    }

    fn at(ms: u64) -> Instant {
        Instant::default() + Duration::from_millis(ms)
    }

    #[test]
    fn ic_012_a_source_gets_its_depth_at_once_and_then_its_rate() {
        let mut limiter = Limiter::new(RATES);
        let mut count = |ms| {
            (0..20)
                .filter(|_| limiter.allows(&source(1), at(ms)))
                .count()
        };
        assert_eq!([0, 100, 200, 400].map(&mut count), [5, 0, 1, 1]);
        assert_eq!(count(60_000), 5);
    }

    #[test]
    fn ic_012_all_sources_together_get_the_burst_and_then_the_rate() {
        let mut limiter = Limiter::new(RATES);
        let mut next = 0;
        let mut count = |ms| {
            (0..200)
                .filter(|_| {
                    next += 1;
                    limiter.allows(&source(next), at(ms))
                })
                .count()
        };
        assert_eq!([0, 5, 10, 110].map(&mut count), [20, 0, 1, 10]);
    }

    #[test]
    fn ic_012_what_a_source_is_denied_is_left_for_others() {
        let mut limiter = Limiter::new(RATES);
        let offender = (0..1000)
            .filter(|_| limiter.allows(&source(1), at(0)))
            .count();
        let others = (2..1000)
            .filter(|number| limiter.allows(&source(*number), at(0)))
            .count();
        assert_eq!((offender, others), (5, 15));
    }

    #[test]
    fn who_comes_after_others_is_denied_what_they_take() {
        let mut limiter = Limiter::new(RATES);
        for taken in 0..20 {
            assert!(!limiter.denies_after(19 - taken, &source(100), at(0)));
            assert!(limiter.denies_after(20 - taken, &source(100), at(0)));
            assert!(limiter.allows(&source(taken as u32), at(0)));
        }
        assert!(limiter.denies(&source(100), at(0)));
        assert!(!limiter.denies_after(1, &source(100), at(20)));
        assert!(limiter.denies_after(2, &source(100), at(20)));
    }

    #[test]
    fn sources_that_follow_each_other_have_buckets_of_their_own() {
        // Whatever the secret is: each limiter has another.
        for _ in 0..200 {
            let limiter = Limiter::new(RATES);
            for scale in [0, 32, 64, 96] {
                let source = |number: u128| (number << scale).to_be_bytes();
                let mut places: Vec<_> = (0..1000).map(|n| limiter.place(&source(n))).collect();
                places.sort_unstable();
                places.dedup();
                // A thousand at random have about 887 of the 4096.
                assert!(places.len() > 700, "{scale}: {}", places.len());
            }
        }
    }

    #[test]
    fn pc_042_spoofed_sources_need_no_memory_and_leave_others_their_rate() {
        let rates = Rates {
            per_second: 1_000_000,
            burst: 100_000,
            per_source: 20,
        };
        let mut limiter = Limiter::with_sources(rates, 1 << 16);
        let room = limiter.sources.len();
        for spoofed in 0..100_000_u32 {
            let source = (u128::from(spoofed) << 72).to_be_bytes();
            limiter.allows(&source, at(u64::from(spoofed) / 100));
        }
        assert_eq!(limiter.sources.len(), room);
        let honest = (0..20).filter(|_| limiter.allows(&source(1), at(2000)));
        assert_eq!(honest.count(), 20);
    }

    #[test]
    fn a_limiter_has_as_many_buckets_as_were_asked_for_and_two_at_least() {
        for (asked, made) in [(0, 2), (1, 2), (2, 2), (3, 4), (1 << 16, 1 << 16)] {
            let mut limiter = Limiter::with_sources(RATES, asked);
            assert_eq!(limiter.sources.len(), made);
            assert!(limiter.allows(&source(7), at(0)));
        }
    }

    #[test]
    fn a_share_is_never_nothing() {
        let share = RATES.share(64);
        assert_eq!((share.per_second, share.burst, share.per_source), (2, 1, 5));
        let mut limiter = Limiter::new(share);
        assert!(limiter.allows(&source(1), at(0)));
        assert!(!limiter.allows(&source(2), at(0)));
    }
}
