//! More sets while one is not enough (PS-009), each asked for in ports that no other of ours has (PS-002,
//! PS-021, C-25), and back with those that nobody uses.

use arrayvec::ArrayVec;
use pcp::instant::Instant;
use pcp::port_set::PortRange;

use super::Event;
use super::Provisioning;
use super::State;
use super::holder::Holder;
use crate::external::ExternalSet;

/// How much of a set the NAT uses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SetUse {
    /// The set.
    pub set: ExternalSet,
    /// Ports of it that have mappings.
    pub used_ports: u32,
}

impl Provisioning {
    /// Says what the NAT uses of each set, every second or so. Few free ports make it ask for another set,
    /// many give one back that is not used.
    pub fn demand(&mut self, usage: &[SetUse], now: Instant) {
        let Some(tunnel) = self.tunnel else {
            return;
        };
        if self.given.is_some() || !matches!(self.state, State::Bound | State::Renewing) {
            return;
        }
        let free = |set: ExternalSet| {
            let of_set = usage.iter().find(|it| it.set == set);
            set.count() - of_set.map_or(0, |it| it.used_ports.min(set.count()))
        };
        let free_ports = self.held().map(|held| free(held.set)).sum();
        if self.wants_more(free_ports, now)
            && let Some(ports) = self.elsewhere()
        {
            self.tell(Event::PoolLow { free_ports });
            let mut client = self.client(tunnel, ports, None);
            client.start(now);
            self.holders.push(Holder::new(client));
            return;
        }
        self.give_back_unused(usage, free_ports, now);
    }

    fn wants_more(&self, free_ports: u32, now: Instant) -> bool {
        let pool = &self.config.pool;
        let all_bound = self.holders.iter().all(|it| it.client.mapping().is_some());
        let strict = self.holders.iter().any(|it| it.client.is_strict());
        free_ports < pool.low_water_ports
            && self.holders.len() < pool.max_sets.min(MAX_SETS)
            && all_bound
            && !strict
            && now >= self.pool_until
    }

    /// The widest run of ports outside of all sets that are held; after a refusal the next one.
    fn elsewhere(&self) -> Option<PortRange> {
        let mut held: ArrayVec<PortRange, MAX_SETS> =
            self.holders.iter().filter_map(Holder::ports).collect();
        held.sort_unstable_by_key(|ports| ports.first());
        let mut gaps: ArrayVec<PortRange, { MAX_SETS + 1 }> = ArrayVec::new();
        let mut from = u32::from(FIRST_WANTED);
        for ports in &held {
            gaps.extend(gap(from, u32::from(ports.first())));
            from = from.max(u32::from(ports.last()) + 1);
        }
        gaps.extend(gap(from, u32::from(u16::MAX) + 1));
        gaps.sort_unstable_by_key(|ports| u32::MAX - ports.count());
        let chosen = self.pool_refusals as usize % gaps.len().max(1);
        gaps.get(chosen).copied()
    }

    fn give_back_unused(&mut self, usage: &[SetUse], free_ports: u32, now: Instant) {
        let pool = self.config.pool;
        for holder in self.holders.iter_mut().skip(1) {
            let Some(set) = holder.set() else {
                continue;
            };
            let of_set = usage.iter().find(|it| it.set == set);
            if of_set.is_none_or(|it| it.used_ports > 0) {
                holder.unused_since = None;
                continue;
            }
            let since = *holder.unused_since.get_or_insert(now);
            // With room to spare, so that the next mappings do not ask for it again.
            let enough = free_ports.saturating_sub(set.count()) >= 2 * pool.low_water_ports;
            if enough && now.since(since) >= pool.idle {
                holder.client.release(now);
                self.tell(Event::PoolIdle(set));
                return;
            }
        }
    }

    /// The first set is lost: another one takes its place; if there is none, the way begins anew, with all
    /// ports to choose from.
    pub(super) fn promote(&mut self, now: Instant) {
        let is_bound = |holder: &Holder| holder.client.mapping().is_some();
        if let Some(other) = self.holders.iter().position(is_bound) {
            self.holders.swap(0, other);
            self.enter(State::Bound, now);
            return;
        }
        self.holders.truncate(1);
        if let Some(first) = self.holders.first_mut()
            && self.config.pool.max_sets > 1
            && !first.client.is_strict()
        {
            first.client.aim(PortRange::ALL);
        }
    }
}

/// The ports from `from` to before `end`, if there are enough of them to be a set.
fn gap(from: u32, end: u32) -> Option<PortRange> {
    let last = end.checked_sub(1)?;
    if last < from || last - from + 1 < LEAST_GAP {
        return None;
    }
    PortRange::new(u16::try_from(from).ok()?, u16::try_from(last).ok()?)
}

/// Sets that one lwB4 has at most: what one request may meet at the lwAFTR (PS-025).
const MAX_SETS: usize = 4;

/// System ports are not handed out (LW-010).
const FIRST_WANTED: u16 = 1024;

/// Sets are not smaller by default (s3.5 row 13).
const LEAST_GAP: u32 = 64;
