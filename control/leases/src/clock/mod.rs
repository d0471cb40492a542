//! The time: one clock that never goes back, and UTC as far as it may be believed.
//!
//! Invariant: between two steps of the system's clock, UTC and the monotonic clock go on at the same rate, and
//! every step is told once. While the clock is in doubt, UTC goes on from the last commit.

mod judge;
mod source;

use pcp::epoch::ServerEpoch;
use pcp::instant::Instant;

use self::judge::Evidence;
use self::judge::judge;
use crate::moment::Judgement;
use crate::moment::Moment;
use crate::survey::LastCommit;

pub use self::source::Reading;
pub use self::source::Synchronisation;
pub use self::source::SystemTime;
pub use self::source::TimeSource;

/// The daemon's clock.
pub struct Clock<S = SystemTime> {
    source: S,
    /// UTC when the monotonic clock was at its start.
    utc_at_start_ms: i64,
    epoch: ServerEpoch,
    doubt: Option<Doubt>,
}

/// Why the system's clock is not believed.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    last_ms: u64,
    since_ms: u64,
    /// The system's UTC at the start of the monotonic clock, and since when it has been that.
    system_at_start_ms: i64,
    steady_since_ms: u64,
}

/// Something to be logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClockEvent {
    /// The system's clock was set.
    Stepped {
        /// By how much.
        by_ms: i64,
    },
    /// The system's clock is believed from now on.
    Settled {
        /// By how much it differs from what was believed until now.
        by_ms: i64,
    },
}

impl<S: TimeSource> Clock<S> {
    /// A clock that goes on after the last commit, if there was one.
    pub fn start(mut source: S, last: Option<&LastCommit>) -> (Self, Moment) {
        let reading = source.read();
        let mut clock = Self {
            utc_at_start_ms: at_start_ms(&reading, reading.utc_ms),
            epoch: ServerEpoch::starting(instant(&reading)),
            doubt: None,
            source,
        };
        let Some(last) = last else {
            let moment = clock.moment(&reading);
            return (clock, moment);
        };
        let evidence = Evidence {
            last_ms: last.utc_ms,
            elapsed_ms: 0,
            utc_ms: reading.utc_ms,
            steady_ms: 0,
            synchronisation: clock.source.synchronisation(),
        };
        if judge(&evidence) == Judgement::Unsettled {
            clock.doubt = Some(Doubt {
                last_ms: last.utc_ms,
                since_ms: reading.monotonic_ms(),
                system_at_start_ms: clock.utc_at_start_ms,
                steady_since_ms: reading.monotonic_ms(),
            });
            clock.utc_at_start_ms = at_start_ms(&reading, last.utc_ms);
        }
        let epoch_s = last.epoch_at(&clock.moment(&reading));
        clock.epoch = ServerEpoch::continuing(epoch_s, instant(&reading));
        let moment = clock.moment(&reading);
        (clock, moment)
    }

    /// The time now, and what happened to the clock since the last call.
    pub fn read(&mut self) -> (Moment, Option<ClockEvent>) {
        let reading = self.source.read();
        let event = match self.doubt {
            Some(doubt) => self.doubt_on(doubt, &reading),
            None => self.follow(&reading),
        };
        (self.moment(&reading), event)
    }

    /// The epoch, for a server to go on from.
    #[must_use]
    pub const fn epoch(&self) -> ServerEpoch {
        self.epoch
    }

    /// Lets the epoch begin anew: state was lost (PC-080).
    pub fn restart_epoch(&mut self) {
        self.epoch = ServerEpoch::starting(instant(&self.source.read()));
    }

    fn follow(&mut self, reading: &Reading) -> Option<ClockEvent> {
        let here_ms = at_start_ms(reading, reading.utc_ms);
        let by_ms = here_ms - self.utc_at_start_ms;
        if by_ms.unsigned_abs() > NOISE_MS {
            self.utc_at_start_ms = here_ms;
        }
        (by_ms.unsigned_abs() > STEP_MS).then_some(ClockEvent::Stepped { by_ms })
    }

    fn doubt_on(&mut self, mut doubt: Doubt, reading: &Reading) -> Option<ClockEvent> {
        let now_ms = reading.monotonic_ms();
        let here_ms = at_start_ms(reading, reading.utc_ms);
        if here_ms.abs_diff(doubt.system_at_start_ms) > STEP_MS {
            doubt.system_at_start_ms = here_ms;
            doubt.steady_since_ms = now_ms;
        }
        self.doubt = Some(doubt);
        let evidence = Evidence {
            last_ms: doubt.last_ms,
            elapsed_ms: now_ms.saturating_sub(doubt.since_ms),
            utc_ms: reading.utc_ms,
            steady_ms: now_ms.saturating_sub(doubt.steady_since_ms),
            synchronisation: self.source.synchronisation(),
        };
        if judge(&evidence) == Judgement::Unsettled {
            return None;
        }
        let by_ms = here_ms - self.utc_at_start_ms;
        self.doubt = None;
        self.utc_at_start_ms = here_ms;
        Some(ClockEvent::Settled { by_ms })
    }

    fn moment(&self, reading: &Reading) -> Moment {
        let monotonic = instant(reading);
        let since_ms = reading.monotonic_ms().cast_signed();
        Moment {
            monotonic,
            utc_ms: (self.utc_at_start_ms + since_ms).max(0).cast_unsigned(),
            epoch_s: self.epoch.at(monotonic),
            judgement: if self.doubt.is_some() {
                Judgement::Unsettled
            } else {
                Judgement::Settled
            },
        }
    }
}

fn at_start_ms(reading: &Reading, utc_ms: u64) -> i64 {
    utc_ms.cast_signed() - reading.monotonic_ms().cast_signed()
}

const fn instant(reading: &Reading) -> Instant {
    Instant::from_nanos(reading.monotonic_ns)
}

/// What two clocks that are read one after the other may differ by.
const NOISE_MS: u64 = 20;

/// From where on a change is worth a line in the log.
const STEP_MS: u64 = 1000;

#[cfg(test)]
mod tests;
