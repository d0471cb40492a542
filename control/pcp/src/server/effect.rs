//! What a decision does to the leases, in a form that can be stored, logged, published and undone.

use crate::lease::Lease;

/// One change. It carries all of the lease, so that nobody has to look it up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// A set gets a holder: forward it.
    Grant(Lease),
    /// The same holder keeps it for longer, or from another port; nothing to forward or to log.
    Refresh {
        /// As it was.
        before: Lease,
        /// As it is.
        after: Lease,
    },
    /// Somebody at the same place with another nonce takes it over (C-03); to be logged.
    Replace {
        /// As it was.
        before: Lease,
        /// As it is.
        after: Lease,
    },
    /// Its holder has another IPv6 address (FO-003): forward to the new one.
    Migrate {
        /// As it was.
        before: Lease,
        /// As it is.
        after: Lease,
    },
    /// The set has no holder any more: stop forwarding it. It rests.
    Release {
        /// As it was.
        lease: Lease,
        /// Why.
        cause: Cause,
    },
}

/// Why a lease ends (LG-003).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// Its client gave it back.
    Deleted,
    /// Its lifetime is over.
    Expired,
    /// The operator took it.
    Revoked,
}

impl Effect {
    /// The lease as it is afterwards, or was before it ended.
    #[must_use]
    pub const fn lease(&self) -> &Lease {
        match self {
            Self::Grant(lease)
            | Self::Refresh { after: lease, .. }
            | Self::Replace { after: lease, .. }
            | Self::Migrate { after: lease, .. }
            | Self::Release { lease, .. } => lease,
        }
    }
}
