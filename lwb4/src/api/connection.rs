//! One connection: lines in, lines out.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::Duration;

use serde::Serialize;

use super::Answer;
use super::Asked;
use super::Hello;
use super::Request;
use super::VERSION;
use super::server::Loop;

/// Serves a connection to its end.
///
/// # Errors
/// When the client has gone or takes too long.
pub(super) fn serve(stream: &UnixStream, packet_loop: &Loop) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    write(
        stream,
        &Hello {
            lwb4: env!("CARGO_PKG_VERSION").to_owned(),
            api: VERSION,
        },
    )?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        reader
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)?;
        match line.last() {
            None => return Ok(()),
            Some(b'\n') => write(stream, &answer(&line, packet_loop))?,
            Some(_) => {
                return write(
                    stream,
                    &Answer::Error("no line, or too long a one".to_owned()),
                );
            }
        }
    }
}

fn answer(line: &[u8], packet_loop: &Loop) -> Answer {
    let request: Request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => return Answer::Error(format!("not a request: {error}")),
    };
    let (answer, answered) = mpsc::sync_channel(1);
    if !packet_loop.ask(Asked { request, answer }) {
        return Answer::Error("the daemon is ending".to_owned());
    }
    match answered.recv_timeout(PATIENCE) {
        Ok(Ok(value)) => Answer::Ok(value),
        Ok(Err(text)) => Answer::Error(text),
        Err(_) => Answer::Error("the daemon does not answer".to_owned()),
    }
}

fn write(mut stream: &UnixStream, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    stream.write_all(&line)
}

const PATIENCE: Duration = Duration::from_secs(5);
/// Octets of a request's line; what DHCPv6 says fits one datagram.
const MAX_LINE: u64 = 1 << 18;
