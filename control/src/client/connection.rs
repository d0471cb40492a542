//! A connection to the daemon.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

use crate::api::VERSION;
use crate::api::message::Answer;
use crate::api::message::AnswerLine;
use crate::api::message::Hello;
use crate::api::message::RequestLine;

/// A connection to a daemon that speaks our version of the protocol. The two directions can be parted,
/// to send requests while answers come in.
#[derive(Debug)]
pub struct Client {
    pub(super) requests: Requests,
    pub(super) answers: Answers,
}

impl Client {
    /// Connects to the daemon at `socket`.
    ///
    /// # Errors
    /// When none listens there, or one of another version.
    pub fn connect(socket: &Path) -> Result<Self, ClientError> {
        let failed = |error| ClientError::Connect {
            socket: socket.to_owned(),
            error,
        };
        let stream = UnixStream::connect(socket).map_err(failed)?;
        let output = BufWriter::with_capacity(BUFFER, stream.try_clone().map_err(failed)?);
        let input = BufReader::with_capacity(BUFFER, stream);
        let mut answers = Answers {
            input,
            line: String::new(),
        };
        let hello: Hello = answers.line()?.ok_or(ClientError::Gone)?;
        if hello.api != VERSION {
            return Err(ClientError::Version {
                theirs: hello.api,
                program: hello.lwaftr,
            });
        }
        Ok(Self {
            requests: Requests { output },
            answers,
        })
    }

    /// Sends one request and waits for what it comes to; `each` gets the rows and progress on the way.
    ///
    /// # Errors
    /// The daemon's refusal, or the connection's end.
    pub fn call(
        &mut self,
        request: &RequestLine,
        mut each: impl FnMut(Answer) -> Result<(), ClientError>,
    ) -> Result<Value, ClientError> {
        self.requests.send(request)?;
        self.requests.output.flush()?;
        loop {
            match self
                .answers
                .line::<AnswerLine>()?
                .ok_or(ClientError::Gone)?
                .answer
            {
                Answer::Ok(value) => return Ok(value),
                Answer::Error(message) => return Err(ClientError::Refused(message)),
                part => each(part)?,
            }
        }
    }
}

/// The direction to the daemon.
#[derive(Debug)]
pub(super) struct Requests {
    output: BufWriter<UnixStream>,
}

impl Requests {
    pub(super) fn send(&mut self, request: &RequestLine) -> Result<(), ClientError> {
        serde_json::to_writer(&mut self.output, request).map_err(io::Error::from)?;
        Ok(self.output.write_all(b"\n")?)
    }

    /// Sends what is left and says that nothing more will come, so that answers end.
    pub(super) fn finish(mut self) -> Result<(), ClientError> {
        self.output.flush()?;
        Ok(self.output.get_ref().shutdown(Shutdown::Write)?)
    }
}

/// The direction from the daemon.
#[derive(Debug)]
pub(super) struct Answers {
    input: BufReader<UnixStream>,
    line: String,
}

impl Answers {
    /// The next line, or `None` when the daemon has said everything.
    pub(super) fn line<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ClientError> {
        self.line.clear();
        if self.input.read_line(&mut self.line)? == 0 {
            return Ok(None);
        }
        serde_json::from_str(&self.line)
            .map(Some)
            .map_err(ClientError::Protocol)
    }
}

/// Why the daemon did not do what was asked.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("{}: no daemon listens there: {error}", .socket.display())]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The daemon is of another version.
    #[error(
        "the daemon is lwaftr {program} and speaks version {theirs} of the API, expected {VERSION}"
    )]
    Version {
        /// The daemon's version of the protocol.
        theirs: u32,
        /// The daemon's own version.
        program: String,
    },
    /// The daemon ended.
    #[error("the daemon closed the connection before it had answered")]
    Gone,
    /// The daemon said no.
    #[error("{0}")]
    Refused(String),
    /// The daemon said something that is no answer.
    #[error("the daemon's answer cannot be read: {0}")]
    Protocol(serde_json::Error),
    /// The connection broke, or our own output did.
    #[error(transparent)]
    Io(#[from] io::Error),
}

const BUFFER: usize = 1 << 16;
