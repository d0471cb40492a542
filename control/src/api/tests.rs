//! The API over a real socket, with a daemon that is not there.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;

use lwaftr_dataplane::table::Publisher;
use operator::socket::SocketError;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::config::Config;
use crate::config::Purpose;
use crate::daemon::NeighbourStatus;
use crate::daemon::PortStatus;
use crate::daemon::Status;
use crate::daemon::WorkerStatus;
use crate::provisioning::tests::served_leases;
use crate::softwires::Softwires;

const CONFIG: &str = r#"[internet]
ipv4 = "10.0.0.1"
next_hop_mac = "02:00:00:00:00:01"
[access]
ipv6 = "2001:db8:af::1"
next_hop_mac = "02:00:00:00:00:02"
[softwire]
br = ["2001:db8:af::1"]
"#;

/// A daemon with fixed facts.
pub(crate) struct Fake;

impl Daemon for Fake {
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
        vec![
            ("sent-ipv4-packets", 2),
            ("drop-no-softwire", 1),
            ("drop-no-ports", 0),
        ]
    }

    fn neighbours(&self) -> Vec<NeighbourStatus> {
        Vec::new()
    }

    fn config(&self) -> Value {
        json!({ "workers": [1] })
    }
}

/// A served folder: its socket is `s`.
pub(crate) struct Served {
    pub(crate) folder: TempDir,
    pub(crate) server: Server,
}

pub(crate) fn served() -> Served {
    served_with(None)
}

fn served_with(leases: Option<LeaseService>) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::parse(Path::new("lwaftr.toml"), CONFIG, Purpose::Replay).unwrap();
    let (builder, known) = Softwires::read(&config, |_, _| ()).unwrap().into_parts();
    let (softwires, _) =
        SoftwireService::start(Publisher::new(builder), known, None, None, None).unwrap();
    let context = Context {
        daemon: Arc::new(Fake),
        softwires,
        leases,
    };
    let server = Server::start(&folder.path().join("s"), context).unwrap();
    Served { folder, server }
}

impl Served {
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    fn connect(&self) -> BufReader<UnixStream> {
        let mut stream = BufReader::new(UnixStream::connect(self.socket()).unwrap());
        let hello = line(&mut stream);
        assert_eq!(hello["api"], VERSION);
        stream
    }
}

fn line(stream: &mut BufReader<UnixStream>) -> Value {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or(Value::Null)
}

/// Sends `text` and reads as many lines as `answers` has.
fn expect(stream: &mut BufReader<UnixStream>, text: &str, answers: &[Value]) {
    stream.get_mut().write_all(text.as_bytes()).unwrap();
    for answer in answers {
        assert_eq!(line(stream), *answer, "{text}");
    }
}

fn add(id: u32, psid: u32) -> String {
    format!(
        "{{\"id\":{id},\"add\":{{\"ipv4\":\"192.0.2.1\",\"psid_length\":16,\"psid\":{psid},\
         \"b4\":\"2001:db8::1\",\"br\":\"2001:db8:af::1\"}}}}\n"
    )
}

#[test]
fn requests_are_answered_in_their_order_even_when_sent_at_once() {
    let served = served();
    let mut stream = served.connect();
    let get = "{\"id\":4,\"get\":{\"ipv4\":\"192.0.2.1\",\"port\":5}}\n";
    let remove = "{\"id\":5,\"remove\":{\"ipv4\":\"192.0.2.1\",\"psid_length\":16,\"psid\":5}}\n";
    let row = json!({ "ipv4": "192.0.2.1", "psid_offset": 0, "psid_length": 16, "psid": 5, "b4": "2001:db8::1", "br": "2001:db8:af::1", "origin": "live" });
    let dumped = json!({ "ipv4": "192.0.2.1", "psid_offset": 0, "psid_length": 16, "psid": 6, "b4": "2001:db8::1", "br": "2001:db8:af::1" });
    let text = [
        &add(1, 5),
        &add(2, 5),
        &add(3, 6),
        get,
        remove,
        "\n{\"id\":6,\"dump\":true}\n",
    ]
    .concat();
    expect(
        &mut stream,
        &text,
        &[
            json!({ "id": 1, "ok": null }),
            json!({ "id": 2, "error": "192.0.2.1 a=0 k=16 psid=5 is bound already, to B4 2001:db8::1" }),
            json!({ "id": 3, "ok": null }),
            json!({ "id": 4, "row": row }),
            json!({ "id": 4, "ok": { "softwires": 1 } }),
            json!({ "id": 5, "ok": null }),
            json!({ "id": 6, "row": dumped }),
            json!({ "id": 6, "ok": { "softwires": 1 } }),
        ],
    );
}

#[test]
fn a_line_that_is_no_request_is_answered_and_the_next_one_works() {
    let served = served();
    let mut stream = served.connect();
    for (text, error) in [
        (
            "{\"id\":1}",
            "not a request: expected exactly one of add, remove, get, load, dump, show, who, leases, revoke, announce; save goes with add and remove",
        ),
        (
            "{\"id\":1,\"dump\":true,\"show\":\"status\"}",
            "not a request: expected exactly one of add, remove, get, load, dump, show, who, leases, revoke, announce; save goes with add and remove",
        ),
        (
            "{\"id\":1,\"get\":{}}",
            "expected ipv4, ipv4 and port, ipv4 and psid, or b4",
        ),
        (
            "{\"id\":1,\"load\":\"b.csv\"}",
            "b.csv: expected an absolute path",
        ),
        (
            "{\"id\":1,\"load\":\"/nonexistent.csv\"}",
            "/nonexistent.csv: cannot be read: No such file or directory (os error 2)",
        ),
        (
            "{\"id\":1,\"remove\":{\"ipv4\":\"192.0.2.1\",\"psid_length\":4,\"psid\":16}}",
            "PSID 16 is out of range for PSID length 4",
        ),
        (
            "{\"id\":1,\"add\":{\"ipv4\":\"127.0.0.1\",\"psid_length\":0,\"b4\":\"::2\",\"br\":\"::3\"}}",
            "IPv4 address 127.0.0.1 cannot be bound: not a unicast address for subscribers",
        ),
        (
            "{\"id\":1,\"add\":{\"ipv4\":\"192.0.2.1\",\"psid_length\":0,\"b4\":\"2001:db8::2\",\"br\":\"2001:db8::3\"},\"save\":true}",
            "not done: softwire.save_file, where it would be saved, is not configured",
        ),
    ] {
        expect(
            &mut stream,
            &format!("{text}\n"),
            &[json!({ "id": 1, "error": error })],
        );
    }
    expect(
        &mut stream,
        "nonsense\n",
        &[json!({ "error": "not a request: expected ident at line 1 column 2" })],
    );
    expect(
        &mut stream,
        "{\"id\":9,\"frobnicate\":1}\n",
        &[
            json!({ "id": 9, "error": "not a request: unknown field `frobnicate`, expected one of `id`, `add`, `remove`, `save`, `get`, `load`, `dump`, `show`, `who`, `leases`, `revoke`, `announce` at line 1 column 20" }),
        ],
    );
    expect(&mut stream, &add(2, 1), &[json!({ "id": 2, "ok": null })]);
}

#[test]
fn a_psid_out_of_range_is_refused_by_its_row_and_the_other_rows_stand() {
    let served = served();
    let mut stream = served.connect();
    let out_of_range = add(2, 64).replace("\"psid_length\":16", "\"psid_length\":6");
    expect(
        &mut stream,
        &[add(1, 5), out_of_range, add(3, 6)].concat(),
        &[
            json!({ "id": 1, "ok": null }),
            json!({ "id": 2, "error": "PSID 64 is out of range for PSID length 6" }),
            json!({ "id": 3, "ok": null }),
        ],
    );
    let file = served.folder.path().join("b.csv");
    let text = "ipv4,psid_offset,psid_length,psid,b4,br\n\
                192.0.2.9,0,6,63,2001:db8::9,2001:db8:af::1\n\
                192.0.2.9,0,6,64,2001:db8::9,2001:db8:af::1\n";
    fs::write(&file, text).unwrap();
    let file = file.display();
    expect(
        &mut stream,
        &format!(
            "{{\"id\":4,\"load\":\"{file}\"}}\n{{\"id\":5,\"get\":{{\"ipv4\":\"192.0.2.9\"}}}}\n"
        ),
        &[
            json!({ "id": 4, "error": format!("{file}:3: psid: PSID 64 is out of range for PSID length 6") }),
            json!({ "id": 5, "ok": { "softwires": 0 } }),
        ],
    );
}

#[test]
fn facts_are_shown() {
    let served = served();
    let mut stream = served.connect();
    for (topic, value) in [
        (
            "counters",
            json!({ "sent-ipv4-packets": 2, "drop-no-softwire": 1, "drop-no-ports": 0, "active-softwire-num": 0 }),
        ),
        ("drops", json!({ "drop-no-softwire": 1 })),
        ("ports", json!([])),
        ("config", json!({ "workers": [1] })),
        (
            "workers",
            json!([{ "core": 1, "rounds": 9, "idle_rounds": 8, "received": 3, "transmitted": 2, "dropped": 1 }]),
        ),
        (
            "status",
            json!({ "version": "1", "pid": 7, "uptime_s": 3, "config": "lwaftr.toml", "workers": 1, "buffers_in_use": 5, "buffers": 8191 }),
        ),
    ] {
        let request = format!("{{\"id\":1,\"show\":\"{topic}\"}}\n");
        expect(&mut stream, &request, &[json!({ "id": 1, "ok": value })]);
    }
    stream
        .get_mut()
        .write_all(b"{\"id\":1,\"show\":\"softwires\"}\n")
        .unwrap();
    assert_eq!(line(&mut stream)["ok"]["softwires"], 0);
}

#[test]
fn a_line_in_pieces_is_one_line_and_one_without_end_ends_the_connection() {
    let served = served();
    let mut stream = served.connect();
    let text = add(1, 1);
    for piece in text.as_bytes().chunks(7) {
        stream.get_mut().write_all(piece).unwrap();
        stream.get_mut().flush().unwrap();
    }
    assert_eq!(line(&mut stream), json!({ "id": 1, "ok": null }));
    let endless = vec![b' '; connection::MAX_LINE + 1];
    stream.get_mut().write_all(&endless).ok();
    assert_eq!(
        line(&mut stream)["error"],
        "a line is longer than 65536 octets"
    );
    assert_eq!(line(&mut stream), Value::Null);
    expect(
        &mut served.connect(),
        &add(2, 2),
        &[json!({ "id": 2, "ok": null })],
    );
}

#[test]
fn a_peer_that_leaves_in_the_middle_does_no_harm() {
    let served = served();
    let mut gone = served.connect();
    let many: String = (0..5000).map(|psid| add(psid, psid)).collect();
    gone.get_mut()
        .write_all(&many.as_bytes()[..many.len() - 9])
        .unwrap();
    drop(gone);
    let mut stream = served.connect();
    expect(
        &mut stream,
        &add(1, 60_000),
        &[json!({ "id": 1, "ok": null })],
    );
}

#[test]
fn the_socket_is_for_its_user_only_and_goes_with_the_server() {
    let served = served();
    let socket = served.socket();
    assert_eq!(
        fs::metadata(&socket).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let Served { folder, server } = served;
    drop(server);
    assert!(!socket.exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn start_at(path: &Path) -> Result<Server, SocketError> {
    let config = Config::parse(Path::new("lwaftr.toml"), CONFIG, Purpose::Replay).unwrap();
    let (builder, known) = Softwires::read(&config, |_, _| ()).unwrap().into_parts();
    let (softwires, _) =
        SoftwireService::start(Publisher::new(builder), known, None, None, None).unwrap();
    Server::start(
        path,
        Context {
            daemon: Arc::new(Fake),
            softwires,
            leases: None,
        },
    )
}

#[test]
fn a_socket_left_behind_is_taken_over_but_not_one_in_use_nor_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = start_at(&path).unwrap();
    let second = start_at(&path).err().unwrap().to_string();
    assert_eq!(
        second,
        format!("{}: another daemon listens there", path.display())
    );
    drop(server);
    fs::write(&path, "precious").unwrap();
    let third = start_at(&path).err().unwrap().to_string();
    assert_eq!(
        third,
        format!("{}: something that is no socket is there", path.display())
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    let nowhere = start_at(Path::new("/nonexistent/s"))
        .err()
        .unwrap()
        .to_string();
    assert_eq!(
        nowhere,
        "/nonexistent/s: cannot listen: No such file or directory (os error 2)"
    );
}

proptest! {
    #[test]
    fn no_octets_make_the_request_parser_panic(noise in prop::collection::vec(any::<u8>(), 0..60), at in 0_usize..200) {
        let mut line = add(1, 1).into_bytes();
        let at = at.min(line.len());
        let _ = connection::parse(&noise);
        line.splice(at..at, noise);
        let _ = connection::parse(&line);
        line.truncate(at);
        let _ = connection::parse(&line);
    }
}

#[test]
fn leases_are_found_listed_and_revoked() {
    let served = served_with(Some(served_leases(2)));
    let mut stream = served.connect();
    let lease = |address: &str, home: u8, state: &str, remaining_s: u32| {
        json!({ "ipv4": address, "psid_length": 6, "psid": 1, "first_port": 1024, "last_port": 2047,
            "b4": format!("2001:db8:b4:{home}00::1"), "client": "192.0.0.2", "br": "2001:db8:af::1",
            "state": state, "remaining_s": remaining_s, "age_s": 10 })
    };
    let (first, second) = (
        lease("192.0.2.0", 1, "held", 590),
        lease("192.0.2.1", 2, "held", 590),
    );
    let text = concat!(
        "{\"id\":1,\"who\":{\"ipv4\":\"192.0.2.0\",\"port\":1500}}\n",
        "{\"id\":2,\"leases\":{}}\n",
        "{\"id\":3,\"leases\":{\"b4\":\"2001:db8:b4:200::77\"}}\n",
        "{\"id\":4,\"revoke\":{\"ipv4\":\"192.0.2.0\",\"port\":2047}}\n",
        "{\"id\":5,\"who\":{\"ipv4\":\"192.0.2.0\",\"port\":1500}}\n",
        "{\"id\":6,\"leases\":{\"b4\":\"2001:db8:b4:100::1\"}}\n",
        "{\"id\":7,\"revoke\":{\"ipv4\":\"192.0.2.9\",\"port\":1}}\n",
        "{\"id\":10,\"announce\":true}\n",
    );
    expect(
        &mut stream,
        text,
        &[
            json!({ "id": 1, "ok": first }),
            json!({ "id": 2, "lease": first }),
            json!({ "id": 2, "lease": second }),
            json!({ "id": 2, "ok": { "leases": 2 } }),
            json!({ "id": 3, "lease": second }),
            json!({ "id": 3, "ok": { "leases": 1 } }),
            json!({ "id": 4, "ok": first }),
            json!({ "id": 5, "error": "port 1500 of 192.0.2.0 is not leased" }),
            json!({ "id": 6, "lease": lease("192.0.2.0", 1, "resting", 120) }),
            json!({ "id": 6, "ok": { "leases": 1 } }),
            json!({ "id": 7, "error": "port 1 of 192.0.2.9 is not leased" }),
            json!({ "id": 10, "ok": { "lwb4s": 1 } }),
        ],
    );
    let show = "{\"id\":8,\"show\":\"pools\"}\n{\"id\":9,\"show\":\"pcp\"}\n";
    stream.get_mut().write_all(show.as_bytes()).unwrap();
    let pools = line(&mut stream);
    let events = json!([pools["ok"][0]["granted"], pools["ok"][0]["revoked"]]);
    assert_eq!(events, json!([2, 1]));
    let pcp = line(&mut stream);
    assert_eq!(pcp["ok"]["results"], json!({ "SUCCESS": 2 }));
}

#[test]
fn without_a_pcp_server_nothing_is_said_of_leases() {
    let served = served();
    let mut stream = served.connect();
    let none = "this daemon has no PCP server: its configuration has no [pcp]";
    for request in [
        "\"leases\":{}",
        "\"show\":\"pcp\"",
        "\"who\":{\"ipv4\":\"192.0.2.0\",\"port\":1}",
        "\"announce\":true",
    ] {
        let text = format!("{{\"id\":1,{request}}}\n");
        expect(&mut stream, &text, &[json!({ "id": 1, "error": none })]);
    }
}
