//! Announcements on their way: whose turn it is, and by which way it is told (FO-015).

use std::net::Ipv6Addr;

use lwaftr_dataplane::wire::ethernet::Mac;
use pcp::instant::Instant;
use pcp::lease::Lease;
use pcp::server::Announcements;
use pcp::server::Pace;

use super::super::envelope::Envelope;
use super::RecoveryFacts;
use crate::config::Multicast;
use crate::roster::Peer;
use crate::roster::Peers;

/// Everybody who is told, and how far that is.
#[derive(Debug)]
pub(super) struct Telling {
    peers: Peers,
    /// The groups come before the peers in every round, once for each BR address.
    groups: Option<(Multicast, Vec<Ipv6Addr>)>,
    announcements: Announcements,
    random: fastrand::Rng,
    began: Instant,
    round: u32,
    returned: usize,
    sent: u64,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Receiver {
    /// The lwB4s that this BR address serves, by their group.
    Group(Multicast, Ipv6Addr),
    /// One lwB4.
    Peer(Peer),
}

impl Telling {
    pub(super) fn new(
        peers: Peers,
        groups: Option<(Multicast, Vec<Ipv6Addr>)>,
        pace: Pace,
        now: Instant,
    ) -> Self {
        let count = groups.as_ref().map_or(0, |(_, brs)| brs.len()) + peers.len();
        Self {
            peers,
            groups,
            announcements: Announcements::new(count, pace, now),
            random: fastrand::Rng::new(),
            began: now,
            round: 0,
            returned: 0,
            sent: 0,
        }
    }

    /// Whose turn it is at `now`.
    pub(super) fn next(&mut self, now: Instant) -> Option<Receiver> {
        let (round, _) = self.announcements.rounds();
        let random = &mut self.random;
        let place = self.announcements.pop(now, &mut || random.u64(..))?;
        if round != self.round {
            // Each round finds out anew who is there again.
            (self.round, self.returned) = (round, 0);
        }
        let mut place = place;
        if let Some((multicast, brs)) = &self.groups {
            match brs.get(place) {
                Some(br) => return Some(Receiver::Group(*multicast, *br)),
                None => place -= brs.len(),
            }
        }
        self.peers.at(place).map(Receiver::Peer)
    }

    /// Whether a lease is one that this peer was granted since all began to be told.
    pub(super) fn is_return(&self, lease: &Lease, peer: &Peer) -> bool {
        lease.client.outer == peer.outer && lease.granted >= self.began
    }

    pub(super) const fn has_returned(&mut self) {
        self.returned += 1;
    }

    pub(super) const fn has_been_told(&mut self) {
        self.sent += 1;
    }

    pub(super) fn is_over(&self) -> bool {
        self.announcements.due().is_none()
    }

    pub(super) fn facts(&self) -> RecoveryFacts {
        let (round, rounds) = self.announcements.rounds();
        RecoveryFacts {
            peers: self.peers.len(),
            returned: self.returned,
            round,
            rounds,
            sent: self.sent,
            is_over: false,
        }
    }

    pub(super) const fn peers(&self) -> &Peers {
        &self.peers
    }

    pub(super) fn into_peers(self) -> Peers {
        self.peers
    }
}

impl Receiver {
    /// The headers by which it is told, by the neighbour `next_hop`.
    pub(super) fn envelope(&self, next_hop: Mac) -> Envelope {
        match self {
            Self::Peer(peer) => Envelope::to_peer(peer, next_hop),
            Self::Group(multicast, br) => Envelope::to_group(*multicast, *br),
        }
    }
}
