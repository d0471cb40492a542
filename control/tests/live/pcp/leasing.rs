//! A lease from its grant to its end, as the B4, the Internet and the operator see it.

use programs::Outcome;

use crate::lab::HOST;
use crate::lab::Lab;
use crate::network::Place;
use crate::pcp::Scenario;
use crate::pcp::b4;
use crate::pcp::b4::Ports;
use crate::pcp::same;
use crate::scenarios::TRANSFER;
use crate::scenarios::counted;

pub(super) const SCENARIOS: &[Scenario] = &[
    (
        "pcp_a_port_set_works_from_its_grant_to_its_deletion",
        grant_to_deletion,
    ),
    (
        "pcp_a_revoked_lease_stops_and_its_set_rests_for_its_b4",
        revoke,
    ),
    ("pcp_other_b4s_get_other_sets", others),
];

fn grant_to_deletion(lab: &mut Lab) -> Outcome<()> {
    let ports = b4::provision(lab)?;
    works(lab, &ports)?;
    let (address, first) = (ports.address.as_str(), ports.first);
    let _echo = lab.serve(Place::Internet, "udp-echo", HOST, 53)?;
    lab.traffic(Place::B4, "udp-send", HOST, 53, &["0.5", "200"])?
        .succeed(TRANSFER)?;
    let _server = lab.serve(Place::B4, "tcp-serve", address, first + 7)?;
    lab.traffic(Place::Internet, "tcp-send", address, first + 7, &["1"])?
        .succeed(TRANSFER)?;
    lab.no_drops()?;
    operators_see(lab, &ports)?;
    let (told, epoch) = (b4::epoch(lab)?, lab.daemon.show("pcp")?["epoch_s"].as_u64());
    if epoch.is_none_or(|epoch| epoch.abs_diff(told) > 2) {
        return Err(format!("epoch {told} is announced, {epoch:?} shown").into());
    }
    b4::delete(lab)?;
    stopped(lab, &ports)?;
    lease(lab, &ports, "resting")?;
    // What is not there is deleted with success (RFC 6887 s15.1).
    b4::delete(lab)
}

/// `show leases`, `pools` and `pcp`, `lease who` and the table agree on the only lease.
fn operators_see(lab: &Lab, ports: &Ports) -> Outcome<()> {
    lease(lab, ports, "held")?;
    let pools = lab.daemon.show("pools")?;
    same("taken sets", &pools[0]["taken"], &1.into())?;
    let pcp = lab.daemon.show("pcp")?;
    same("leases", &pcp["held"], &1.into())?;
    same("leases in the store", &pcp["store"]["rows"], &1.into())?;
    let any_port = (ports.first + 99).to_string();
    for who in [
        &["--ipv4", &ports.address, "--port", &any_port][..],
        &["--b4", "2001:db8:b4::1"],
    ] {
        let found = lab
            .daemon
            .ask(&[&["lease", "who", "--json"], who].concat())?;
        let found: serde_json::Value = serde_json::from_str(&found)?;
        let found = found.get(0).unwrap_or(&found);
        same("holder", &found["b4"], &"2001:db8:b4::1".into())?;
        same("holder's set", &Ports::of_lease(found)?, ports)?;
    }
    counted(lab, "active-softwire-num", 1)
}

fn revoke(lab: &mut Lab) -> Outcome<()> {
    let ports = b4::provision(lab)?;
    works(lab, &ports)?;
    let port = ports.first.to_string();
    let one = ["--ipv4", &ports.address, "--port", &port];
    lab.daemon.ask(&[&["lease", "revoke"], &one[..]].concat())?;
    stopped(lab, &ports)?;
    lease(lab, &ports, "resting")?;
    if lab
        .daemon
        .ask(&[&["lease", "revoke"], &one[..]].concat())
        .is_ok()
    {
        return Err("a set that rests was revoked".into());
    }
    same("set after revocation", b4::map(lab)?, ports.clone())?;
    works(lab, &ports)
}

fn others(lab: &mut Lab) -> Outcome<()> {
    let ours = b4::provision(lab)?;
    let file = lab.folder().join("others.json");
    let file = file.to_string_lossy();
    let mut others = lab.script(
        Place::B4,
        "subscribers.py",
        &["2001:db8:af::1", "20", &file],
    )?;
    others.wait_for("ready", TRANSFER)?;
    works(lab, &ours)?;
    others.terminate()?;
    others.succeed(TRANSFER)?;
    let leases = lab.daemon.show("leases")?;
    let leases = leases.as_array().ok_or("show leases gives no list")?;
    let sets: Result<Vec<_>, _> = leases.iter().map(Ports::of_lease).collect();
    let mut sets = sets?;
    let count = sets.len();
    sets.sort_by(|a, b| (&a.address, a.first).cmp(&(&b.address, b.first)));
    sets.dedup();
    if count < 2 || sets.len() != count || !sets.contains(&ours) {
        return Err(format!("{count} leases, {} sets", sets.len()).into());
    }
    works(lab, &ours)
}

/// Packets of the set go both ways.
pub(super) fn works(lab: &Lab, ports: &Ports) -> Outcome<()> {
    lab.ping(Place::B4, HOST, ports.first + 76)?;
    lab.ping(Place::Internet, &ports.address, ports.last)
}

/// Packets of the set go no way.
fn stopped(lab: &Lab, ports: &Ports) -> Outcome<()> {
    lab.ping_in_vain(Place::B4, HOST, ports.first + 76)?;
    lab.ping_in_vain(Place::Internet, &ports.address, ports.last)?;
    lab.drops_only_for(&["drop-unbound-source", "drop-no-softwire"])
}

/// `show leases` has the only lease, in this state.
pub(super) fn lease(lab: &Lab, ports: &Ports, state: &str) -> Outcome<()> {
    let leases = lab.daemon.show("leases")?;
    let count = leases.as_array().map_or(0, Vec::len);
    same("leases", count, 1)?;
    same("state", &leases[0]["state"], &state.into())?;
    same("set", &Ports::of_lease(&leases[0])?, ports)
}
