//! The whole system: LAN hosts behind lwB4s, provisioned by nothing but PCP, an access network, the lwAFTR
//! and an Internet (RFC 7596, RFC 6887, RFC 7753).
//!
//! ```text
//!   LAN host ═ lwb4 run ═ access network ═ lwaftr run ═ Internet host
//! ```

mod home;
mod reach;
mod recovery;
mod swarm;
mod village;

use std::env;
use std::process::ExitCode;

use clap::Parser;
use libtest_mimic::Trial;
use programs::Outcome;

use crate::daemon::Driver;

use village::Village;

/// The variable of the environment that makes this program the command `lwb4`.
pub(crate) const COMMAND: &str = "LWAFTR_LIVE_IS_LWB4";

/// Does what the command `lwb4` does.
pub(crate) fn command() -> ExitCode {
    let words = env::args_os();
    match lwb4::dispatch::execute(&lwb4::cli::Cli::parse_from(words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

type Scenario = (&'static str, fn(&mut Village) -> Outcome<()>);

/// All of them.
pub(crate) fn trials() -> Vec<Trial> {
    let scenarios = [reach::SCENARIOS, recovery::SCENARIOS];
    let trials = scenarios.into_iter().flatten().map(|&(name, scenario)| {
        Trial::test(name, move || {
            let mut village = Village::open(2, Driver::AfPacket)?;
            scenario(&mut village).map_err(|failed| village.explained(failed))
        })
    });
    let mut trials: Vec<_> = trials.collect();
    trials.push(Trial::test("homes_send_and_get_fragments", || {
        let mut village = Village::open(1, Driver::AfXdp)?;
        reach::fragments(&mut village).map_err(|failed| village.explained(failed))
    }));
    trials.push(Trial::test(
        "t_17_a_swarm_is_told_of_a_loss_of_state",
        || swarm::loses(true),
    ));
    trials.push(Trial::test("fo_012_a_swarm_finds_a_loss_of_state", || {
        swarm::loses(false)
    }));
    trials
}
