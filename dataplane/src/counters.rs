//! Counters of one worker: written by that worker alone, read by anybody, summed on reading.
//!
//! The names are the leaves of RFC 8676 (YG-010), the `drop-…` reasons, and totals per port that
//! make the conservation law checkable (design s8): what was received or made here is transmitted,
//! dropped, punted, put together, or still held.
//! A single writer needs no atomic addition: a relaxed load, an add and a relaxed store, which are
//! ordinary instructions, give readers whole numbers.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::drop_reason::DropReason;

/// Declares the counters that are not drops, once, with their names.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $counter:ident = $name:literal,)+) => {
        /// A counter that is not a drop reason.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u8)]
        pub enum Counter {
            $($(#[doc = $doc])+ $counter,)+
        }

        impl Counter {
            /// Every counter, in order.
            pub const ALL: &'static [Self] = &[$(Self::$counter,)+];

            /// The counter's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$counter => $name,)+ }
            }
        }
    };
}

counters! {
    /// Frames received on the Internet side.
    RxInternetPackets = "rx-internet-packets",
    /// Their octets, with Ethernet header, without FCS.
    RxInternetBytes = "rx-internet-bytes",
    /// Frames received on the access side.
    RxAccessPackets = "rx-access-packets",
    /// Their octets.
    RxAccessBytes = "rx-access-bytes",
    /// Frames that the Internet side's device took.
    TxInternetPackets = "tx-internet-packets",
    /// Their octets.
    TxInternetBytes = "tx-internet-bytes",
    /// Frames that the access side's device took.
    TxAccessPackets = "tx-access-packets",
    /// Their octets.
    TxAccessBytes = "tx-access-bytes",
    /// ARP and neighbour discovery handed to the control thread.
    PuntedNeighbour = "punted-neighbour",
    /// ICMP to our addresses handed to it.
    PuntedIcmp = "punted-icmp",
    /// PCP requests handed to it.
    PuntedPcp = "punted-pcp",
    /// Whatever else is addressed to us, handed to it.
    PuntedOther = "punted-other",
    /// Packets of the control thread that were sent.
    InjectedPackets = "injected-packets",
    /// Fragments that one worker received and another decided about.
    HandedOverPackets = "handed-over-packets",
    /// IPv4 received on the Internet side, control packets for ourselves aside.
    RcvdIpv4Packets = "rcvd-ipv4-packets",
    /// Their octets (IPv4 total length).
    RcvdIpv4Bytes = "rcvd-ipv4-bytes",
    /// IPv4-in-IPv6 received, control packets for ourselves aside.
    RcvdIpv6Packets = "rcvd-ipv6-packets",
    /// Their octets (IPv6 header included).
    RcvdIpv6Bytes = "rcvd-ipv6-bytes",
    /// Decapsulated and forwarded to IPv4.
    SentIpv4Packets = "sent-ipv4-packets",
    /// Their octets (IPv4 total length).
    SentIpv4Bytes = "sent-ipv4-bytes",
    /// Encapsulated and sent.
    SentIpv6Packets = "sent-ipv6-packets",
    /// Their octets (IPv6 header included).
    SentIpv6Bytes = "sent-ipv6-bytes",
    /// Routed between two lwB4s of this box.
    HairpinIpv4Packets = "hairpin-ipv4-packets",
    /// Their octets (IPv4 total length).
    HairpinIpv4Bytes = "hairpin-ipv4-bytes",
    /// IPv4 from the Internet side that was dropped, whatever the reason.
    DroppedIpv4Packets = "dropped-ipv4-packets",
    /// Their octets (IPv4 total length, or what arrived if that cannot be read).
    DroppedIpv4Bytes = "dropped-ipv4-bytes",
    /// IPv4-in-IPv6 that was dropped, whatever the reason.
    DroppedIpv6Packets = "dropped-ipv6-packets",
    /// Their octets (IPv6 header included).
    DroppedIpv6Bytes = "dropped-ipv6-bytes",
    /// Fragments among the dropped IPv4 packets of the Internet side.
    DroppedIpv4Fragments = "dropped-ipv4-fragments",
    /// Their octets.
    DroppedIpv4FragmentBytes = "dropped-ipv4-fragment-bytes",
    /// IPv6 fragments that were put together into packets.
    Ipv6FragmentsReassembled = "ipv6-fragments-reassembled",
    /// Their octets (IPv6 header included).
    Ipv6FragmentBytesReassembled = "ipv6-fragments-bytes-reassembled",
    /// Packets made of them.
    ReassembledIpv6Packets = "reassembled-ipv6-packets",
    /// Tunnel packets that left in pieces (FR-001).
    FragmentedIpv6Packets = "fragmented-ipv6-packets",
    /// The pieces.
    SentIpv6Fragments = "sent-ipv6-fragments",
    /// IPv4 packets that left in pieces (FR-018).
    FragmentedIpv4Packets = "fragmented-ipv4-packets",
    /// The pieces.
    SentIpv4Fragments = "sent-ipv4-fragments",
    /// IPv6 fragments that wait now for the rest of their packet; goes down again.
    HeldIpv6Fragments = "held-ipv6-fragments",
    /// IPv4 fragments that wait now for the first of their packet; goes down again.
    HeldIpv4Fragments = "held-ipv4-fragments",
    /// ICMPv4 errors made here.
    OutIcmpv4ErrorPackets = "out-icmpv4-error-packets",
    /// Their octets (IPv4 total length).
    OutIcmpv4ErrorBytes = "out-icmpv4-error-bytes",
    /// ICMPv6 errors made here.
    OutIcmpv6ErrorPackets = "out-icmpv6-error-packets",
    /// Their octets (IPv6 header included).
    OutIcmpv6ErrorBytes = "out-icmpv6-error-bytes",
    /// ICMPv6 errors about tunnel packets that were believed, relayed or not (IC-007).
    HeardIcmpv6Errors = "heard-icmpv6-errors",
    /// Errors that were not sent because too many had been (IC-012).
    IcmpErrorsLimited = "icmp-errors-limited",
    /// ICMPv4 of the Internet side that policy kept out.
    DroppedIcmpv4Packets = "dropped-icmpv4-packets",
    /// Their octets.
    DroppedIcmpv4Bytes = "dropped-icmpv4-bytes",
}

const FIRST_DROP: usize = Counter::ALL.len();
const COUNT: usize = FIRST_DROP + DropReason::COUNT;

/// The counters of one worker. Aligned so that no line is shared with another worker's, nor
/// prefetched with one (two lines are fetched together on current x86).
#[derive(Debug)]
#[repr(align(128))]
pub struct Counters {
    cells: [AtomicU64; COUNT],
    rounds: AtomicU64,
    empty_rounds: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            cells: [const { AtomicU64::new(0) }; COUNT],
            rounds: AtomicU64::new(0),
            empty_rounds: AtomicU64::new(0),
        }
    }
}

impl Counters {
    /// Adds `amount` to a counter. Only the owning worker may call this.
    #[inline]
    pub fn add(&self, counter: Counter, amount: u64) {
        self.add_at(counter as usize, amount);
    }

    /// Sets a counter that goes up and down. Only the owning worker may call this.
    #[inline]
    pub fn set(&self, counter: Counter, value: u64) {
        self.cells[counter as usize].store(value, Ordering::Relaxed);
    }

    /// Counts one packet dropped for `reason`. Only the owning worker may call this.
    #[inline]
    pub fn drop(&self, reason: DropReason) {
        self.drop_many(reason, 1);
    }

    /// Counts `packets` dropped for `reason`. Only the owning worker may call this.
    #[inline]
    pub fn drop_many(&self, reason: DropReason, packets: u64) {
        self.add_at(FIRST_DROP + reason as usize, packets);
    }

    /// Counts a round of the poll loop. Only the owning worker may call this.
    #[inline]
    pub fn round(&self, is_empty: bool) {
        let add = |cell: &AtomicU64, amount| {
            cell.store(
                cell.load(Ordering::Relaxed).wrapping_add(amount),
                Ordering::Relaxed,
            );
        };
        add(&self.rounds, 1);
        add(&self.empty_rounds, u64::from(is_empty));
    }

    /// Rounds of the poll loop, and how many of them found no packet. They tell how busy a worker
    /// is, not what happened to packets, so they are no part of [`Counters::iter`].
    #[must_use]
    pub fn rounds(&self) -> (u64, u64) {
        (
            self.rounds.load(Ordering::Relaxed),
            self.empty_rounds.load(Ordering::Relaxed),
        )
    }

    /// A counter's value.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.cells[counter as usize].load(Ordering::Relaxed)
    }

    /// How many packets were dropped for `reason`.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.cells[FIRST_DROP + reason as usize].load(Ordering::Relaxed)
    }

    /// All values by name: first the counters, then the drop reasons.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let names = Counter::ALL.iter().map(|counter| counter.name());
        let drops = DropReason::ALL.iter().map(|reason| reason.name());
        names
            .chain(drops)
            .zip(self.cells.iter().map(|cell| cell.load(Ordering::Relaxed)))
    }

    #[inline]
    fn add_at(&self, index: usize, amount: u64) {
        let cell = &self.cells[index];
        cell.store(
            cell.load(Ordering::Relaxed).wrapping_add(amount),
            Ordering::Relaxed,
        );
    }
}

/// Sums the counters of several workers, in the order of [`Counters::iter`].
#[must_use]
pub fn sum<'a>(workers: impl IntoIterator<Item = &'a Counters>) -> Vec<(&'static str, u64)> {
    let mut total: Vec<_> = Counters::default().iter().collect();
    for worker in workers {
        for (cell, (_, value)) in total.iter_mut().zip(worker.iter()) {
            cell.1 = cell.1.wrapping_add(value);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_own_cell_and_workers_are_summed() {
        let (one, two) = (Counters::default(), Counters::default());
        for (index, counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(*counter as usize, index);
            one.add(*counter, index as u64 + 1);
        }
        for (index, reason) in DropReason::ALL.iter().enumerate() {
            two.drop_many(*reason, index as u64 + 1);
        }
        let total = sum([&one, &two]);
        let names: std::collections::HashSet<_> = total.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), COUNT);
        let index = Counter::SentIpv6Bytes as usize;
        assert_eq!(total[index], ("sent-ipv6-bytes", index as u64 + 1));
        assert_eq!(
            total.last(),
            Some(&("drop-transmit-full", DropReason::COUNT as u64))
        );
        assert_eq!(two.dropped(DropReason::WrongMac), 2);
    }
}
