//! The IPv4 packet in a frame, and where it is.

use crate::wire::ipv4::Ipv4;

/// An IPv4 packet with a good header, somewhere in a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inner {
    pub(super) ipv4: Ipv4,
    /// Octets of the frame before it.
    at: u8,
    /// Whether octets that do not belong to it follow: Ethernet or tunnel padding (TN-007).
    pub(super) is_padded: bool,
}

impl Inner {
    /// The packet that stands at `at`, where `available` octets follow.
    #[inline(always)]
    pub(super) fn new(ipv4: Ipv4, at: usize, available: usize) -> Self {
        let is_padded = available > usize::from(ipv4.total_len);
        // Nothing precedes it but Ethernet, VLAN, IPv6 and the options that `MAX_AT` allows.
        debug_assert!(at <= MAX_AT);
        Self {
            ipv4,
            at: at as u8,
            is_padded,
        }
    }

    /// Octets of the frame before the packet.
    #[inline(always)]
    pub(super) fn at(&self) -> usize {
        usize::from(self.at)
    }

    /// Octets of the packet.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        usize::from(self.ipv4.total_len)
    }
}

/// The farthest from the start of a frame that an inner packet may begin.
pub(super) const MAX_AT: usize = u8::MAX as usize;
