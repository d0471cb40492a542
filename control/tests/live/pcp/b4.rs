//! The B4's side: the command `pcp` through the tunnel, and what it is told.
//!
//! A test can name binaries of its own package only, so that this program is the command as well: with
//! [`COMMAND`] in its environment it does what the binary `pcp` does.

use std::env;
use std::fmt;
use std::fmt::Display;
use std::io;
use std::process::Command;
use std::process::ExitCode;

use clap::Parser;
use pcp_cli::cli::Cli;
use programs::Outcome;
use programs::run;
use serde_json::Value;

use crate::lab::Lab;
use crate::network::Place;

/// The variable of the environment that makes this program the command `pcp`.
pub(crate) const COMMAND: &str = "LWAFTR_LIVE_IS_PCP";

/// Does what the command `pcp` does.
pub(crate) fn command() -> ExitCode {
    match pcp_cli::execute(&Cli::parse(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pcp: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// A port set, as its holder or an operator is told of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Ports {
    pub(super) address: String,
    pub(super) first: u16,
    pub(super) last: u16,
}

impl Ports {
    /// From an object with these names.
    pub(super) fn read(object: &Value, address: &str) -> Outcome<Self> {
        let port = |name: &str| object[name].as_u64().and_then(|port| port.try_into().ok());
        match (
            object[address].as_str(),
            port("first_port"),
            port("last_port"),
        ) {
            (Some(address), Some(first), Some(last)) => Ok(Self {
                address: address.to_owned(),
                first,
                last,
            }),
            _ => Err(format!("no port set: {object}").into()),
        }
    }

    /// From a line of `show leases` or an answer of `lease who`.
    pub(super) fn of_lease(lease: &Value) -> Outcome<Self> {
        Self::read(lease, "ipv4")
    }
}

impl Display for Ports {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            to,
            "ports {} to {} of {}",
            self.first, self.last, self.address
        )
    }
}

/// `pcp map` with the B4's own nonce; gives the set.
pub(super) fn map(lab: &Lab) -> Outcome<Ports> {
    Ports::read(&ask(lab, &["map"])?, "external_address")
}

/// `pcp map`, and the B4's host uses what it is given.
pub(super) fn provision(lab: &Lab) -> Outcome<Ports> {
    let ports = map(lab)?;
    lab.use_ports(&ports.address, ports.first, ports.last)?;
    Ok(ports)
}

/// `pcp delete` with the B4's own nonce.
pub(super) fn delete(lab: &Lab) -> Outcome<()> {
    match ask(lab, &["delete"])? {
        answer if answer["lifetime_s"] == 0 => Ok(()),
        answer => Err(format!("it lives on: {answer}").into()),
    }
}

/// The epoch that `pcp announce` tells.
pub(super) fn epoch(lab: &Lab) -> Outcome<u64> {
    let printed = run(pcp(lab).args(["announce", "--json"]))?;
    let answer: Value = serde_json::from_str(&printed)?;
    let epoch = answer["epoch_s"].as_u64();
    epoch.ok_or_else(|| format!("no epoch: {answer}").into())
}

/// `pcp map` from the B4 is refused with this result.
pub(super) fn is_refused(lab: &Lab, result: &str) -> Outcome<()> {
    let nonce = lab.folder().join("nonce");
    let output = pcp(lab)
        .args(["map", "--json", "--nonce-file"])
        .arg(nonce)
        .output()?;
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    if output.status.code() == Some(1) && answer["result"] == result {
        Ok(())
    } else {
        Err(format!("expected {result}, not {answer} with {}", output.status).into())
    }
}

fn ask(lab: &Lab, arguments: &[&str]) -> Outcome<Value> {
    let nonce = lab.folder().join("nonce");
    let mut command = pcp(lab);
    command.args(arguments).args(["--json", "--nonce-file"]);
    Ok(serde_json::from_str(&run(command.arg(nonce))?)?)
}

fn pcp(lab: &Lab) -> Command {
    let this = env::current_exe().unwrap_or_default();
    let mut command = lab.network.command(Place::B4, this);
    command.env(COMMAND, "");
    command
}
