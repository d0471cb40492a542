//! The server of an lwAFTR: what each request does to the leases, and what its sender hears.
//!
//! ```text
//!  octets ─► decide ─► effects ─► book, lease store, data plane ─► (durable and published) ─► response
//! ```
//!
//! Deciding changes nothing. The caller applies the effects in memory at once, so that the next request
//! meets them, makes them durable and publishes them, and only then lets the response leave; when that
//! fails it undoes them and sends [`Server::failure`] instead. A port set is thus forwarded before its
//! holder hears of it, and gone before anybody else can (conformance list, s10.2).
//!
//! ```
//! # use pcp::{book::Book, epoch::ServerEpoch, instant::Instant, server::*};
//! # fn durable_and_published(_: &Effects) -> bool { true }
//! fn serve(server: &Server, book: &mut Book, packet: &Packet<'_>, now: Instant) -> Option<Vec<u8>> {
//!     while let Some(expired) = book.expire(now) {
//!         durable_and_published(&Effects::from_iter([expired]));
//!     }
//!     let decision = server.decide(book, packet, now);
//!     for effect in &decision.effects {
//!         book.apply(effect, now).ok()?;
//!     }
//!     if durable_and_published(&decision.effects) {
//!         return decision.response.map(|response| response.to_vec());
//!     }
//!     for effect in decision.effects.iter().rev() {
//!         book.undo(effect, now).ok()?;
//!     }
//!     let failed = pcp::result_code::ResultCode::NoResources;
//!     Some(server.failure(packet.octets, failed, now).to_vec())
//! }
//! ```

mod announcements;
mod bindings;
mod config;
mod decide;
mod effect;
mod updates;

use std::net::IpAddr;
use std::net::Ipv6Addr;

pub use announcements::Announcements;
pub use announcements::Pace;
pub use bindings::Bindings;
pub use bindings::NoSet;
pub use bindings::Offer;
pub use bindings::Wanted;
pub use bindings::Wish;
pub use config::LifetimeLimits;
pub use config::NonceTakeover;
pub use config::ServerConfig;
pub use decide::Decision;
pub use decide::Effects;
pub use effect::Cause;
pub use effect::Effect;
pub use updates::Told;
pub use updates::Updates;

use crate::epoch::ServerEpoch;
use crate::instant::Instant;
use crate::lease::Path;
use crate::result_code::ResultCode;
use crate::wire::Message;
use crate::wire::Refusal;

/// The rules, with an operator's numbers, and the epoch. It holds no lease.
#[derive(Clone, Debug)]
pub struct Server {
    config: ServerConfig,
    epoch: ServerEpoch,
    grace_until: Option<Instant>,
}

/// A UDP payload and where it came from.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The UDP payload.
    pub octets: &'a [u8],
    /// The source address of the packet that carried it: inside the tunnel, if it came through one.
    pub source: IpAddr,
    /// The source port.
    pub port: u16,
    /// How it came.
    pub arrival: Arrival,
}

/// How a request came. One from the Internet side is none of these: it gets silence before it gets here
/// (PC-001).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrival {
    /// Inside a softwire from `outer` to `br`.
    Tunnel {
        /// The lwB4's IPv6 address.
        outer: Ipv6Addr,
        /// The lwAFTR's address that the tunnel ends at.
        br: Ipv6Addr,
    },
    /// Over IPv6, from the lwB4's own address to `br`.
    Plain {
        /// The lwAFTR's address that was asked, where the lwB4's tunnel will end too.
        br: Ipv6Addr,
    },
    /// At the management listener of this number, from a sender that is on its list.
    Management(u16),
}

impl Server {
    /// A server whose leases are what `epoch` says: as old as it, or none.
    #[must_use]
    pub const fn new(config: ServerConfig, epoch: ServerEpoch) -> Self {
        Self {
            config,
            epoch,
            grace_until: None,
        }
    }

    /// The rules' numbers.
    #[must_use]
    pub const fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Goes on with other numbers. Leases keep what they were granted.
    pub fn reconfigure(&mut self, config: ServerConfig) {
        self.config = config;
    }

    /// Seconds since leases were last lost (PC-080).
    #[must_use]
    pub fn epoch_s(&self, now: Instant) -> u32 {
        self.epoch.at(now)
    }

    /// Starts the epoch anew, because leases were lost or an external address changed (PC-080). Until
    /// `grace` is over, sets are only given back to those who had them: by suggestion, or from rest
    /// (FO-011).
    pub fn lose_state(&mut self, now: Instant, grace: std::time::Duration) {
        self.epoch = ServerEpoch::starting(now);
        self.begin_grace(now, grace);
    }

    /// The same where the epoch has begun anew already.
    pub fn begin_grace(&mut self, now: Instant, grace: std::time::Duration) {
        self.grace_until = Some(now + grace);
    }

    /// Until when sets only go back to those who had them, if they do.
    #[must_use]
    pub fn grace_until(&self, now: Instant) -> Option<Instant> {
        self.grace_until.filter(|until| now < *until)
    }

    /// The answer to a request whose effects could not be made durable or published, and were undone.
    #[must_use]
    pub fn failure(&self, request: &[u8], result: ResultCode, now: Instant) -> Message {
        Refusal::new(result).response(request, self.epoch_s(now))
    }

    fn in_grace(&self, now: Instant) -> bool {
        self.grace_until(now).is_some()
    }
}

impl Arrival {
    /// The path that answers and updates take back.
    #[must_use]
    pub const fn path(self) -> Path {
        match self {
            Self::Tunnel { .. } => Path::Tunnel,
            Self::Plain { .. } => Path::Plain,
            Self::Management(listener) => Path::Management(listener),
        }
    }

    /// Whether a softwire that ends at `br` is the way that the request came, as far as it came by one.
    fn is_by(self, br: Ipv6Addr) -> bool {
        self.br().is_none_or(|asked| asked == br)
    }

    const fn br(self) -> Option<Ipv6Addr> {
        match self {
            Self::Tunnel { br, .. } | Self::Plain { br } => Some(br),
            Self::Management(_) => None,
        }
    }
}
