//! May the system's clock end leases? A decision over values.
//!
//! A clock without a battery starts in 1970 or in the year of its firmware, and one that somebody mistyped
//! is years ahead; either way, all leases would end at once or never. Such a clock contradicts the time of
//! the last commit, and gets time to be set right.

use super::source::Synchronisation;
use crate::moment::Judgement;

/// What there is to go by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// UTC of the last commit of the run before.
    pub(super) last_ms: u64,
    /// Time since this run has begun.
    pub(super) elapsed_ms: u64,
    /// What the system says it is.
    pub(super) utc_ms: u64,
    /// For how long it has said so without a step.
    pub(super) steady_ms: u64,
    /// Whether somebody keeps it right.
    pub(super) synchronisation: Synchronisation,
}

/// Whether the system's clock is to be believed.
pub(super) fn judge(evidence: &Evidence) -> Judgement {
    let Evidence {
        last_ms,
        elapsed_ms,
        utc_ms,
        steady_ms,
        synchronisation,
    } = *evidence;
    let is_behind = utc_ms.saturating_add(TOLERANCE_MS) < last_ms;
    let is_far_ahead = utc_ms > last_ms.saturating_add(elapsed_ms).saturating_add(AWAY_MS);
    let settled = match synchronisation {
        _ if steady_ms >= STEADY_MS => true,
        Synchronisation::Synchronised => !is_behind || steady_ms >= SYNCHRONISED_MS,
        Synchronisation::Unknown => !is_behind && !is_far_ahead,
    };
    if settled {
        Judgement::Settled
    } else {
        Judgement::Unsettled
    }
}

/// What a clock may be behind by after a small correction.
const TOLERANCE_MS: u64 = 1000;

/// How long a daemon may plausibly be away, as far as a clock says that nobody vouches for.
const AWAY_MS: u64 = 3_600_000;

/// For how long a clock that somebody keeps right has to stay, to be believed against the last commit.
const SYNCHRONISED_MS: u64 = 60_000;

/// The same for a clock that nobody is known to keep right.
const STEADY_MS: u64 = 600_000;

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    const LAST: u64 = 500_000 * HOUR;

    fn is_settled(utc_ms: u64, steady_ms: u64, synchronisation: Synchronisation) -> bool {
        judge(&Evidence {
            last_ms: LAST,
            elapsed_ms: steady_ms,
            utc_ms,
            steady_ms,
            synchronisation,
        }) == Judgement::Settled
    }

    #[test]
    fn a_clock_up_to_an_hour_on_is_believed_at_once() {
        for utc_ms in [LAST - 1000, LAST, LAST + HOUR] {
            assert!(is_settled(utc_ms, 0, Synchronisation::Unknown), "{utc_ms}");
        }
    }

    #[test]
    fn more_than_an_hour_on_is_believed_only_of_a_synchronised_clock() {
        assert!(!is_settled(LAST + HOUR + 1, 0, Synchronisation::Unknown));
        assert!(is_settled(
            LAST + HOUR + 1,
            0,
            Synchronisation::Synchronised
        ));
        assert!(is_settled(
            LAST + 9000 * HOUR,
            0,
            Synchronisation::Synchronised
        ));
    }

    #[test]
    fn a_clock_behind_the_last_commit_is_not_believed_at_once_by_anybody() {
        for synchronisation in [Synchronisation::Unknown, Synchronisation::Synchronised] {
            assert!(!is_settled(LAST - 1001, 0, synchronisation));
            assert!(!is_settled(0, 0, synchronisation));
        }
    }

    #[test]
    fn a_clock_that_stays_is_believed_in_the_end() {
        assert!(is_settled(
            0,
            SYNCHRONISED_MS,
            Synchronisation::Synchronised
        ));
        assert!(!is_settled(0, STEADY_MS - 1, Synchronisation::Unknown));
        assert!(is_settled(0, STEADY_MS, Synchronisation::Unknown));
        assert!(is_settled(
            LAST + 9 * HOUR,
            STEADY_MS,
            Synchronisation::Unknown
        ));
    }
}
