use std::io::Read;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use serde_json::json;

use super::*;

/// A daemon that says what it was asked, and ends after `requests` of them.
fn echo(path: &std::path::Path, requests: usize) -> (Server, std::thread::JoinHandle<()>) {
    let (server, receiver) = Server::start(path, || ()).unwrap();
    let answering = std::thread::spawn(move || {
        for asked in receiver.iter().take(requests) {
            let said = match asked.request {
                Request::Show(topic) => Ok(json!({ "shown": format!("{topic:?}") })),
                Request::Learned(_) => Err("nothing to learn".to_owned()),
            };
            asked.answer.send(said).unwrap();
        }
    });
    (server, answering)
}

#[test]
fn requests_are_answered_in_their_order_and_refusals_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let (server, answering) = echo(&path, 2);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut client = Client::connect(&path).unwrap();
    let shown = client.call(&Request::Show(Topic::Status)).unwrap();
    assert_eq!(shown, json!({ "shown": "Status" }));
    let refused = client.call(&Request::Learned(json!({}))).unwrap_err();
    assert_eq!(refused.to_string(), "nothing to learn");
    answering.join().unwrap();
    let ending = client.call(&Request::Show(Topic::Status)).unwrap_err();
    assert_eq!(ending.to_string(), "the daemon is ending");
    drop(server);
    assert!(!path.exists());
}

#[test]
fn a_line_that_is_no_request_gets_an_error_and_the_connection_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let (_server, _answering) = echo(&path, 1);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream
        .write_all(b"{\"show\":\"moon\"}\n\xff\n{\"show\":\"status\"}\n")
        .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(
        lines[1].starts_with("{\"error\":\"not a request: unknown variant `moon`"),
        "{text}"
    );
    assert!(lines[2].starts_with("{\"error\":\"not a request"), "{text}");
    assert_eq!(lines[3], "{\"ok\":{\"shown\":\"Status\"}}");
}

#[test]
fn nobody_there_is_told_with_the_sockets_path() {
    let error = Client::connect(std::path::Path::new("/nowhere/lwb4.sock")).unwrap_err();
    assert!(
        error.to_string().starts_with("/nowhere/lwb4.sock: "),
        "{error}"
    );
}
