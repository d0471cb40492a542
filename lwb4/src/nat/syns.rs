//! SYNs from outside that nobody waits for: for six seconds nothing is said, because the LAN host may be
//! about to open the same connection; then the sender hears of it (RFC 5382 REQ-4, NT-016).

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::net::SocketAddrV4;
use std::time::Duration;

use pcp::instant::Instant;

use crate::nat::icmp;
use crate::nat::packet::Ipv4;

/// The SYNs that wait for their answer, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Syns {
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    due: Instant,
    external: SocketAddrV4,
    remote: SocketAddrV4,
    answer: Vec<u8>,
}

impl Syns {
    /// A SYN from `remote` was not let in. It is answered in time, unless too many wait or its sender may not be told.
    pub(super) fn wait(
        &mut self,
        packet: &[u8],
        ip: &Ipv4,
        [remote, external]: [SocketAddrV4; 2],
        now: Instant,
    ) {
        let is_known = |waiting: &Waiting| (waiting.external, waiting.remote) == (external, remote);
        if self.waiting.len() >= MOST
            || !icmp::may_be_answered(packet, ip)
            || self.waiting.iter().any(is_known)
        {
            return;
        }
        self.waiting.push_back(Waiting {
            due: now + SILENCE,
            external,
            remote,
            answer: icmp::unreachable(*external.ip(), icmp::PORT, packet, ip),
        });
    }

    /// The LAN host opens this connection itself, so its SYN is no longer unsolicited.
    pub(super) fn solicit(&mut self, external: SocketAddrV4, remote: SocketAddrV4) {
        self.waiting
            .retain(|waiting| (waiting.external, waiting.remote) != (external, remote));
    }

    /// An answer whose time has come.
    pub(super) fn take(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.due()? > now {
            return None;
        }
        self.waiting.pop_front().map(|waiting| waiting.answer)
    }

    /// Forgets those to addresses that are not ours any more.
    pub(super) fn keep(&mut self, is_ours: impl Fn(Ipv4Addr, u16) -> bool) {
        self.waiting
            .retain(|waiting| is_ours(*waiting.external.ip(), waiting.external.port()));
    }

    /// When the next answer is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.front().map(|waiting| waiting.due)
    }
}

/// RFC 5382 REQ-4.
const SILENCE: Duration = Duration::from_secs(6);

/// More than these wait only in a port scan, which deserves no answers.
const MOST: usize = 64;
