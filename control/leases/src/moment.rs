//! One point of time on the three clocks that a lease meets: the monotonic one it runs by, the UTC it is
//! stored in, and the epoch that clients compare.
//!
//! Invariant: conversions through one [`Moment`] keep order, and milliseconds survive a round trip.

use pcp::instant::Instant;

/// What all clocks say at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Moment {
    /// The clock that leases run by.
    pub monotonic: Instant,
    /// Milliseconds since 1970 in UTC, without leap seconds.
    pub utc_ms: u64,
    /// The server's epoch (RFC 6887 s8.5).
    pub epoch_s: u32,
    /// Whether UTC may be believed.
    pub judgement: Judgement,
}

/// Whether the system's clock may end leases.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Judgement {
    /// It may.
    Settled,
    /// It contradicts what was stored, so nothing expires by it.
    Unsettled,
}

impl Moment {
    /// The moment at which both clocks are 0: through it, instants are nanoseconds since 1970.
    pub const UNIX: Self = Self {
        monotonic: Instant::from_nanos(0),
        utc_ms: 0,
        epoch_s: 0,
        judgement: Judgement::Settled,
    };

    /// When `instant` is in UTC, a started millisecond left out.
    #[must_use]
    pub const fn utc_of(&self, instant: Instant) -> u64 {
        let (at, here) = (instant.as_nanos(), self.monotonic.as_nanos());
        let utc_ms = if at >= here {
            self.utc_ms.saturating_add((at - here) / NANOSECONDS)
        } else {
            self.utc_ms
                .saturating_sub((here - at).div_ceil(NANOSECONDS))
        };
        if utc_ms > LAST_MS { LAST_MS } else { utc_ms }
    }

    /// When `utc_ms` is on the monotonic clock; its start, if that is later.
    #[must_use]
    pub const fn instant_of(&self, utc_ms: u64) -> Instant {
        let here = self.monotonic.as_nanos();
        Instant::from_nanos(if utc_ms >= self.utc_ms {
            here.saturating_add((utc_ms - self.utc_ms).saturating_mul(NANOSECONDS))
        } else {
            here.saturating_sub((self.utc_ms - utc_ms).saturating_mul(NANOSECONDS))
        })
    }

    /// How far UTC is ahead of the monotonic clock.
    pub(crate) const fn lead_ms(&self) -> i64 {
        self.utc_ms as i64 - (self.monotonic.as_nanos() / NANOSECONDS) as i64
    }
}

/// Nanoseconds in a millisecond.
const NANOSECONDS: u64 = 1_000_000;

/// Rows have 48 bits for a time, which is enough until the year 10889.
pub(crate) const LAST_MS: u64 = (1 << 48) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Moment = Moment {
        monotonic: Instant::from_nanos(5_000_000_300),
        utc_ms: 1_800_000_000_000,
        epoch_s: 7,
        judgement: Judgement::Settled,
    };

    #[test]
    fn milliseconds_survive_the_way_to_utc_and_back() {
        for utc_ms in [1_799_999_995_000, 1_800_000_000_000, 1_900_000_000_001] {
            assert_eq!(MOMENT.utc_of(MOMENT.instant_of(utc_ms)), utc_ms);
        }
    }

    #[test]
    fn started_milliseconds_are_left_out_on_both_sides_of_the_moment() {
        let utc = |nanos| MOMENT.utc_of(Instant::from_nanos(nanos));
        assert_eq!(utc(5_000_000_299), 1_799_999_999_999);
        assert_eq!(utc(5_001_000_299), 1_800_000_000_000);
        assert_eq!(utc(5_001_000_300), 1_800_000_000_001);
    }

    #[test]
    fn what_cannot_be_said_is_the_nearest_that_can() {
        assert_eq!(MOMENT.instant_of(0), Instant::from_nanos(0));
        assert_eq!(Moment::UNIX.instant_of(u64::MAX).as_nanos(), u64::MAX);
        let late = Moment {
            utc_ms: u64::MAX,
            ..MOMENT
        };
        assert_eq!(late.utc_of(Instant::from_nanos(u64::MAX)), LAST_MS);
    }
}
