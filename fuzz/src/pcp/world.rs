//! The server and the book of one execution, and what anybody can see of them.

use std::net::Ipv4Addr;

use pcp::book::Book;
use pcp::epoch::ServerEpoch;
use pcp::instant::Instant;
use pcp::lease::Lease;
use pcp::pool::Pools;
use pcp::pool::Usage;
use pcp::port_set::PortSet;
use pcp::server::Server;

use crate::pcp::settings::Settings;

/// Everything that steps change.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) server: Server,
    pub(crate) book: Book,
    pub(crate) now: Instant,
    pub(crate) kept_back: Vec<PortSet>,
    /// Until then sets go back to those who had them, and to nobody else.
    pub(crate) grace_until: Instant,
}

/// The state of a book, in an order of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) held: Vec<Lease>,
    pub(crate) resting: Vec<(Lease, Instant)>,
    pub(crate) usage: Vec<Usage>,
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        let now = Instant::from_secs(1_000_000);
        Self {
            server: Server::new(settings.server, ServerEpoch::starting(now)),
            book: empty_book(&settings, now),
            settings,
            now,
            kept_back: Vec::new(),
            grace_until: now,
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut held: Vec<Lease> = self.book.leases().collect();
        held.sort_unstable_by_key(|lease| place(lease.set));
        let mut resting: Vec<_> = self.book.resting_leases().collect();
        resting.sort_unstable_by_key(|(lease, _)| place(lease.set));
        Snapshot {
            held,
            resting,
            usage: self.book.pools().iter().map(|pool| pool.usage()).collect(),
        }
    }

    /// A book as it is after a restart with everything that was kept.
    pub(crate) fn restart(&mut self) {
        let before = self.snapshot();
        self.book = empty_book(&self.settings, self.now);
        for set in &self.kept_back {
            self.book.keep_back(*set).expect("free in an empty book");
        }
        for lease in &before.held {
            self.book.restore(*lease).expect("held by nobody else");
        }
        for (lease, until) in &before.resting {
            let restored = self.book.restore_resting(*lease, *until);
            restored.expect("held by nobody else");
        }
        assert_eq!(self.snapshot(), before, "a restart changes the book");
    }
}

fn empty_book(settings: &Settings, now: Instant) -> Book {
    let pools = Pools::new(settings.pools.clone()).expect("pools that do not meet");
    Book::new(
        pools,
        settings.subscriber_prefix_length,
        settings.quarantine,
        now,
    )
}

/// Sets of one address do not overlap, so that they are told apart by where they begin.
pub(crate) fn place(set: PortSet) -> (Ipv4Addr, u16) {
    (set.address(), set.ports().first())
}
