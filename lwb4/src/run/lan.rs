//! The PCP server for the LAN and its sockets.

use std::io;

use pcp::instant::Instant;
use tracing::debug;
use tracing::warn;

use super::RunError;
use super::poll::Poll;
use super::poll::Source;
use crate::config;
use crate::device::lan::LanSockets;
use crate::lan_pcp::LanServer;
use crate::nat::Nat;

/// The server, and where it listens.
pub(super) struct Lan {
    pub(super) server: LanServer,
    sockets: LanSockets,
}

impl Lan {
    /// Listens on the LAN's interfaces.
    pub(super) fn open(config: &config::Lan, poll: &Poll, now: Instant) -> Result<Self, RunError> {
        let sockets = LanSockets::open(&config.interfaces)?;
        for readable in sockets.readable() {
            poll.add(readable, Source::Lan)?;
        }
        Ok(Self {
            server: LanServer::new(config.server, now),
            sockets,
        })
    }

    /// Answers requests; mappings live until the sets' `expires` at most.
    pub(super) fn receive(&mut self, nat: &mut Nat, expires: Option<Instant>, now: Instant) {
        let mut buffer = [0; LONGEST];
        for _ in 0..BURST {
            match self.sockets.receive(&mut buffer) {
                Ok(Some((from, len))) => {
                    let server = &mut self.server;
                    let answer = server.receive(from, &buffer[..len], nat, expires, now);
                    let Some(answer) = answer else { continue };
                    debug!("PCP: {} octets answered to {}", len, from.client);
                    complain(self.sockets.answer(&from, &answer));
                }
                Ok(None) => return,
                Err(error) => return complain(Err(error)),
            }
        }
    }

    /// The sets are others, or some are gone.
    pub(super) fn sets_changed(&mut self, nat: &mut Nat, expires: Option<Instant>, now: Instant) {
        self.server.sets_changed(nat, expires, now);
    }

    /// Lets everything happen that is due.
    pub(super) fn let_happen(&mut self, nat: &mut Nat, now: Instant) {
        self.server.expire(nat, now);
        while let Some(datagram) = self.server.poll(now) {
            complain(self.sockets.send(&datagram));
        }
    }

    /// When something is due next.
    pub(super) fn due(&self) -> Option<Instant> {
        self.server.due()
    }
}

/// A host that has gone, or a LAN that is down, is no reason to end.
fn complain(done: io::Result<()>) {
    if let Err(error) = done {
        warn!("PCP on the LAN: {error}");
    }
}

/// Requests answered before other devices have their turn.
const BURST: usize = 32;
/// One octet more than the longest message has (RFC 6887 s7), so that a longer one is seen to be so.
const LONGEST: usize = 1101;
