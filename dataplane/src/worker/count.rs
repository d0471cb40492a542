//! What a burst adds to the counters, under the names of RFC 8676.

use crate::counters::Counter;
use crate::counters::Counters;
use crate::drop_reason::DropReason;
use crate::pipeline::Judged;
use crate::pipeline::Verdict;
use crate::ports::Side;

/// Counts frames that a side's device delivered.
#[inline]
pub(super) fn received(counters: &Counters, side: Side, packets: usize, bytes: usize) {
    count_frames(counters, RECEIVED[side as usize], packets, bytes);
}

/// Counts frames that a side's device took.
#[inline]
pub(super) fn sent(counters: &Counters, side: Side, packets: usize, bytes: usize) {
    count_frames(counters, SENT[side as usize], packets, bytes);
}

/// Counts a burst's verdicts under the names of RFC 8676.
#[inline]
pub(super) fn judged(counters: &Counters, side: Side, judgement: &[Judged]) {
    let (mut received, mut dropped) = (Tally::default(), Tally::default());
    let (mut to_internet, mut to_access, mut hairpin) =
        (Tally::default(), Tally::default(), Tally::default());
    for judged in judgement {
        match judged.verdict {
            Verdict::Internet => to_internet.add(judged.sent),
            Verdict::Access => to_access.add(judged.sent),
            Verdict::Hairpin => {
                to_access.add(judged.sent);
                hairpin.add(judged.sent - IPV6_HEADER);
            }
            Verdict::Punt => continue,
            Verdict::Drop(reason) => {
                counters.drop(reason);
                if let Some(bytes) = judged.received {
                    dropped.add(bytes);
                    count_special_drop(counters, side, reason, bytes);
                }
            }
        }
        if let Some(bytes) = judged.received {
            received.add(bytes);
        }
    }
    received.write(counters, RECEIVED_IP[side as usize]);
    dropped.write(counters, DROPPED_IP[side as usize]);
    to_internet.write(counters, (Counter::SentIpv4Packets, Counter::SentIpv4Bytes));
    to_access.write(counters, (Counter::SentIpv6Packets, Counter::SentIpv6Bytes));
    hairpin.write(
        counters,
        (Counter::HairpinIpv4Packets, Counter::HairpinIpv4Bytes),
    );
}

/// Drops on the Internet side that RFC 8676 also counts by kind.
#[cold]
fn count_special_drop(counters: &Counters, side: Side, reason: DropReason, bytes: u32) {
    let which = match (side, reason) {
        (Side::Internet, DropReason::Ipv4Fragment) => (
            Counter::DroppedIpv4Fragments,
            Counter::DroppedIpv4FragmentBytes,
        ),
        (Side::Internet, DropReason::IcmpPolicy | DropReason::Icmpv4Error) => {
            (Counter::DroppedIcmpv4Packets, Counter::DroppedIcmpv4Bytes)
        }
        _ => return,
    };
    count_frames(counters, which, 1, bytes as usize);
}

/// A pair of counters: packets, and their octets.
type PacketsAndBytes = (Counter, Counter);

#[inline]
fn count_frames(counters: &Counters, which: PacketsAndBytes, packets: usize, bytes: usize) {
    counters.add(which.0, packets as u64);
    counters.add(which.1, bytes as u64);
}

/// Sums a burst before it touches the counters, so that each is written once.
#[derive(Default)]
struct Tally {
    packets: usize,
    bytes: usize,
}

impl Tally {
    #[inline]
    fn add(&mut self, bytes: u32) {
        self.packets += 1;
        self.bytes += bytes as usize;
    }

    #[inline]
    fn write(&self, counters: &Counters, which: PacketsAndBytes) {
        if self.packets > 0 {
            count_frames(counters, which, self.packets, self.bytes);
        }
    }
}

// Counters of each side, indexed by `Side`.
const RECEIVED: [PacketsAndBytes; 2] = [
    (Counter::RxInternetPackets, Counter::RxInternetBytes),
    (Counter::RxAccessPackets, Counter::RxAccessBytes),
];
const SENT: [PacketsAndBytes; 2] = [
    (Counter::TxInternetPackets, Counter::TxInternetBytes),
    (Counter::TxAccessPackets, Counter::TxAccessBytes),
];
const RECEIVED_IP: [PacketsAndBytes; 2] = [
    (Counter::RcvdIpv4Packets, Counter::RcvdIpv4Bytes),
    (Counter::RcvdIpv6Packets, Counter::RcvdIpv6Bytes),
];
const DROPPED_IP: [PacketsAndBytes; 2] = [
    (Counter::DroppedIpv4Packets, Counter::DroppedIpv4Bytes),
    (Counter::DroppedIpv6Packets, Counter::DroppedIpv6Bytes),
];

const IPV6_HEADER: u32 = crate::wire::ipv6::HEADER as u32;
