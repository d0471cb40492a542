//! Time: a parameter of everything that depends on it, never read here.

use std::ops::Add;
use std::time::Duration;

/// Nanoseconds on a clock that never goes back and starts where its owner says. Wall-clock time has no
/// place in PCP: lifetimes are differences.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Instant(u64);

impl Instant {
    /// The instant `nanoseconds` after the clock's start.
    #[must_use]
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// The instant `seconds` after the clock's start.
    #[must_use]
    pub const fn from_secs(seconds: u32) -> Self {
        Self(seconds as u64 * NANOSECONDS)
    }

    /// Nanoseconds since the clock's start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds since the clock's start.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / NANOSECONDS
    }

    /// The time since `earlier`; nothing if that is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Seconds until `later`, a started one counted whole, as lifetimes are told.
    #[must_use]
    pub const fn seconds_until(self, later: Self) -> u32 {
        let seconds = later.0.saturating_sub(self.0).div_ceil(NANOSECONDS);
        if seconds > u32::MAX as u64 {
            return u32::MAX;
        }
        seconds as u32
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanoseconds))
    }
}

const NANOSECONDS: u64 = 1_000_000_000;
