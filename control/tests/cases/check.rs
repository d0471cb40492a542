//! Comparing what came out with what a case expects: packets octet by octet in order, every
//! counter, and the conservation law. Identifications of IPv6 fragments are numbered anew first.

use std::env;
use std::fmt::Write;

use crate::Outcome;
use crate::capture::Frame;
use crate::case::Base;
use crate::case::Case;
use crate::identification;
use crate::replay;
use crate::replay::Replayed;
use crate::wiring::Wired;
use crate::wiring::Wiring;

/// Replays a case in one wiring and checks it.
pub(crate) fn case(base: &Base, case: &Case, wiring: Wiring) -> Outcome<()> {
    let wired = Wired::new(case, wiring, base.with(&case.config));
    let replayed = replay::run(&wired, wiring)?;
    let update = env::var_os("UPDATE_COUNTERS").is_some_and(|value| value == "1");
    let mut wired = wired;
    if update && wiring == Wiring::Plain {
        case.rewrite_counters(&replayed.counters)?;
        wired.counters = replayed.counters.clone();
    }
    compare(&wired, &replayed).map_err(|faults| format!("{}\n{faults}", case.sentence).into())
}

/// All that differs, a line each.
pub(crate) fn compare(wired: &Wired, replayed: &Replayed) -> Result<(), String> {
    let mut faults = Vec::new();
    faults.extend(sequence(
        "internet-out",
        &wired.internet_out,
        &replayed.internet_out,
    ));
    faults.extend(sequence(
        "access-out",
        &wired.access_out,
        &replayed.access_out,
    ));
    faults.extend(replayed.counters.differences(&wired.counters));
    faults.extend(replayed.counters.conservation().err());
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

/// The first difference of two sequences of frames; times do not matter.
pub(crate) fn sequence(name: &str, expected: &[Frame], sent: &[Frame]) -> Option<String> {
    if let Some(index) = identification::shared(sent) {
        return Some(format!(
            "{name}: packet {index} is a fragment with the Identification of another packet"
        ));
    }
    let (expected, sent) = (
        identification::renumbered(expected),
        identification::renumbered(sent),
    );
    let differing = expected
        .iter()
        .zip(&sent)
        .position(|(one, other)| one.octets != other.octets);
    if let Some(index) = differing {
        let (wanted, got) = (&expected[index].octets, &sent[index].octets);
        let octet = wanted.iter().zip(got).position(|(one, other)| one != other);
        let octet = octet.unwrap_or(wanted.len().min(got.len()));
        let (wanted, got) = (hex(wanted), hex(got));
        return Some(format!(
            "{name}: packet {index} differs from octet {octet} on\n  expected {wanted}\n  sent     {got}"
        ));
    }
    if expected.len() == sent.len() {
        return None;
    }
    let (wanted, got) = (expected.len(), sent.len());
    let odd = expected
        .get(got)
        .or_else(|| sent.get(wanted))
        .map(|frame| hex(&frame.octets));
    Some(format!(
        "{name}: expected {wanted} packets, sent {got}; the first of the others is\n  {}",
        odd.unwrap_or_default()
    ))
}

fn hex(octets: &[u8]) -> String {
    let mut text = String::new();
    for octet in octets.iter().take(LONGEST) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{octet:02x}");
    }
    if octets.len() > LONGEST {
        let _ = write!(text, "… {} octets in all", octets.len());
    }
    text
}

/// Octets of a frame that are worth showing.
const LONGEST: usize = 160;
