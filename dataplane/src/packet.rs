//! What the pipeline asks of a packet buffer, whoever owns the memory.
//!
//! The pipeline is written against this trait, so that tests, fuzzers and Miri run the very code
//! that DPDK mbufs go through. Calls are resolved at compile time.

use thiserror::Error;

/// An owned packet: a frame from its first Ethernet octet on, without FCS.
///
/// The first segment holds all headers that are read; later segments are only carried along.
pub trait Packet: Sized {
    /// The octets of the first segment.
    fn head(&self) -> &[u8];

    /// The octets of the first segment, to change.
    fn head_mut(&mut self) -> &mut [u8];

    /// Length of the whole packet, all segments, in octets.
    fn len(&self) -> usize;

    /// Whether the packet has no octets at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many buffers it takes.
    fn segments(&self) -> usize;

    /// Grows the packet at the front; the new octets hold anything.
    ///
    /// # Errors
    /// When the buffer has no such room in front; the packet is unchanged.
    fn prepend(&mut self, count: usize) -> Result<(), NoHeadroom>;

    /// Takes `count` octets off the front; they must be within the first segment.
    fn trim_front(&mut self, count: usize);

    /// Shortens the packet to `len` octets; longer than it is, nothing happens.
    fn truncate(&mut self, len: usize);

    /// Copies `target.len()` octets from `at` on, whatever segments they lie in; `false`, and
    /// nothing copied, when the packet ends before.
    #[must_use]
    fn copy_out(&self, at: usize, target: &mut [u8]) -> bool;

    /// Grows the packet at its end by `count` octets, which hold anything, and returns them; `None`,
    /// and nothing changed, when the last buffer has no such room.
    fn append(&mut self, count: usize) -> Option<&mut [u8]>;

    /// An empty packet, with the usual room in front, from where this one's buffer came from; `None`
    /// when no buffer is left there.
    fn sibling(&self) -> Option<Self>;

    /// Puts the octets of `tail` at the end of this packet: copied where the last buffer has room,
    /// carried along as further segments where it has not.
    ///
    /// # Errors
    /// When the packet cannot have so many segments; `tail` comes back and nothing has changed.
    fn join(&mut self, tail: Self) -> Result<(), Self>;

    /// The VLAN tag (PCP, DEI, VID) that the device took out of the frame.
    fn stripped_vlan(&self) -> Option<u16>;

    /// Asks the device to put a VLAN tag on transmission, or not to (`None`).
    fn insert_vlan(&mut self, tag: Option<u16>);

    /// Whether the device checked the IPv4 header checksum and found it good.
    fn ipv4_checksum_is_good(&self) -> bool;

    /// Brings the headers towards the cache.
    fn prefetch(&self);
}

/// A packet buffer had too little room in front.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("no room for {wanted} octets in front of the packet")]
pub struct NoHeadroom {
    /// How many octets were asked for.
    pub wanted: usize,
}
