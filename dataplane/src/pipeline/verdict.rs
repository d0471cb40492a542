//! What became of a packet.

use crate::drop_reason::DropReason;

/// Where a packet goes. Every packet ends in one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Out to the Internet side: decapsulated.
    Internet,
    /// Out to the access side: encapsulated.
    Access,
    /// Out to the access side, having come from there: decapsulated and encapsulated (LW-019).
    Hairpin,
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

/// A verdict with the sizes that the counters want.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Judged {
    /// Where the packet goes.
    pub verdict: Verdict,
    /// Octets of the IP packet as it arrived; absent when it was no traffic of subscribers.
    pub received: Option<u32>,
    /// Octets of the IP packet as it leaves, for verdicts that let it leave.
    pub sent: u32,
}
