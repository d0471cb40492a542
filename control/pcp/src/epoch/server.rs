//! The server's side: seconds since state was last lost (PC-080, PC-083).

use crate::instant::Instant;

/// An epoch that goes on by one a second.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ServerEpoch {
    value_s: u32,
    since: Instant,
}

impl ServerEpoch {
    /// An epoch that begins now: all explicit state is gone.
    #[must_use]
    pub const fn starting(now: Instant) -> Self {
        Self::continuing(0, now)
    }

    /// An epoch that has `value_s` seconds behind it now: the leases have survived (FO-014).
    #[must_use]
    pub const fn continuing(value_s: u32, now: Instant) -> Self {
        Self {
            value_s,
            since: now,
        }
    }

    /// The value at `now`, in seconds.
    #[must_use]
    pub const fn at(self, now: Instant) -> u32 {
        self.value_s.wrapping_add(
            (now.as_nanos().saturating_sub(self.since.as_nanos()) / 1_000_000_000) as u32,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-18.
    #[test]
    fn pc_080_pc_083_an_epoch_counts_seconds_and_survives_a_restart() {
        let epoch = ServerEpoch::starting(Instant::from_secs(100));
        assert_eq!(epoch.at(Instant::from_secs(100)), 0);
        assert_eq!(epoch.at(Instant::from_secs(142)), 42);
        let epoch = ServerEpoch::continuing(50, Instant::from_secs(3));
        assert_eq!(epoch.at(Instant::from_nanos(4_999_999_999)), 51);
    }
}
