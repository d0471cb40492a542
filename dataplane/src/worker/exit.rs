//! The way out of a side: packets are gathered, handed to the device with bounded tries, and what it
//! does not take is a counted drop.

use crate::counters::Counter;
use crate::counters::Counters;
use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::ports::Outgoing;
use crate::ports::Ports;
use crate::side::Side;

/// Packets on their way out of one side.
#[derive(Debug)]
pub(super) struct Exit<P> {
    side: Side,
    packets: Outgoing<P>,
    /// Whether the next hop is known.
    pub(super) is_open: bool,
}

impl<P: Packet> Exit<P> {
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            packets: Outgoing::new(),
            is_open: true,
        }
    }

    /// Adds a packet. A round brings no more packets than there is room for, but pieces, and fragments
    /// that go on, are more: then those before it leave first.
    #[inline]
    pub(super) fn push<Q>(&mut self, ports: &mut Q, counters: &Counters, packet: P)
    where
        Q: Ports<Packet = P>,
    {
        if self.packets.is_full() {
            self.flush(ports, counters);
        }
        self.packets.push(packet);
    }

    /// Adds packets of a burst.
    #[inline]
    pub(super) fn append<Q>(
        &mut self,
        ports: &mut Q,
        counters: &Counters,
        packets: impl ExactSizeIterator<Item = P>,
    ) where
        Q: Ports<Packet = P>,
    {
        if self.packets.remaining_capacity() < packets.len() {
            self.flush(ports, counters);
        }
        self.packets.extend(packets);
    }

    /// Hands all packets to the device, a bounded number of times, and drops the rest.
    #[inline]
    pub(super) fn flush<Q>(&mut self, ports: &mut Q, counters: &Counters)
    where
        Q: Ports<Packet = P>,
    {
        if self.packets.is_empty() {
            return;
        }
        let (offered, octets) = (self.packets.len(), octets_of(&self.packets));
        if !self.is_open {
            counters.drop_many(DropReason::NextHopUnresolved, offered as u64);
            self.packets.clear();
            return;
        }
        for _ in 0..TRANSMIT_TRIES {
            ports.transmit(self.side, &mut self.packets);
            if self.packets.is_empty() {
                break;
            }
        }
        let left_octets = octets_of(&self.packets);
        let (frames, bytes) = SENT[self.side as usize];
        counters.add(frames, (offered - self.packets.len()) as u64);
        counters.add(bytes, (octets - left_octets) as u64);
        if !self.packets.is_empty() {
            counters.drop_many(DropReason::TransmitFull, self.packets.len() as u64);
            self.packets.clear();
        }
    }
}

/// Octets of all packets together.
#[inline]
pub(super) fn octets_of<P: Packet>(packets: &[P]) -> usize {
    packets.iter().map(Packet::len).sum()
}

/// A device that takes nothing four times in a row is congested or gone; waiting longer would make
/// the other side's packets pay for it.
const TRANSMIT_TRIES: usize = 4;
/// Counters of sent frames and their octets, indexed by `Side`.
pub(super) const SENT: [(Counter, Counter); 2] = [
    (Counter::TxInternetPackets, Counter::TxInternetBytes),
    (Counter::TxAccessPackets, Counter::TxAccessBytes),
];
