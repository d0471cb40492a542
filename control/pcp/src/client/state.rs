//! What a client waits for.

use super::Mapping;
use super::Retransmission;
use super::renewal::Renewal;
use crate::instant::Instant;

/// Where a client is on its way (conformance list, s10.1).
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// Nothing is wanted.
    Idle,
    /// No mapping; the next request leaves at `at`.
    Asking { tries: Retransmission, at: Instant },
    /// No mapping, and the server does not want to be asked before `until`.
    Holding { until: Instant },
    /// A mapping; the next request leaves at `at`, if one does before its end.
    Bound {
        mapping: Mapping,
        next: Next,
        at: Option<Instant>,
    },
    /// The mapping is to be gone.
    Releasing {
        tries: Retransmission,
        sent: u32,
        at: Instant,
    },
}

/// What decides when the next request for a mapping in use leaves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// Its lifetime.
    Renewal(Renewal),
    /// The server may have lost it: ask until an answer comes.
    Prompt(Retransmission),
}
