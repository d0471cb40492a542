//! What must be true of a book at any time, whoever asked what (RFC 7596 s3; PC-040, PC-042, PC-045).
//!
//! It knows the operator's numbers and which ports a set has, and nothing of how sets are found.

use std::net::Ipv6Addr;

use pcp::instant::Instant;
use pcp::lease::Lease;
use pcp::pool::PcpPorts;
use pcp::pool::PoolConfig;
use pcp::port_set::PortSet;
use pcp::server::Effect;

use crate::pcp::settings::Settings;
use crate::pcp::world::Snapshot;
use crate::pcp::world::World;

/// What is remembered of sets that somebody had a moment ago, beside the book.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    rests: Vec<Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    set: PortSet,
    subscriber: u128,
    until: Instant,
}

impl Memory {
    /// Notes an effect that has happened, and that nobody gets what rests after somebody else.
    pub(crate) fn note(&mut self, world: &World, effect: &Effect) {
        match effect {
            Effect::Grant(lease) => {
                let subscriber = subscriber(&world.settings, lease.client.outer);
                let other = self.rests.iter().find(|rest| {
                    meets(rest.set, lease.set)
                        && rest.until > world.now
                        && rest.subscriber != subscriber
                });
                assert!(other.is_none(), "{:?} goes to somebody else", lease.set);
                self.rests.retain(|rest| rest.set != lease.set);
            }
            Effect::Release { lease, .. } => self.rest(world, lease),
            Effect::Refresh { .. } | Effect::Replace { .. } | Effect::Migrate { .. } => {}
        }
    }

    /// Notes that an effect was taken back: who was granted a set may have heard of it.
    pub(crate) fn undone(&mut self, world: &World, effect: &Effect) {
        match effect {
            Effect::Grant(lease) => self.rest(world, lease),
            Effect::Release { lease, .. } => self.rests.retain(|rest| rest.set != lease.set),
            _ => {}
        }
    }

    /// The operator has withheld a set: it rests for nobody.
    pub(crate) fn kept_back(&mut self, set: PortSet) {
        self.rests.retain(|rest| rest.set != set);
    }

    fn rest(&mut self, world: &World, lease: &Lease) {
        self.rests.retain(|rest| rest.set != lease.set);
        self.rests.push(Rest {
            set: lease.set,
            subscriber: subscriber(&world.settings, lease.client.outer),
            until: world.now + world.settings.quarantine,
        });
    }

    /// Sets rest in the book exactly as they are remembered to.
    fn check(&self, world: &World, snapshot: &Snapshot) {
        let live = self.rests.iter().filter(|rest| rest.until > world.now);
        let mut remembered = 0;
        for rest in live {
            remembered += 1;
            let rests = snapshot
                .resting
                .iter()
                .find(|(lease, _)| lease.set == rest.set);
            let (lease, until) = rests.expect("a set that was given back rests");
            assert_eq!(*until, rest.until);
            let owner = subscriber(&world.settings, lease.client.outer);
            assert_eq!(owner, rest.subscriber);
        }
        let resting = snapshot
            .resting
            .iter()
            .filter(|(_, until)| *until > world.now);
        assert_eq!(resting.count(), remembered, "a set rests after nobody");
    }
}

/// Checks everything that holds between two steps.
pub(crate) fn check(world: &World, memory: &Memory) {
    let snapshot = world.snapshot();
    disjoint(&snapshot);
    places(world, &snapshot);
    quotas(world, &snapshot);
    holders(world, &snapshot);
    memory.check(world, &snapshot);
    let sum = snapshot.held.len() + snapshot.resting.len();
    let room: usize = snapshot
        .usage
        .iter()
        .map(|usage| usage.sets - usage.withheld - usage.free)
        .sum();
    assert_eq!(sum, room, "sets are neither free nor anybody's");
    assert_eq!(
        world.book.counts(),
        (snapshot.held.len(), snapshot.resting.len())
    );
}

/// No port of an address is in two sets, whether held or resting.
fn disjoint(snapshot: &Snapshot) {
    let resting = snapshot.resting.iter().map(|(lease, _)| lease.set);
    let held = snapshot.held.iter().map(|lease| lease.set);
    let sets: Vec<PortSet> = held.chain(resting).collect();
    for (number, set) in sets.iter().enumerate() {
        for other in &sets[..number] {
            assert!(!meets(*set, *other), "{set} and {other}");
        }
    }
}

/// Every set is one that its pool hands out to its holder, for a time that it may have.
fn places(world: &World, snapshot: &Snapshot) {
    for lease in &snapshot.held {
        hands_out(lease, pool_of(&world.settings, lease.set));
        assert!(!world.kept_back.contains(&lease.set), "{:?}", lease.set);
        assert!(lease.expires > world.now, "{lease:?} is over");
        let left_s = lease.expires.since(world.now).as_secs();
        assert!(left_s <= u64::from(world.settings.server.lifetime.max_s));
        assert!(lease.granted <= world.now);
    }
    for (lease, until) in &snapshot.resting {
        assert!(*until > world.now, "{lease:?} rests too long");
    }
}

/// The pool that a set is of, by its address.
pub(crate) fn pool_of(settings: &Settings, set: PortSet) -> &PoolConfig {
    let name = match set.address().octets() {
        [192, 0, 2, 4 | 5] => "large",
        [192, 0, 2, 8 | 9] => "small",
        [192, 0, 2, 16 | 17] => "whole",
        [198, 51, 100, 0 | 1] => "dhcp",
        _ => "none",
    };
    let pool = settings.pools.iter().find(|pool| pool.name == name);
    pool.expect("a set of a pool")
}

fn hands_out(lease: &Lease, pool: &PoolConfig) {
    let ports = lease.set.ports();
    assert_eq!(ports.count(), 1 << (16 - pool.psid_length));
    assert_eq!(u32::from(ports.first()) % ports.count(), 0, "{ports:?}");
    assert!(!pool.reserved.contains(&lease.set.address()));
    if pool.psid_length > 0 {
        assert!(ports.first() >= 1024, "{ports:?}");
        let has_pcp = ports.contains(5350) || ports.contains(5351);
        assert!(!has_pcp || pool.pcp_ports == PcpPorts::Included);
    }
    assert_eq!(lease.client.outer.segments()[..2], [0x2001, 0xdb8]);
    assert_eq!(lease.br, pool.br);
}

/// A subscriber holds as much as it may, and leaves little lying about (PC-042).
fn quotas(world: &World, snapshot: &Snapshot) {
    let most = world.settings.server.max_sets_per_subscriber;
    let owner = |lease: &Lease| subscriber(&world.settings, lease.client.outer);
    for lease in &snapshot.held {
        let is_same = |other: &&Lease| owner(other) == owner(lease);
        let held = snapshot.held.iter().filter(is_same).count();
        let resting = snapshot
            .resting
            .iter()
            .map(|(other, _)| other)
            .filter(is_same)
            .count();
        assert!(held <= most, "{held} sets of one subscriber");
        assert!(held + resting <= most + 4, "{resting} sets rest after one");
    }
}

/// Whoever asks who had a port is told the one whose set it is in.
fn holders(world: &World, snapshot: &Snapshot) {
    for lease in &snapshot.held {
        let ports = lease.set.ports();
        for port in [ports.first(), ports.last()] {
            let holder = world.book.holder(lease.set.address(), port);
            assert_eq!(holder, Some(*lease));
        }
    }
    for (lease, _) in &snapshot.resting {
        let ports = lease.set.ports();
        assert_eq!(world.book.holder(lease.set.address(), ports.first()), None);
    }
}

/// The prefix that an address of a subscriber is in.
pub(crate) fn subscriber(settings: &Settings, outer: Ipv6Addr) -> u128 {
    let host_bits = 128 - u32::from(settings.subscriber_prefix_length);
    outer.to_bits().checked_shr(host_bits).unwrap_or(0)
}

fn meets(one: PortSet, other: PortSet) -> bool {
    let (a, b) = (one.ports(), other.ports());
    one.address() == other.address() && a.first() <= b.last() && b.first() <= a.last()
}
