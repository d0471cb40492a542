//! Leases are lost, and those who had them hear of it and get them back (T-17); where none were lost, nobody
//! hears anything (T-18).

use std::fs;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use programs::Outcome;
use programs::Process;
use programs::run;
use programs::wait_until;
use serde_json::Value;

use crate::lab::Lab;
use crate::network::Place;
use crate::pcp::Scenario;
use crate::pcp::b4;
use crate::pcp::leased;
use crate::pcp::leasing::lease;
use crate::pcp::leasing::works;
use crate::pcp::pool;
use crate::pcp::same;
use crate::scenarios::TRANSFER;
use crate::scenarios::in_lab;

pub(super) fn trials() -> Vec<Trial> {
    let scenarios: [Scenario; 3] = [
        (
            "pcp_t_17_fo_011_after_a_loss_all_hear_of_it_and_get_their_sets_back",
            store_lost,
        ),
        (
            "pcp_fo_011_leases_of_an_older_copy_rest_for_those_who_had_them",
            older_copy,
        ),
        ("pcp_an_operator_has_all_lwb4s_ask_again", announce),
    ];
    let trial = |(name, scenario): Scenario| {
        Trial::test(name, move || in_lab(&leased(&with_recovery()), scenario))
    };
    scenarios.into_iter().map(trial).collect()
}

/// The usual pool, and announcements that a test can wait for.
fn with_recovery() -> String {
    let recovery = format!("[pcp]\nrecovery = {{ multicast_group = \"{GROUP}\" }}\n");
    pool(6).replace("[pcp]\n", &recovery)
}

fn returning(lab: &Lab) -> Outcome<Process> {
    // An epoch that has only just begun cannot be seen to go back.
    until(lab, "an older epoch", |pcp| {
        pcp["epoch_s"].as_u64() > Some(5)
    })?;
    let arguments = ["2001:db8:af::1", LWB4S, GROUP];
    let mut returning = lab.script(Place::B4, "returning.py", &arguments)?;
    returning.wait_for("ready", TRANSFER)?;
    Ok(returning)
}

fn store_lost(lab: &mut Lab) -> Outcome<()> {
    let mut returning = returning(lab)?;
    let before = sets(lab)?;
    noted(lab)?;
    let epoch = lab.daemon.show("pcp")?["epoch_s"].as_u64();
    // A crash with the store intact is invisible.
    lab.daemon.kill()?;
    lab.start_again()?;
    let pcp = lab.daemon.show("pcp")?;
    same("recovery", &pcp["recovery"], &Value::Null)?;
    same("announcements", &pcp["announcements"], &0.into())?;
    if pcp["epoch_s"].as_u64() < epoch {
        return Err(format!("epoch {epoch:?} went on as {}", pcp["epoch_s"]).into());
    }
    same("sets after a crash", sets(lab)?.len(), before.len())?;
    // The roster is written anew in this run.
    noted(lab)?;
    lab.daemon.kill()?;
    fs::remove_dir_all(lab.folder().join("leases"))?;
    // Somebody who lost his set, too, and does not stop sending (FO-011).
    let mut first = lab.script(Place::B4, "first.py", &["2001:db8:af::1"])?;
    first.wait_for("ready", TRANSFER)?;
    lab.start_again()?;
    let heard = first.succeed(PATIENCE)?;
    if !heard.contains("PCP, then 1/5") {
        return Err(format!("whoever has no set hears {heard}").into());
    }
    b4::is_refused(lab, "NO_RESOURCES")?;
    let printed = returning.succeed(PATIENCE)?;
    if !printed.contains(&format!("{LWB4S} are back")) {
        return Err(format!("not all came back: {printed}").into());
    }
    same("sets", format!("{:?}", sets(lab)?), format!("{before:?}"))?;
    until(lab, "the end of announcements", |pcp| {
        pcp["recovery"]["is_over"] == true
    })?;
    let pcp = lab.daemon.show("pcp")?;
    same(
        "peers",
        pcp["recovery"]["peers"].to_string(),
        LWB4S.to_owned(),
    )?;
    if pcp["refused_in_grace"].as_u64() < Some(1) || pcp["epoch_s"].as_u64() > Some(60) {
        return Err(format!("{pcp}").into());
    }
    // What was told is over with: the next start is quiet again.
    noted(lab)?;
    lab.daemon.terminate()?;
    lab.start_again()?;
    let pcp = lab.daemon.show("pcp")?;
    same("recovery", &pcp["recovery"], &Value::Null)
}

fn older_copy(lab: &mut Lab) -> Outcome<()> {
    let ports = b4::provision(lab)?;
    works(lab, &ports)?;
    lab.daemon.terminate()?;
    let (store, copy) = (lab.folder().join("leases"), lab.folder().join("copy"));
    let mut cp = Command::new("cp");
    run(cp.arg("-a").arg(&store).arg(&copy))?;
    lab.start_again()?;
    // Something that the copy does not know.
    same("set", b4::map(lab)?, ports.clone())?;
    noted(lab)?;
    lab.daemon.terminate()?;
    fs::remove_dir_all(&store)?;
    fs::rename(&copy, &store)?;
    lab.start_again()?;
    lease(lab, &ports, "resting")?;
    let pcp = lab.daemon.show("pcp")?;
    same("peers", &pcp["recovery"]["peers"], &1.into())?;
    if b4::epoch(lab)? > 30 {
        return Err("the epoch went on".into());
    }
    same("set of the older copy", b4::map(lab)?, ports.clone())?;
    works(lab, &ports)?;
    noted(lab)?;
    lab.daemon.kill()?;
    lab.start_again()?;
    lease(lab, &ports, "held")?;
    works(lab, &ports)
}

fn announce(lab: &mut Lab) -> Outcome<()> {
    let mut returning = returning(lab)?;
    let before = sets(lab)?;
    let told = lab.daemon.ask(&["lease", "announce", "--json"])?;
    let told: Value = serde_json::from_str(&told)?;
    same("lwB4s", told["lwb4s"].to_string(), LWB4S.to_owned())?;
    returning.succeed(PATIENCE)?;
    same("sets", format!("{:?}", sets(lab)?), format!("{before:?}"))
}

/// Waits until the roster has all leases and the position of the store. It is written once a second.
fn noted(lab: &Lab) -> Outcome<()> {
    let file = lab.folder().join("leases.roster");
    let commits = |lab: &Lab| {
        lab.daemon
            .show("pcp")
            .map(|pcp| pcp["store"]["commits"].clone())
    };
    let before = fs::metadata(&file).and_then(|file| file.modified()).ok();
    let commits_before = commits(lab)?;
    let is_noted = || {
        let after = fs::metadata(&file).and_then(|file| file.modified()).ok();
        after.is_some() && after != before
    };
    // The store's seals move its position although nobody asks for anything.
    if wait_until(PATIENCE, is_noted) {
        Ok(())
    } else {
        Err(format!("the roster stays as it is after {commits_before} commits").into())
    }
}

/// The set of each lwB4, sorted.
fn sets(lab: &Lab) -> Outcome<Vec<(String, String, u64)>> {
    let leases = lab.daemon.show("leases")?;
    let leases = leases.as_array().ok_or("show leases gives no list")?;
    let held = leases.iter().filter(|lease| lease["state"] == "held");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut sets: Vec<_> = held
        .map(|lease| {
            let port = lease["first_port"].as_u64().unwrap_or_default();
            (text(&lease["b4"]), text(&lease["ipv4"]), port)
        })
        .collect();
    sets.sort();
    Ok(sets)
}

fn until(lab: &Lab, what: &str, is_so: impl Fn(&Value) -> bool) -> Outcome<()> {
    if wait_until(PATIENCE, || {
        lab.daemon.show("pcp").is_ok_and(|pcp| is_so(&pcp))
    }) {
        Ok(())
    } else {
        Err(format!("waited in vain for {what}").into())
    }
}

const LWB4S: &str = "100";
const GROUP: &str = "ff05::4f6:1";
const PATIENCE: Duration = Duration::from_secs(40);
