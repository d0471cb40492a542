//! Two hundred lwB4s at once (`lwb4 swarm`), and what they do when the lwAFTR has lost what it promised them.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::time::Duration;

use programs::Outcome;
use programs::Process;
use programs::wait_until;
use serde_json::Value;

use super::COMMAND;
use super::village::Village;
use crate::daemon::Driver;
use crate::network::Place;

/// With a roster they are told (PC-142); without one each is told when it sends (FO-010, FO-012).
pub(super) fn loses(roster: bool) -> Outcome<()> {
    let mut village = Village::of(0, Driver::AfPacket, POOL)?;
    scenario(&mut village, roster).map_err(|failed| village.explained(failed))
}

fn scenario(village: &mut Village, roster: bool) -> Outcome<()> {
    let route = ["-6", "route", "add", PREFIX, "via", "2001:db8:b4:1::1"];
    village.run(Place::Access, "ip", &route)?;
    // An epoch that has only just begun cannot be seen to go back.
    let is_older = |pcp: Value| pcp["epoch_s"].as_u64() > Some(8);
    let ages = || village.daemon.show("pcp").is_ok_and(is_older);
    if !wait_until(PATIENCE, ages) {
        return Err("the epoch does not go on".into());
    }
    let mut swarm = start(village, roster)?;
    reaches(&mut swarm, "all have ports", |now| now["bound"] == COUNT)?;
    let before = leases(village)?;
    if before.len() as u64 != COUNT {
        return Err(format!("{} leases of {COUNT} lwB4s", before.len()).into());
    }
    if roster {
        noted(village)?;
    }
    village.daemon.kill()?;
    fs::remove_dir_all(village.folder().join("leases"))?;
    if !roster {
        fs::remove_file(village.folder().join("leases.roster"))?;
    }
    village.start_again()?;
    let told = if roster { "announced" } else { "unbound" };
    let asked = |now: &Value| {
        let again = now["granted"].as_u64().unwrap_or(0) + now["renewed"].as_u64().unwrap_or(0);
        now["bound"] == COUNT && again >= 2 * COUNT && now[told].as_u64() > Some(0)
    };
    reaches(&mut swarm, "all have asked again", asked)?;
    let after = leases(village)?;
    if after != before {
        let others = before.symmetric_difference(&after).count();
        return Err(format!("{others} leases are not what they were").into());
    }
    swarm.terminate()?;
    swarm.succeed(PATIENCE).map(drop)
}

/// Waits until the roster, which is written once a second, has everybody and the store's position.
fn noted(village: &Village) -> Outcome<()> {
    let file = village.folder().join("leases.roster");
    let octets = || fs::metadata(&file).map_or(0, |file| file.len());
    let written = || fs::metadata(&file).and_then(|file| file.modified()).ok();
    let mut before = None;
    let is_noted = || {
        if octets() < COUNT * ROSTER_RECORD {
            return false;
        }
        let since = *before.get_or_insert_with(written);
        // Nothing is written where there is nothing new.
        let rests = since.and_then(|since| since.elapsed().ok());
        written() != since || rests > Some(2 * ROSTER_EVERY)
    };
    if wait_until(PATIENCE, is_noted) {
        return Ok(());
    }
    Err(format!("the roster has {} octets", octets()).into())
}

/// Those who are told need not find it out.
fn start(village: &Village, is_told: bool) -> Outcome<Process> {
    let mut command = village.command(Place::Home(1), env::current_exe()?);
    command
        .env(COMMAND, "1")
        .args(["swarm", "--json", "--count", &COUNT.to_string()])
        .args(["--remote", "2001:db8:af::1", "--prefix", PREFIX]);
    if !is_told {
        command.args(["--talk", "2"]);
    }
    Process::start(&mut command, village.folder(), "swarm")
}

fn reaches(swarm: &mut Process, what: &str, is_so: impl Fn(&Value) -> bool) -> Outcome<()> {
    let last = |swarm: &Process| {
        let printed = swarm.printed();
        let lines = printed.lines().rev();
        lines
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .next()
    };
    let reached = wait_until(PATIENCE, || last(swarm).is_some_and(|now| is_so(&now)));
    if reached {
        return Ok(());
    }
    Err(format!("not so that {what}: {:?}", last(swarm)).into())
}

/// Who has which set.
fn leases(village: &Village) -> Outcome<BTreeSet<String>> {
    let shown = village.daemon.show("leases")?;
    let rows = shown.as_array().cloned().unwrap_or_default();
    let held = rows.iter().filter(|lease| lease["state"] == "held");
    Ok(held
        .map(|lease| format!("{} {} {}", lease["b4"], lease["ipv4"], lease["first_port"]))
        .collect())
}

const COUNT: u64 = 200;
/// How often the roster is written.
const ROSTER_EVERY: Duration = Duration::from_secs(1);
/// Octets of an lwB4 in the roster.
const ROSTER_RECORD: u64 = 32;
/// Routed to the home's router, which is the swarm.
const PREFIX: &str = "2001:db8:b4:ff00::/56";
const POOL: &str = r#"
[[pool]]
name = "residential"
prefix = "192.0.2.0/29"
psid_length = 8
br = "2001:db8:af::1"
clients = ["2001:db8::/32"]

[pcp]
subscriber_prefix_length = 64

[leases]
path = "leases"
"#;
const PATIENCE: Duration = Duration::from_secs(60);
