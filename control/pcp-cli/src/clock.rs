//! The only clock: monotonic, from the start of the command.

use std::time::Instant;

/// A clock that starts when it is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> pcp::instant::Instant {
        pcp::instant::Instant::default() + self.0.elapsed()
    }
}
