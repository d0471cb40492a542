//! Port sets by PCP from a running lwAFTR: asked for inside a tunnel with the command `pcp`, used at once,
//! kept over restarts, and refused where they cannot be kept (RFC 7596 s6.1, RFC 6887, RFC 7753).

mod b4;
mod kills;
mod leasing;
mod recovery;
mod refused;
mod reserved;
mod restart;
mod space;

use std::fmt::Display;

use libtest_mimic::Trial;
use programs::Outcome;

use crate::daemon::Provisioned;
use crate::daemon::Setup;
use crate::lab::Lab;
use crate::scenarios::in_lab;

pub(crate) use b4::COMMAND;
pub(crate) use b4::command;

type Scenario = (&'static str, fn(&mut Lab) -> Outcome<()>);

/// All of them.
pub(crate) fn trials() -> Vec<Trial> {
    let scenarios = [
        leasing::SCENARIOS,
        restart::SCENARIOS,
        refused::SCENARIOS,
        reserved::SCENARIOS,
        kills::SCENARIOS,
    ];
    let scenarios = scenarios.into_iter().flatten();
    let mut trials: Vec<_> = scenarios
        .map(|&(name, scenario)| Trial::test(name, move || in_lab(&leased(&pool(6)), scenario)))
        .collect();
    trials.extend(reserved::trials());
    trials.extend(space::trials());
    trials.extend(recovery::trials());
    trials
}

/// A set-up whose B4 asks for its ports.
fn leased(softwires: &str) -> Setup {
    Setup {
        provisioned: Provisioned::Pcp(softwires.to_owned()),
        ..Setup::default()
    }
}

/// The pool that the Internet host has a route to, in sets of this PSID length.
fn pool(psid_length: u8) -> String {
    pool_of("192.0.2.0/24", psid_length)
}

fn pool_of(prefix: &str, psid_length: u8) -> String {
    format!(
        r#"
[[pool]]
name = "residential"
prefix = "{prefix}"
psid_length = {psid_length}
br = "2001:db8:af::1"
clients = ["2001:db8::/32"]

[pcp]

[leases]
path = "leases"
"#
    )
}

/// Two things that must be the same are.
fn same<T: PartialEq + Display>(what: &str, found: T, expected: T) -> Outcome<()> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: expected {expected}, found {found}").into())
    }
}
