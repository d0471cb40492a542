//! Port sets by PCP: the server of `pcp` between the exception path, the lease store and the binding
//! table (RFC 7596 s6.1, RFC 7753).
//!
//! ```text
//!  punted ─► receive ─► decide ─► book ─► waiting ─┐ take_batch
//!                          │                       ▼
//!             errors ◄─────┘        lease store, then binding table
//!                                                  │
//!                 answers ◄─── finish ◄────────────┘
//! ```
//!
//! Decisions wait in a batch, so that one commit serves all that came meanwhile; several batches may be under way,
//! one behind the other. Invariant: the book holds what is decided, the store and the table what has been
//! answered; an answer leaves only when all three agree (LW-003, s10.2 of the conformance list). When a batch is
//! spoiled, everything decided since is taken back with it, the last first, because it may rest on it.
//!
//! It has no sockets, no clock and no thread, so that the daemon and `replay` run the same.

mod batch;
mod envelope;
mod inquiry;
mod last_seen;
mod lease_service;
pub mod misfits;
mod publish;
mod recovery;
mod reservations;
mod settings;
mod settle;
mod statistics;
mod table_change;
#[cfg(test)]
pub(crate) mod tests;
mod view;

use std::cell::Cell;
use std::collections::VecDeque;

use leases::position::Position;
use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::wire::ethernet::Mac;
use pcp::book::Book;
use pcp::instant::Instant;
use pcp::port_set::PortSet;
use pcp::result_code::ResultCode;
use pcp::server::Effect;
use pcp::server::NonceTakeover;
use pcp::server::Packet;
use pcp::server::Server;
use pcp::server::Updates;
use pcp::wire::Opcode;

pub use batch::Batch;
pub use batch::NotDone;
pub use inquiry::Inquiry;
pub use inquiry::LeaseFacts;
pub use inquiry::LeasePage;
pub use inquiry::PcpFacts;
pub use inquiry::PoolFacts;
pub use inquiry::StoreFacts;
pub use lease_service::LeaseError;
pub use lease_service::LeaseService;
pub use publish::Publication;
pub use publish::apply;
pub use recovery::Place;
pub use recovery::RecoveryFacts;
pub use reservations::keep_back_all;
pub use settings::book;
pub use statistics::LeaseEvents;
pub use statistics::Statistics;
pub use table_change::NoBinding;
pub use table_change::binding;
pub use table_change::ports;
pub use table_change::table_change;

use envelope::Envelope;
use last_seen::LastSeen;
use recovery::Recovery;
use reservations::Reservations;
use statistics::Tally;
use view::View;

use crate::config::Pcp;
use crate::exception::Frame;
use crate::exception::Own;

/// The PCP server with its leases.
#[derive(Debug)]
pub struct Provisioning {
    own: Own,
    plain_ipv6: bool,
    server: Server,
    book: Book,
    reservations: Reservations,
    updates: Updates,
    recovery: Recovery,
    /// Requests of those who hold nothing yet: they wait for those who do (overload).
    newcomers: VecDeque<Newcomer>,
    waiting: Batch,
    /// Empty batches that have had as much in them as comes: their memory is used again.
    spares: Vec<Batch>,
    /// Batches that are under way.
    under_way: usize,
    /// Those that came back since one was spoiled, that one first, until all have.
    spoiled: Vec<(Batch, Outcome)>,
    /// Whether the store has room for new leases.
    may_grant: bool,
    /// Absent when it does not matter how long a softwire was silent.
    last_seen: Option<LastSeen>,
    store: Option<StoreFacts>,
    tally: Tally,
    pool_events: Vec<LeaseEvents>,
}

#[derive(Debug)]
struct Newcomer {
    envelope: Envelope,
    message: Vec<u8>,
}

/// What became of a batch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// All of it is durable and published.
    Done,
    /// It is durable, but the table refused the effects of these positions.
    Refused(Vec<usize>),
    /// It is or will be durable, but the table refused what it may rest on: only what time made happen is published.
    Unpublished,
    /// It could not be made durable, or what it rests on could not; only what time made happen is published.
    Failed,
}

impl Provisioning {
    /// A server for `own` addresses that goes on with the leases of `book` and the epoch of `server`.
    #[must_use]
    pub fn new(own: Own, config: &Pcp, server: Server, book: Book) -> Self {
        let pools = book.pools().iter().count();
        Self {
            own,
            plain_ipv6: config.plain_ipv6,
            server,
            book,
            reservations: Reservations::default(),
            updates: Updates::default(),
            recovery: Recovery::new(config.recovery.clone()),
            newcomers: VecDeque::new(),
            waiting: Batch::default(),
            spares: Vec::new(),
            under_way: 0,
            spoiled: Vec::new(),
            may_grant: true,
            last_seen: None,
            store: None,
            tally: Tally::default(),
            pool_events: vec![LeaseEvents::default(); pools],
        }
    }

    /// Takes an IPv6 packet that workers have punted as PCP. Returns the answer to it, if it gets one at
    /// once: refusals and what changes nothing.
    pub fn receive(&mut self, packet: &[u8], from: Mac, now: Instant) -> Option<Frame> {
        let opened = Envelope::open(&self.own, packet, from);
        let Some((envelope, message)) = opened.filter(|(envelope, _)| self.listens_to(envelope))
        else {
            self.tally.silent += 1;
            return None;
        };
        if self.book.knows(envelope.outer()) {
            return self.serve(envelope, message, now);
        }
        if self.newcomers.len() >= MAX_NEWCOMERS {
            self.tally.overload += 1;
            return None;
        }
        let message = message.to_vec();
        self.newcomers.push_back(Newcomer { envelope, message });
        None
    }

    /// Serves those who hold nothing yet, at most so many. To be called when no renewal waits.
    pub fn serve_newcomers(&mut self, most: usize, now: Instant) -> Vec<Frame> {
        let count = most.min(self.newcomers.len());
        let newcomers: Vec<_> = self.newcomers.drain(..count).collect();
        newcomers
            .into_iter()
            .filter_map(|newcomer| self.serve(newcomer.envelope, &newcomer.message, now))
            .collect()
    }

    /// Whether more may be asked now: while the store is slow, requests wait in their ring.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.waiting.len() < MAX_WAITING
    }

    /// Ends leases that have run out. To be called before packets of the same moment are received.
    pub fn expire(&mut self, now: Instant) {
        for _ in 0..MAX_EXPIRIES {
            let Some(effect) = self.book.expire(now) else {
                break;
            };
            self.updates.cancel(effect.lease().set);
            self.waiting.push_alone(effect);
        }
    }

    /// Mapping Updates that are due (PC-145), by the neighbour `next_hop`.
    pub fn due_updates(&mut self, next_hop: Option<Mac>, now: Instant) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(lease) = self.updates.pop(now) {
            let envelope = next_hop.and_then(|mac| Envelope::to_client(&lease, mac));
            let message = self.server.mapping_update(&lease, now);
            if let (Some(envelope), Ok(message)) = (envelope, message) {
                self.tally.updates += 1;
                frames.push(envelope.seal(&self.own, &message));
            }
        }
        frames
    }

    /// Sets whose softwires are to be looked at now: how many packets they have carried.
    pub fn to_be_seen(&mut self, now: Instant) -> Vec<PortSet> {
        let NonceTakeover::AfterIdle(least) = self.server.config().nonce_takeover else {
            return Vec::new();
        };
        self.last_seen
            .get_or_insert_with(|| LastSeen::new(least, now))
            .turn(&self.book, now)
    }

    /// The softwire of a set has carried so many packets by `now`.
    pub fn see(&mut self, set: PortSet, packets: u64, now: Instant) {
        if let Some(last_seen) = &mut self.last_seen {
            last_seen.hear(set, packets, now);
        }
    }

    /// What has been decided since the last batch, to be made durable behind it. Nothing while it is known that it
    /// will be taken back.
    pub fn take_batch(&mut self) -> Option<Batch> {
        if self.waiting.is_empty() || !self.spoiled.is_empty() {
            return None;
        }
        let next = self.spares.pop().unwrap_or_default();
        let batch = std::mem::replace(&mut self.waiting, next);
        let rests_on_others = self.under_way > 0;
        self.under_way += 1;
        Some(batch.resting_on_others(rests_on_others))
    }

    /// Whether new leases may be granted: not while the store is full. Returns whether they could be
    /// before.
    pub fn set_may_grant(&mut self, may_grant: bool) -> bool {
        std::mem::replace(&mut self.may_grant, may_grant)
    }

    /// Answers that wait for the next batch.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How it stands with the store, for those who ask.
    pub fn set_store_facts(&mut self, facts: StoreFacts) {
        self.store = Some(facts);
    }

    /// How far the lease store has come, once it has said so.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.store.as_ref().map(|store| store.position)
    }

    /// How many batches are under way.
    #[must_use]
    pub const fn under_way(&self) -> usize {
        self.under_way
    }

    /// The operator has bound ports by other means: they are not handed out.
    pub fn reserve(&mut self, binding: &Binding) {
        self.reservations.add(binding, &mut self.book);
    }

    /// Ends what [`Self::reserve`] began.
    pub fn release(&mut self, binding: &Binding) {
        self.reservations.remove(binding, &mut self.book);
    }

    /// The leases and pools.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// The rules and the epoch.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    fn listens_to(&self, envelope: &Envelope) -> bool {
        let is_plain = envelope.source().0.is_ipv6();
        !self.own.has_ipv6(envelope.outer()) && (self.plain_ipv6 || !is_plain)
    }

    fn serve(&mut self, envelope: Envelope, message: &[u8], now: Instant) -> Option<Frame> {
        let (source, port) = envelope.source();
        let packet = Packet {
            octets: message,
            source,
            port,
            arrival: envelope.arrival(),
        };
        let view = View {
            book: &self.book,
            reservations: &self.reservations,
            may_grant: self.may_grant,
            last_seen: self.last_seen.as_ref(),
            is_in_grace: Cell::new(false),
        };
        let decision = self.server.decide(&view, &packet, now);
        self.tally.refused_in_grace += u64::from(view.is_in_grace.get());
        let Some(response) = decision.response else {
            self.tally.silent += 1;
            return None;
        };
        let is_promise = decision.result == Some(ResultCode::Success)
            && opcode(message) != Opcode::Announce
            && self.is_busy();
        if decision.effects.is_empty() && !is_promise {
            self.tally.answer(&response);
            return Some(envelope.seal(&self.own, &response));
        }
        for (done, effect) in decision.effects.iter().enumerate() {
            if let Err(error) = self.book.apply(effect, now) {
                // A decision that the book itself allowed; whatever is wrong, nothing is half done.
                tracing::error!("a decision did not fit the leases: {error}");
                self.undo_all(decision.effects[..done].iter(), now);
                return Some(self.failure(&envelope, message, now));
            }
            self.updates.cancel(effect.lease().set);
            // Whoever has just got a lease counts as silent only from the next look on.
            if let Some(last_seen) = &mut self.last_seen
                && matches!(effect, Effect::Grant(_) | Effect::Replace { .. })
            {
                last_seen.forget(effect.lease().set);
            }
        }
        self.waiting
            .push(envelope, message, &decision.effects, &response);
        None
    }

    /// Whether something is decided that is not durable yet: an answer that tells of it must wait.
    fn is_busy(&self) -> bool {
        self.under_way > 0 || !self.waiting.is_empty()
    }
}

fn opcode(message: &[u8]) -> Opcode {
    Opcode::from_octet(message.get(1).copied().unwrap_or_default())
}

/// Those without a lease who may wait; more would wait longer than until they ask again.
const MAX_NEWCOMERS: usize = 8192;
/// Answers that may wait for one commit.
const MAX_WAITING: usize = 16_384;
/// Leases that end in one go; the rest does a moment later.
const MAX_EXPIRIES: usize = 4096;
