//! What became of a packet.

use crate::drop_reason::DropReason;

/// Where a packet goes. Every packet ends in one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Out to the Internet side: decapsulated.
    Internet,
    /// Out to the access side: encapsulated, whichever side it came from.
    Access,
    /// Up to the control thread, as it arrived.
    Punt,
    /// Nowhere.
    Drop(DropReason),
}

impl From<DropReason> for Verdict {
    fn from(reason: DropReason) -> Self {
        Self::Drop(reason)
    }
}
