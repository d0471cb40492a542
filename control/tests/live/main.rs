//! The running daemon between real kernels, in network namespaces over veth.
//!
//! ```text
//!   B4 (TUN, raw IPv6 socket) ══ access0 ─ lwaftr run ─ inet0 ══ Internet host
//! ```
//!
//! Needs root, namespaces and the Linux tools that `scripts/setup` installs; what is missing is a
//! failure, not a test left out. One scenario runs at a time, because the machine's cores are part
//! of what is tested. `cargo test` leaves these tests out; `scripts/test` names them.

mod daemon;
mod fragments;
mod homes;
mod lab;
mod neighbours;
mod network;
mod path_mtu;
mod pcp;
mod refusals;
mod scenarios;
mod sleeper;
mod traces;

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    if env::var_os(pcp::COMMAND).is_some() {
        return pcp::command();
    }
    if env::var_os(homes::COMMAND).is_some() {
        return homes::command();
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    if !arguments.list
        && let Err(missing) = prerequisites()
    {
        eprintln!("live: {missing}");
        return ExitCode::FAILURE;
    }
    let mut trials = scenarios::trials();
    trials.extend(refusals::trials());
    trials.extend(sleeper::trials());
    trials.extend(path_mtu::trials());
    trials.extend(fragments::trials());
    trials.extend(traces::trials());
    trials.extend(neighbours::trials());
    trials.extend(pcp::trials());
    trials.extend(homes::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// One line that says what this machine lacks.
fn prerequisites() -> Result<(), String> {
    for program in [
        "ip",
        "ethtool",
        "sysctl",
        "ping",
        "kill",
        "traceroute",
        "tracepath",
        "unshare",
        "setpriv",
        "mount",
        "umount",
        "/usr/bin/python3",
    ] {
        let mut ask = Command::new("sh");
        ask.args(["-c", "command -v \"$0\"", program])
            .stdout(Stdio::null());
        if !ask.status().is_ok_and(|status| status.success()) {
            return Err(format!("{program} is missing: scripts/setup installs it"));
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let user = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .unwrap_or_default();
    if user.split_whitespace().nth(1) != Some("0") {
        return Err("must run as root: it makes network namespaces".to_owned());
    }
    if !Path::new("/dev/net/tun").exists() {
        return Err("/dev/net/tun is missing: the B4 needs a TUN device".to_owned());
    }
    network::probe()
}

/// A script of the project.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../scripts")
        .join(name)
}
