//! Packets that the control thread has made, on their way out.
//!
//! They are handed to the device before a round receives anything, so that traffic has only the places
//! that they leave. What the device does not take waits for the next round, before what comes then; what
//! finds no place among those that wait is a counted drop. So a link that is down costs a bounded number of
//! buffers, and nothing of the other side.

use crate::counters::Counter;
use crate::counters::Counters;
use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::ports::OUTGOING_MAX;
use crate::ports::Outgoing;
use crate::ports::Ports;
use crate::side::Side;
use crate::wire::ethernet;
use crate::wire::ethernet::Ethernet;
use crate::worker::exit::SENT;
use crate::worker::exit::octets_of;

/// Most packets of the control thread that wait at a worker.
pub const INJECTED_MAX: usize = 2 * OUTGOING_MAX;

/// What waits for each side's device.
#[derive(Debug)]
pub(super) struct Injected<P> {
    sides: [Outgoing<P>; 2],
}

impl<P: Packet> Injected<P> {
    pub(super) fn new() -> Self {
        Self {
            sides: [const { Outgoing::new_const() }; 2],
        }
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.sides[0].is_empty() && self.sides[1].is_empty()
    }

    /// Adds a packet, behind those for the side of its kind. Counted are those that have left, or cannot.
    pub(super) fn add(&mut self, counters: &Counters, packet: P) {
        let ether_type = Ethernet::parse(packet.head()).map(|frame| frame.ether_type);
        let side = match ether_type {
            Ok(ethernet::IPV6) => Side::Access,
            _ => Side::Internet,
        };
        if self.sides[side as usize].try_push(packet).is_err() {
            counters.add(Counter::InjectedPackets, 1);
            counters.drop(DropReason::TransmitFull);
        }
    }

    /// Hands each device what waits for it, once. Returns how many packets have left.
    pub(super) fn send<Q>(&mut self, ports: &mut Q, counters: &Counters) -> usize
    where
        Q: Ports<Packet = P>,
    {
        let mut all = 0;
        for side in [Side::Internet, Side::Access] {
            let packets = &mut self.sides[side as usize];
            if packets.is_empty() {
                continue;
            }
            let (offered, octets) = (packets.len(), octets_of(packets));
            ports.transmit(side, packets);
            let left = offered - packets.len();
            let (frames, bytes) = SENT[side as usize];
            counters.add(frames, left as u64);
            counters.add(bytes, (octets - octets_of(packets)) as u64);
            counters.add(Counter::InjectedPackets, left as u64);
            all += left;
        }
        all
    }
}
