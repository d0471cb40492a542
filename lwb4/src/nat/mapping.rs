//! A mapping: one port of one LAN host and the external one that stands for it towards everybody (NT-001).
//!
//! ```text
//!   a packet, MAP or PEER ──► active ── last session ends, nobody wants it ──► resting ── 120 s ──► gone
//!                               ▲                                                 │
//!                               └───── the same port of the same host sends ──────┘
//! ```
//!
//! A mapping at rest keeps its external port from other hosts (NT-023), lets nothing in, and gives its own
//! host the port back: the same end if that sends again, any of them when no other is free.

use std::net::SocketAddrV4;

use crate::explicit::RemoteFilter;
use crate::nat::sessions::SessionList;
use crate::nat::sets::Taken;
use crate::nat::wheel::Tick;

/// A protocol and an end, in one word.
pub(super) type Key = u64;

/// The key of an end; internal and external ones have tables of their own.
#[inline]
pub(super) fn key(protocol: u8, end: SocketAddrV4) -> Key {
    u64::from(protocol) << 48 | u64::from(u32::from(*end.ip())) << 16 | u64::from(end.port())
}

/// One mapping.
#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) protocol: u8,
    pub(super) internal: SocketAddrV4,
    pub(super) external: Taken,
    pub(super) sessions: SessionList,
    /// What a MAP request wants of it.
    pub(super) wanted: Option<Box<Wish>>,
    /// Until when it rests; `None` while it is active.
    pub(super) rests_until: Option<Tick>,
    /// Where it is among the resting ones of its host.
    pub(super) resting_place: u32,
    /// Whether all its sessions so far were TCP connections that both ends closed, so that no packet of
    /// them can come any more (NT-023).
    pub(super) closed_cleanly: bool,
}

/// What a MAP request wants of a mapping.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Wish {
    pub(super) until: Tick,
    /// Who may send; empty is anybody.
    pub(super) filters: Vec<RemoteFilter>,
}

impl Wish {
    /// Whether a stranger may send (NT-024).
    pub(super) fn lets_in(&self, remote: SocketAddrV4) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| passes(filter, remote))
    }
}

impl Mapping {
    /// Whether packets are translated by it.
    pub(super) const fn is_active(&self) -> bool {
        self.rests_until.is_none()
    }
}

/// RFC 6887 s13.3: a prefix and a port, of which 0 is any.
fn passes(filter: &RemoteFilter, remote: SocketAddrV4) -> bool {
    let bits = u32::from(*filter.remote.ip()) ^ u32::from(*remote.ip());
    let differs = bits
        .checked_shr(32 - u32::from(filter.prefix_length.min(32)))
        .unwrap_or(0);
    differs == 0 && (filter.remote.port() == 0 || filter.remote.port() == remote.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nt_024_a_filter_is_a_prefix_and_a_port() {
        let filter = |remote: &str, prefix_length| RemoteFilter {
            remote: remote.parse().unwrap(),
            prefix_length,
        };
        let remote = "198.51.100.130:443".parse().unwrap();
        for (end, length, lets_in) in [
            ("198.51.100.0:0", 24, true),
            ("198.51.100.128:443", 25, true),
            ("198.51.100.0:443", 25, false),
            ("198.51.100.130:80", 32, false),
            ("198.51.100.131:443", 32, false),
            ("198.51.100.130:443", 32, true),
            ("0.0.0.0:0", 0, true),
        ] {
            assert_eq!(
                passes(&filter(end, length), remote),
                lets_in,
                "{end}/{length}"
            );
        }
    }
}
