//! The Unix socket that the command line and other programs talk to; `API.md` describes the protocol.
//!
//! A thread accepts connections and each connection has a thread. Requests of a connection are answered
//! in their order; changes to softwires that have arrived together go to the writing thread as one batch,
//! so a client that does not wait for each answer is served fast.

mod connection;
pub mod message;
mod server;

pub use message::VERSION;
pub use server::Server;

use std::sync::Arc;

use crate::daemon::Daemon;
use crate::provisioning::LeaseService;
use crate::publisher::SoftwireService;

/// What requests are about.
#[derive(Clone)]
pub struct Context {
    /// The daemon.
    pub daemon: Arc<dyn Daemon>,
    /// Its softwires.
    pub softwires: SoftwireService,
    /// Its leases, if it has a PCP server.
    pub leases: Option<LeaseService>,
}

#[cfg(test)]
pub(crate) mod tests;
