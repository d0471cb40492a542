//! What a burst adds to the counters, under the names of RFC 8676.
//!
//! Sums are kept while the burst is processed and written once at its end; only drops, which are
//! rare or not worth speed, touch their counter at once.

use crate::counters::Counter;
use crate::counters::Counters;
use crate::drop_reason::DropReason;
use crate::pipeline::Verdict;
use crate::reassembly::Absorbed;
use crate::reassembly::Discarded;
use crate::side::Side;

/// The account of one burst from one side.
#[derive(Debug)]
pub struct Ledger<'c> {
    counters: &'c Counters,
    side: Side,
    received: Sum,
    to_internet: Sum,
    to_access: Sum,
    hairpin: Sum,
    dropped: Sum,
}

/// Packets and their octets.
#[derive(Debug, Default)]
struct Sum {
    packets: u32,
    bytes: u32,
}

impl<'c> Ledger<'c> {
    /// An empty account of a burst from `side`.
    #[must_use]
    pub fn new(counters: &'c Counters, side: Side) -> Self {
        Self {
            counters,
            side,
            received: Sum::default(),
            to_internet: Sum::default(),
            to_access: Sum::default(),
            hairpin: Sum::default(),
            dropped: Sum::default(),
        }
    }

    /// Enters the sums into the counters.
    pub fn close(self) {
        let (received, dropped) = match self.side {
            Side::Internet => (RCVD_IPV4, DROPPED_IPV4),
            Side::Access => (RCVD_IPV6, DROPPED_IPV6),
        };
        self.received.enter(self.counters, received);
        self.dropped.enter(self.counters, dropped);
        self.to_internet.enter(self.counters, SENT_IPV4);
        self.to_access.enter(self.counters, SENT_IPV6);
        self.hairpin.enter(self.counters, HAIRPIN);
    }

    /// Packets of subscribers arrived, `bytes` octets of IP together.
    #[inline(always)]
    pub(super) fn receive(&mut self, packets: usize, bytes: u32) {
        self.received.add(packets, bytes);
    }

    /// A packet that was received as traffic of subscribers turns out to be for this box itself.
    #[cold]
    pub(super) fn is_for_control(&mut self, bytes: u32) {
        self.received.packets -= 1;
        self.received.bytes -= bytes;
    }

    /// Packets leave for the Internet.
    #[inline(always)]
    pub(super) fn send_internet(&mut self, packets: usize, ipv4_bytes: u32) {
        self.to_internet.add(packets, ipv4_bytes);
    }

    /// Packets leave for lwB4s.
    #[inline(always)]
    pub(super) fn send_access(&mut self, packets: usize, ipv6_bytes: u32) {
        self.to_access.add(packets, ipv6_bytes);
    }

    /// One of those that leave for a lwB4 came from a lwB4.
    pub(super) fn hairpin(&mut self, ipv4_bytes: u32) {
        self.hairpin.add(1, ipv4_bytes);
    }

    /// A packet that was received as traffic of subscribers goes nowhere.
    #[cold]
    pub(super) fn drop(&mut self, reason: DropReason, bytes: u32) -> Verdict {
        self.counters.drop(reason);
        self.dropped.add(1, bytes);
        if (self.side, reason) == (Side::Internet, DropReason::IcmpPolicy) {
            Sum { packets: 1, bytes }.enter(self.counters, DROPPED_ICMP);
        }
        Verdict::Drop(reason)
    }

    /// A fragment that waited, or was to, goes nowhere: it is counted as received only now.
    #[cold]
    pub(super) fn drop_fragment(&mut self, reason: DropReason, bytes: u32) -> Verdict {
        self.receive(1, bytes);
        self.count_fragment(bytes);
        self.drop(reason, bytes)
    }

    /// Fragments that were to wait go nowhere, `bytes` octets together.
    pub(super) fn drop_fragments(&mut self, reason: DropReason, packets: usize, bytes: u32) {
        if packets == 0 {
            return;
        }
        self.receive(packets, bytes);
        self.counters.drop_many(reason, packets as u64);
        self.dropped.add(packets, bytes);
        if self.side == Side::Internet {
            let mut sum = Sum::default();
            sum.add(packets, bytes);
            sum.enter(self.counters, DROPPED_FRAGMENTS);
        }
    }

    /// A packet that is dropped is a fragment.
    pub(super) fn count_fragment(&self, bytes: u32) {
        if self.side == Side::Internet {
            Sum { packets: 1, bytes }.enter(self.counters, DROPPED_FRAGMENTS);
        }
    }

    /// IPv6 fragments have become a packet.
    pub(super) fn reassemble(&self, absorbed: Absorbed) {
        let counters = self.counters;
        counters.add(Counter::Ipv6FragmentsReassembled, absorbed.fragments);
        counters.add(Counter::Ipv6FragmentBytesReassembled, absorbed.octets);
        counters.add(Counter::ReassembledIpv6Packets, 1);
    }

    /// IPv6 fragments that waited go nowhere.
    pub(super) fn drop_ipv6_fragments(&self, reason: DropReason, discarded: Discarded) {
        self.counters.drop_many(reason, discarded.packets);
    }

    /// A packet leaves in pieces.
    pub(super) fn send_pieces(&self, side: Side, pieces: usize) {
        let (packets, fragments) = match side {
            Side::Internet => (Counter::FragmentedIpv4Packets, Counter::SentIpv4Fragments),
            Side::Access => (Counter::FragmentedIpv6Packets, Counter::SentIpv6Fragments),
        };
        self.counters.add(packets, 1);
        self.counters.add(fragments, pieces as u64);
    }

    /// The side that the burst came from.
    pub(super) fn side(&self) -> Side {
        self.side
    }

    /// An ICMPv4 error was made here.
    pub(super) fn send_icmpv4_error(&self, ipv4_bytes: u32) {
        let sum = Sum {
            packets: 1,
            bytes: ipv4_bytes,
        };
        sum.enter(self.counters, OUT_ICMPV4_ERRORS);
    }

    /// An ICMPv6 error was made here.
    pub(super) fn send_icmpv6_error(&self, ipv6_bytes: u32) {
        let sum = Sum {
            packets: 1,
            bytes: ipv6_bytes,
        };
        sum.enter(self.counters, OUT_ICMPV6_ERRORS);
    }

    /// An error was not made, because too many had been.
    pub(super) fn limit_error(&self) {
        self.counters.add(Counter::IcmpErrorsLimited, 1);
    }

    /// An ICMPv6 error about a tunnel was believed.
    pub(super) fn hear(&self) {
        self.counters.add(Counter::HeardIcmpv6Errors, 1);
    }

    /// Packets that are no traffic of subscribers yet are turned away.
    pub(super) fn turn_away_many(&self, reason: DropReason, packets: u64) {
        if packets > 0 {
            self.counters.drop_many(reason, packets);
        }
    }

    /// A packet is turned away before its binding is asked for; `bytes` when it is traffic of
    /// subscribers.
    #[cold]
    pub(super) fn turn_away(&mut self, verdict: Verdict, bytes: Option<u32>) -> Verdict {
        match (verdict, bytes) {
            (Verdict::Drop(reason), Some(bytes)) => {
                self.receive(1, bytes);
                self.drop(reason, bytes)
            }
            (Verdict::Drop(reason), None) => {
                self.counters.drop(reason);
                verdict
            }
            _ => verdict,
        }
    }
}

impl Sum {
    #[inline(always)]
    fn add(&mut self, packets: usize, bytes: u32) {
        self.packets += packets as u32;
        self.bytes += bytes;
    }

    #[inline(always)]
    fn enter(&self, counters: &Counters, (packets, bytes): (Counter, Counter)) {
        if self.packets > 0 {
            counters.add(packets, u64::from(self.packets));
            counters.add(bytes, u64::from(self.bytes));
        }
    }
}

/// A counter of packets and that of their octets.
type Pair = (Counter, Counter);

const RCVD_IPV4: Pair = (Counter::RcvdIpv4Packets, Counter::RcvdIpv4Bytes);
const RCVD_IPV6: Pair = (Counter::RcvdIpv6Packets, Counter::RcvdIpv6Bytes);
const SENT_IPV4: Pair = (Counter::SentIpv4Packets, Counter::SentIpv4Bytes);
const SENT_IPV6: Pair = (Counter::SentIpv6Packets, Counter::SentIpv6Bytes);
const HAIRPIN: Pair = (Counter::HairpinIpv4Packets, Counter::HairpinIpv4Bytes);
const DROPPED_IPV4: Pair = (Counter::DroppedIpv4Packets, Counter::DroppedIpv4Bytes);
const DROPPED_IPV6: Pair = (Counter::DroppedIpv6Packets, Counter::DroppedIpv6Bytes);
const DROPPED_FRAGMENTS: Pair = (
    Counter::DroppedIpv4Fragments,
    Counter::DroppedIpv4FragmentBytes,
);
const OUT_ICMPV4_ERRORS: Pair = (Counter::OutIcmpv4ErrorPackets, Counter::OutIcmpv4ErrorBytes);
const OUT_ICMPV6_ERRORS: Pair = (Counter::OutIcmpv6ErrorPackets, Counter::OutIcmpv6ErrorBytes);
const DROPPED_ICMP: Pair = (Counter::DroppedIcmpv4Packets, Counter::DroppedIcmpv4Bytes);
