//! NAT44: translates what LAN hosts send into the ports that we may use, and what comes back
//! (RFC 7596 s5.2; RFC 4787, 5382, 5508, 7857; NT-001…024).
//!
//! ```text
//!   LAN ── outbound ──► mapping of the source, made if need be ──► ToTunnel
//!                              │ to an end of our own (NT-010)
//!   LAN ◄── ToLan ──── filter, session of a mapping ◄── inbound ── tunnel
//! ```
//!
//! Pure: no sockets and no clock. A packet is IPv4 from its first octet, and is translated where it lies;
//! headers and checksums change, lengths do not, so segments that a kernel merges later (GSO), as long as IPv4
//! allows, pass as well. The caller takes TTL and MTU in its hands, and keeps packets to 192.0.0.1 away,
//! which are the lwAFTR's and not the Internet's. The lwB4's own packets are those of one more LAN host.
//!
//! What it does where the RFCs leave a choice:
//!
//! - **Mapping** is endpoint-independent, in every protocol for itself. Ports are random; parity is kept
//!   while it can be (a knob), well-known ports are never chosen where there are others, and UDP 5350 and
//!   5351 never (PC-040). A host stays on one address while that has room. No port is two hosts' (NT-003).
//! - **Filtering** is address-dependent unless configured otherwise, by protocol (NT-009, LW-037).
//! - **A freed port rests** for two minutes (NT-023). Its own host gets it back before; a TCP mapping whose connections
//!   both ends closed does not rest.
//! - **ICMP**: echo and timestamp queries from the LAN and their replies; errors both ways. Queries from
//!   outside go to nobody (IC-017). An echo request from the LAN to an address of ours is answered here.
//! - **Protocols**: TCP, UDP, UDP-Lite and DCCP alike; SCTP only if its port is one of ours and free (AP-005);
//!   protocols without ports only on a whole address, each for the first host that uses it (AP-004).
//! - **Hairpin**: to a port of ours, both ends are translated; to a foreign port of the same address, the
//!   lwAFTR is asked (C-11).
//! - **Fragments** follow their first. Identifications stay as they are unless [`Identification`] says so.
//! - **No ALG**: passive FTP needs none, and everything else is off by default in the RFCs as well (NT-011).
//! - A TCP segment of a connection that we do not know makes a mapping too, so that connections outlive us; it counts
//!   as established when the other end answers. A reset makes none.

mod checksum;
mod choose;
mod config;
mod counters;
mod drop;
mod flow;
mod fragments;
mod hosts;
mod icmp;
mod inbound;
mod mapping;
mod outbound;
mod packet;
mod ports;
mod quote;
mod requests;
mod rewrite;
mod sessions;
mod sets;
mod slab;
mod syns;
mod table;
mod tcp;
#[cfg(test)]
mod tests;
mod view;
mod wheel;

use std::collections::VecDeque;

use pcp::instant::Instant;

pub use self::checksum::Checksum;
pub use self::config::Filtering;
pub use self::config::Filterings;
pub use self::config::Identification;
pub use self::config::Limits;
pub use self::config::NatConfig;
pub use self::config::Timer;
pub use self::config::TimerTooShort;
pub use self::config::Timers;
pub use self::counters::NatCounters;
pub use self::drop::NatDrop;
pub use self::view::MappingView;

use crate::bucket::Bucket;
use crate::external::ExternalSet;
use crate::nat::fragments::Fragments;
use crate::nat::syns::Syns;
use crate::nat::table::Table;

/// Where a translated packet goes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Way {
    /// Into the tunnel, from one of our external ends.
    ToTunnel,
    /// To a LAN host, from the tunnel.
    ToLan,
    /// To a LAN host, from a LAN host.
    Hairpin,
}

/// What became of a packet from the LAN.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outbound {
    /// It was translated for the tunnel.
    ToTunnel,
    /// It was translated for a LAN host, both its ends.
    Hairpin,
    /// It goes nowhere, but this packet goes to its sender: an ICMP error, or an echo reply of ours.
    Reply(Vec<u8>),
    /// A copy waits for the first fragment; see [`Nat::take_released`].
    Held,
    /// It goes nowhere.
    Drop(NatDrop),
}

/// What became of a packet from the tunnel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Inbound {
    /// It was translated for a LAN host.
    ToLan,
    /// A copy waits for the first fragment; see [`Nat::take_released`].
    Held,
    /// It goes nowhere.
    Drop(NatDrop),
}

/// A packet that comes later than others: a fragment whose first has come, or an answer that had to wait.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Released {
    /// The packet, translated.
    pub packet: Vec<u8>,
    /// Where it goes.
    pub way: Way,
}

/// The translator, and everything that it remembers.
#[derive(Debug)]
pub struct Nat {
    config: NatConfig,
    table: Table,
    fragments: Fragments,
    syns: Syns,
    answers: Bucket,
    released: VecDeque<Released>,
    counters: NatCounters,
}

impl Nat {
    /// A NAT without ports. `seed` decides which ports are chosen, so it must be hard to guess.
    #[must_use]
    pub fn new(config: NatConfig, seed: u64) -> Self {
        Self {
            table: Table::new(&config, seed),
            fragments: Fragments::new(config.limits),
            syns: Syns::default(),
            answers: Bucket::new(config.answers_per_second, config.answers_per_second),
            released: VecDeque::new(),
            counters: NatCounters::default(),
            config,
        }
    }

    /// From now on the NAT uses these sets. Mappings of those that are not among them any more are flushed
    /// and returned, so that whoever asked for one can be told (LW-027, LW-004); all others stay.
    pub fn set_external(&mut self, sets: &[ExternalSet], now: Instant) -> Vec<MappingView> {
        self.advance(now);
        let gone = self.table.sets.replace(sets, &mut self.table.rng);
        let of_gone = self.table.mappings.iter();
        let of_gone = of_gone.filter(|(_, mapping)| gone.contains(&mapping.external.set));
        let ids: Vec<_> = of_gone.map(|(id, _)| id).collect();
        let views = ids.iter().filter_map(|id| self.view(*id)).collect();
        for id in &ids {
            self.table.flush(*id);
        }
        self.counters.mappings_flushed += ids.len() as u64;
        if !gone.is_empty() {
            self.fragments.flush();
            self.released.clear();
            let sets = &self.table.sets;
            self.syns.keep(|address, port| sets.has(address, port));
        }
        views
    }

    /// Lets everything happen that is due by `now`. Packets end what is to end as well, but answers that
    /// had to wait are released here only.
    pub fn poll(&mut self, now: Instant) {
        self.advance(now);
        while let Some(answer) = self.syns.take(now) {
            if self.may_answer(now) {
                self.release(answer, Way::ToTunnel);
            }
        }
    }

    /// When [`Self::poll`] has something to do next.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let dues = [self.table.due(), self.fragments.due(), self.syns.due()];
        dues.into_iter().flatten().min()
    }

    /// A packet that comes later than others, in the order of their release. Look for some after every
    /// packet and poll.
    pub fn take_released(&mut self) -> Option<Released> {
        self.released.pop_front()
    }

    /// What was counted since the start.
    #[must_use]
    pub const fn counters(&self) -> &NatCounters {
        &self.counters
    }

    fn advance(&mut self, now: Instant) {
        self.table.advance(now);
        self.fragments.expire(now);
        let timed_out = std::mem::take(&mut self.fragments.timed_out);
        self.counters.add_drops(NatDrop::FragmentTimeout, timed_out);
    }

    fn release(&mut self, packet: Vec<u8>, way: Way) {
        self.released.push_back(Released { packet, way });
    }

    /// Whether an ICMP message may be made now; counts it.
    fn may_answer(&mut self, now: Instant) -> bool {
        let may = self.answers.take(now);
        if may {
            self.counters.answered += 1;
        } else {
            self.counters.unanswered += 1;
        }
        may
    }

    fn count(&mut self, way: Way) {
        match way {
            Way::ToTunnel => self.counters.outbound += 1,
            Way::ToLan => self.counters.inbound += 1,
            Way::Hairpin => self.counters.hairpinned += 1,
        }
    }
}
