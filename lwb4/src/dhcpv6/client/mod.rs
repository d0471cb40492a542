//! A DHCPv6 client (RFC 8415 s18.2): addresses and prefixes with the options that an lwB4 asks for, or the
//! options alone.
//!
//! ```text
//!                    offer               granted          T1            T2
//!  delay ► soliciting ───► requesting ───────► bound ───► renewing ───► rebinding
//!               ▲              │ nobody answers  ▲           │             │
//!               ├──────────────┘                 └───────────┴─────────────┤ granted
//!               └────────────────────────────────────────────── leases over┘
//!
//!  delay ► informing ───► informed ───► informing …                (without leases)
//! ```
//!
//! Octets that arrive go to [`Client::receive`], time to [`Client::poll`], which gives what there is to do
//! until there is nothing. Randomness is a parameter, like time. Reconfigure, Confirm and Rapid Commit are
//! left out: nothing here needs them.

mod answers;
mod exchange;
mod holding;
mod machine;
#[cfg(test)]
mod tests;

use std::net::Ipv6Addr;

use pcp::instant::Instant;

pub(crate) use holding::FOREVER;
pub(crate) use holding::after;
pub use machine::Client;

use super::Learned;
use super::Prefix;
use super::message::Duid;
use super::message::ReplyError;
use super::option::OptionError;

/// Who a client is and what it wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientConfig {
    /// What servers know it by; the same for ever.
    pub duid: Duid,
    /// The number of its associations; the same for ever.
    pub iaid: u32,
    /// What it asks for.
    pub goal: Goal,
}

/// What a client asks for, beside options.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Goal {
    /// Nothing (INFORMATION-REQUEST).
    Options,
    /// An address.
    Address,
    /// A delegated prefix, of this length if the server likes; 0 leaves it to the server (DH-014).
    Prefix(u8),
    /// Both.
    AddressAndPrefix(u8),
}

/// A lease of an address or a prefix.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lease<T> {
    /// What is leased.
    pub value: T,
    /// Until when it may be used for what is new.
    pub preferred_until: Instant,
    /// When it ends.
    pub until: Instant,
}

/// All that a client has from servers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Provision {
    /// Addresses for the interface.
    pub addresses: Vec<Lease<Ipv6Addr>>,
    /// Prefixes for the networks behind it.
    pub prefixes: Vec<Lease<Prefix>>,
    /// What the options say.
    pub learned: Learned,
}

/// What its owner has to do for a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Send this to ff02::1:2, port 547, from port 546 of a link-local address.
    Send(Vec<u8>),
    /// Use this, and nothing that was given before.
    Provided(Box<Provision>),
    /// Use nothing any more of what was given.
    Lost,
    /// Count and log: an option was dropped.
    Dropped(OptionError),
    /// Count: a message was dropped.
    Ignored(ReplyError),
    /// All is given back, or was as far as the server let it be known.
    Released,
}
