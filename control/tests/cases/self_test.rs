//! A harness that accepts everything tests nothing: each kind of wrong expectation must fail.

use std::sync::Arc;

use libtest_mimic::Trial;

use crate::Outcome;
use crate::case::Base;
use crate::case::Case;
use crate::check;
use crate::replay;
use crate::wiring::Wired;
use crate::wiring::Wiring;

/// A wrong expectation: how it comes about, and what the harness must say.
type Fault = (&'static str, fn(&mut Wired), &'static str);

const FAULTS: &[Fault] = &[
    (
        "a_wrong_octet_in_an_expected_packet_fails",
        wrong_octet,
        "packet 0 differs from octet 60 on",
    ),
    (
        "a_missing_expected_packet_fails",
        missing_packet,
        "expected 4 packets, sent 5",
    ),
    (
        "a_surplus_expected_packet_fails",
        surplus_packet,
        "expected 6 packets, sent 5",
    ),
    (
        "expected_packets_in_another_order_fail",
        other_order,
        "packet 0 differs",
    ),
    (
        "a_wrong_expected_counter_fails",
        wrong_counter,
        "rcvd-ipv4-packets: expected 6, counted 5",
    ),
    (
        "a_counter_that_moved_unexpectedly_fails",
        unlisted_counter,
        "sent-ipv6-packets: expected 0, counted 5",
    ),
    (
        "an_expected_counter_that_does_not_exist_fails",
        unknown_counter,
        "(no such counter)",
    ),
];

/// The case that is falsified: five packets from the Internet to a lwB4.
const CASE: &str = "encap_every_protocol";

/// What is sent may bear these Identifications instead of the expected ones, or must not: then how
/// the harness says so.
type Identification = (&'static str, fn(usize, u32) -> u32, Option<&'static str>);

const IDENTIFICATIONS: &[Identification] = &[
    (
        "identifications_may_be_any",
        |_, expected| expected.wrapping_mul(0x9e37_79b9) ^ 0x8000_0001,
        None,
    ),
    (
        "packets_that_share_an_identification_fail",
        |_, _| 7,
        Some("with the Identification of another packet"),
    ),
    (
        "pieces_of_one_packet_with_different_identifications_fail",
        |index, _| index as u32,
        Some("differs"),
    ),
];

/// A case in which several packets leave in pieces.
const FRAGMENTED: &str = "too_big_for_the_tunnel";

/// One test for each fault, and one for the case as it is.
pub(crate) fn trials(base: &Arc<Base>, cases: &[Arc<Case>]) -> Outcome<Vec<Trial>> {
    let case = cases.iter().find(|case| case.name == CASE);
    let case = case.ok_or_else(|| format!("no case is called {CASE}"))?;
    let trial = |&(name, falsify, says): &Fault| {
        let (base, case) = (Arc::clone(base), Arc::clone(case));
        let name = format!("self_test::{name}");
        Trial::test(name, move || caught(&base, &case, falsify, says))
    };
    let mut trials: Vec<_> = FAULTS.iter().map(trial).collect();
    trials.push(Trial::test(
        "self_test::a_lost_packet_breaks_the_conservation_law",
        lost_packet,
    ));
    trials.push(Trial::test(
        "self_test::every_way_to_begin_and_to_end_is_in_the_conservation_law",
        every_way,
    ));
    let fragmented = cases.iter().find(|case| case.name == FRAGMENTED);
    let fragmented = fragmented.ok_or_else(|| format!("no case is called {FRAGMENTED}"))?;
    for &(name, renumber, says) in IDENTIFICATIONS {
        let case = Arc::clone(fragmented);
        let name = format!("self_test::{name}");
        trials.push(Trial::test(name, move || numbered(&case, renumber, says)));
    }
    Ok(trials)
}

fn caught(base: &Base, case: &Case, falsify: fn(&mut Wired), says: &str) -> Outcome<()> {
    let mut wired = Wired::new(case, Wiring::Plain, base.with(&case.config));
    let replayed = replay::run(&wired, Wiring::Plain)?;
    check::compare(&wired, &replayed).map_err(|faults| format!("unfalsified: {faults}"))?;
    falsify(&mut wired);
    match check::compare(&wired, &replayed) {
        Err(faults) if faults.contains(says) => Ok(()),
        Err(faults) => Err(format!("'{says}' is not in: {faults}").into()),
        Ok(()) => Err("the fault was not noticed".into()),
    }
}

fn wrong_octet(wired: &mut Wired) {
    wired.access_out[0].octets[60] ^= 1;
}

fn missing_packet(wired: &mut Wired) {
    wired.access_out.pop();
}

fn surplus_packet(wired: &mut Wired) {
    wired.access_out.push(wired.access_out[0].clone());
}

fn other_order(wired: &mut Wired) {
    wired.access_out.swap(0, 1);
}

fn wrong_counter(wired: &mut Wired) {
    wired.counters.set("rcvd-ipv4-packets", 6);
}

fn unlisted_counter(wired: &mut Wired) {
    wired.counters.set("sent-ipv6-packets", 0);
}

fn unknown_counter(wired: &mut Wired) {
    wired.counters.set("drop-on-a-whim", 1);
}

/// No program run: a packet that neither left nor was dropped must be noticed by the law alone.
fn lost_packet() -> Outcome<()> {
    let mut counters = crate::counters::Counters::default();
    for (name, value) in [
        ("rx-access-packets", 7),
        ("tx-access-packets", 3),
        ("drop-too-big", 2),
        ("punted-icmp", 2),
    ] {
        counters.set(name, value);
    }
    counters.conservation()?;
    counters.set("punted-icmp", 1);
    match counters.conservation() {
        Err(_) => Ok(()),
        Ok(()) => Err("a packet vanished unnoticed".into()),
    }
}

/// One packet more of any kind, alone, is out of balance.
fn every_way() -> Outcome<()> {
    let came = [
        ("rx-internet-packets", 1),
        ("rx-access-packets", 2),
        ("out-icmpv4-error-packets", 4),
        ("out-icmpv6-error-packets", 8),
        ("sent-ipv6-fragments", 16),
        ("sent-ipv4-fragments", 32),
        ("reassembled-ipv6-packets", 64),
    ];
    let went = [
        ("tx-internet-packets", 1),
        ("tx-access-packets", 2),
        ("punted-neighbour", 1),
        ("punted-icmp", 1),
        ("punted-pcp", 1),
        ("punted-other", 1),
        ("heard-icmpv6-errors", 8),
        ("fragmented-ipv6-packets", 16),
        ("fragmented-ipv4-packets", 32),
        ("ipv6-fragments-reassembled", 50),
        ("held-ipv6-fragments", 9),
        ("held-ipv4-fragments", 3),
        ("drop-of-any-kind", 2),
    ];
    let mut counters = crate::counters::Counters::default();
    for (name, value) in came.into_iter().chain(went) {
        counters.set(name, value);
    }
    counters.conservation()?;
    for (name, value) in came.into_iter().chain(went) {
        counters.set(name, value + 1);
        if counters.conservation().is_ok() {
            return Err(format!("{name} is not in the law").into());
        }
        counters.set(name, value);
    }
    Ok(())
}

/// No program run: the case's own packets under other Identifications.
fn numbered(
    case: &Case,
    renumber: fn(usize, u32) -> u32,
    says: Option<&'static str>,
) -> Outcome<()> {
    let expected = &case.access.leaving;
    let mut sent = expected.clone();
    for (index, frame) in sent.iter_mut().enumerate() {
        // The next header of an untagged frame's IPv6 header, and what follows it.
        if frame.octets[20] == 44 {
            let field = &mut frame.octets[58..62];
            let number = field
                .iter()
                .fold(0, |sum, octet| sum << 8 | u32::from(*octet));
            field.copy_from_slice(&renumber(index, number).to_be_bytes());
        }
    }
    match (check::sequence("access-out", expected, &sent), says) {
        (None, None) => Ok(()),
        (Some(fault), Some(says)) if fault.contains(says) => Ok(()),
        (fault, _) => Err(format!("expected {says:?}, found {fault:?}").into()),
    }
}
