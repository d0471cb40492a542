//! The store of leases: by number, by subscriber and by the second in which something happens to them.

use std::net::Ipv6Addr;

use super::Lease;
use super::LeaseId;
use super::chains::Chains;
use super::wheel::Wheel;
use crate::instant::Instant;
use crate::subscriber::Subscriber;

/// All leases, active and resting, about 180 octets each.
#[derive(Clone, Debug)]
pub struct LeaseStore {
    prefix_length: u8,
    slots: Vec<Slot>,
    vacant: Option<LeaseId>,
    chains: Chains,
    wheel: Wheel,
    active: usize,
    resting: usize,
}

/// What a lease does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Its client holds the set, until the lease expires.
    Active,
    /// Nobody holds the set, and only its last subscriber may have it before this (PC-045).
    Resting(Instant),
}

#[derive(Clone, Copy, Debug)]
enum Slot {
    Vacant {
        next: Option<LeaseId>,
    },
    Taken {
        lease: Lease,
        phase: Phase,
        next: Option<LeaseId>,
    },
}

impl LeaseStore {
    /// An empty store whose subscribers are prefixes of `prefix_length` bits.
    #[must_use]
    pub fn new(prefix_length: u8, now: Instant) -> Self {
        Self {
            prefix_length,
            slots: Vec::new(),
            vacant: None,
            chains: Chains::default(),
            wheel: Wheel::new(seconds(now.as_secs())),
            active: 0,
            resting: 0,
        }
    }

    /// The subscriber of a softwire's end.
    #[must_use]
    pub fn subscriber(&self, outer: Ipv6Addr) -> Subscriber {
        Subscriber::of(outer, self.prefix_length)
    }

    /// Takes a lease in. `None` when there are 2^32 leases already.
    pub fn insert(&mut self, lease: Lease, phase: Phase) -> Option<LeaseId> {
        let id = match self.vacant {
            Some(id) => id,
            None => {
                let id = LeaseId::from_index(self.slots.len())?;
                self.slots.push(Slot::Vacant { next: None });
                id
            }
        };
        if let Slot::Vacant { next } = self.slots[id.index()] {
            self.vacant = next;
        }
        let subscriber = self.subscriber(lease.client.outer);
        let next = self.chain(subscriber, id);
        self.slots[id.index()] = Slot::Taken { lease, phase, next };
        self.count(phase, 1);
        self.wheel.schedule(id, ends_s(&lease, phase));
        Some(id)
    }

    /// Takes a lease out.
    pub fn remove(&mut self, id: LeaseId) -> Option<(Lease, Phase)> {
        let &Slot::Taken { lease, phase, next } = self.slots.get(id.index())? else {
            return None;
        };
        self.unchain(self.subscriber(lease.client.outer), id, next);
        self.slots[id.index()] = Slot::Vacant { next: self.vacant };
        self.vacant = Some(id);
        self.wheel.cancel(id);
        self.count(phase, -1);
        Some((lease, phase))
    }

    /// Puts other terms in the place of a lease that exists.
    pub fn replace(&mut self, id: LeaseId, lease: Lease, phase: Phase) {
        let Some(Slot::Taken {
            lease: old,
            phase: old_phase,
            next,
        }) = self.slots.get(id.index()).copied()
        else {
            return;
        };
        let (from, to) = (
            self.subscriber(old.client.outer),
            self.subscriber(lease.client.outer),
        );
        let mut chained = next;
        if from != to {
            self.unchain(from, id, next);
            chained = self.chain(to, id);
        }
        self.slots[id.index()] = Slot::Taken {
            lease,
            phase,
            next: chained,
        };
        self.count(old_phase, -1);
        self.count(phase, 1);
        self.wheel.schedule(id, ends_s(&lease, phase));
    }

    /// A lease and what it does.
    #[must_use]
    pub fn find(&self, id: LeaseId) -> Option<(&Lease, Phase)> {
        match self.slots.get(id.index())? {
            Slot::Taken { lease, phase, .. } => Some((lease, *phase)),
            Slot::Vacant { .. } => None,
        }
    }

    /// The leases of a subscriber, the last to come first.
    pub fn of_subscriber(
        &self,
        subscriber: Subscriber,
    ) -> impl Iterator<Item = (LeaseId, &Lease, Phase)> {
        let mut at = self.head(subscriber);
        std::iter::from_fn(move || {
            let id = at?;
            let Slot::Taken { lease, phase, next } = &self.slots[id.index()] else {
                return None;
            };
            at = *next;
            Some((id, lease, *phase))
        })
    }

    /// Every lease, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&Lease, Phase)> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Taken { lease, phase, .. } => Some((lease, *phase)),
            Slot::Vacant { .. } => None,
        })
    }

    /// The leases in at most `most` slots from slot `from` on, and the slot behind them unless that is the
    /// end.
    pub fn page(
        &self,
        from: usize,
        most: usize,
    ) -> (impl Iterator<Item = (&Lease, Phase)>, Option<usize>) {
        let end = from.saturating_add(most).min(self.slots.len());
        let slots = self.slots.get(from..end).unwrap_or_default();
        let leases = slots.iter().filter_map(|slot| match slot {
            Slot::Taken { lease, phase, .. } => Some((lease, *phase)),
            Slot::Vacant { .. } => None,
        });
        (leases, (end < self.slots.len()).then_some(end))
    }

    /// A lease whose phase has ended by `now`; the caller gives it another or removes it.
    pub fn pop_due(&mut self, now: Instant) -> Option<LeaseId> {
        self.wheel.pop(seconds(now.as_secs()))
    }

    /// An instant before which no phase ends.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.wheel.next_s().map(Instant::from_secs)
    }

    /// Leases that are held.
    #[must_use]
    pub const fn active(&self) -> usize {
        self.active
    }

    /// Leases whose sets rest.
    #[must_use]
    pub const fn resting(&self) -> usize {
        self.resting
    }

    fn count(&mut self, phase: Phase, by: isize) {
        let counter = match phase {
            Phase::Active => &mut self.active,
            Phase::Resting(_) => &mut self.resting,
        };
        *counter = counter.saturating_add_signed(by);
    }

    fn head(&self, subscriber: Subscriber) -> Option<LeaseId> {
        let of = |id| holder(&self.slots, self.prefix_length, id);
        self.chains.get(subscriber, of)
    }

    /// Makes a lease the head of a chain. Returns what was.
    fn chain(&mut self, subscriber: Subscriber, id: LeaseId) -> Option<LeaseId> {
        let (slots, length) = (&self.slots, self.prefix_length);
        self.chains
            .insert(subscriber, id, |id| holder(slots, length, id))
    }

    fn unchain(&mut self, subscriber: Subscriber, id: LeaseId, next: Option<LeaseId>) {
        let Some(head) = self.head(subscriber) else {
            return;
        };
        if head == id {
            match next {
                Some(next) => drop(self.chain(subscriber, next)),
                None => {
                    let (slots, length) = (&self.slots, self.prefix_length);
                    self.chains
                        .remove(subscriber, |id| holder(slots, length, id));
                }
            }
            return;
        }
        let mut at = Some(head);
        while let Some(here) = at {
            let Slot::Taken { next: link, .. } = &mut self.slots[here.index()] else {
                return;
            };
            if *link == Some(id) {
                *link = next;
                return;
            }
            at = *link;
        }
    }
}

/// Whose a lease is.
fn holder(slots: &[Slot], prefix_length: u8, id: LeaseId) -> Subscriber {
    let outer = match slots.get(id.index()) {
        Some(Slot::Taken { lease, .. }) => lease.client.outer,
        // No vacant slot heads a chain.
        Some(Slot::Vacant { .. }) | None => Ipv6Addr::UNSPECIFIED,
    };
    Subscriber::of(outer, prefix_length)
}

/// The second in which the phase of a lease is over: a started one counts whole.
fn ends_s(lease: &Lease, phase: Phase) -> u32 {
    let ends = match phase {
        Phase::Active => lease.expires,
        Phase::Resting(until) => until,
    };
    Instant::default().seconds_until(ends)
}

fn seconds(seconds: u64) -> u32 {
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_needs_at_most_200_octets() {
        let link = 16;
        // A table is half empty after it has grown.
        let chain = 2 * (size_of::<LeaseId>() + 1) * 8 / 7;
        assert!(size_of::<Slot>() + link + chain <= 200);
    }
}
