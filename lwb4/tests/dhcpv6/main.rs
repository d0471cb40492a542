//! The DHCPv6 client against real servers, Kea and dnsmasq, in network namespaces over veth.
//!
//! ```text
//!   the client, lwb4::dhcpv6, or lwb4 run ─ wan ══ isp ─ kea-dhcp6, or dnsmasq
//! ```
//!
//! Needs root and the servers, which `scripts/setup` installs; without them nothing is tested, and that is
//! said loudly. `cargo test` leaves these tests out; `scripts/test` names them.

mod cpe;
mod daemon;
mod dnsmasq;
mod kea;
mod link;

use std::env;
use std::fs;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;
use std::time::Duration;

use libtest_mimic::Arguments;
use libtest_mimic::Trial;

/// What a server or a client may take for anything.
const PATIENCE: Duration = Duration::from_secs(40);

fn main() -> ExitCode {
    if let Some(wanted) = env::var_os(cpe::WANTED) {
        return cpe::run(&wanted.to_string_lossy());
    }
    if env::var_os(daemon::COMMAND).is_some() {
        return daemon::command();
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    if !arguments.list
        && let Err(missing) = prerequisites()
    {
        eprintln!("NOT TESTED: DHCPv6 against real servers: {missing}");
        return ExitCode::SUCCESS;
    }
    let trials = [kea::trials(), dnsmasq::trials(), daemon::trials()];
    let trials: Vec<Trial> = trials.into_iter().flatten().collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// One line that says what this machine lacks.
fn prerequisites() -> Result<(), String> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    if user.and_then(|ids| ids.split_whitespace().nth(1)) != Some("0") {
        return Err("must run as root, to make network namespaces".to_owned());
    }
    for program in ["ip", "kea-dhcp6", "dnsmasq"] {
        let mut ask = Command::new("sh");
        ask.args(["-c", "command -v \"$0\"", program])
            .stdout(Stdio::null());
        if !ask.status().is_ok_and(|status| status.success()) {
            return Err(format!("{program} is missing: scripts/setup installs it"));
        }
    }
    Ok(())
}
