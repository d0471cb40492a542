//! What operators ask about leases and pools, and what they take away.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crossbeam_channel::Sender;
use leases::position::Position;
use pcp::instant::Instant;
use pcp::lease::Lease;
use pcp::lease::Phase;
use pcp::port_set::PortSet;
use serde::Deserialize;
use serde::Serialize;

use super::Provisioning;
use super::batch::Asker;
use super::batch::NotDone;
use super::recovery::RecoveryFacts;
use super::statistics::LeaseEvents;
use super::statistics::Statistics;

/// A question with the way back.
#[derive(Debug)]
pub enum Inquiry {
    /// What the server has done.
    Pcp(Sender<PcpFacts>),
    /// How full the pools are.
    Pools(Sender<Vec<PoolFacts>>),
    /// Some leases, from a place on.
    Page(usize, Sender<LeasePage>),
    /// Whose a port is.
    Holder(Ipv4Addr, u16, Sender<Option<LeaseFacts>>),
    /// What a subscriber holds.
    Subscriber(Ipv6Addr, Sender<Vec<LeaseFacts>>),
    /// Tell all who have leases that the epoch begins anew. The answer is how many that are.
    Announce(Sender<usize>),
    /// Take the lease away that has this port. The answer to the inner sender comes when it is gone for
    /// good.
    Revoke(
        Ipv4Addr,
        u16,
        Sender<Option<LeaseFacts>>,
        Sender<Result<(), NotDone>>,
    ),
}

/// What the server has done.
#[derive(Clone, Debug, Serialize)]
pub struct PcpFacts {
    /// Seconds since leases were last lost.
    pub epoch_s: u32,
    /// Sets that are held.
    pub held: usize,
    /// Sets that rest.
    pub resting: usize,
    /// Whether the lease store has room for new leases.
    pub grants: bool,
    /// Requests that wait to be served or made durable.
    pub waiting: usize,
    /// Seconds for which sets of pools that were in use before a loss only go to those who had them.
    pub grace_s: Option<u32>,
    /// How far the announcements of a loss are, if there was one.
    pub recovery: Option<RecoveryFacts>,
    /// How it stands with the lease store.
    pub store: Option<StoreFacts>,
    /// Numbers since start.
    #[serde(flatten)]
    pub statistics: Statistics,
}

/// How it stands with the lease store.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct StoreFacts {
    /// Group commits since start.
    pub commits: u64,
    /// Changes of leases in them.
    pub rows: u64,
    /// Octets of the journal's files.
    pub journal_bytes: u64,
    /// Octets of the checkpoints' files.
    pub checkpoint_bytes: u64,
    /// Sets in the last checkpoint.
    pub checkpoint_rows: u64,
    /// Seconds since a checkpoint was begun.
    pub checkpoint_age_s: Option<u64>,
    /// What went wrong last and has not gone well since.
    pub trouble: Option<String>,
    /// How far the store has come.
    #[serde(skip)]
    pub position: Position,
}

/// How full a pool is, in sets, and what has become of its leases since start.
#[derive(Clone, Debug, Serialize)]
pub struct PoolFacts {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub prefix: String,
    /// Bits of a PSID.
    pub psid_length: u8,
    /// Ports of a set.
    pub ports_each: u32,
    /// All its sets.
    pub sets: usize,
    /// Those that are not handed out.
    pub withheld: usize,
    /// Those that anybody may have.
    pub free: usize,
    /// Those that are held or rest.
    pub taken: usize,
    /// What has become of leases.
    #[serde(flatten)]
    pub events: LeaseEvents,
}

/// Some leases, and where the next ones begin.
#[derive(Clone, Debug)]
pub struct LeasePage {
    /// Leases, in no order that means anything.
    pub leases: Vec<LeaseFacts>,
    /// The place of the next ones; absent behind the last.
    pub next: Option<usize>,
}

/// A lease in words.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LeaseFacts {
    /// The IPv4 address.
    pub ipv4: Ipv4Addr,
    /// Bits of a PSID.
    pub psid_length: u8,
    /// The set's number.
    pub psid: u16,
    /// Its first port.
    pub first_port: u16,
    /// Its last port.
    pub last_port: u16,
    /// The lwB4's address.
    pub b4: Ipv6Addr,
    /// The client's own address.
    pub client: IpAddr,
    /// The BR address.
    pub br: Ipv6Addr,
    /// `held` or `resting`.
    pub state: String,
    /// Seconds until it ends, or may be had by others.
    pub remaining_s: u32,
    /// Seconds since it was granted.
    pub age_s: u64,
}

impl LeaseFacts {
    fn new(lease: &Lease, phase: Phase, now: Instant) -> Self {
        let ports = lease.set.ports();
        let (state, until) = match phase {
            Phase::Active => ("held", lease.expires),
            Phase::Resting(until) => ("resting", until),
        };
        Self {
            ipv4: lease.set.address(),
            psid_length: lease.set.psid_length(),
            psid: lease.set.psid(),
            first_port: ports.first(),
            last_port: ports.last(),
            b4: lease.client.outer,
            client: lease.client.inner,
            br: lease.br,
            state: state.to_owned(),
            remaining_s: now.seconds_until(until),
            age_s: now.since(lease.granted).as_secs(),
        }
    }
}

impl Provisioning {
    /// Answers an inquiry; whoever has gone does not get the answer, and that is all.
    pub fn inquire(&mut self, inquiry: Inquiry, now: Instant) {
        match inquiry {
            Inquiry::Pcp(answer) => drop(answer.send(self.facts(now))),
            Inquiry::Pools(answer) => drop(answer.send(self.pools())),
            Inquiry::Page(from, answer) => drop(answer.send(self.page(from, now))),
            Inquiry::Holder(ipv4, port, answer) => {
                let lease = self.book.holder(ipv4, port);
                let facts = lease.map(|lease| LeaseFacts::new(&lease, Phase::Active, now));
                drop(answer.send(facts));
            }
            Inquiry::Subscriber(outer, answer) => {
                let leases = self.book.of_subscriber(outer);
                let leases = leases.map(|(lease, phase)| LeaseFacts::new(&lease, phase, now));
                drop(answer.send(leases.collect()));
            }
            Inquiry::Announce(answer) => self.gather(answer),
            Inquiry::Revoke(ipv4, port, found, done) => {
                let lease = self.book.holder(ipv4, port);
                let facts = lease.map(|lease| LeaseFacts::new(&lease, Phase::Active, now));
                drop(found.send(facts));
                if let Some(lease) = lease {
                    self.revoke(lease.set, done, now);
                }
            }
        }
    }

    fn revoke(&mut self, set: PortSet, done: Sender<Result<(), NotDone>>, now: Instant) {
        let Some(effect) = self.book.revoke(set) else {
            return;
        };
        if self.book.apply(&effect, now).is_ok() {
            self.updates.cancel(set);
            self.waiting.push_for(Asker::Operator(done), &[effect]);
        }
    }

    pub(super) fn facts(&self, now: Instant) -> PcpFacts {
        let (held, resting) = self.book.counts();
        PcpFacts {
            epoch_s: self.server.epoch_s(now),
            held,
            resting,
            grants: self.may_grant,
            waiting: self.newcomers.len() + self.waiting.len(),
            grace_s: self.grace_s(now),
            recovery: self.recovery.facts(),
            store: self.store.clone(),
            statistics: self.tally.named(),
        }
    }

    pub(super) fn pools(&self) -> Vec<PoolFacts> {
        let events = self.pool_events.iter();
        let pools = self.book.pools().iter().zip(events);
        pools
            .map(|(pool, events)| {
                let (config, usage) = (pool.config(), pool.usage());
                PoolFacts {
                    name: config.name.clone(),
                    prefix: config.prefix.to_string(),
                    psid_length: config.psid_length,
                    ports_each: pool.set_size(),
                    sets: usage.sets,
                    withheld: usage.withheld,
                    free: usage.free,
                    taken: usage.sets - usage.withheld - usage.free,
                    events: *events,
                }
            })
            .collect()
    }

    fn page(&self, from: usize, now: Instant) -> LeasePage {
        let (leases, next) = self.book.page(from, PAGE);
        LeasePage {
            leases: leases
                .map(|(lease, phase)| LeaseFacts::new(&lease, phase, now))
                .collect(),
            next,
        }
    }
}

/// Leases of a page: what takes no longer than a burst of requests.
const PAGE: usize = 1024;
