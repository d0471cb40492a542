//! `lwb4 run` itself, told by Kea where to go and with which ports.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use clap::Parser;
use libtest_mimic::Trial;
use serde_json::Value;

use crate::Outcome;
use crate::kea;
use crate::kea::BIND;
use crate::kea::BR;
use crate::kea::PORT_PARAMS;
use crate::link::End;
use crate::link::Link;
use crate::process::Process;

/// The variable of the environment that makes this program the command `lwb4`.
pub(crate) const COMMAND: &str = "LWB4_TEST_DHCPV6_IS_LWB4";

/// Does what the command `lwb4` does.
pub(crate) fn command() -> ExitCode {
    match lwb4::dispatch::execute(&lwb4::cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "daemon: lw_023 kea's binding is used, and a broken one changes nothing",
            bound,
        ),
        Trial::test(
            "daemon: lw_021 a hook's binding is used until it is lost",
            hook,
        ),
        Trial::test("daemon: leases are given back to kea at the end", released),
        Trial::test(
            "daemon: a silent server does not keep it from ending",
            unheard,
        ),
    ]
}

fn bound() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let mut good = kea::kea(&link, &folder, &[BR, BIND, PORT_PARAMS])?;
    let daemon = start(&link, folder.path(), OWN)?;
    let look = || said(&link, folder.path(), &["status", "--json"]);
    is_bound(&look, &daemon)?;
    good.kill()?;
    // Option 96 must have a BR (RFC 7598 s6).
    let _broken = kea::kea(&link, &folder, &[BIND, PORT_PARAMS])?;
    let counters = || said(&link, folder.path(), &["counters", "--json"]);
    until(&counters, &daemon, |counters| {
        counters["dhcpv6-dropped-options"].as_u64() >= Some(1)
    })?;
    is_bound(&look, &daemon)
}

fn hook() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let daemon = start(&link, folder.path(), "mode = \"external\"")?;
    let look = || said(&link, folder.path(), &["status", "--json"]);
    until(&look, &daemon, |status| status["mechanism"] == "none")?;
    // DH-015, with the BR 2001:db8:af::1.
    let container = "96=005c0014c00002053820010db800b400005d000400056800\
        005a001020010db800af00000000000000000001";
    let prefix = "prefix=2001:db8:b4::/56,60";
    let words = ["dhcp6-hook", "lifetime=60", container, prefix];
    said(&link, folder.path(), &words)?;
    is_bound(&look, &daemon)?;
    said(&link, folder.path(), &["dhcp6-hook", "lost"])?;
    let none: [&str; 0] = [];
    until(&look, &daemon, |status| {
        status["sets"] == serde_json::json!(none)
    })
}

/// RFC 8415 s18.2.7, and nothing of it stays on the interface.
fn released() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let mut kea = kea::kea(&link, &folder, &[BR, BIND, PORT_PARAMS])?;
    let mut daemon = start(&link, folder.path(), OWN)?;
    let look = || said(&link, folder.path(), &["status", "--json"]);
    is_bound(&look, &daemon)?;
    daemon.terminate()?;
    kea.wait_for("DHCP6_RELEASE_NA", 1)?;
    kea.wait_for("DHCP6_RELEASE_PD", 1)?;
    let addresses = link
        .command(End::Cpe, "ip")
        .args(["address", "show", "wan"])
        .output()?;
    let addresses = String::from_utf8_lossy(&addresses.stdout).into_owned();
    for gone in ["2001:db8:aa::1000", "2001:db8:b4:"] {
        if addresses.contains(gone) {
            return Err(format!("{gone} is still there:\n{addresses}").into());
        }
    }
    Ok(())
}

fn unheard() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let mut kea = kea::kea(&link, &folder, &[BR, BIND, PORT_PARAMS])?;
    let mut daemon = start(&link, folder.path(), OWN)?;
    let look = || said(&link, folder.path(), &["status", "--json"]);
    is_bound(&look, &daemon)?;
    kea.kill()?;
    daemon.terminate()
}

/// With the set, and the address of LW-023.
fn is_bound(look: &dyn Fn() -> Outcome<Value>, daemon: &Process) -> Outcome<()> {
    until(look, daemon, |status| {
        let state = status["state"].as_str().unwrap_or_default();
        let set = status["sets"][0].as_str().unwrap_or_default();
        state.eq_ignore_ascii_case("bound")
            && set.starts_with("192.0.2.5")
            && status["ports"] == 2048
            && status["local"] == "2001:db8:b4::c000:205:d"
            && status["remote"] == "2001:db8:af::1"
    })
}

fn start(link: &Link, folder: &Path, dhcpv6: &str) -> Outcome<Process> {
    let config = folder.join("lwb4.toml");
    let text = format!(
        "[tunnel]\nwan = \"wan\"\nroutes = \"none\"\n[dhcpv6]\n{dhcpv6}\n\
         [pcp]\nmemory = \"memory.toml\"\n[api]\nsocket = \"lwb4.sock\"\n"
    );
    fs::write(&config, text)?;
    let mut command = link.command(End::Cpe, env::current_exe()?);
    command.args(["run", "-c"]).arg(&config).env(COMMAND, "1");
    let mut daemon = Process::start(&mut command, folder, "lwb4")?;
    daemon.wait_for("ready", 1)?;
    Ok(daemon)
}

/// What the command prints, as JSON; null if it prints nothing.
fn said(link: &Link, folder: &Path, words: &[&str]) -> Outcome<Value> {
    let mut command: Command = link.command(End::Cpe, env::current_exe()?);
    command.env(COMMAND, "1").arg(words[0]);
    command.arg("--socket").arg(folder.join("lwb4.sock"));
    let output = command.args(&words[1..]).output()?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{words:?}: {complaint}").into());
    }
    if output.stdout.is_empty() {
        return Ok(Value::Null);
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Asks until the answer is as wanted.
fn until(
    look: &dyn Fn() -> Outcome<Value>,
    daemon: &Process,
    wanted: impl Fn(&Value) -> bool,
) -> Outcome<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = look()?;
        if wanted(&seen) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("{seen:#}\n{}", daemon.printed()).into());
        }
        thread::sleep(POLL);
    }
}

const OWN: &str = "mode = \"own\"\naddress = true\nprefix = true";
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);
