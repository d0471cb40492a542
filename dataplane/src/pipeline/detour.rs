//! What a worker remembers for the packets that do not simply pass: how many errors it has sent.
//!
//! The express lane never looks here, so that plain traffic touches none of its cache lines.

use crate::forwarding::Forwarding;
use crate::instant::Instant;
use crate::limiter::Limiter;
use crate::pipeline::Pipeline;

/// Which part of the box's budgets a worker has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Share {
    /// How many workers the box has.
    pub workers: u32,
}

impl Share {
    /// All of it, for a worker that is alone.
    pub const WHOLE: Self = Self { workers: 1 };
}

/// The memory of one worker's detours.
#[derive(Debug)]
pub struct Detour {
    pub(super) now: Instant,
    pub(super) internet_errors: Limiter,
    pub(super) access_errors: Limiter,
}

impl Pipeline {
    /// The memory that goes with these settings, for a worker with this share.
    #[must_use]
    pub fn detour(&self, share: Share) -> Detour {
        Detour::new(&self.forwarding, share)
    }
}

impl Detour {
    fn new(forwarding: &Forwarding, share: Share) -> Self {
        let limiter = |rates: crate::limiter::Rates| Limiter::new(rates.share(share.workers));
        Self {
            now: Instant::default(),
            internet_errors: limiter(forwarding.internet_icmp.rates),
            access_errors: limiter(forwarding.access_icmp.rates),
        }
    }

    /// Says what time it is, once a round.
    #[inline(always)]
    pub fn set_now(&mut self, now: Instant) {
        self.now = now;
    }
}
