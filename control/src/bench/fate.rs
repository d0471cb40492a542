//! What became of the packets of a run, by the worker's counters, and what should have.
//!
//! A benchmark of packets that go another way than they should would be worthless, and one that loses
//! packets uncounted would hide a fault.

use lwaftr_dataplane::counters::Counter;
use lwaftr_dataplane::counters::Counters;
use lwaftr_dataplane::drop_reason::DropReason;
use serde::Serialize;

use crate::bench::BenchError;
use crate::bench::Direction;

/// What became of all packets that a worker was given.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Tally {
    /// Frames that arrived.
    pub received: u64,
    /// Packets that went on, whole or in pieces.
    pub forwarded: u64,
    /// Packets that were dropped, answered or not.
    pub dropped: u64,
    /// Fragments that wait for others.
    pub waiting: u64,
    /// Fragments that are parts of others now.
    pub joined: u64,
    /// ICMP errors that were made.
    pub errors: u64,
    /// Most packet buffers that were neither at rest nor with the other loop between two trials.
    pub buffers_held: usize,
}

impl Tally {
    /// Reads the counters.
    pub(super) fn of(counters: &Counters) -> Self {
        let sum = |names: &[Counter]| names.iter().map(|name| counters.get(*name)).sum();
        let joined = counters.get(Counter::Ipv6FragmentsReassembled);
        let dropped = DropReason::ALL.iter().map(|name| counters.dropped(*name));
        Self {
            received: sum(&[Counter::RxInternetPackets, Counter::RxAccessPackets]),
            forwarded: sum(&[Counter::SentIpv4Packets, Counter::SentIpv6Packets]),
            dropped: dropped.sum(),
            waiting: sum(&[Counter::HeldIpv4Fragments, Counter::HeldIpv6Fragments]),
            joined: joined - counters.get(Counter::ReassembledIpv6Packets),
            errors: sum(&[
                Counter::OutIcmpv4ErrorPackets,
                Counter::OutIcmpv6ErrorPackets,
            ]),
            buffers_held: 0,
        }
    }

    /// How many of the packets that arrived these are, for people.
    pub(super) fn share(&self, packets: u64) -> String {
        format!("{:.0} %", packets as f64 * 100.0 / self.received as f64)
    }

    /// Whether every packet that arrived is accounted for, and every one that left.
    fn is_conserved(&self, counters: &Counters) -> bool {
        let sent =
            counters.get(Counter::TxInternetPackets) + counters.get(Counter::TxAccessPackets);
        let pieces =
            counters.get(Counter::SentIpv6Fragments) - counters.get(Counter::FragmentedIpv6Packets);
        self.received == self.forwarded + self.dropped + self.waiting + self.joined
            && sent == self.forwarded + pieces + self.errors
    }
}

/// What should become of the packets of a direction.
struct Fate {
    /// How many of them go on.
    forwarded: Forwarded,
    /// What else is counted for each that does.
    way: Option<Counter>,
    /// The only reasons why others may be dropped.
    reasons: &'static [DropReason],
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Forwarded {
    All,
    Half,
    None,
}

impl Fate {
    const fn of(direction: Direction) -> Self {
        if let Some(flood) = direction.flood() {
            let Self { reasons, .. } = Self::of(flood);
            return Self {
                forwarded: Forwarded::Half,
                way: None,
                reasons,
            };
        }
        match direction {
            Direction::FloodUnbound | Direction::FloodUnboundByAll => {
                Self::dropped(&[DropReason::NoSoftwire])
            }
            Direction::FloodSpoofed | Direction::FloodSpoofedByAll => {
                Self::dropped(&[DropReason::WrongB4])
            }
            Direction::FloodMalformed => Self::dropped(&[DropReason::BadIpv4Checksum]),
            Direction::FloodIpv4Fragments => Self::dropped(&[
                DropReason::Ipv4FragmentNoRoom,
                DropReason::Ipv4FragmentTimeout,
            ]),
            Direction::FloodIpv6Fragments => Self::dropped(&[
                DropReason::Ipv6FragmentNoRoom,
                DropReason::Ipv6FragmentTimeout,
            ]),
            Direction::Hairpin => Self::forwarded(Some(Counter::HairpinIpv4Packets)),
            Direction::Ipv6Fragments => Self::forwarded(Some(Counter::ReassembledIpv6Packets)),
            Direction::OuterFragments => Self::forwarded(Some(Counter::FragmentedIpv6Packets)),
            _ => Self::forwarded(None),
        }
    }

    const fn forwarded(way: Option<Counter>) -> Self {
        Self {
            forwarded: Forwarded::All,
            way,
            reasons: &[],
        }
    }

    const fn dropped(reasons: &'static [DropReason]) -> Self {
        Self {
            forwarded: Forwarded::None,
            way: None,
            reasons,
        }
    }

    fn is_that_of(&self, tally: &Tally, counters: &Counters) -> bool {
        let dropped: u64 = self
            .reasons
            .iter()
            .map(|name| counters.dropped(*name))
            .sum();
        let other_way = self
            .way
            .is_some_and(|way| counters.get(way) != tally.forwarded);
        // A run may end between the first packet of a cycle and the second, on either side.
        let is_share = match self.forwarded {
            Forwarded::All => tally.waiting <= 1,
            Forwarded::Half => (2 * tally.forwarded).abs_diff(tally.received) <= 2,
            Forwarded::None => tally.forwarded == 0,
        };
        tally.received > 0 && tally.dropped == dropped && is_share && !other_way
    }
}

/// Checks that the packets of a direction got what they should.
///
/// # Errors
/// When some did not, or were lost.
pub(super) fn verify(
    direction: Direction,
    tally: &Tally,
    counters: &Counters,
) -> Result<(), BenchError> {
    if tally.is_conserved(counters) && Fate::of(direction).is_that_of(tally, counters) {
        return Ok(());
    }
    let others = counters
        .iter()
        .filter(|(name, value)| *value > 0 && !name.ends_with("bytes"))
        .map(|(name, value)| format!("{name} {value}"));
    Err(BenchError::Fate {
        direction: direction.name(),
        received: tally.received,
        forwarded: tally.forwarded,
        others: others.collect::<Vec<_>>().join(", "),
    })
}
