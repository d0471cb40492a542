//! The command line against a daemon's socket: what it prints, and how it exits.
#![allow(clippy::unwrap_used)] // Clippy knows tests by their attribute, not their helpers.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::Arc;

use lwaftr::api::Context;
use lwaftr::api::Server;
use lwaftr::config::Config;
use lwaftr::config::Purpose;
use lwaftr::daemon::Daemon;
use lwaftr::daemon::NeighbourStatus;
use lwaftr::daemon::PortStatus;
use lwaftr::daemon::Status;
use lwaftr::daemon::WorkerStatus;
use lwaftr::publisher::SoftwireService;
use lwaftr::softwires::Softwires;
use lwaftr_dataplane::table::Publisher;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

const CONFIG: &str = r#"[internet]
ipv4 = "10.0.0.1"
next_hop_mac = "02:00:00:00:00:01"
[access]
ipv6 = "2001:db8:af::1"
next_hop_mac = "02:00:00:00:00:02"
[softwire]
br = ["2001:db8:af::1"]
save_file = "saved.csv"
"#;
const HEADER: &str = "ipv4,psid_offset,psid_length,psid,b4,br\n";
const ONE: &str = "192.0.2.1,0,6,26,2001:db8::1,2001:db8:af::1\n";

/// A daemon without packets.
struct Quiet;

impl Daemon for Quiet {
    fn status(&self) -> Status {
        let config = "lwaftr.toml".to_owned();
        Status {
            version: "1",
            pid: 7,
            uptime_s: 3,
            config,
            workers: 1,
            buffers_in_use: 5,
            buffers: 8191,
        }
    }

    fn workers(&self) -> Vec<WorkerStatus> {
        vec![WorkerStatus {
            core: 1,
            rounds: 9,
            idle_rounds: 8,
            received: 3,
            transmitted: 2,
            dropped: 1,
        }]
    }

    fn ports(&self) -> Vec<PortStatus> {
        Vec::new()
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("sent-ipv4-packets", 2), ("drop-no-softwire", 0)]
    }

    fn neighbours(&self) -> Vec<NeighbourStatus> {
        Vec::new()
    }

    fn config(&self) -> Value {
        json!({ "workers": [1] })
    }
}

struct Served {
    folder: TempDir,
    _server: Server,
}

impl Served {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lwaftr.toml");
        let config = Config::parse(&file, CONFIG, Purpose::Replay).unwrap();
        let (builder, known) = Softwires::read(&config, |_, _| ()).unwrap().into_parts();
        let saved = config.softwire.save_file;
        let (softwires, _) =
            SoftwireService::start(Publisher::new(builder), known, saved, None, None).unwrap();
        let context = Context {
            daemon: Arc::new(Quiet),
            softwires,
            leases: None,
        };
        let server = Server::start(&folder.path().join("s"), context).unwrap();
        Self {
            folder,
            _server: server,
        }
    }

    /// Runs `lwaftr` in the folder with the words of `line`, and `input` on its standard input.
    fn lwaftr(&self, line: &str, input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lwaftr"))
            .args(line.split_whitespace())
            .args(["--socket", "s"])
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    /// What a command that works prints.
    fn printed(&self, line: &str) -> String {
        let output = self.lwaftr(line, "");
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{line}");
        text(&output.stdout)
    }

    /// What a command that fails complains of; it exits with 1 and prints nothing else.
    fn complaint(&self, line: &str) -> String {
        let output = self.lwaftr(line, "");
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert_eq!(text(&output.stdout), "", "{line}");
        text(&output.stderr)
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

const PORTS: &str = "--ipv4 192.0.2.1 --psid-length 6 --psid 26";
const ENDS: &str = "--b4 2001:db8::1 --br 2001:db8:af::1";

#[test]
fn one_softwire_is_added_found_listed_and_removed() {
    let served = Served::start();
    assert_eq!(
        served.printed(&format!("softwire add {PORTS} {ENDS}")),
        "added 1 softwire\n"
    );
    let found = served.printed("softwire get --ipv4 192.0.2.1 --port 26624");
    assert!(
        words(&found).ends_with(&[
            "192.0.2.1",
            "0",
            "6",
            "26",
            "2001:db8::1",
            "2001:db8:af::1",
            "live"
        ]),
        "{found}"
    );
    for query in [
        "--ipv4 192.0.2.1",
        "--ipv4 192.0.2.1 --psid 26",
        "--b4 2001:db8::1",
    ] {
        let found: Value =
            serde_json::from_str(&served.printed(&format!("softwire get {query} --json"))).unwrap();
        assert_eq!(
            (&found[0]["psid"], &found[0]["origin"], &found[1]),
            (&json!(26), &json!("live"), &Value::Null)
        );
    }
    assert_eq!(served.printed("softwire dump"), format!("{HEADER}{ONE}"));
    let listed: Value = serde_json::from_str(&served.printed("softwire dump --json")).unwrap();
    let entry = &listed["ietf-softwire-br:br-instances"]["binding"]["bind-instance"][0]["binding-table"]
        ["binding-entry"][0];
    assert_eq!(
        entry["port-set"],
        json!({ "psid-offset": 0, "psid-len": 6, "psid": 26 })
    );
    assert_eq!(
        served
            .printed(&format!("softwire remove {PORTS} --json"))
            .replace([' ', '\n'], ""),
        "{\"done\":1,\"refused\":0}"
    );
    assert_eq!(
        served.complaint("softwire get --ipv4 192.0.2.1"),
        "no softwire was found\n"
    );
}

#[test]
fn what_the_daemon_refuses_is_one_line_and_exit_code_1() {
    let served = Served::start();
    served.printed(&format!("softwire add {PORTS} {ENDS}"));
    for (line, complaint) in [
        (
            format!("add {PORTS} {ENDS}"),
            "192.0.2.1 a=0 k=6 psid=26 is bound already, to B4 2001:db8::1\n",
        ),
        (
            format!("add --ipv4 192.0.2.9 --psid-length 6 {ENDS}"),
            "--psid is missing\n",
        ),
        (
            format!("add --ipv4 192.0.2.9 --psid-length 6 --psid 64 {ENDS}"),
            "PSID 64 is out of range for PSID length 6\n",
        ),
        (
            "add --ipv4 192.0.2.9 --psid-length 0 --b4 2001:db8::1 --br ::9".to_owned(),
            "BR address ::9 is not one of this lwAFTR's\n",
        ),
        (
            "remove --ipv4 192.0.2.9 --psid-length 0".to_owned(),
            "192.0.2.9 a=0 k=0 psid=0 is not bound\n",
        ),
        (
            "load missing.csv".to_owned(),
            "missing.csv: cannot be read: No such file or directory (os error 2)\n",
        ),
    ] {
        let found = served.complaint(&format!("softwire {line}"));
        assert!(
            found.ends_with(complaint) && found.lines().count() == 1,
            "{line}: {found}"
        );
    }
    assert_eq!(served.printed("softwire dump"), format!("{HEADER}{ONE}"));
}

#[test]
fn many_softwires_come_from_a_file_or_standard_input() {
    let served = Served::start();
    let two = "192.0.2.1,0,6,27,2001:db8::2,2001:db8:af::1\n";
    let output = served.lwaftr("softwire add --file -", &format!("{HEADER}{ONE}{ONE}{two}"));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "added 2 softwires\n");
    assert_eq!(
        text(&output.stderr),
        "-:3: 192.0.2.1 a=0 k=6 psid=26 is bound already, to B4 2001:db8::1\n1 of 3 softwires were refused\n"
    );
    let file = served.folder.path().join("b.csv");
    fs::write(&file, format!("{HEADER}{two}")).unwrap();
    assert_eq!(
        served.printed("softwire remove --file b.csv"),
        "removed 1 softwires\n"
    );
    assert_eq!(
        served.printed("softwire load b.csv"),
        "loaded 1 softwires from b.csv\n"
    );
    assert_eq!(
        served
            .printed("softwire load b.csv --json")
            .replace([' ', '\n'], ""),
        "{\"softwires\":1}"
    );
    assert_eq!(
        served.printed("softwire dump"),
        format!("{HEADER}{ONE}{two}")
    );
}

#[test]
fn saved_softwires_are_in_the_file_when_the_command_ends() {
    let served = Served::start();
    served.printed(&format!("softwire add {PORTS} {ENDS} --save"));
    let saved = served.folder.path().join("saved.csv");
    assert_eq!(
        fs::read_to_string(&saved).unwrap(),
        format!("{HEADER}{ONE}")
    );
    served.printed(&format!("softwire remove {PORTS} --save"));
    assert_eq!(fs::read_to_string(&saved).unwrap(), HEADER);
}

#[test]
fn facts_are_printed_as_tables_or_as_json() {
    let served = Served::start();
    assert_eq!(
        words(&served.printed("show counters")),
        [
            "sent-ipv4-packets",
            "2",
            "drop-no-softwire",
            "0",
            "active-softwire-num",
            "0"
        ]
    );
    assert_eq!(served.printed("show drops"), "nothing was dropped\n");
    assert_eq!(words(&served.printed("show drops --json")), ["{}"]);
    assert!(served.printed("show workers").starts_with(" core"));
    for topic in [
        "status",
        "workers",
        "ports",
        "counters",
        "drops",
        "softwires",
        "config",
    ] {
        serde_json::from_str::<Value>(&served.printed(&format!("show {topic} --json"))).unwrap();
        let table = served.printed(&format!("show {topic}"));
        assert!(
            table.lines().all(|line| line.chars().count() <= 80),
            "{table}"
        );
    }
}

#[test]
fn without_a_daemon_the_socket_is_named() {
    let served = Served::start();
    let socket = Path::new("nowhere");
    let output = Command::new(env!("CARGO_BIN_EXE_lwaftr"))
        .args(["show", "status", "--socket"])
        .arg(socket)
        .current_dir(served.folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "nowhere: no daemon listens there: No such file or directory (os error 2)\n"
    );
}

#[test]
fn check_accepts_the_example_and_complains_in_lines() {
    let served = Served::start();
    let example = include_str!("../../lwaftr.example.toml");
    let folder = served.folder.path();
    fs::write(folder.join("good.toml"), example).unwrap();
    fs::write(
        folder.join("bad.toml"),
        example
            .replace("psid = 26", "psid = 64")
            .replace("[1]", "[1, 1]"),
    )
    .unwrap();
    let check = |file: &str, json: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lwaftr"));
        command
            .args(["check", "-c", file])
            .args(json)
            .current_dir(folder)
            .output()
            .unwrap()
    };
    let good = check("good.toml", &["--json"]);
    assert!(good.status.success(), "{}", text(&good.stderr));
    let plan: Value = serde_json::from_slice(&good.stdout).unwrap();
    assert_eq!(
        (&plan["softwires"], &plan["br"]),
        (&json!(2), &json!(["2001:db8:af::1"]))
    );
    assert!(text(&check("good.toml", &[]).stdout).starts_with("good.toml is valid."));
    let bad = check("bad.toml", &[]);
    assert_eq!(
        (bad.status.code(), text(&bad.stdout).as_str()),
        (Some(1), "")
    );
    let complaint = text(&bad.stderr);
    let lines: Vec<_> = complaint.lines().collect();
    assert_eq!(lines.len(), 2, "{complaint}");
    assert!(
        lines[0].starts_with("bad.toml:10: dataplane.workers[1]: 1 is there already"),
        "{complaint}"
    );
    assert!(
        lines[1].ends_with("softwire.binding[0].psid: 64 is out of range for psid_length 6 (0–63)"),
        "{complaint}"
    );
}
