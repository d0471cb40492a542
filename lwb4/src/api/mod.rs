//! The Unix socket that the command line, hooks and other programs talk to.
//!
//! The daemon says `{"lwb4": VERSION, "api": 1}` first; then each line from the client is one JSON object
//! ([`Request`]) and gets one line back: `{"ok": VALUE}` or `{"error": TEXT}`. A thread serves each
//! connection and asks the packet loop through a channel, so a client that stalls stalls nothing else.

mod client;
mod connection;
mod server;

use std::sync::mpsc::SyncSender;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

pub use client::Client;
pub use client::ClientError;
pub use server::Server;

/// What a client asks.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// Something to look at.
    Show(Topic),
    /// What another program's DHCPv6 client has learned.
    Learned(Value),
}

/// What can be looked at.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// The softwire's state.
    Status,
    /// The NAT's mappings.
    Mappings,
    /// The counters.
    Counters,
}

/// A request on its way to the packet loop, and the way back.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub request: Request,
    /// Takes the answer; nobody may be waiting any more.
    pub answer: SyncSender<Result<Value, String>>,
}

/// What the daemon says first.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Hello {
    lwb4: String,
    api: u32,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Ok(Value),
    Error(String),
}

/// Version of the protocol. It grows when a client of the version before would be misled.
const VERSION: u32 = 1;

#[cfg(test)]
mod tests;
