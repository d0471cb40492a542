//! Many changes in one stream: requests go out while answers come in.

use std::io;
use std::io::BufReader;
use std::path::Path;
use std::thread;

use serde::Serialize;
use thiserror::Error;

use super::connection::Answers;
use super::connection::Client;
use super::connection::ClientError;
use super::connection::Requests;
use crate::api::message::Answer;
use crate::api::message::AnswerLine;
use crate::api::message::BindingFields;
use crate::api::message::PortsFields;
use crate::api::message::RequestLine;
use crate::bindings_file;
use crate::bindings_file::BindingsFileError;
use crate::bindings_file::Format;
use crate::bindings_file::Row;

/// What to do with each binding of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    Add,
    Remove,
}

/// What a stream came to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub(super) struct Tally {
    pub(super) done: u64,
    pub(super) refused: u64,
}

/// Why a stream did not go through.
#[derive(Debug, Error)]
pub(super) enum ManyError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    File(#[from] BindingsFileError),
    #[error("{refused} of {} softwires were refused", .refused + .done)]
    Refused { done: u64, refused: u64 },
}

/// Adds or removes the bindings of `file` (`-` is standard input). A file is checked to its end before the
/// first of its bindings is sent; standard input is sent as it comes. `refused` hears of each binding that
/// the daemon refuses, with its line.
pub(super) fn change(
    client: Client,
    file: &Path,
    action: Action,
    save: bool,
    refused: impl FnMut(u64, &str),
) -> Result<Tally, ManyError> {
    let Client { requests, answers } = client;
    let mut stream = Stream {
        requests,
        action,
        save,
        sent: 0,
        broken: None,
    };
    let rows = if file == Path::new("-") {
        None
    } else {
        Some(bindings_file::read(file, |_| ())?)
    };
    let (sent, tally) = thread::scope(|scope| {
        let sending = scope.spawn(move || match rows {
            Some(rows) => {
                rows.iter().for_each(|row| stream.row(row));
                stream.finish(Ok(()))
            }
            None => {
                let input = BufReader::new(io::stdin());
                let read = bindings_file::stream(input, Format::Csv, Path::new("-"), |row| {
                    stream.row(&row)
                });
                stream.finish(read)
            }
        });
        let tally = tally(answers, refused);
        (sending.join(), tally)
    });
    // A thread that panicked has said so on stderr; its stream has ended early.
    let sent = sent.unwrap_or(Err(ManyError::Client(ClientError::Gone)));
    let tally = tally?;
    let sent = sent?;
    if tally.done + tally.refused < sent {
        return Err(ClientError::Gone.into());
    }
    Ok(tally)
}

/// The requests of a stream; after the connection breaks, what is left goes nowhere.
struct Stream {
    requests: Requests,
    action: Action,
    save: bool,
    sent: u64,
    broken: Option<ClientError>,
}

impl Stream {
    fn row(&mut self, row: &Row) {
        if self.broken.is_some() {
            return;
        }
        match self.requests.send(&request(row, self.action, self.save)) {
            Ok(()) => self.sent += 1,
            Err(error) => self.broken = Some(error),
        }
    }

    fn finish(self, read: Result<(), BindingsFileError>) -> Result<u64, ManyError> {
        let finished = self.requests.finish();
        read?;
        if let Some(error) = self.broken {
            return Err(error.into());
        }
        finished?;
        Ok(self.sent)
    }
}

/// The request about a row, whose line is its number.
fn request(row: &Row, action: Action, save: bool) -> RequestLine {
    let fields = BindingFields::from(&row.binding);
    let mut request = RequestLine {
        id: row.line.into(),
        save,
        ..RequestLine::default()
    };
    match action {
        Action::Add => request.add = Some(fields),
        Action::Remove => request.remove = Some(PortsFields::from(fields)),
    }
    request
}

fn tally(mut answers: Answers, mut refused: impl FnMut(u64, &str)) -> Result<Tally, ClientError> {
    let mut tally = Tally::default();
    while let Some(AnswerLine { id, answer }) = answers.line()? {
        match answer {
            Answer::Error(message) => {
                tally.refused += 1;
                refused(id.unwrap_or_default(), &message);
            }
            _ => tally.done += 1,
        }
    }
    Ok(tally)
}

impl From<BindingFields> for PortsFields {
    fn from(fields: BindingFields) -> Self {
        let BindingFields {
            ipv4,
            psid_offset,
            psid_length,
            psid,
            ..
        } = fields;
        Self {
            ipv4,
            psid_offset,
            psid_length,
            psid,
        }
    }
}
