//! The daemon is killed at random moments while many lwB4s ask: what was acknowledged is there after each
//! restart, nothing else is, and the data path has the same (s10.2 of the conformance list).
//!
//! `LWAFTR_KILLS` says how often, by default ten times.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use programs::Outcome;
use serde_json::Value;

use crate::lab::Lab;
use crate::network::Place;
use crate::pcp::Scenario;
use crate::scenarios::TRANSFER;

pub(super) const SCENARIOS: &[Scenario] = &[(
    "pcp_no_acknowledged_lease_is_lost_invented_or_doubled_by_kills",
    kills,
)];

/// An address and the first port of a set of it.
type Set = (String, u16);

fn kills(lab: &mut Lab) -> Outcome<()> {
    let file = lab.folder().join("subscribers.json");
    let rounds = env::var("LWAFTR_KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok());
    let mut acknowledged = 0;
    for round in 0..rounds.unwrap_or(KILLS) {
        acknowledged += kill_under_load(lab, &file)?;
        lab.start_again()?;
        compare(lab, &file).map_err(|failed| {
            let message = failed.message().unwrap_or_default();
            format!("after kill {}: {message}", round + 1)
        })?;
    }
    if acknowledged < 100 {
        return Err(format!("only {acknowledged} requests were acknowledged").into());
    }
    Ok(())
}

/// Kills the daemon some time after all began to ask; gives how many answers there were.
fn kill_under_load(lab: &mut Lab, file: &Path) -> Outcome<u64> {
    let (count, file) = (SUBSCRIBERS.to_string(), file.to_string_lossy());
    let arguments = ["2001:db8:af::1", &count, &file];
    let mut subscribers = lab.script(Place::B4, "subscribers.py", &arguments)?;
    subscribers.wait_for("ready", TRANSFER)?;
    thread::sleep(Duration::from_millis(fastrand::u64(50..800)));
    lab.daemon.kill()?;
    subscribers.terminate()?;
    let printed = subscribers.succeed(TRANSFER)?;
    let mut words = printed.split_whitespace().rev().skip(1);
    let count = words.next().and_then(|count| count.parse().ok());
    count.ok_or_else(|| format!("no number of answers: {printed}").into())
}

/// What the lwB4s know, what the leases are, and what is forwarded.
fn compare(lab: &Lab, file: &Path) -> Outcome<()> {
    let held = held(lab)?;
    let forwarded = forwarded(lab)?;
    if held != forwarded {
        return Err(format!("held are {held:?}, forwarded {forwarded:?}").into());
    }
    let subscribers: Vec<Value> = serde_json::from_slice(&fs::read(file)?)?;
    let mut others: BTreeSet<&str> = held.keys().map(String::as_str).collect();
    for subscriber in &subscribers {
        let b4 = subscriber["b4"].as_str().unwrap_or_default();
        let known = set_of(&subscriber["set"]);
        let found = held.get(b4).cloned();
        let is_right = match subscriber["pending"].as_str() {
            None => found == known,
            // It may have been served or not.
            Some("delete") => found == known || found.is_none(),
            Some(_) => known.is_none() || found == known,
        };
        if !is_right {
            return Err(format!("{subscriber} has {found:?}").into());
        }
        others.remove(b4);
    }
    if others.is_empty() {
        Ok(())
    } else {
        Err(format!("{others:?} never asked and have leases").into())
    }
}

/// The set of each lwB4; none has two, and none is had by two.
fn held(lab: &Lab) -> Outcome<BTreeMap<String, Set>> {
    let leases = lab.daemon.show("leases")?;
    let leases = leases.as_array().ok_or("show leases gives no list")?;
    let held = leases.iter().filter(|lease| lease["state"] == "held");
    let pairs = held.filter_map(|lease| {
        let set = set_of(&serde_json::json!([lease["ipv4"], lease["first_port"]]))?;
        Some((lease["b4"].as_str()?.to_owned(), set))
    });
    one_each(pairs)
}

fn forwarded(lab: &Lab) -> Outcome<BTreeMap<String, Set>> {
    let dump = lab.daemon.ask(&["softwire", "dump"])?;
    let pairs = dump.lines().skip(1).filter_map(|row| {
        let fields: Vec<_> = row.split(',').collect();
        let [ipv4, _, _, psid, b4, _] = fields[..] else {
            return None;
        };
        let psid: u16 = psid.parse().ok()?;
        Some((b4.to_owned(), (ipv4.to_owned(), psid << 10)))
    });
    one_each(pairs)
}

fn one_each(pairs: impl Iterator<Item = (String, Set)>) -> Outcome<BTreeMap<String, Set>> {
    let (mut of_b4, mut sets) = (BTreeMap::new(), BTreeSet::new());
    for (b4, set) in pairs {
        if !sets.insert(set.clone()) {
            return Err(format!("{set:?} is there twice").into());
        }
        if let Some(other) = of_b4.insert(b4.clone(), set.clone()) {
            return Err(format!("{b4} has {other:?} and {set:?}").into());
        }
    }
    Ok(of_b4)
}

fn set_of(set: &Value) -> Option<Set> {
    let port = set[1].as_u64().and_then(|port| port.try_into().ok())?;
    Some((set[0].as_str()?.to_owned(), port))
}

const KILLS: u32 = 10;
const SUBSCRIBERS: usize = 1000;
