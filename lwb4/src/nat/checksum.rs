//! What is said of a packet's transport checksum by the kernel that hands it over.

/// How far the transport checksum of a packet is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Checksum {
    /// It is the one that goes on the wire.
    Complete,
    /// The kernel left the rest to a device: the field holds the sum over the pseudo-header, folded and not
    /// complemented (`VIRTIO_NET_HDR_F_NEEDS_CSUM`). So addresses matter to it, and ports do not yet.
    Partial,
}
