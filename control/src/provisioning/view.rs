//! What the server sees: the book, and what only the daemon knows.

use std::cell::Cell;
use std::net::Ipv6Addr;
use std::time::Duration;

use pcp::book::Book;
use pcp::instant::Instant;
use pcp::lease::Lease;
use pcp::lease::Path;
use pcp::port_set::PortSet;
use pcp::server::Bindings;
use pcp::server::NoSet;
use pcp::server::Offer;
use pcp::server::Wish;
use pcp::subscriber::Client;
use pcp::subscriber::Subscriber;

use super::last_seen::LastSeen;
use super::reservations::Reservations;

/// Leases, pools and the operator's own bindings.
#[derive(Debug)]
pub(super) struct View<'v> {
    pub(super) book: &'v Book,
    pub(super) reservations: &'v Reservations,
    pub(super) may_grant: bool,
    pub(super) last_seen: Option<&'v LastSeen>,
    /// Whether there was no set for the sake of those who have not come back yet.
    pub(super) is_in_grace: Cell<bool>,
}

impl Bindings for View<'_> {
    fn subscriber(&self, outer: Ipv6Addr) -> Subscriber {
        self.book.subscriber(outer)
    }

    fn held(&self, subscriber: Subscriber) -> impl Iterator<Item = Lease> {
        self.book.held(subscriber)
    }

    fn resting(&self, subscriber: Subscriber) -> usize {
        self.book.resting(subscriber)
    }

    fn offer(&self, wish: &Wish) -> Result<Offer, NoSet> {
        let offer = self.book.offer(wish);
        self.is_in_grace.set(offer == Err(NoSet::InGrace));
        let offer = offer?;
        if self.may_grant {
            Ok(offer)
        } else {
            Err(NoSet::Exhausted)
        }
    }

    fn idle(&self, lease: &Lease, now: Instant) -> Option<Duration> {
        self.last_seen?.silence(lease.set, now)
    }

    fn serving(&self, client: &Client, path: Path, set: PortSet) -> Option<Ipv6Addr> {
        self.book.serving(client, path, set)
    }

    fn bound(&self, client: &Client) -> Option<Offer> {
        self.reservations.of(client.outer)
    }
}
