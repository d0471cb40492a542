//! Ports that never wait: packets that leave come back rewritten for the next softwire.
//!
//! The mbufs of the mill go round through a queue as long as a device's rings would make it, so that
//! they are as warm as packets that a device has just written. A worker may keep packets, or make more
//! of them: then the queue is filled from the pool, or emptied into it, to be as long as before.

use std::collections::VecDeque;

use dpdk::clock;
use dpdk::mbuf;
use dpdk::mbuf::Mbuf;
use dpdk::mempool::Mempool;
use lwaftr_dataplane::burst::Burst;
use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::packet::Packet;
use lwaftr_dataplane::ports::Layout;
use lwaftr_dataplane::ports::Outgoing;
use lwaftr_dataplane::ports::Ports;
use lwaftr_dataplane::punt::PuntClass;
use lwaftr_dataplane::side::Side;

use crate::bench::BenchError;
use crate::bench::crafted::Belongs;
use crate::bench::crafted::Crafted;
use crate::bench::crafted::Visit;
use crate::bench::pace::Pace;
use crate::bench::traffic::Key;
use crate::bench::traffic::Template;

/// The packets of one side.
#[derive(Clone, Debug)]
pub enum Stream {
    /// Plain traffic: one template for each packet of a cycle, with the frame's length as it arrives,
    /// without FCS.
    Plain(Vec<(Template, usize)>),
    /// Anything else.
    Crafted(Box<CraftedStream>),
}

/// Crafted packets, again and again, and how far they are.
#[derive(Clone, Debug)]
pub struct CraftedStream {
    cycle: Vec<Crafted>,
    next_in_cycle: usize,
    /// Whom the last packet was for, and whom the one before that was.
    last: [Key; 2],
    serial: u32,
    /// When they arrive; as fast as they are taken, if absent.
    pace: Option<Pace>,
}

impl Stream {
    /// These packets, again and again; there must be one at least.
    #[must_use]
    pub fn crafted(cycle: Vec<Crafted>) -> Self {
        Self::Crafted(Box::new(CraftedStream {
            cycle,
            next_in_cycle: 0,
            last: [Key::default(); 2],
            serial: 0,
            pace: None,
        }))
    }

    /// When crafted packets arrive; plain ones have no pace.
    pub(super) fn pace_mut(&mut self) -> Option<&mut Option<Pace>> {
        match self {
            Self::Plain(_) => None,
            Self::Crafted(stream) => Some(&mut stream.pace),
        }
    }
}

/// A source and sink of packets for one worker.
#[derive(Debug)]
pub struct Mill<'k> {
    resting: VecDeque<Mbuf>,
    pool: &'k Mempool,
    keys: &'k [Key],
    next_key: usize,
    streams: [Option<Stream>; 2],
    next_in_cycle: usize,
    burst: usize,
}

impl<'k> Mill<'k> {
    /// A mill with mbufs of this pool that hands out at most `burst` packets at a time on each side
    /// that has a stream.
    ///
    /// # Errors
    /// When the pool has too few mbufs.
    pub fn new(
        pool: &'k Mempool,
        keys: &'k [Key],
        internet: Option<Stream>,
        access: Option<Stream>,
        burst: usize,
    ) -> Result<Self, BenchError> {
        let mut mill = Self {
            resting: VecDeque::with_capacity(2 * RESTING),
            pool,
            keys,
            next_key: keys.len().saturating_sub(1),
            streams: [internet, access],
            next_in_cycle: 0,
            burst,
        };
        let last = *mill.key();
        for stream in mill.streams.iter_mut().flatten() {
            if let Stream::Crafted(stream) = stream {
                stream.last = [last; 2];
            }
        }
        mill.balance();
        if mill.resting.len() < RESTING {
            return Err(BenchError::Pool);
        }
        Ok(mill)
    }

    /// How many packets are at rest.
    #[must_use]
    pub fn resting(&self) -> usize {
        self.resting.len()
    }

    /// The pace of the packets on each side.
    pub(super) fn paces_mut(&mut self) -> impl Iterator<Item = &mut Option<Pace>> {
        self.streams
            .iter_mut()
            .flatten()
            .filter_map(Stream::pace_mut)
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

    /// Hands out crafted packets.
    #[inline(never)]
    fn receive_crafted(&mut self, stream: &mut CraftedStream, burst: &mut Burst<Mbuf>) {
        self.balance();
        let due = stream
            .pace
            .as_mut()
            .map_or(self.burst, |pace| pace.take(clock::tsc(), self.burst));
        for _ in 0..due {
            let Some(mut packet) = self.resting.pop_front() else {
                break;
            };
            let crafted = &stream.cycle[stream.next_in_cycle];
            stream.next_in_cycle += 1;
            if stream.next_in_cycle == stream.cycle.len() {
                stream.next_in_cycle = 0;
            }
            if crafted.belongs() == Belongs::ToNext {
                stream.last = [*self.key(), stream.last[0]];
                stream.serial = stream.serial.wrapping_add(1);
            }
            let visit = Visit {
                key: &stream.last[0],
                peer: &stream.last[1],
                serial: stream.serial,
            };
            packet.reset();
            if let Ok(frame) = packet.append(crafted.len()) {
                crafted.write(frame, &visit);
            }
            burst.push(packet);
        }
    }

    /// Takes from the pool what the worker has kept, and gives back what it has made, as far as the
    /// pool can.
    fn balance(&mut self) {
        let mut some = mbuf::Burst::<SOME>::new();
        while self.resting.len() < RESTING && self.pool.allocate_burst(&mut some, SOME).is_ok() {
            self.resting.extend(some.drain(..));
        }
        while self.resting.len() >= RESTING + 2 * SOME {
            some.extend(self.resting.drain(..SOME));
            mbuf::free_bulk(&mut some);
        }
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
        let Some(mut stream) = self.streams[side as usize].take() else {
            return;
        };
        match &mut stream {
            Stream::Plain(cycle) => {
                for _ in 0..self.burst {
                    let Some(mut packet) = self.resting.pop_front() else {
                        break;
                    };
                    let key = self.key();
                    self.next_in_cycle += 1;
                    if self.next_in_cycle >= cycle.len() {
                        self.next_in_cycle = 0;
                    }
                    let (template, length) = &cycle[self.next_in_cycle];
                    packet.reset();
                    if let Ok(frame) = packet.append(*length) {
                        template.write(frame, key);
                    }
                    burst.push(packet);
                }
            }
            Stream::Crafted(crafted) => self.receive_crafted(crafted, burst),
        }
        self.streams[side as usize] = Some(stream);
    }

    #[inline]
    fn transmit(&mut self, _: Side, packets: &mut Outgoing<Mbuf>) {
        self.resting.extend(packets.drain(..));
    }

    fn punt(&mut self, _: PuntClass, packets: &mut Burst<Mbuf>) {
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

/// Packets that are at rest in the mill: as many as a receive ring of the usual size holds.
pub(super) const RESTING: usize = 1024;
/// Packets that the pool gives or takes at once.
const SOME: usize = 32;
