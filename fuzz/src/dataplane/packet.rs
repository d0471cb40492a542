//! A packet as a pool of small buffers gives it, with nothing around it that could be read by mistake.
//!
//! The octets of a segment are all there is of it: a read past them panics. New octets hold anything but
//! what one would like, a packet can have only so many segments, and the pool knows what is still out.

use std::borrow::Cow;
use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;

use lwaftr_dataplane::packet::NoHeadroom;
use lwaftr_dataplane::packet::Packet;

/// Where buffers come from and go back to.
#[derive(Clone, Debug)]
pub(crate) struct Pool(Rc<Store>);

#[derive(Debug)]
struct Store {
    packets: Cell<usize>,
    buffers: Cell<usize>,
    /// Buffers that the box may ask for beyond those that arrive.
    capacity: usize,
    room: usize,
    /// Memory of buffers that are back, for the next ones.
    memory: RefCell<Vec<Vec<u8>>>,
    /// Memory of packets that are back.
    chains: RefCell<Vec<Vec<Segment>>>,
}

impl Pool {
    /// At most `capacity` buffers out, each with `room` octets for the packet.
    pub(crate) fn new(capacity: usize, room: usize) -> Self {
        Self(Rc::new(Store {
            packets: Cell::new(0),
            buffers: Cell::new(0),
            capacity,
            room,
            memory: RefCell::default(),
            chains: RefCell::default(),
        }))
    }

    /// Packets that are out.
    pub(crate) fn packets(&self) -> usize {
        self.0.packets.get()
    }

    /// Buffers that are out.
    pub(crate) fn buffers(&self) -> usize {
        self.0.buffers.get()
    }

    /// A frame as a device hands it over: `first` octets in the first buffer, if it has the room, and each
    /// other buffer filled before the next.
    pub(crate) fn received(&self, frame: &[u8], first: usize) -> FuzzPacket {
        let (head, rest) = frame.split_at(first.min(self.0.room).min(frame.len()));
        self.out(std::iter::once(head).chain(rest.chunks(self.0.room)))
    }

    fn out<'o>(&self, parts: impl Iterator<Item = &'o [u8]>) -> FuzzPacket {
        let mut segments = self.0.chains.borrow_mut().pop().unwrap_or_default();
        segments.extend(parts.map(|octets| self.segment(octets)));
        self.0.packets.set(self.packets() + 1);
        self.0.buffers.set(self.buffers() + segments.len());
        FuzzPacket {
            segments,
            pool: self.clone(),
            stripped_vlan: None,
            inserted_vlan: None,
            checksum_is_good: false,
        }
    }

    /// A buffer with these octets, and room in front of them.
    fn segment(&self, octets: &[u8]) -> Segment {
        let mut buffer = self.0.memory.borrow_mut().pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(&[ANYTHING; HEADROOM]);
        buffer.extend_from_slice(octets);
        Segment {
            buffer,
            start: HEADROOM,
        }
    }

    /// Buffers come back.
    fn take_back(&self, segments: impl Iterator<Item = Segment>) {
        let mut memory = self.0.memory.borrow_mut();
        let before = memory.len();
        memory.extend(segments.map(|segment| segment.buffer));
        self.0.buffers.set(self.buffers() - (memory.len() - before));
    }
}

/// A packet of one or more buffers of a pool.
#[derive(Debug)]
pub(crate) struct FuzzPacket {
    segments: Vec<Segment>,
    pool: Pool,
    pub(crate) stripped_vlan: Option<u16>,
    pub(crate) inserted_vlan: Option<u16>,
    pub(crate) checksum_is_good: bool,
}

#[derive(Debug)]
struct Segment {
    buffer: Vec<u8>,
    start: usize,
}

impl Segment {
    fn octets(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

impl FuzzPacket {
    /// The frame that these segments are.
    pub(crate) fn octets(&self) -> Cow<'_, [u8]> {
        if let [only] = self.segments.as_slice() {
            return Cow::Borrowed(only.octets());
        }
        let mut octets = Vec::with_capacity(self.len());
        for segment in &self.segments {
            octets.extend_from_slice(segment.octets());
        }
        Cow::Owned(octets)
    }
}

impl Drop for FuzzPacket {
    fn drop(&mut self) {
        self.pool.take_back(self.segments.drain(..));
        self.pool.0.packets.set(self.pool.packets() - 1);
        let chain = std::mem::take(&mut self.segments);
        self.pool.0.chains.borrow_mut().push(chain);
    }
}

impl Packet for FuzzPacket {
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
        let first = &mut self.segments[0];
        let start = first.start.checked_sub(count);
        let start = start.ok_or(NoHeadroom { wanted: count })?;
        first.buffer[start..first.start].fill(ANYTHING);
        first.start = start;
        Ok(())
    }

    fn trim_front(&mut self, count: usize) {
        assert!(
            count <= self.head().len(),
            "{count} octets trimmed off the front"
        );
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
        self.pool.take_back(self.segments.drain(kept..));
    }

    fn copy_out(&self, at: usize, target: &mut [u8]) -> bool {
        if at.saturating_add(target.len()) > self.len() {
            return false;
        }
        let (mut skip, mut done) = (at, 0);
        for part in &self.segments {
            let octets = part.octets();
            let octets = &octets[skip.min(octets.len())..];
            skip = skip.saturating_sub(part.octets().len());
            let count = octets.len().min(target.len() - done);
            target[done..done + count].copy_from_slice(&octets[..count]);
            done += count;
        }
        true
    }

    fn append(&mut self, count: usize) -> Option<&mut [u8]> {
        let most = HEADROOM + self.pool.0.room;
        let last = self.segments.last_mut()?;
        let end = last.buffer.len();
        if end + count > most {
            return None;
        }
        last.buffer.resize(end + count, ANYTHING);
        Some(&mut last.buffer[end..])
    }

    fn sibling(&self) -> Option<Self> {
        let is_left = self.pool.buffers() < self.pool.0.capacity;
        is_left.then(|| self.pool.out(std::iter::once(&[][..])))
    }

    fn join(&mut self, mut tail: Self) -> Result<(), Self> {
        if let [only] = tail.segments.as_slice()
            && let Some(target) = self.append(only.octets().len())
        {
            target.copy_from_slice(only.octets());
            return Ok(());
        }
        if self.segments.len() + tail.segments.len() > SEGMENTS_MAX {
            return Err(tail);
        }
        self.segments.append(&mut tail.segments);
        Ok(())
    }

    fn stripped_vlan(&self) -> Option<u16> {
        self.stripped_vlan
    }

    fn insert_vlan(&mut self, tag: Option<u16>) {
        self.inserted_vlan = tag;
    }

    fn ipv4_checksum_is_good(&self) -> bool {
        self.checksum_is_good
    }

    fn prefetch(&self) {}
}

/// Room in front of a frame, as DPDK leaves by default.
const HEADROOM: usize = 128;
/// Segments that a packet may have; fewer than a device takes, so that the limit is met.
const SEGMENTS_MAX: usize = 12;
/// What new octets hold.
const ANYTHING: u8 = 0xee;
