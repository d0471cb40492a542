//! The command against a small server in this process, on a loopback address of each test's own, so that
//! all can have port 5351.

mod server;

use std::fs;
use std::process::Command;
use std::process::Output;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use self::server::Answers;
use self::server::Server;

/// Runs `pcp` with these words.
fn pcp(line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pcp"))
        .args(line.split_whitespace())
        .output()
        .expect("the command")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("text")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("text")
}

/// Runs `pcp` and reads the one object that it prints.
fn json(line: &str, exit_code: i32) -> Value {
    let output = pcp(&format!("{line} --json"));
    assert_eq!(output.status.code(), Some(exit_code), "{}", stderr(&output));
    assert_eq!(stdout(&output).lines().count(), 1, "{}", stdout(&output));
    serde_json::from_str(stdout(&output)).expect("an object")
}

/// Runs `pcp`, which fails and says so in one line.
fn fails(line: &str, exit_code: i32) -> String {
    let output = pcp(line);
    assert_eq!(output.status.code(), Some(exit_code), "{line}");
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    stderr(&output).trim_end().to_owned()
}

const NONCE: &str = "a0a1a2a3a4a5a6a7a8a9aaab";

#[test]
fn ps_004_ps_019_a_set_is_asked_for_refreshed_and_deleted() {
    let server = Server::start(1, Answers::Book);
    let map = format!("map --server {} --nonce {NONCE}", server.address());
    let granted = json(&map, 0);
    assert_eq!(granted["result"], "SUCCESS");
    assert_eq!(granted["result_code"], 0);
    assert_eq!(granted["lifetime_s"], 3600);
    assert_eq!(granted["epoch_s"], 42);
    assert_eq!(granted["external_address"], "192.0.2.4");
    assert_eq!(granted["first_port"], 2048);
    assert_eq!(granted["last_port"], 4095);
    assert_eq!(granted["size"], 2048);
    assert_eq!(granted["first_internal_port"], 2048);
    assert_eq!(granted["nonce"], NONCE);
    assert!(granted["round_trip_ms"].as_f64().unwrap() > 0.0);
    let refreshed = json(&format!("{map} --lifetime 600"), 0);
    assert_eq!(refreshed["first_port"], 2048);
    assert_eq!(refreshed["lifetime_s"], 600);
    let deleted = json(&map.replace("map", "delete"), 0);
    assert_eq!(deleted["result"], "SUCCESS");
    assert_eq!(deleted["lifetime_s"], 0);
    assert_eq!(deleted["first_port"], Value::Null);
    assert_eq!(server.leases(), 0);
}

#[test]
fn people_read_lines() {
    let server = Server::start(2, Answers::Book);
    let output = pcp(&format!(
        "map --server {} --nonce {NONCE}",
        server.address()
    ));
    let lines = stdout(&output);
    for line in [
        "result               SUCCESS",
        "lifetime             3600 s",
        "external address     192.0.2.4",
        "first port           2048",
        "last port            4095",
        "nonce                a0a1a2a3a4a5a6a7a8a9aaab",
    ] {
        assert!(lines.lines().any(|written| written == line), "{lines}");
    }
}

#[test]
fn ps_041_ps_015_a_suggestion_and_a_range_are_sent() {
    let server = Server::start(3, Answers::Book);
    let map = format!(
        "map --server {} --suggest 192.0.2.5:26624",
        server.address()
    );
    let granted = json(&map, 0);
    assert_eq!(granted["external_address"], "192.0.2.5");
    assert_eq!(granted["first_port"], 26624);
    for (number, range) in [
        (10, "--port-set 40000-50000"),
        (11, "--internal-port 40000 --size 10001"),
    ] {
        let server = Server::start(number, Answers::Book);
        let granted = json(&format!("map --server {} {range}", server.address()), 0);
        assert_eq!(granted["first_port"], 40960);
    }
}

#[test]
fn c_03_a_nonce_in_a_file_refreshes_and_deletes_and_another_one_is_refused() {
    let server = Server::start(4, Answers::Book);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nonce");
    let with_file = format!(
        "--server {} --nonce-file {}",
        server.address(),
        file.display()
    );
    let granted = json(&format!("map {with_file}"), 0);
    let kept = fs::read_to_string(&file).unwrap();
    assert_eq!(granted["nonce"], kept.trim_end());
    assert_eq!(
        json(&format!("map {with_file}"), 0)["first_port"],
        granted["first_port"]
    );
    let stranger = format!("map --server {}", server.address());
    let refused = json(&stranger, 1);
    assert_eq!(refused["result"], "NOT_AUTHORIZED");
    assert_eq!(refused["result_code"], 2);
    assert_eq!(refused["external_address"], Value::Null);
    let line = fails(&stranger, 1);
    let expected = format!(
        "pcp: {}:5351 refuses: NOT_AUTHORIZED, for 3600 s",
        server.address()
    );
    assert_eq!(line, expected);
    assert_eq!(server.leases(), 1);
    json(&format!("delete {with_file}"), 0);
    assert_eq!(server.leases(), 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), kept);
    let missing = folder.path().join("missing");
    let line = format!(
        "delete --server {} --nonce-file {}",
        server.address(),
        missing.display()
    );
    assert!(fails(&line, 1).contains("missing: No such file"));
}

#[test]
fn pc_141_announce_tells_the_epoch() {
    let server = Server::start(5, Answers::Book);
    let announced = json(&format!("announce --server {}", server.address()), 0);
    assert_eq!(announced["result"], "SUCCESS");
    assert_eq!(announced["epoch_s"], 42);
    let output = pcp(&format!("announce --server {}", server.address()));
    assert!(stdout(&output).contains("epoch                42 s"));
}

#[test]
fn pc_103_pc_105_nobody_answers_or_answers_nonsense() {
    let silent = Server::start(6, Answers::Nothing);
    let line = format!("map --server {} --timeout 0.2", silent.address());
    assert!(fails(&line, 1).contains("no answer from 127.53.51.6:5351 within 200ms"));
    let wrong = Server::start(7, Answers::ToAnother);
    let line = format!("map --server {} --timeout 0.2", wrong.address());
    assert!(fails(&line, 1).contains("no answer"));
    let line = fails("announce --server 127.53.51.99 --timeout 0.2", 1);
    assert!(
        line.contains("no answer") && line.contains("refused"),
        "{line}"
    );
}

#[test]
fn pc_109_a_server_of_another_version_says_so() {
    let server = Server::start(8, Answers::NatPmp);
    let line = fails(&format!("announce --server {}", server.address()), 1);
    assert!(line.ends_with("refuses: UNSUPP_VERSION, it speaks version 0 (NAT-PMP)"));
}

#[test]
fn ps_042_a_strict_server_is_asked_again_from_port_0() {
    let server = Server::start(9, Answers::Strictly);
    let granted = json(&format!("map --server {}", server.address()), 0);
    assert_eq!(granted["size"], 2048);
}

#[test]
fn pc_101_the_source_is_the_clients_address() {
    let server = Server::start(12, Answers::Book);
    let line = format!("map --server {} --source 127.53.51.200", server.address());
    assert_eq!(json(&line, 0)["result"], "SUCCESS");
    let line = format!("map --server {} --source 2001:db8::1", server.address());
    assert!(fails(&line, 2).contains("cannot be the source"));
    let line = format!("map --server {} --source 192.0.2.77", server.address());
    assert!(fails(&line, 1).contains("cannot ask from 192.0.2.77:0"));
}

#[test]
fn dh_050_dh_051_a_third_party_gets_exactly_what_was_picked_for_it() {
    let server = Server::start(13, Answers::Management);
    let hook = format!(
        "map --server {} --third-party 192.0.0.2 --third-party-softwire 2001:db8:b4::1 \
         --nonce {NONCE} --suggest 198.51.100.1:2048 --port-set 2048-4095 --exact",
        server.address()
    );
    let granted = json(&hook, 0);
    assert_eq!(granted["external_address"], "198.51.100.1");
    assert_eq!(granted["first_port"], 2048);
    let other = hook.replace("2001:db8:b4::1", "2001:db8:b5::1");
    assert_eq!(json(&other, 1)["result"], "NO_RESOURCES");
    assert_eq!(server.leases(), 1);
}

#[test]
fn pc_062_what_is_not_exact_is_deleted_again() {
    let server = Server::start(14, Answers::Book);
    let line = format!(
        "map --server {} --suggest 203.0.113.1:2048 --exact",
        server.address()
    );
    assert!(fails(&line, 1).ends_with("not what was suggested; deleted again"));
    assert_eq!(server.leases(), 0);
}

#[test]
fn pc_037_ps_005_one_port_of_the_own_set_is_asked_for_without_a_set() {
    let server = Server::start(15, Answers::Book);
    let map = format!("map --server {} --nonce {NONCE}", server.address());
    json(&map, 0);
    let one = json(&format!("{map} --protocol udp --internal-port 2050"), 0);
    assert_eq!(one["first_port"], 2050);
    assert_eq!(one["size"], 1);
    let refused = json(&format!("{map} --protocol udp --internal-port 9000"), 1);
    assert_eq!(refused["result"], "NOT_AUTHORIZED");
    let line =
        format!("{map} --prefer-failure --suggest 192.0.2.9:9 --protocol udp --internal-port 2050");
    assert_eq!(json(&line, 1)["result"], "UNSUPP_OPTION");
    let whole = json(&format!("{map} --whole-address"), 1);
    assert_eq!(whole["result"], "UNSUPP_PROTOCOL");
}

#[test]
fn usage_errors_have_exit_code_2_before_anything_is_sent() {
    for line in [
        "",
        "map --port-set 1",
        "delete --server 127.53.51.98",
        "map --internal-port 9 --size 1",
    ] {
        assert_eq!(pcp(line).status.code(), Some(2), "{line}");
    }
    assert_eq!(pcp("map --help").status.code(), Some(0));
}

#[test]
fn pc_142_pc_143_pc_144_two_listeners_hear_the_same_announcement() {
    let server = Server::start(16, Answers::Book);
    let listener = |count: u32, interface: &str| {
        let line = format!(
            "announce --listen --server {} {interface} --count {count} --timeout 20 --json",
            server.address()
        );
        thread::spawn(move || pcp(&line))
    };
    let (first, second) = (listener(1, ""), listener(2, "--interface lo"));
    while !(first.is_finished() && second.is_finished()) {
        server.announce(7);
        thread::sleep(Duration::from_millis(20));
    }
    for (listener, lines) in [(first, 1), (second, 2)] {
        let output = listener.join().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(stdout(&output).lines().count(), lines);
        for line in stdout(&output).lines() {
            let heard: Value = serde_json::from_str(line).unwrap();
            assert_eq!(heard["epoch_s"], 7);
            assert_eq!(heard["server"], server.address().to_string());
        }
    }
    let line = "announce --listen --server 127.53.51.97 --interface lo --timeout 0.1";
    assert!(fails(line, 1).starts_with("pcp: no announcement of 127.53.51.97:5351"));
    assert!(fails("announce --listen --server ::1", 2).contains("--interface"));
    assert!(fails("announce --listen --interface none0", 1).contains("no interface"));
}

/// The loopback interface has no way for IPv6 multicast, so that a listener there hears nothing.
#[test]
fn pc_141_pc_144_over_ipv6_as_well() {
    let server = Server::start_ipv6(Answers::Book);
    let of_server = format!("--server ::1 --port {}", server.port());
    assert_eq!(json(&format!("announce {of_server}"), 0)["epoch_s"], 42);
    let line = format!("announce --listen {of_server} --interface lo --timeout 0.1");
    assert!(fails(&line, 1).starts_with("pcp: no announcement of [::1]"));
}
