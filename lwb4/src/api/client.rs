//! The other end: asks a running daemon.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

use super::Answer;
use super::Hello;
use super::Request;
use super::VERSION;

/// A connection to a daemon that speaks our version of the protocol.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the daemon at `socket`.
    ///
    /// # Errors
    /// When none listens there, or one of another version.
    pub fn connect(socket: &Path) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(socket).map_err(|error| ClientError::Connect {
            socket: socket.to_owned(),
            error,
        })?;
        let mut client = Self {
            stream: BufReader::new(stream),
        };
        let hello: Hello = client.read()?;
        if hello.api != VERSION {
            return Err(ClientError::Version { daemon: hello.api });
        }
        Ok(client)
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// When the daemon refuses or is gone.
    pub fn call(&mut self, request: &Request) -> Result<Value, ClientError> {
        let mut line = serde_json::to_vec(request).map_err(ClientError::Json)?;
        line.push(b'\n');
        self.stream
            .get_mut()
            .write_all(&line)
            .map_err(ClientError::Lost)?;
        match self.read()? {
            Answer::Ok(value) => Ok(value),
            Answer::Error(text) => Err(ClientError::Refused(text)),
        }
    }

    fn read<T: DeserializeOwned>(&mut self) -> Result<T, ClientError> {
        let mut line = String::new();
        self.stream
            .read_line(&mut line)
            .map_err(ClientError::Lost)?;
        if line.is_empty() {
            return Err(ClientError::Lost(io::ErrorKind::UnexpectedEof.into()));
        }
        serde_json::from_str(&line).map_err(ClientError::Json)
    }
}

/// Why the daemon did not do what was asked.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("{}: {error}; is lwb4 running, with this socket?", .socket.display())]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another program version.
    #[error("the daemon speaks version {daemon} of the protocol, expected {VERSION}")]
    Version {
        /// The version that the daemon speaks.
        daemon: u32,
    },
    /// The daemon says why.
    #[error("{0}")]
    Refused(String),
    /// The connection broke.
    #[error("the daemon has gone: {0}")]
    Lost(io::Error),
    /// No JSON, or not ours.
    #[error("not understood: {0}")]
    Json(serde_json::Error),
}
