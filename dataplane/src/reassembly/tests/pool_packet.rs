//! A packet of several segments from a pool that can be empty: what mbufs do and heap packets do not.

use std::cell::Cell;
use std::rc::Rc;

use crate::packet::NoHeadroom;
use crate::packet::Packet;

/// Where packets come from, and go back to.
#[derive(Clone, Debug)]
pub(super) struct Pool(Rc<Counts>);

#[derive(Debug)]
struct Counts {
    out: Cell<usize>,
    capacity: Cell<usize>,
    segments_max: Cell<usize>,
}

/// A packet; its segments are buffers of the pool.
#[derive(Debug)]
pub(super) struct PoolPacket {
    segments: Vec<Vec<u8>>,
    pool: Pool,
}

impl Pool {
    pub(super) fn new(capacity: usize) -> Self {
        Self(Rc::new(Counts {
            out: Cell::new(0),
            capacity: Cell::new(capacity),
            segments_max: Cell::new(usize::MAX),
        }))
    }

    /// Lets packets have no more segments than that.
    pub(super) fn limit_segments(&self, max: usize) {
        self.0.segments_max.set(max);
    }

    /// Lets no more buffers out than that.
    pub(super) fn limit_capacity(&self, capacity: usize) {
        self.0.capacity.set(capacity);
    }

    /// How many buffers are out.
    pub(super) fn out(&self) -> usize {
        self.0.out.get()
    }

    /// A packet of these octets, of which the first segment takes `head` and each other at most 100.
    pub(super) fn packet(&self, frame: &[u8], head: usize) -> PoolPacket {
        let (first, rest) = frame.split_at(head.min(frame.len()));
        let segments: Vec<_> = std::iter::once(first)
            .chain(rest.chunks(100))
            .map(<[u8]>::to_vec)
            .collect();
        self.0.out.set(self.out() + segments.len());
        PoolPacket {
            segments,
            pool: self.clone(),
        }
    }
}

impl PoolPacket {
    pub(super) fn octets(&self) -> Vec<u8> {
        self.segments.concat()
    }
}

impl Drop for PoolPacket {
    fn drop(&mut self) {
        let out = &self.pool.0.out;
        out.set(out.get() - self.segments.len());
    }
}

impl Packet for PoolPacket {
    fn head(&self) -> &[u8] {
        &self.segments[0]
    }

    fn head_mut(&mut self) -> &mut [u8] {
        &mut self.segments[0]
    }

    fn len(&self) -> usize {
        self.segments.iter().map(Vec::len).sum()
    }

    fn segments(&self) -> usize {
        1
    }

    fn prepend(&mut self, count: usize) -> Result<(), NoHeadroom> {
        Err(NoHeadroom { wanted: count })
    }

    fn trim_front(&mut self, count: usize) {
        self.segments[0].drain(..count);
    }

    fn truncate(&mut self, len: usize) {
        let mut left = len;
        for segment in &mut self.segments {
            segment.truncate(left);
            left -= segment.len();
        }
        let before = self.segments.len();
        let mut index = 0;
        self.segments.retain(|segment| {
            index += 1;
            index == 1 || !segment.is_empty()
        });
        let out = &self.pool.0.out;
        out.set(out.get() - (before - self.segments.len()));
    }

    fn copy_out(&self, at: usize, target: &mut [u8]) -> bool {
        let octets = self.octets();
        let octets = octets.get(at..at + target.len());
        if let Some(octets) = octets {
            target.copy_from_slice(octets);
        }
        octets.is_some()
    }

    fn append(&mut self, _count: usize) -> Option<&mut [u8]> {
        None
    }

    fn sibling(&self) -> Option<Self> {
        let is_left = self.pool.out() < self.pool.0.capacity.get();
        is_left.then(|| self.pool.packet(&[], 0))
    }

    fn join(&mut self, mut tail: Self) -> Result<(), Self> {
        if self.segments.len() + tail.segments.len() > self.pool.0.segments_max.get() {
            return Err(tail);
        }
        self.segments.append(&mut tail.segments);
        Ok(())
    }

    fn stripped_vlan(&self) -> Option<u16> {
        None
    }

    fn insert_vlan(&mut self, _tag: Option<u16>) {}

    fn ipv4_checksum_is_good(&self) -> bool {
        false
    }

    fn prefetch(&self) {}
}
