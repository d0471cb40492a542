//! The one place that reads the time.

use pcp::instant::Instant;

/// Nanoseconds since it was started.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: std::time::Instant,
}

impl Clock {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }

    /// The time, which never goes back.
    #[must_use]
    pub fn now(self) -> Instant {
        let nanoseconds = self.start.elapsed().as_nanos();
        Instant::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}
