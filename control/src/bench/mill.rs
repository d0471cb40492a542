//! Ports that never wait: packets that leave come back rewritten for the next softwire.
//!
//! The mbufs of the mill go round through a queue as long as a device's rings would make it, so that
//! they are as warm as packets that a device has just written.

use std::collections::VecDeque;

use dpdk::clock;
use dpdk::mbuf::Mbuf;
use lwaftr_dataplane::burst::Burst;
use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::packet::Packet;
use lwaftr_dataplane::ports::Layout;
use lwaftr_dataplane::ports::Outgoing;
use lwaftr_dataplane::ports::Ports;
use lwaftr_dataplane::side::Side;

use crate::bench::traffic::Key;
use crate::bench::traffic::Template;

/// The packets of one side.
#[derive(Clone, Debug)]
pub struct Stream {
    /// One template for each packet of a cycle, with the frame's length as it arrives, without FCS.
    pub cycle: Vec<(Template, usize)>,
}

/// A source and sink of packets for one worker.
#[derive(Debug)]
pub struct Mill<'k> {
    resting: VecDeque<Mbuf>,
    keys: &'k [Key],
    next_key: usize,
    streams: [Option<Stream>; 2],
    next_in_cycle: usize,
    burst: usize,
}

impl<'k> Mill<'k> {
    /// A mill of these mbufs that hands out at most `burst` packets at a time on each side that
    /// has a stream.
    #[must_use]
    pub fn new(
        mbufs: impl IntoIterator<Item = Mbuf>,
        keys: &'k [Key],
        internet: Option<Stream>,
        access: Option<Stream>,
        burst: usize,
    ) -> Self {
        Self {
            resting: mbufs.into_iter().collect(),
            keys,
            next_key: 0,
            streams: [internet, access],
            next_in_cycle: 0,
            burst,
        }
    }

    /// One round of the floor: the same packets, their MAC addresses swapped, and back.
    #[inline]
    pub fn floor_round(
        &mut self,
        received: &mut Burst<Mbuf>,
        leaving: &mut Outgoing<Mbuf>,
    ) -> usize {
        let mut packets = 0;
        for side in [Side::Internet, Side::Access] {
            self.receive(side, received);
            packets += received.len();
            for packet in received.iter_mut() {
                swap_macs(packet.head_mut());
            }
            leaving.extend(received.drain(..));
        }
        self.transmit(Side::Internet, leaving);
        packets
    }

    #[inline(always)]
    fn key(&mut self) -> &'k Key {
        let key = &self.keys[self.next_key];
        self.next_key += 1;
        if self.next_key == self.keys.len() {
            self.next_key = 0;
        }
        key
    }
}

impl Ports for Mill<'_> {
    type Packet = Mbuf;

    fn layout(&self) -> Layout {
        Layout::TwoPorts
    }

    #[inline(always)]
    fn now(&self) -> Instant {
        Instant::from_nanos(clock::now_ns())
    }

    #[inline]
    fn receive(&mut self, side: Side, burst: &mut Burst<Mbuf>) {
        let Some(stream) = self.streams[side as usize].take() else {
            return;
        };
        for _ in 0..self.burst {
            let Some(mut packet) = self.resting.pop_front() else {
                break;
            };
            let key = self.key();
            self.next_in_cycle += 1;
            if self.next_in_cycle >= stream.cycle.len() {
                self.next_in_cycle = 0;
            }
            let (template, length) = &stream.cycle[self.next_in_cycle];
            packet.reset();
            if let Ok(frame) = packet.append(*length) {
                template.write(frame, key);
            }
            burst.push(packet);
        }
        self.streams[side as usize] = Some(stream);
    }

    #[inline]
    fn transmit(&mut self, _: Side, packets: &mut Outgoing<Mbuf>) {
        self.resting.extend(packets.drain(..));
    }

    fn punt(&mut self, packets: &mut Burst<Mbuf>) {
        self.release(packets);
    }

    fn release(&mut self, packets: &mut Burst<Mbuf>) {
        self.resting.extend(packets.drain(..));
    }
}

#[inline(always)]
fn swap_macs(frame: &mut [u8]) {
    if let Some(addresses) = frame.first_chunk_mut::<12>() {
        let (destination, source) = addresses.split_at_mut(6);
        destination.swap_with_slice(source);
    }
}
