//! The tunnel header of a packet from a lwB4, and where it is.

use crate::pipeline::error::Offender;
use crate::table::BrIndex;
use crate::wire::ipv6;

/// What the tunnel header said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outer {
    pub(super) source: [u8; 16],
    pub(super) br: BrIndex,
    pub(super) payload_len: u16,
    pub(super) traffic_class: u8,
    /// Octets of the frame before it.
    pub(super) at: u8,
}

impl Outer {
    /// Octets of the tunnel packet.
    pub(super) fn bytes(&self) -> u32 {
        ipv6::HEADER as u32 + u32::from(self.payload_len)
    }

    /// Whether the source names one node, so that it may be answered (IC-012).
    pub(super) fn is_from_one(&self) -> bool {
        ipv6::is_one_nodes(&self.source)
    }

    /// The tunnel packet as an error quotes it.
    pub(super) fn offender(&self) -> Offender {
        Offender {
            at: usize::from(self.at),
            len: self.bytes() as usize,
            tos: 0,
            source: 0,
        }
    }
}
