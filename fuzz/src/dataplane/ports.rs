//! Ports made of vectors, which take only as much as they are told to.

use std::collections::VecDeque;

use lwaftr_dataplane::burst::BURST_MAX;
use lwaftr_dataplane::burst::Burst;
use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::ports::Layout;
use lwaftr_dataplane::ports::Outgoing;
use lwaftr_dataplane::ports::Ports;
use lwaftr_dataplane::punt::PuntClass;
use lwaftr_dataplane::side::Side;

use crate::dataplane::account::Punted;
use crate::dataplane::packet::FuzzPacket;

/// What arrives, what has left, and what the time is.
#[derive(Debug)]
pub(crate) struct FuzzPorts {
    pub(crate) layout: Layout,
    pub(crate) arriving: [VecDeque<FuzzPacket>; 2],
    pub(crate) left: [Vec<FuzzPacket>; 2],
    pub(crate) punted: Punted,
    /// Frames that each side still takes.
    pub(crate) transmit_room: [usize; 2],
    /// Packets that the control thread still takes.
    pub(crate) punt_room: usize,
    pub(crate) now: Instant,
}

impl FuzzPorts {
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            layout,
            arriving: Default::default(),
            left: Default::default(),
            punted: Punted::default(),
            transmit_room: [usize::MAX; 2],
            punt_room: usize::MAX,
            now: Instant::default(),
        }
    }
}

impl Ports for FuzzPorts {
    type Packet = FuzzPacket;

    fn layout(&self) -> Layout {
        self.layout
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn receive(&mut self, side: Side, burst: &mut Burst<FuzzPacket>) {
        let queue = &mut self.arriving[side as usize];
        burst.extend(queue.drain(..queue.len().min(BURST_MAX)));
    }

    fn transmit(&mut self, side: Side, packets: &mut Outgoing<FuzzPacket>) {
        let room = &mut self.transmit_room[side as usize];
        let taken = packets.len().min(*room);
        *room -= taken;
        self.left[side as usize].extend(packets.drain(..taken));
    }

    fn punt(&mut self, class: PuntClass, packets: &mut Burst<FuzzPacket>) {
        let taken = packets.len().min(self.punt_room);
        self.punt_room -= taken;
        self.punted[class as usize] += taken as u64;
        packets.drain(..taken);
    }

    fn release(&mut self, packets: &mut Burst<FuzzPacket>) {
        packets.clear();
    }
}
