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
        ("punted-packets", 2),
    ] {
        counters.set(name, value);
    }
    counters.conservation()?;
    counters.set("punted-packets", 1);
    match counters.conservation() {
        Err(_) => Ok(()),
        Ok(()) => Err("a packet vanished unnoticed".into()),
    }
}
