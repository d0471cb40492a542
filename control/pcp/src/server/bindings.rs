//! What the server has to know of leases and pools. `crate::book::Book` is the implementation; a daemon
//! wraps it to add what only it knows: static bindings, traffic and the lifetimes of addresses.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::time::Duration;

use crate::instant::Instant;
use crate::lease::Lease;
use crate::lease::Path;
use crate::port_set::PortRange;
use crate::port_set::PortSet;
use crate::subscriber::Client;
use crate::subscriber::Subscriber;

/// The leases and pools that a decision reads. Everything is in memory and answers at once.
pub trait Bindings {
    /// The subscriber of a softwire's end.
    fn subscriber(&self, outer: Ipv6Addr) -> Subscriber;

    /// The leases that a subscriber holds. Sets that rest are not among them.
    fn held(&self, subscriber: Subscriber) -> impl Iterator<Item = Lease>;

    /// Number of sets that rest after the subscriber held them.
    fn resting(&self, subscriber: Subscriber) -> usize;

    /// A set that the client may have. Nothing is taken until the grant is applied.
    ///
    /// # Errors
    /// Why there is none.
    fn offer(&self, wish: &Wish) -> Result<Offer, NoSet>;

    /// The BR address at which a client that asks on `path` may have `set`; `None` when the set's pool does
    /// not serve it.
    fn serving(&self, client: &Client, path: Path, set: PortSet) -> Option<Ipv6Addr>;

    /// What the operator bound to the client for ever (PC-035).
    fn bound(&self, _client: &Client) -> Option<Offer> {
        None
    }

    /// For how long no packet of the lease was seen; `None` when nobody looks.
    fn idle(&self, _lease: &Lease, _now: Instant) -> Option<Duration> {
        None
    }

    /// Seconds that the client's IPv6 address has left; `None` when nobody knows (PS-044).
    fn address_lifetime_s(&self, _client: &Client, _now: Instant) -> Option<u32> {
        None
    }
}

/// What a client without a matching lease asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wish {
    /// Who asks.
    pub client: Client,
    /// How it asks: other systems have pools of their own (DH-051).
    pub path: Path,
    /// The end of the tunnel that it uses.
    pub br: Option<Ipv6Addr>,
    /// What it asks for.
    pub wanted: Wanted,
    /// The external address and port that it suggests; the port of 0 suggests none.
    pub suggestion: Option<(Ipv4Addr, u16)>,
    /// Whether sets of pools that were in use before a loss only go to those who had them (FO-011).
    pub reclaim_only: bool,
}

/// A set or an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// A set inside these ports (PS-015); a whole address if they are all that can be spelled.
    Inside(PortRange),
    /// A whole address, every protocol and port of it, and nothing less (PC-031).
    WholeAddress,
}

/// A set that may be granted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Offer {
    /// The set.
    pub set: PortSet,
    /// The lwAFTR's end of the softwire.
    pub br: Ipv6Addr,
}

/// Why there is no set to offer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoSet {
    /// There are no pools at all.
    NoPool,
    /// No pool serves this client.
    NotServed,
    /// No pool has sets that lie inside the ports asked for.
    NoneInside,
    /// All that would do are taken.
    Exhausted,
    /// Somebody who has not come back yet may have had any that would do (FO-011).
    InGrace,
}
