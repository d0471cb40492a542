//! Handing a round's packets to the device: bounded tries, then a counted drop.

use crate::counters::Counter;
use crate::counters::Counters;
use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::ports::Outgoing;
use crate::ports::Ports;
use crate::side::Side;

/// Hands packets to the device, a bounded number of times, and drops the rest.
#[inline]
pub(super) fn all<P: Ports>(
    ports: &mut P,
    counters: &Counters,
    side: Side,
    packets: &mut Outgoing<P::Packet>,
) {
    if packets.is_empty() {
        return;
    }
    let (offered, octets) = (packets.len(), octets_of(packets));
    for _ in 0..TRANSMIT_TRIES {
        ports.transmit(side, packets);
        if packets.is_empty() {
            break;
        }
    }
    let left_octets = octets_of(packets);
    let (frames, bytes) = SENT[side as usize];
    counters.add(frames, (offered - packets.len()) as u64);
    counters.add(bytes, (octets - left_octets) as u64);
    if !packets.is_empty() {
        counters.drop_many(DropReason::TransmitFull, packets.len() as u64);
        packets.clear();
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
const SENT: [(Counter, Counter); 2] = [
    (Counter::TxInternetPackets, Counter::TxInternetBytes),
    (Counter::TxAccessPackets, Counter::TxAccessBytes),
];
