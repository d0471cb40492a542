//! A packet in ordinary memory, for tests, fuzzers and table benches: what an mbuf is, without DPDK.

use crate::packet::NoHeadroom;
use crate::packet::Packet;

/// Room in front of a received frame, as DPDK leaves by default (`RTE_PKTMBUF_HEADROOM`).
pub const HEADROOM: usize = 128;

/// Octets of a frame that a buffer takes, as the daemon's pools have it.
pub const ROOM: usize = 2048;

/// A packet in one contiguous piece of heap memory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeapPacket {
    buffer: Vec<u8>,
    start: usize,
    stripped_vlan: Option<u16>,
    inserted_vlan: Option<u16>,
}

impl HeapPacket {
    /// A packet with these octets and the usual room in front.
    #[must_use]
    pub fn new(frame: &[u8]) -> Self {
        Self::with_headroom(frame, HEADROOM)
    }

    /// A packet with these octets and `headroom` octets in front.
    #[must_use]
    pub fn with_headroom(frame: &[u8], headroom: usize) -> Self {
        let mut buffer = vec![0; headroom];
        buffer.extend_from_slice(frame);
        Self {
            buffer,
            start: headroom,
            stripped_vlan: None,
            inserted_vlan: None,
        }
    }

    /// The same packet as a device would hand it over that took `tag` out of the frame.
    #[must_use]
    pub fn with_stripped_vlan(mut self, tag: u16) -> Self {
        self.stripped_vlan = Some(tag);
        self
    }

    /// The tag that the device is asked to put on.
    #[must_use]
    pub fn inserted_vlan(&self) -> Option<u16> {
        self.inserted_vlan
    }
}

impl Packet for HeapPacket {
    fn head(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    fn head_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start..]
    }

    fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    fn segments(&self) -> usize {
        self.len().div_ceil(ROOM).max(1)
    }

    fn prepend(&mut self, count: usize) -> Result<(), NoHeadroom> {
        self.start = self
            .start
            .checked_sub(count)
            .ok_or(NoHeadroom { wanted: count })?;
        Ok(())
    }

    fn trim_front(&mut self, count: usize) {
        self.start += count;
    }

    fn truncate(&mut self, len: usize) {
        self.buffer.truncate(self.start + len);
    }

    fn copy_out(&self, at: usize, target: &mut [u8]) -> bool {
        let octets = self.head().get(at..at.saturating_add(target.len()));
        if let Some(octets) = octets {
            target.copy_from_slice(octets);
        }
        octets.is_some()
    }

    fn append(&mut self, count: usize) -> Option<&mut [u8]> {
        let end = self.buffer.len();
        if end + count > HEADROOM + ROOM {
            return None;
        }
        self.buffer.resize(end + count, 0);
        Some(&mut self.buffer[end..])
    }

    fn sibling(&self) -> Option<Self> {
        Some(Self::new(&[]))
    }

    fn join(&mut self, tail: Self) -> Result<(), Self> {
        self.buffer.extend_from_slice(tail.head());
        Ok(())
    }

    fn stripped_vlan(&self) -> Option<u16> {
        self.stripped_vlan
    }

    fn insert_vlan(&mut self, tag: Option<u16>) {
        self.inserted_vlan = tag;
    }

    fn ipv4_checksum_is_good(&self) -> bool {
        false
    }

    fn prefetch(&self) {}
}
