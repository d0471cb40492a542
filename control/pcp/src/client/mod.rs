//! The client of one mapping at one server: a port set for an lwB4, or any other MAP (RFC 6887 s8.1, s8.3,
//! s11.2, s11.4; RFC 7753 s4.3).
//!
//! ```text
//!            ┌── retransmit ──┐           ┌─────────── renewal points ──────────┐
//!            ▼                │           ▼                                     │
//!  start ► asking ──────────────────► bound ──► renewing ──────────────────────┘
//!            ▲  │ error                   │ lifetime over, or gone
//!            │  ▼                         ▼
//!           holding ◄───────────────────  lost
//! ```
//!
//! Octets that arrive go to [`Client::receive`], time to [`Client::poll`]; both return what there is to do
//! next until there is nothing. Randomness is a parameter, like time. Who asks once and does not stay uses an
//! [`Exchange`] instead.

mod answers;
mod exchange;
mod machine;
mod map_request;
mod renewal;
mod request;
mod retransmission;
mod state;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::net::Ipv4Addr;

pub use exchange::Answer;
pub use exchange::Exchange;
pub use exchange::Step;
pub use machine::Client;
pub use map_request::Grant;
pub use map_request::Internal;
pub use map_request::MapRequest;
pub use map_request::MapRequestError;
pub use map_request::Otherwise;
pub use map_request::ThirdParty;
pub use retransmission::Retransmission;

use crate::instant::Instant;
use crate::port_set::PortRange;
use crate::result_code::ResultCode;
use crate::wire::Message;
use crate::wire::Nonce;

/// What a client asks for, and whom.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientConfig {
    /// The server's address; its port is 5351.
    pub server: IpAddr,
    /// The client's own address, that requests leave from.
    pub own: IpAddr,
    /// Unguessable, another one for each server, the same for ever (PC-102, C-03).
    pub nonce: Nonce,
    /// What to ask for.
    pub goal: Goal,
    /// Seconds to ask for.
    pub lifetime_s: u32,
    /// What the last run had, if that is remembered (PC-039).
    pub suggestion: Option<(Ipv4Addr, u16)>,
}

/// What a client wants of its server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Goal {
    /// A port set inside these ports, as an lwB4's: all of them if it may choose (s3.5).
    PortSet(PortRange),
    /// One port of one protocol.
    Port {
        /// The protocol, not 0.
        protocol: u8,
        /// The internal port.
        internal_port: u16,
    },
}

/// What a client has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mapping {
    /// The external address.
    pub address: Ipv4Addr,
    /// The external ports, which are the internal ones for a set.
    pub ports: PortRange,
    /// When it ends unless it is renewed.
    pub expires: Instant,
}

/// What its owner has to do for a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Send these octets to port 5351 of the server, from the client's own port.
    Send(Box<Message>),
    /// Use this mapping; another one that was in use is void, and what was translated to it as well.
    Bound(Mapping),
    /// The mapping in use has another end.
    Renewed(Mapping),
    /// Use no mapping any more.
    Lost(Mapping),
    /// The server refuses; the client asks again by itself.
    Refused {
        /// Why.
        result: ResultCode,
        /// When it asks again.
        until: Instant,
    },
    /// The server maps internal ports to others, so that it is none for an lwB4; the client gives the
    /// mapping back and asks again by itself (PS-011).
    NotIdentity {
        /// When it asks again.
        until: Instant,
    },
    /// The server speaks version `supported` only; 0 is NAT-PMP (PC-109).
    OtherVersion {
        /// The version that it speaks.
        supported: u8,
        /// When the client asks again.
        until: Instant,
    },
    /// The mapping is given back, or was as far as the server let it be known.
    Released,
}

/// What became of octets that a client was given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Heard {
    /// They are about its mapping or its server, whether or not anything follows from them.
    Ours,
    /// The same, and they say that the server has lost its state (PC-081).
    StateLost,
    /// They are not, or cannot be read, and change nothing (PC-105, PC-106).
    NotOurs,
}

/// Where randomness comes from. Timers need no more than an even spread; nonces are made elsewhere.
pub trait Random {
    /// Any number, all with the same chance.
    fn next(&mut self) -> u64;
}

impl<F: FnMut() -> u64> Random for F {
    fn next(&mut self) -> u64 {
        self()
    }
}

/// A duration from `low` to `high`, both possible.
fn uniform(
    random: &mut impl Random,
    low: std::time::Duration,
    high: std::time::Duration,
) -> std::time::Duration {
    let span = high.saturating_sub(low).as_nanos() as u64;
    let chosen = (u128::from(random.next()) * (u128::from(span) + 1)) >> 64;
    low + std::time::Duration::from_nanos(chosen as u64)
}
