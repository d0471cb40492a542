//! A packet that tells what was done to its buffer.

use std::cell::Cell;
use std::rc::Rc;

use crate::heap_packet::HeapPacket;
use crate::packet::NoHeadroom;
use crate::packet::Packet;

/// What was done to the buffers of packets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Work {
    /// Buffers that were taken.
    pub(super) taken: u32,
    /// Times that a packet grew, at the front or the end, or was joined with another.
    pub(super) grown: u32,
    /// Times that a packet was cut, at the front or the end.
    pub(super) cut: u32,
    /// Times that octets were opened for writing.
    pub(super) written: u32,
}

/// A heap packet whose work is written down where all of a test's packets have theirs.
#[derive(Debug)]
pub(super) struct WatchedPacket {
    pub(super) packet: HeapPacket,
    work: Rc<Cell<Work>>,
}

impl WatchedPacket {
    pub(super) fn new(packet: HeapPacket, work: &Rc<Cell<Work>>) -> Self {
        Self {
            packet,
            work: Rc::clone(work),
        }
    }

    fn note(&self, what: impl FnOnce(&mut Work)) {
        let mut work = self.work.get();
        what(&mut work);
        self.work.set(work);
    }
}

impl Packet for WatchedPacket {
    fn head(&self) -> &[u8] {
        self.packet.head()
    }

    fn head_mut(&mut self) -> &mut [u8] {
        self.note(|work| work.written += 1);
        self.packet.head_mut()
    }

    fn len(&self) -> usize {
        self.packet.len()
    }

    fn segments(&self) -> usize {
        self.packet.segments()
    }

    fn prepend(&mut self, count: usize) -> Result<(), NoHeadroom> {
        self.note(|work| work.grown += 1);
        self.packet.prepend(count)
    }

    fn trim_front(&mut self, count: usize) {
        self.note(|work| work.cut += 1);
        self.packet.trim_front(count);
    }

    fn truncate(&mut self, len: usize) {
        self.note(|work| work.cut += 1);
        self.packet.truncate(len);
    }

    fn copy_out(&self, at: usize, target: &mut [u8]) -> bool {
        self.packet.copy_out(at, target)
    }

    fn append(&mut self, count: usize) -> Option<&mut [u8]> {
        self.note(|work| work.grown += 1);
        self.packet.append(count)
    }

    fn sibling(&self) -> Option<Self> {
        self.note(|work| work.taken += 1);
        Some(Self::new(self.packet.sibling()?, &self.work))
    }

    fn join(&mut self, tail: Self) -> Result<(), Self> {
        self.note(|work| work.grown += 1);
        let Self { packet, work } = tail;
        let joined = self.packet.join(packet);
        joined.map_err(|packet| Self { packet, work })
    }

    fn stripped_vlan(&self) -> Option<u16> {
        self.packet.stripped_vlan()
    }

    fn insert_vlan(&mut self, tag: Option<u16>) {
        self.packet.insert_vlan(tag);
    }

    fn ipv4_checksum_is_good(&self) -> bool {
        self.packet.ipv4_checksum_is_good()
    }

    fn prefetch(&self) {
        self.packet.prefetch();
    }
}
