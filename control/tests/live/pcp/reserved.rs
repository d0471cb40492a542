//! The operator's own bindings beside leases: neither takes what the other has.

use libtest_mimic::Trial;
use programs::Outcome;

use crate::lab::Lab;
use crate::pcp::Scenario;
use crate::pcp::b4;
use crate::pcp::b4::Ports;
use crate::pcp::leased;
use crate::pcp::leasing::works;
use crate::pcp::pool_of;
use crate::scenarios::in_lab;

pub(super) const SCENARIOS: &[Scenario] =
    &[("pcp_a_leased_set_is_not_the_operators_to_bind", over_lease)];

pub(super) fn trials() -> Vec<Trial> {
    vec![Trial::test(
        "pcp_a_set_that_the_operator_binds_is_not_handed_out",
        || in_lab(&leased(&pool_of("192.0.2.4/32", 2)), free_sets),
    )]
}

fn over_lease(lab: &mut Lab) -> Outcome<()> {
    let ports = b4::provision(lab)?;
    refused(
        lab,
        "add",
        &row(&ports.address, 6, ports.first >> 10),
        "bound already",
    )?;
    refused(
        lab,
        "remove",
        &row(&ports.address, 6, ports.first >> 10),
        "leased",
    )?;
    refused(
        lab,
        "add",
        &row(&ports.address, 5, ports.first >> 11),
        &ports.address,
    )?;
    works(lab, &ports)
}

/// The pool has one address in four sets, the first of which meets excluded ports.
fn free_sets(lab: &mut Lab) -> Outcome<()> {
    for psid in 1..4 {
        lab.daemon.change("add", &row("192.0.2.4", 2, psid))?;
    }
    b4::is_refused(lab, "NO_RESOURCES")?;
    lab.daemon.change("remove", &row("192.0.2.4", 2, 2))?;
    let ports = b4::provision(lab)?;
    let free = Ports {
        address: "192.0.2.4".to_owned(),
        first: 0x8000,
        last: 0xbfff,
    };
    if ports != free {
        return Err(format!("{ports} were not free").into());
    }
    works(lab, &ports)
}

fn refused(lab: &Lab, verb: &str, rows: &str, words: &str) -> Outcome<()> {
    match lab.daemon.change(verb, rows) {
        Ok(()) => Err(format!("softwire {verb} was not refused: {rows}").into()),
        Err(failed) => match failed.message() {
            Some(message) if message.contains(words) => Ok(()),
            message => Err(format!("not about {words}: {message:?}").into()),
        },
    }
}

fn row(ipv4: &str, psid_length: u8, psid: u16) -> String {
    format!(
        "ipv4,psid_offset,psid_length,psid,b4,br\n{ipv4},0,{psid_length},{psid},2001:db8:b5::{psid},2001:db8:af::1\n"
    )
}
