//! Where the time comes from.

use std::path::Path;

use rustix::time::ClockId;
use rustix::time::Timespec;
use rustix::time::clock_gettime;

/// The clocks at one time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reading {
    /// Nanoseconds on a clock that never goes back.
    pub monotonic_ns: u64,
    /// Milliseconds since 1970, as the system has it.
    pub utc_ms: u64,
}

impl Reading {
    /// The monotonic clock in whole milliseconds.
    pub(super) const fn monotonic_ms(&self) -> u64 {
        self.monotonic_ns / 1_000_000
    }
}

/// Whether somebody keeps the system's clock right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Synchronisation {
    /// A time service says so.
    Synchronised,
    /// Nobody says so.
    Unknown,
}

/// Something that tells the time.
pub trait TimeSource {
    /// What all clocks say now.
    fn read(&mut self) -> Reading;

    /// Whether somebody keeps the system's clock right; only asked while that matters.
    fn synchronisation(&mut self) -> Synchronisation;
}

/// The system's clocks.
///
/// The monotonic one is `CLOCK_MONOTONIC` and ten years more, so that a lease that was granted before the
/// machine started has an instant too.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTime {
    is_synchronised: Option<fn() -> Synchronisation>,
}

impl SystemTime {
    /// System time, with another way to learn whether it is synchronised than the mark that
    /// `systemd-timesyncd` leaves.
    #[must_use]
    pub const fn with(is_synchronised: fn() -> Synchronisation) -> Self {
        Self {
            is_synchronised: Some(is_synchronised),
        }
    }
}

impl TimeSource for SystemTime {
    fn read(&mut self) -> Reading {
        let monotonic = clock_gettime(ClockId::Monotonic);
        let utc = clock_gettime(ClockId::Realtime);
        Reading {
            monotonic_ns: nanos(monotonic).saturating_add(TEN_YEARS_NS),
            utc_ms: nanos(utc) / 1_000_000,
        }
    }

    fn synchronisation(&mut self) -> Synchronisation {
        self.is_synchronised.unwrap_or(marked)()
    }
}

/// Whether `systemd-timesyncd` has left its mark (systemd-timesyncd.service(8)).
fn marked() -> Synchronisation {
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        Synchronisation::Synchronised
    } else {
        Synchronisation::Unknown
    }
}

fn nanos(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let rest = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

const TEN_YEARS_NS: u64 = 10 * 365 * 86_400 * 1_000_000_000;
