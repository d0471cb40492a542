//! Packets that go up to the control thread, apart by class: each class has a ring, and what goes there goes at once.
//!
//! A ring is shared with another core, and giving it one packet costs as much as giving it a burst. So while
//! the worker is busy, what goes up waits for company, some tens of microseconds at most; when it is not,
//! nothing waits. Nor does anything where bursts are configured so large that they need the room.

use crate::burst::BURST_MAX;
use crate::burst::Burst;
use crate::packet::Packet;
use crate::punt::PuntClass;

/// What goes up, class by class in the order in which it came.
#[derive(Debug)]
pub(super) struct Punted<P> {
    classes: [Waiting<P>; PuntClass::COUNT],
    /// Packets of all classes; no more than a burst, so that any class has room for them.
    len: usize,
    /// Rounds that the first of them has waited.
    rounds: u32,
}

/// Packets of a class, and who is behind each.
#[derive(Debug)]
pub(super) struct Waiting<P> {
    packets: Burst<P>,
    sources: Burst<[u8; 16]>,
}

impl<P: Packet> Punted<P> {
    pub(super) fn new() -> Self {
        let class = |_| Waiting {
            packets: Burst::new(),
            sources: Burst::new(),
        };
        Self {
            classes: PuntClass::ALL.map(class),
            len: 0,
            rounds: 0,
        }
    }

    /// Packets of all classes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether so many more can be added.
    #[inline(always)]
    pub(super) fn has_room_for(&self, packets: usize) -> bool {
        self.len + packets <= BURST_MAX
    }

    /// Whether to go up at the end of a round that brought `arrived` packets.
    #[inline(always)]
    pub(super) fn is_due(&mut self, arrived: usize) -> bool {
        !self.is_empty() && self.has_waited(arrived)
    }

    #[inline(never)]
    fn has_waited(&mut self, arrived: usize) -> bool {
        self.rounds += 1;
        arrived < BUSY || self.len >= COMPANY || self.rounds >= PATIENCE
    }

    /// Adds a packet, for which there must be [room](Self::has_room_for).
    pub(super) fn push(&mut self, class: PuntClass, source: [u8; 16], packet: P) {
        let waiting = &mut self.classes[class as usize];
        waiting.packets.push(packet);
        waiting.sources.push(source);
        self.len += 1;
    }

    /// Empties the classes of which there is something.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (PuntClass, &mut Waiting<P>)> {
        (self.len, self.rounds) = (0, 0);
        let classes = PuntClass::ALL.into_iter().zip(&mut self.classes);
        classes.filter(|(_, waiting)| !waiting.packets.is_empty())
    }
}

impl<P: Packet> Waiting<P> {
    /// Takes all packets out, oldest first.
    pub(super) fn take(&mut self) -> impl Iterator<Item = ([u8; 16], P)> {
        self.sources.drain(..).zip(self.packets.drain(..))
    }
}

/// Packets in a round of a busy worker: half a burst, as it is configured unless somebody has a reason.
const BUSY: usize = 16;
/// Packets that go up together.
const COMPANY: usize = 8;
/// Rounds that a packet waits for others: at two microseconds a full round, less than a device's own delays.
const PATIENCE: u32 = 16;
