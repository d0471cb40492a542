//! Whether leases were lost: the lease store as it is found, against where it was when the roster was
//! written (PC-080, PC-083, FO-011).

use leases::file_store::LastCommit;
use thiserror::Error;

use super::Glance;
use super::Mark;

/// How leases were lost, or may have been.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Loss {
    /// There were leases, and the store is new.
    #[error("the lease store is new")]
    StoreIsNew,
    /// The store was made anew: restored, imported, or another's.
    #[error("the lease store was made anew")]
    OtherStore,
    /// The store is a copy from before leases were granted or given back.
    #[error("the lease store is an older copy")]
    StoreIsOlder,
    /// The last run had lost leases, and not told everybody yet.
    #[error("the last run had not told all lwB4s that leases were lost")]
    NotAllTold,
}

impl Loss {
    /// What a store with this last commit has lost, by what the roster says.
    #[must_use]
    pub fn judge(roster: &Glance, last: Option<&LastCommit>) -> Option<Self> {
        let Some(mark) = roster.mark else {
            // Where the store was cannot be read, or never was.
            return (last.is_none() && roster.records > 0).then_some(Self::StoreIsNew);
        };
        let Mark {
            position,
            is_recovering,
        } = mark;
        let lost = match last.map(|last| last.position) {
            // Nothing was ever stored.
            None if position.record == 0 => None,
            None => Some(Self::StoreIsNew),
            Some(found) if found.store != position.store => Some(Self::OtherStore),
            Some(found) if found.record < position.record => Some(Self::StoreIsOlder),
            Some(_) => None,
        };
        lost.or(is_recovering.then_some(Self::NotAllTold))
    }

    /// Whether the epoch begins anew. When the last run had done that already, it goes on.
    #[must_use]
    pub const fn restarts_epoch(self) -> bool {
        !matches!(self, Self::NotAllTold)
    }

    /// Whether leases of the store may have been given back or moved since, so that their sets rest for
    /// their last subscribers instead of being forwarded (s10.2 of the conformance list).
    #[must_use]
    pub const fn rests_leases(self) -> bool {
        matches!(self, Self::StoreIsOlder)
    }
}
