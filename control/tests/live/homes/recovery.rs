//! What fails and what is noticed of it: the lwAFTR with and without its leases, a lwB4, an address.

use std::fs;
use std::time::Duration;

use programs::Outcome;
use programs::Process;
use serde_json::Value;

use super::Scenario;
use super::home::Held;
use super::village::HOST;
use super::village::Village;
use crate::network::Place;

pub(super) const SCENARIOS: &[Scenario] = &[
    ("t_18_homes_do_not_notice_a_restart_of_the_lwaftr", restart),
    (
        "t_17_homes_have_their_sets_again_after_a_loss_of_state",
        loss,
    ),
    ("fo_010_a_revoked_set_is_asked_for_again", revocation),
    ("c_03_a_lwb4_that_starts_again_has_its_set", lwb4_restart),
    ("lw_026_a_new_ipv6_address_takes_the_set_along", renumbering),
    ("pc_103_homes_wait_for_their_lwaftr", no_lwaftr),
];

/// A connection that must survive.
fn talk(village: &Village) -> Outcome<(Process, Process)> {
    let server = village.serve(Place::Internet, "seen.py", &["serve", HOST, "80"])?;
    let mut client = village.script(Place::Lan(1), "seen.py", &["talk", HOST, "80"])?;
    client.wait_for("192.0.2.1 ", PATIENCE)?;
    Ok((server, client))
}

fn ends_well(mut client: Process) -> Outcome<()> {
    client.terminate()?;
    let printed = client.succeed(PATIENCE)?;
    if printed.contains(" lines, ") {
        return Ok(());
    }
    Err(format!("the connection did not survive: {printed}").into())
}

/// How many requests the lwAFTR has answered with a set.
fn grants(village: &Village) -> Outcome<Value> {
    let mut shown = village.daemon.show("pcp")?;
    Ok(shown["results"].take())
}

fn restart(village: &mut Village) -> Outcome<()> {
    let sets = sets(village)?;
    let (_server, client) = talk(village)?;
    village.daemon.kill()?;
    village.start_again()?;
    // A line through the new lwAFTR, before anybody is asked whether something happened.
    village.seen(Place::Lan(1), HOST, 80)?;
    ends_well(client)?;
    same_sets(village, &sets)?;
    let asked = grants(village)?;
    if asked["success"].as_u64().unwrap_or_default() > 0 {
        return Err(format!("somebody asked again: {asked}").into());
    }
    Ok(())
}

fn loss(village: &mut Village) -> Outcome<()> {
    let sets = sets(village)?;
    let (_server, client) = talk(village)?;
    village.daemon.kill()?;
    fs::remove_dir_all(village.folder().join("leases"))?;
    fs::remove_file(village.folder().join("leases.roster"))?;
    village.start_again()?;
    // Nobody is announced anything without a roster: the first packet is told 1/5, and that is verified.
    village.homes[0].becomes("RENEWED", |status| status["renewed"].as_u64() > Some(0))?;
    same_sets(village, &sets)?;
    ends_well(client)
}

fn revocation(village: &mut Village) -> Outcome<()> {
    let set = village.home(1).bound()?;
    let (_server, mut client) = talk(village)?;
    let port = set.first.to_string();
    let words = ["lease", "revoke", "--ipv4", &set.address, "--port", &port];
    village.daemon.ask(&words)?;
    // It rests for whom it belonged to, so the same client gets it back, or another one.
    village
        .home(1)
        .becomes("told", |status| status["unbound"].as_u64() > Some(0))?;
    // Until the answer the set stays, although the lwAFTR does not know it (FO-010).
    village
        .home(1)
        .becomes("answered", |status| status["renewed"].as_u64() > Some(0))?;
    village.home(1).bound()?;
    village.seen(Place::Lan(1), HOST, 80)?;
    client.kill()
}

fn lwb4_restart(village: &mut Village) -> Outcome<()> {
    let set = village.home(1).bound()?;
    let _server = village.serve(Place::Internet, "seen.py", &["serve", HOST, "80"])?;
    village.homes[0].kill()?;
    village.start_home(1)?;
    same_set(village, 1, &set)?;
    village.seen(Place::Lan(1), HOST, 80)?;
    village.homes[0].terminate()?;
    village.start_home(1)?;
    same_set(village, 1, &set)?;
    village.seen(Place::Lan(1), HOST, 80).map(drop)
}

fn renumbering(village: &mut Village) -> Outcome<()> {
    let set = village.home(1).bound()?;
    let (_server, client) = talk(village)?;
    let ip = |place, words: &str| {
        let words: Vec<_> = words.split(' ').collect();
        village.run(place, "ip", &words).map(drop)
    };
    ip(
        Place::Home(1),
        "-6 address add 2001:db8:b4:1::2/64 dev wan nodad",
    )?;
    ip(Place::Home(1), "-6 address del 2001:db8:b4:1::1/64 dev wan")?;
    let moved =
        |status: &Value| status["local"] == "2001:db8:b4:1::2" && status["state"] == "bound";
    village.home(1).becomes("moved", moved)?;
    same_set(village, 1, &set)?;
    village.seen(Place::Lan(1), HOST, 80)?;
    ends_well(client)
}

fn no_lwaftr(village: &mut Village) -> Outcome<()> {
    let set = village.home(1).bound()?;
    village.homes[0].terminate()?;
    village.daemon.kill()?;
    village.start_home(1)?;
    village
        .home(1)
        .becomes("asking", |status| status["state"] == "requesting")?;
    village.start_again()?;
    same_set(village, 1, &set)
}

fn sets(village: &Village) -> Outcome<Vec<Held>> {
    village.homes.iter().map(|home| home.bound()).collect()
}

fn same_sets(village: &Village, sets: &[Held]) -> Outcome<()> {
    for (number, set) in (1..).zip(sets) {
        same_set(village, number, set)?;
    }
    Ok(())
}

fn same_set(village: &Village, number: u8, set: &Held) -> Outcome<()> {
    let found = village.home(number).bound()?;
    if found == *set {
        return Ok(());
    }
    Err(format!("home {number} had {set:?} and has {found:?}").into())
}

const PATIENCE: Duration = Duration::from_secs(30);
