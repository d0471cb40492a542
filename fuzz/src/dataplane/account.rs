//! The conservation law: what was received or made here is transmitted, dropped, punted, put together,
//! or still held; and the counters say of the ports what the ports say of themselves.

use lwaftr_dataplane::counters::Counter;
use lwaftr_dataplane::counters::Counters;
use lwaftr_dataplane::drop_reason::DropReason;
use lwaftr_dataplane::punt::PuntClass;

/// Frames and octets that each side took.
pub(crate) type Taken = [(u64, u64); 2];

/// Packets of each class that the control thread took.
pub(crate) type Punted = [u64; PuntClass::COUNT];

/// Fragments that wait.
pub(crate) fn held(counters: &Counters) -> u64 {
    sum(
        counters,
        &[Counter::HeldIpv6Fragments, Counter::HeldIpv4Fragments],
    )
}

/// Holds the counters against each other and against the ports; so many packets are still `going_up` to control.
pub(crate) fn check(counters: &Counters, taken: Taken, punted: Punted, going_up: u64) {
    let dropped: u64 = DropReason::ALL
        .iter()
        .map(|reason| counters.dropped(*reason))
        .sum();
    let (come, gone) = (
        sum(counters, COME),
        sum(counters, GONE) + dropped + going_up,
    );
    if come != gone {
        let moved: Vec<_> = counters.iter().filter(|(_, value)| *value > 0).collect();
        panic!("{come} packets came, {gone} are accounted for: {moved:?}");
    }
    let sent = [SENT_INTERNET, SENT_ACCESS]
        .map(|(packets, bytes)| (counters.get(packets), counters.get(bytes)));
    assert_eq!(sent, taken, "what the counters say was sent and what was");
    let counted = PuntClass::ALL.map(|class| counters.get(class.counter()));
    assert_eq!(counted, punted, "punted");
}

fn sum(counters: &Counters, which: &[Counter]) -> u64 {
    which.iter().map(|counter| counters.get(*counter)).sum()
}

const COME: &[Counter] = &[
    Counter::RxInternetPackets,
    Counter::RxAccessPackets,
    Counter::OutIcmpv4ErrorPackets,
    Counter::OutIcmpv6ErrorPackets,
    Counter::SentIpv6Fragments,
    Counter::SentIpv4Fragments,
    Counter::ReassembledIpv6Packets,
];
const GONE: &[Counter] = &[
    Counter::TxInternetPackets,
    Counter::TxAccessPackets,
    Counter::PuntedNeighbour,
    Counter::PuntedIcmp,
    Counter::PuntedPcp,
    Counter::PuntedOther,
    Counter::HeardIcmpv6Errors,
    Counter::FragmentedIpv6Packets,
    Counter::FragmentedIpv4Packets,
    Counter::Ipv6FragmentsReassembled,
    Counter::HeldIpv6Fragments,
    Counter::HeldIpv4Fragments,
];
const SENT_INTERNET: (Counter, Counter) = (Counter::TxInternetPackets, Counter::TxInternetBytes);
const SENT_ACCESS: (Counter, Counter) = (Counter::TxAccessPackets, Counter::TxAccessBytes);
