//! The client against a real server.

use std::fmt::Write;
use std::fs;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::Path;
use std::time::Instant;

use serde_json::json;

use super::many::Action;
use super::many::change;
use super::*;
use crate::api::message::Answer;
use crate::api::message::RequestLine;
use crate::api::message::Topic;
use crate::api::tests::Served;
use crate::api::tests::served;

const HEADER: &str = "ipv4,psid_offset,psid_length,psid,b4,br\n";

fn connect(served: &Served) -> Client {
    Client::connect(&served.socket()).unwrap()
}

fn count(served: &Served) -> u64 {
    let request = RequestLine {
        show: Some(Topic::Softwires),
        ..RequestLine::default()
    };
    connect(served).call(&request, |_| Ok(())).unwrap()["softwires"]
        .as_u64()
        .unwrap()
}

fn rows(number: u32) -> String {
    let mut text = HEADER.to_owned();
    for n in 0..number {
        let (address, psid) = (Ipv4Addr::from(0x1401_0000 + n / 64), n % 64);
        let b4 = Ipv6Addr::from((0x2001_0db8_u128 << 96) + u128::from(n) + 1);
        writeln!(text, "{address},0,6,{psid},{b4},2001:db8:af::1").unwrap();
    }
    text
}

#[test]
fn a_file_is_added_and_removed_row_by_row_and_refusals_name_their_lines() {
    let served = served();
    let file = served.folder.path().join("b.csv");
    fs::write(
        &file,
        rows(1000) + "20.1.0.0,0,6,7,2001:db8::9999,2001:db8:af::1\n",
    )
    .unwrap();
    let mut refused = Vec::new();
    let tally = change(connect(&served), &file, Action::Add, false, |line, why| {
        refused.push(format!("{line}: {why}"))
    });
    let tally = tally.unwrap();
    assert_eq!((tally.done, tally.refused), (1000, 1));
    assert_eq!(
        refused,
        ["1002: 20.1.0.0 a=0 k=6 psid=7 is bound already, to B4 2001:db8::8"]
    );
    assert_eq!(count(&served), 1000);
    let tally = change(connect(&served), &file, Action::Remove, false, |_, _| ()).unwrap();
    assert_eq!((tally.done, tally.refused), (1000, 1));
    assert_eq!(count(&served), 0);
}

#[test]
fn a_file_with_a_fault_changes_nothing() {
    let served = served();
    let file = served.folder.path().join("b.csv");
    fs::write(
        &file,
        rows(10) + "20.1.0.0,0,6,64,2001:db8::9999,2001:db8:af::1\n",
    )
    .unwrap();
    let error = change(connect(&served), &file, Action::Add, false, |_, _| ()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("b.csv:12: psid: PSID 64 is out of range for PSID length 6"),
        "{error}"
    );
    assert_eq!(count(&served), 0);
}

#[test]
fn a_file_is_loaded_and_listed() {
    let served = served();
    let file = served.folder.path().join("b.csv");
    fs::write(&file, rows(200)).unwrap();
    let request = RequestLine {
        load: Some(file),
        ..RequestLine::default()
    };
    let loaded = connect(&served).call(&request, |_| Ok(())).unwrap();
    assert_eq!(loaded, json!({ "softwires": 200 }));
    let mut listed = 0;
    let request = RequestLine {
        dump: true,
        ..RequestLine::default()
    };
    let ended = connect(&served).call(&request, |answer| {
        listed += u32::from(matches!(answer, Answer::Row(_)));
        Ok(())
    });
    assert_eq!((ended.unwrap(), listed), (json!({ "softwires": 200 }), 200));
}

#[test]
fn a_long_stream_is_answered_to_its_end() {
    let served = served();
    let file = served.folder.path().join("b.csv");
    fs::write(&file, rows(100_000)).unwrap();
    let start = Instant::now();
    let tally = change(connect(&served), &file, Action::Add, false, |_, _| ()).unwrap();
    let rate = 100_000.0 / start.elapsed().as_secs_f64();
    println!("{rate:.0} adds a second");
    assert_eq!((tally.done, tally.refused), (100_000, 0));
    assert_eq!(count(&served), 100_000);
}

#[test]
fn no_daemon_and_a_daemon_that_stops_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("s");
    let error = Client::connect(&nowhere).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{}: no daemon listens there: No such file or directory (os error 2)",
            nowhere.display()
        )
    );
    let listener = std::os::unix::net::UnixListener::bind(&nowhere).unwrap();
    let closing = std::thread::spawn(move || drop(listener.accept().unwrap()));
    let error = Client::connect(Path::new(&nowhere))
        .unwrap_err()
        .to_string();
    closing.join().unwrap();
    assert_eq!(
        error,
        "the daemon closed the connection before it had answered"
    );
}

#[test]
fn a_daemon_of_another_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"{\"lwaftr\":\"9.9\",\"api\":99}\n").unwrap();
    });
    let error = Client::connect(&socket).unwrap_err().to_string();
    answering.join().unwrap();
    assert_eq!(
        error,
        "the daemon is lwaftr 9.9 and speaks version 99 of the API, expected 1"
    );
}

#[test]
fn values_are_tables_of_at_most_80_columns() {
    let workers = json!([{ "core": 1, "idle_rounds": 8 }, { "core": 2, "idle_rounds": 9 }]);
    let text = operator::table::table_of(&workers).to_string();
    let words: Vec<_> = text.split_whitespace().collect();
    assert_eq!(words, ["core", "idle", "rounds", "1", "8", "2", "9"]);
    let config = json!({ "dataplane": { "workers": [1, 2], "eal_args": [] }, "path": "x".repeat(100), "n": null });
    let text = operator::table::table_of(&config).to_string();
    assert!(
        text.contains("dataplane: workers") && text.contains("1 2"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}
