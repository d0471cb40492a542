//! What keeps a packet from being looked up at once.

use crate::pipeline::Punt;
use crate::pipeline::TunnelError;
use crate::pipeline::TunnelFragment;
use crate::pipeline::Verdict;
use crate::virtual_reassembly::Key;

/// Why a packet is not looked up now.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aside {
    /// Its fate is known.
    Done(Verdict),
    /// It is for the box itself.
    Punt(Punt),
    /// It is a fragment whose ports its first has, and that has not come (FR-011, FR-013).
    Hold(Key),
    /// It is an IPv6 fragment, of a packet to a BR address (FR-008).
    Fragment(TunnelFragment),
    /// It is an ICMPv6 error, which may be news of a tunnel.
    TunnelError(TunnelError),
}

impl<T: Into<Verdict>> From<T> for Aside {
    fn from(end: T) -> Self {
        Self::Done(end.into())
    }
}
