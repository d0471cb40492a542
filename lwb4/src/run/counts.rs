//! What the tunnel counts besides drops.

use crate::device::softwire::Sent;

/// Packets and octets that went their way, as the tunnel has them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) sent: u64,
    pub(super) sent_octets: u64,
    pub(super) received: u64,
    pub(super) received_octets: u64,
    /// Packets that the kernel would not send through the softwire.
    pub(super) not_sent: u64,
    /// Packets that the kernel would not take on the TUN device.
    pub(super) not_delivered: u64,
    /// Packets for a softwire that has no two ends.
    pub(super) no_softwire: u64,
    /// Packets whose outer and inner ECN met as they should not (EC-004).
    pub(super) odd_ecn: u64,
}

impl Counts {
    /// Counts what became of packets for the softwire.
    pub(super) const fn sent(&mut self, done: Sent) {
        self.sent += done.sent as u64;
        self.sent_octets += done.octets as u64;
        self.not_sent += (done.full + done.refused) as u64;
    }
}
