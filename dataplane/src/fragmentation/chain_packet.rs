//! A test packet as a pool of small buffers gives it: in segments, until the buffers run out.

use std::cell::Cell;
use std::mem;
use std::rc::Rc;

use crate::packet::NoHeadroom;
use crate::packet::Packet;

/// Where buffers come from and go back to.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    left: Rc<Cell<usize>>,
    headroom: usize,
    room: usize,
}

impl Pool {
    /// Buffers with `headroom` octets in front and `room` octets for the packet.
    pub(super) fn new(buffers: usize, headroom: usize, room: usize) -> Self {
        Self {
            left: Rc::new(Cell::new(buffers)),
            headroom,
            room,
        }
    }

    /// How many buffers are left.
    pub(super) fn left(&self) -> usize {
        self.left.get()
    }

    fn take(&self) -> Option<Segment> {
        self.left.set(self.left.get().checked_sub(1)?);
        Some(Segment {
            buffer: vec![0xee; self.headroom],
            start: self.headroom,
        })
    }
}

/// A packet of one or more buffers of a pool.
#[derive(Debug)]
pub(super) struct ChainPacket {
    segments: Vec<Segment>,
    pool: Pool,
    tag: Option<u16>,
}

#[derive(Debug)]
struct Segment {
    buffer: Vec<u8>,
    start: usize,
}

impl ChainPacket {
    /// A frame as a device hands it over, each buffer filled before the next.
    pub(super) fn received(pool: &Pool, frame: &[u8]) -> Self {
        let segments = frame.chunks(pool.room).map(|octets| {
            let mut segment = pool.take().unwrap();
            segment.buffer.extend_from_slice(octets);
            segment
        });
        Self {
            segments: segments.collect(),
            pool: pool.clone(),
            tag: None,
        }
    }

    /// The frame that these segments are.
    pub(super) fn octets(&self) -> Vec<u8> {
        let parts = self.segments.iter();
        parts.flat_map(|part| part.octets().to_vec()).collect()
    }

    /// The tag that the device is asked to put on.
    pub(super) fn inserted_vlan(&self) -> Option<u16> {
        self.tag
    }
}

impl Segment {
    fn octets(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

impl Drop for ChainPacket {
    fn drop(&mut self) {
        self.pool
            .left
            .set(self.pool.left.get() + self.segments.len());
    }
}

impl Packet for ChainPacket {
    fn head(&self) -> &[u8] {
        self.segments[0].octets()
    }

    fn head_mut(&mut self) -> &mut [u8] {
        let first = &mut self.segments[0];
        &mut first.buffer[first.start..]
    }

    fn len(&self) -> usize {
        self.segments.iter().map(|part| part.octets().len()).sum()
    }

    fn segments(&self) -> usize {
        self.segments.len()
    }

    fn prepend(&mut self, count: usize) -> Result<(), NoHeadroom> {
        let start = self.segments[0].start.checked_sub(count);
        self.segments[0].start = start.ok_or(NoHeadroom { wanted: count })?;
        Ok(())
    }

    fn trim_front(&mut self, count: usize) {
        self.segments[0].start += count;
    }

    fn truncate(&mut self, len: usize) {
        let mut left = len;
        let mut kept = 0;
        for part in &mut self.segments {
            part.buffer.truncate(part.start + left);
            left -= part.octets().len();
            kept += usize::from(kept == 0 || !part.octets().is_empty());
        }
        self.pool
            .left
            .set(self.pool.left() + self.segments.len() - kept);
        self.segments.truncate(kept);
    }

    fn copy_out(&self, at: usize, target: &mut [u8]) -> bool {
        let octets = self.octets();
        let octets = octets.get(at..at + target.len());
        if let Some(octets) = octets {
            target.copy_from_slice(octets);
        }
        octets.is_some()
    }

    fn append(&mut self, count: usize) -> Option<&mut [u8]> {
        let most = self.pool.headroom + self.pool.room;
        let last = self.segments.last_mut()?;
        let end = last.buffer.len();
        if end + count > most {
            return None;
        }
        last.buffer.resize(end + count, 0xee);
        Some(&mut last.buffer[end..])
    }

    fn sibling(&self) -> Option<Self> {
        Some(Self {
            segments: vec![self.pool.take()?],
            pool: self.pool.clone(),
            tag: None,
        })
    }

    fn join(&mut self, mut tail: Self) -> Result<(), Self> {
        self.segments.extend(mem::take(&mut tail.segments));
        Ok(())
    }

    fn stripped_vlan(&self) -> Option<u16> {
        None
    }

    fn insert_vlan(&mut self, tag: Option<u16>) {
        self.tag = tag;
    }

    fn ipv4_checksum_is_good(&self) -> bool {
        false
    }

    fn prefetch(&self) {}
}
