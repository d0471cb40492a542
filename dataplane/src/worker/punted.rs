//! Packets that go up to the control thread, apart by class: each class has a ring, and what goes there goes at once.

use crate::burst::Burst;
use crate::packet::Packet;
use crate::punt::PuntClass;

/// What goes up, class by class in the order in which it came.
#[derive(Debug)]
pub(super) struct Punted<P> {
    classes: [Waiting<P>; PuntClass::COUNT],
    /// One look says of most bursts that nothing does.
    is_empty: bool,
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
            is_empty: true,
        }
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Adds a packet; there is room for those of a burst in any class.
    pub(super) fn push(&mut self, class: PuntClass, source: [u8; 16], packet: P) {
        let waiting = &mut self.classes[class as usize];
        waiting.packets.push(packet);
        waiting.sources.push(source);
        self.is_empty = false;
    }

    /// Empties the classes of which there is something.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (PuntClass, &mut Waiting<P>)> {
        self.is_empty = true;
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
