//! What is stored of a set: the last row of it counts, all earlier ones are history.
//!
//! Invariant: the end of a lease needs no row. A held row whose lease has ended is a set that rests, and a
//! set whose rest has ended is free (PC-045).

use std::time::Duration;

use pcp::instant::Instant;
use pcp::lease::Lease;
use pcp::port_set::PortSet;
use pcp::server::Effect;

/// The state of one set, with all of the lease that it comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Row {
    /// Its client holds it, until the lease expires.
    Held(Lease),
    /// Nobody holds it, and only its last subscriber may have it before `until`.
    Resting {
        /// As it was.
        lease: Lease,
        /// When the set is free.
        until: Instant,
    },
}

impl Row {
    /// What an effect of `now` leaves of its set, where sets rest for `quarantine`.
    #[must_use]
    pub fn after(effect: &Effect, quarantine: Duration, now: Instant) -> Self {
        match effect {
            Effect::Grant(lease)
            | Effect::Refresh { after: lease, .. }
            | Effect::Replace { after: lease, .. }
            | Effect::Migrate { after: lease, .. } => Self::Held(*lease),
            Effect::Release { lease, .. } => Self::Resting {
                lease: *lease,
                until: now + quarantine,
            },
        }
    }

    /// The lease, held or not.
    #[must_use]
    pub const fn lease(&self) -> &Lease {
        match self {
            Self::Held(lease) | Self::Resting { lease, .. } => lease,
        }
    }

    /// The set that the row is about.
    #[must_use]
    pub const fn set(&self) -> PortSet {
        self.lease().set
    }

    /// What the row means at `now`: nothing when the set is free.
    #[must_use]
    pub fn at(self, now: Instant, quarantine: Duration) -> Option<Self> {
        let (lease, until) = match self {
            Self::Held(lease) if lease.expires > now => return Some(self),
            Self::Held(lease) => (lease, lease.expires + quarantine),
            Self::Resting { lease, until } => (lease, until),
        };
        (until > now).then_some(Self::Resting { lease, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::lease;

    #[test]
    fn pc_045_a_lease_that_has_ended_is_a_set_that_rests_and_then_is_free() {
        let lease = Lease {
            expires: Instant::from_secs(100),
            ..lease(1)
        };
        let at = |row: Row, now| row.at(Instant::from_secs(now), Duration::from_secs(20));
        let resting = Row::Resting {
            lease,
            until: Instant::from_secs(120),
        };
        assert_eq!(at(Row::Held(lease), 99), Some(Row::Held(lease)));
        assert_eq!(at(Row::Held(lease), 100), Some(resting));
        assert_eq!(at(resting, 119), Some(resting));
        assert_eq!(at(Row::Held(lease), 120), None);
        assert_eq!(at(resting, 120), None);
    }
}
