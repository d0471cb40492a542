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
use programs::Outcome;
use programs::Process;
use serde_json::Value;

use crate::PATIENCE;
use crate::dnsmasq;
use crate::kea;
use crate::kea::BIND;
use crate::kea::BIND_OF_LINK;
use crate::kea::BR;
use crate::kea::PORT_PARAMS;
use crate::link::End;
use crate::link::Link;

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
        Trial::test(
            "daemon: dh_005 the name's next address is used when the first is silent",
            named,
        ),
        Trial::test(
            "daemon: dh_040 a name alone is DS-Lite where PCP is not wanted",
            ds_lite,
        ),
        Trial::test("daemon: lw_028 dnsmasq is told the resolvers", resolvers),
        Trial::test(
            "daemon: lw_023 an address without a prefix is enough",
            address_alone,
        ),
        Trial::test(
            "daemon: lw_026 a hook's other binding takes the place of the first",
            changed,
        ),
        Trial::test(
            "daemon: pc_100 dh_041 option 86 names the PCP server",
            server,
        ),
        Trial::test("daemon: what is configured is said to be", configured),
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
    said(
        &link,
        folder.path(),
        &["dhcp6-hook", "lifetime=60", PSID_13, PREFIX],
    )?;
    is_bound(&look, &daemon)?;
    said(&link, folder.path(), &["dhcp6-hook", "lost"])?;
    let none: [&str; 0] = [];
    until(&look, &daemon, |status| {
        status["sets"] == serde_json::json!(none)
    })
}

/// Nobody answers at either address, so that one takes the place of the other.
fn named() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let range = "2001:db8:aa::,static,64";
    let hosts = [
        "aftr.example.com,2001:db8:af::1",
        "aftr.example.com,2001:db8:af::2",
    ];
    let _dnsmasq = dnsmasq::dnsmasq(&link, &folder, &[range, "24,example.com"], &hosts)?;
    let text = "[tunnel]\nremote_name = \"aftr.example.com\"\nroutes = \"none\"\n\
        [dns]\nservers = [\"2001:db8:aa::1\"]\n";
    let daemon = start_with(&link, folder.path(), text)?;
    let look = || said(&link, folder.path(), &["status", "--json"]);
    let first = seen(&look, &daemon, |status| status["remote"].is_string())?;
    let first = &first["remote"];
    let second = seen(&look, &daemon, |status| status["remote"] != *first)?;
    let both = [first.as_str(), second["remote"].as_str()];
    for address in ["2001:db8:af::1", "2001:db8:af::2"] {
        if !both.contains(&Some(address)) {
            return Err(format!("{both:?}").into());
        }
    }
    Ok(())
}

fn ds_lite() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let text = format!("{TUNNEL}[dhcpv6]\nmode = \"external\"\n[pcp]\non_aftr_name = false\n");
    let daemon = start_with(&link, folder.path(), &text)?;
    let look = || said(&link, folder.path(), &["status", "--json"]);
    said(
        &link,
        folder.path(),
        &["dhcp6-hook", "lifetime=60", AFTR_NAME],
    )?;
    until(&look, &daemon, |status| {
        let wrong = status["wrong"].as_str().unwrap_or_default();
        status["mechanism"] == "ds-lite"
            && status["state"] == "idle"
            && status["remote"].is_null()
            && wrong.contains("DS-Lite at aftr.example.com alone")
    })
}

fn resolvers() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let text = format!(
        "{TUNNEL}[dhcpv6]\nmode = \"external\"\n\
         [dns]\nservers = [\"2001:db8::53\"]\ndnsmasq_file = \"servers\"\n"
    );
    let daemon = start_with(&link, folder.path(), &text)?;
    let look = || {
        let text = fs::read_to_string(folder.path().join("servers"));
        Ok(Value::String(text.unwrap_or_default()))
    };
    let has = |wanted: &'static str| {
        until(&look, &daemon, move |text| {
            let lines = text.as_str().unwrap_or_default().lines();
            let servers: Vec<_> = lines.filter(|line| !line.starts_with('#')).collect();
            servers.join(" ") == wanted
        })
    };
    // 2001:db8:aa::1 and fe80::1.
    let two = "23=20010db800aa00000000000000000001fe800000000000000000000000000001";
    said(&link, folder.path(), &["dhcp6-hook", "lifetime=60", two])?;
    has("server=2001:db8:aa::1 server=fe80::1%wan")?;
    said(&link, folder.path(), &["dhcp6-hook", "lost"])?;
    has("server=2001:db8::53")
}

/// IA_NA, and a binding whose prefix is that of the link.
fn address_alone() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let _kea = kea::kea(&link, &folder, &[BR, BIND_OF_LINK, PORT_PARAMS])?;
    let daemon = start(&link, folder.path(), "mode = \"own\"\naddress = true")?;
    let look = || said(&link, folder.path(), &["status", "--json"]);
    until(&look, &daemon, |status| {
        status["state"] == "bound" && status["local"] == "2001:db8:aa::c000:205:d"
    })?;
    let shown = link
        .command(End::Cpe, "ip")
        .args(["address", "show", "wan"])
        .output()?;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    kea::contains(&shown, "2001:db8:aa::1000/128")
}

fn changed() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let daemon = start(&link, folder.path(), "mode = \"external\"")?;
    let look = || said(&link, folder.path(), &["status", "--json"]);
    said(
        &link,
        folder.path(),
        &["dhcp6-hook", "lifetime=60", PSID_13, PREFIX],
    )?;
    is_bound(&look, &daemon)?;
    said(
        &link,
        folder.path(),
        &["dhcp6-hook", "lifetime=60", PSID_14, PREFIX],
    )?;
    until(&look, &daemon, |status| {
        let sets = status["sets"].as_array().map_or(0, Vec::len);
        let set = status["sets"][0].as_str().unwrap_or_default();
        status["state"] == "bound"
            && sets == 1
            && set.starts_with("192.0.2.5 PSID 14/5")
            && status["local"] == "2001:db8:b4::c000:205:e"
    })?;
    let shown = link
        .command(End::Cpe, "ip")
        .args(["address", "show", "wan"])
        .output()?;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    kea::contains(&shown, "2001:db8:b4::c000:205:e")?;
    if shown.contains("c000:205:d") {
        return Err(format!("the address of before is still there: {shown}").into());
    }
    Ok(())
}

fn server() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let daemon = start(&link, folder.path(), "mode = \"external\"")?;
    let look = || said(&link, folder.path(), &["status", "--json"]);
    // 192.0.0.3, and another server with 2001:db8:af::2.
    let (inside, plain) = (
        "86=00000000000000000000ffffc0000003",
        "86=20010db800af00000000000000000002",
    );
    said(
        &link,
        folder.path(),
        &["dhcp6-hook", "lifetime=60", BR_ALONE, plain, inside],
    )?;
    until(&look, &daemon, |status| {
        status["state"] == "requesting"
            && status["remote"] == "2001:db8:af::1"
            && status["pcp_server"] == "192.0.0.3"
            && status["pcp_servers_not_asked"] == serde_json::json!(["2001:db8:af::2"])
    })?;
    said(
        &link,
        folder.path(),
        &["dhcp6-hook", "lifetime=60", BR_ALONE],
    )?;
    let none: [&str; 0] = [];
    until(&look, &daemon, |status| {
        status["state"] == "requesting"
            && status["pcp_server"] == "192.0.0.1"
            && status["pcp_servers_not_asked"] == serde_json::json!(none)
    })
}

fn configured() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let text = "[tunnel]\nremote = \"2001:db8:af::1\"\nroutes = \"none\"\n";
    let daemon = start_with(&link, folder.path(), text)?;
    let look = || said(&link, folder.path(), &["status", "--json"]);
    until(&look, &daemon, |status| {
        status["mechanism"] == "configured" && status["remote"] == "2001:db8:af::1"
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
    daemon.succeed(PATIENCE)?;
    kea.wait_for("DHCP6_RELEASE_NA", PATIENCE)?;
    kea.wait_for("DHCP6_RELEASE_PD", PATIENCE)?;
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
    daemon.terminate()?;
    daemon.succeed(PATIENCE).map(drop)
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
    start_with(link, folder, &format!("{TUNNEL}[dhcpv6]\n{dhcpv6}\n"))
}

/// With this configuration, and a socket and a memory of its own.
fn start_with(link: &Link, folder: &Path, text: &str) -> Outcome<Process> {
    let config = folder.join("lwb4.toml");
    let memory = "memory = \"memory.toml\"\n";
    let text = match text.contains("[pcp]\n") {
        true => text.replace("[pcp]\n", &format!("[pcp]\n{memory}")),
        false => format!("{text}[pcp]\n{memory}"),
    };
    fs::write(&config, format!("{text}[api]\nsocket = \"lwb4.sock\"\n"))?;
    let mut command = link.command(End::Cpe, env::current_exe()?);
    command.args(["run", "-c"]).arg(&config).env(COMMAND, "1");
    let mut daemon = Process::start(&mut command, folder, "lwb4")?;
    daemon.wait_for("ready", PATIENCE)?;
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
    seen(look, daemon, wanted).map(drop)
}

/// The same, and the answer.
fn seen(
    look: &dyn Fn() -> Outcome<Value>,
    daemon: &Process,
    wanted: impl Fn(&Value) -> bool,
) -> Outcome<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = look()?;
        if wanted(&seen) {
            return Ok(seen);
        }
        if Instant::now() > deadline {
            return Err(format!("{seen:#}\n{}", daemon.printed()).into());
        }
        thread::sleep(POLL);
    }
}

const TUNNEL: &str = "[tunnel]\nwan = \"wan\"\nroutes = \"none\"\n";
/// Option 96 of DH-015, with the BR 2001:db8:af::1, and the same with another PSID.
const PSID_13: &str = "96=005c0014c00002053820010db800b400005d000400056800\
    005a001020010db800af00000000000000000001";
const PSID_14: &str = "96=005c0014c00002053820010db800b400005d000400057000\
    005a001020010db800af00000000000000000001";
const PREFIX: &str = "prefix=2001:db8:b4::/56,60";
const BR_ALONE: &str = "96=005a001020010db800af00000000000000000001";
const AFTR_NAME: &str = "64=0461667472076578616d706c6503636f6d00";
const OWN: &str = "mode = \"own\"\naddress = true\nprefix = true";
const POLL: Duration = Duration::from_millis(100);
