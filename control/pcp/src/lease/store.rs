//! The store of leases: by number, by subscriber and by the second in which something happens to them.

use std::net::Ipv6Addr;

use hashbrown::HashMap;

use super::Lease;
use super::LeaseId;
use super::chains::Chains;
use super::chains::Unchained;
use super::slot::Brs;
use super::slot::Slot;
use super::wheel::Wheel;
use crate::instant::Instant;
use crate::subscriber::Subscriber;

/// All leases, active and resting, about 110 octets each.
#[derive(Clone, Debug)]
pub struct LeaseStore {
    prefix_length: u8,
    slots: Vec<Place>,
    brs: Brs,
    /// Leases that a slot cannot say: of those who moved, or who ask in another way.
    odd: HashMap<LeaseId, Lease>,
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
enum Place {
    Vacant { next: Option<LeaseId> },
    Taken(Slot),
}

impl LeaseStore {
    /// An empty store whose subscribers are prefixes of `prefix_length` bits.
    #[must_use]
    pub fn new(prefix_length: u8, now: Instant) -> Self {
        Self {
            prefix_length,
            slots: Vec::new(),
            brs: Brs::default(),
            odd: HashMap::new(),
            vacant: None,
            chains: Chains::default(),
            wheel: Wheel::new(seconds(now.as_secs())),
            active: 0,
            resting: 0,
        }
    }

    /// Makes room for so many leases more, which are then taken in faster.
    pub fn reserve(&mut self, leases: usize) {
        self.slots.reserve(leases);
        self.wheel.reserve(leases);
        let (slots, length) = (&self.slots, self.prefix_length);
        self.chains.reserve(leases, |id| holder(slots, length, id));
    }

    /// The subscriber of a softwire's end.
    #[must_use]
    pub fn subscriber(&self, outer: Ipv6Addr) -> Subscriber {
        Subscriber::of(outer, self.prefix_length)
    }

    /// Takes a lease in. `None` when there are 2^32 leases already.
    pub fn insert(&mut self, lease: Lease, phase: Phase) -> Option<LeaseId> {
        let id = self.vacant_place()?;
        let hash = self.chains.hash(self.subscriber(lease.client.outer));
        self.put(id, &lease, phase, None);
        self.chain(hash, id);
        self.count(phase, 1);
        self.wheel.schedule(id, ends_s(&lease, phase));
        Some(id)
    }

    /// Takes a lease in, but for the chain of its subscriber, who does not have it before [`Self::chain_all`].
    pub fn enter(
        &mut self,
        lease: &Lease,
        phase: Phase,
        unchained: &mut Unchained,
    ) -> Option<LeaseId> {
        let id = self.vacant_place()?;
        let hash = self.chains.hash(self.subscriber(lease.client.outer));
        unchained.0.push((hash, id));
        self.put(id, lease, phase, None);
        self.count(phase, 1);
        self.wheel.schedule(id, ends_s(lease, phase));
        Some(id)
    }

    /// Chains leases that were entered without, as if each had been when it came.
    pub fn chain_all(&mut self, unchained: &mut Unchained) {
        self.chains.sort(unchained);
        for (hash, id) in unchained.0.drain(..) {
            self.chain(hash, id);
        }
    }

    /// A place for a lease.
    fn vacant_place(&mut self) -> Option<LeaseId> {
        let Some(id) = self.vacant else {
            let id = LeaseId::from_index(self.slots.len())?;
            self.slots.push(Place::Vacant { next: None });
            return Some(id);
        };
        if let Place::Vacant { next } = self.slots[id.index()] {
            self.vacant = next;
        }
        Some(id)
    }

    /// Takes a lease out.
    pub fn remove(&mut self, id: LeaseId) -> Option<(Lease, Phase)> {
        let slot = *self.slot(id)?;
        let (lease, phase) = (self.lease(id, &slot), slot.phase());
        self.unchain(self.subscriber(slot.outer()), id, slot.next());
        self.slots[id.index()] = Place::Vacant { next: self.vacant };
        self.vacant = Some(id);
        self.odd.remove(&id);
        self.wheel.cancel(id);
        self.count(phase, -1);
        Some((lease, phase))
    }

    /// Puts other terms in the place of a lease that exists.
    pub fn replace(&mut self, id: LeaseId, lease: Lease, phase: Phase) {
        let Some(old) = self.slot(id).copied() else {
            return;
        };
        let (from, to) = (
            self.subscriber(old.outer()),
            self.subscriber(lease.client.outer),
        );
        if from == to {
            self.put(id, &lease, phase, old.next());
        } else {
            self.unchain(from, id, old.next());
            self.put(id, &lease, phase, None);
            self.chain(self.chains.hash(to), id);
        }
        self.count(old.phase(), -1);
        self.count(phase, 1);
        self.wheel.schedule(id, ends_s(&lease, phase));
    }

    /// A lease and what it does.
    #[must_use]
    pub fn find(&self, id: LeaseId) -> Option<(Lease, Phase)> {
        let slot = self.slot(id)?;
        Some((self.lease(id, slot), slot.phase()))
    }

    /// The leases of a subscriber, the last to come first.
    pub fn of_subscriber(
        &self,
        subscriber: Subscriber,
    ) -> impl Iterator<Item = (LeaseId, Lease, Phase)> {
        let mut at = self.head(subscriber);
        std::iter::from_fn(move || {
            let id = at?;
            let slot = self.slot(id)?;
            at = slot.next();
            Some((id, self.lease(id, slot), slot.phase()))
        })
    }

    /// Every lease, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (Lease, Phase)> {
        self.page(0, self.slots.len()).0
    }

    /// The leases in at most `most` slots from slot `from` on, and the slot behind them unless that is the
    /// end.
    pub fn page(
        &self,
        from: usize,
        most: usize,
    ) -> (impl Iterator<Item = (Lease, Phase)>, Option<usize>) {
        let end = from.saturating_add(most).min(self.slots.len());
        let ids = (from..end).filter_map(LeaseId::from_index);
        let leases = ids.filter_map(|id| self.find(id));
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

    fn slot(&self, id: LeaseId) -> Option<&Slot> {
        match self.slots.get(id.index())? {
            Place::Taken(slot) => Some(slot),
            Place::Vacant { .. } => None,
        }
    }

    fn lease(&self, id: LeaseId, slot: &Slot) -> Lease {
        // Almost always empty, and then not looked at.
        if !self.odd.is_empty()
            && let Some(lease) = self.odd.get(&id)
        {
            return *lease;
        }
        slot.lease(&self.brs)
    }

    fn put(&mut self, id: LeaseId, lease: &Lease, phase: Phase, next: Option<LeaseId>) {
        let mut slot = Slot::new(lease, phase, &mut self.brs);
        slot.set_next(next);
        if slot.lease(&self.brs) != *lease {
            self.odd.insert(id, *lease);
        } else if !self.odd.is_empty() {
            self.odd.remove(&id);
        }
        self.slots[id.index()] = Place::Taken(slot);
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

    /// Makes a lease, which is in no chain, the head of that of its subscriber, who has this hash.
    fn chain(&mut self, hash: u64, id: LeaseId) {
        let (slots, length) = (&self.slots, self.prefix_length);
        let next = self.chains.insert(hash, id, |id| holder(slots, length, id));
        if next.is_some() {
            self.set_next(id, next);
        }
    }

    fn set_next(&mut self, id: LeaseId, next: Option<LeaseId>) {
        if let Place::Taken(slot) = &mut self.slots[id.index()] {
            slot.set_next(next);
        }
    }

    fn unchain(&mut self, subscriber: Subscriber, id: LeaseId, next: Option<LeaseId>) {
        let Some(head) = self.head(subscriber) else {
            return;
        };
        if head == id {
            let (slots, length) = (&self.slots, self.prefix_length);
            let of = |id| holder(slots, length, id);
            match next {
                Some(next) => drop(self.chains.insert(self.chains.hash(subscriber), next, of)),
                None => self.chains.remove(subscriber, of),
            }
            return;
        }
        let mut at = Some(head);
        while let Some(here) = at {
            let Place::Taken(slot) = &mut self.slots[here.index()] else {
                return;
            };
            at = slot.next();
            if at == Some(id) {
                slot.set_next(next);
                return;
            }
        }
    }
}

/// Whose a lease is.
fn holder(slots: &[Place], prefix_length: u8, id: LeaseId) -> Subscriber {
    let outer = match slots.get(id.index()) {
        Some(Place::Taken(slot)) => slot.outer(),
        // No vacant slot heads a chain.
        Some(Place::Vacant { .. }) | None => Ipv6Addr::UNSPECIFIED,
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
    use std::net::IpAddr;
    use std::net::Ipv4Addr;

    use super::*;
    use crate::lease::Contact;
    use crate::lease::Path;
    use crate::port_set::PortSet;
    use crate::subscriber::Client;
    use crate::wire::Nonce;
    use crate::wire::Parity;

    /// One like almost all, of a subscriber that has others.
    fn usual(number: u16) -> Lease {
        let inner = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 2));
        Lease {
            client: Client {
                outer: Ipv6Addr::new(0x2001, 0xdb8, 0, number / 4, 0, 0, 0, number),
                inner,
            },
            set: PortSet::new(Ipv4Addr::new(10, 0, 0, 0), 16, number).unwrap(),
            br: Ipv6Addr::from_bits(u128::from(number % 3)),
            nonce: Nonce::new([number as u8; 12]),
            granted: Instant::from_secs(1),
            expires: Instant::from_secs(5000 + u32::from(number)),
            moved: None,
            contact: Contact {
                path: Path::Tunnel,
                address: inner,
                port: 5351,
            },
            internal_port: number,
            parity: Parity::Preserved,
        }
    }

    /// The same in all ways in which a lease can be odd.
    fn all_forms(number: u16) -> Vec<Lease> {
        let lease = usual(number);
        let plain = IpAddr::V6(lease.client.outer);
        let at = |path, address, inner| Lease {
            client: Client {
                inner,
                ..lease.client
            },
            contact: Contact {
                path,
                address,
                port: 1,
            },
            ..lease
        };
        let other = IpAddr::V4(Ipv4Addr::new(192, 168, 0, 1));
        vec![
            lease,
            at(Path::Plain, plain, plain),
            at(Path::Plain, other, plain),
            at(Path::Tunnel, other, other),
            at(Path::Tunnel, lease.contact.address, other),
            at(Path::Management(7), other, lease.client.inner),
            at(Path::Management(0), lease.client.inner, lease.client.inner),
            Lease {
                moved: Some(Instant::from_secs(3)),
                ..lease
            },
        ]
    }

    #[test]
    fn a_lease_comes_out_as_it_went_in_whatever_its_form() {
        let mut store = LeaseStore::new(64, Instant::default());
        let until = Phase::Resting(Instant::from_secs(90));
        let mut ids: Vec<LeaseId> = (0..100)
            .map(|number| store.insert(usual(number), Phase::Active).unwrap())
            .collect();
        for (number, id) in (0..100).zip(&ids) {
            for lease in all_forms(number).into_iter().chain([usual(number)]) {
                for phase in [until, Phase::Active] {
                    store.replace(*id, lease, phase);
                    assert_eq!(store.find(*id), Some((lease, phase)));
                }
            }
        }
        assert!(store.odd.is_empty(), "{:?}", store.odd);
        // The places of odd leases are used again.
        let odd = all_forms(5).pop().unwrap();
        store.replace(ids[5], odd, until);
        assert_eq!(store.remove(ids.remove(5)), Some((odd, until)));
        let id = store.insert(usual(5), Phase::Active).unwrap();
        assert_eq!(store.find(id), Some((usual(5), Phase::Active)));
        assert_eq!((store.active(), store.resting()), (100, 0));
        let of_subscriber = store.of_subscriber(store.subscriber(usual(4).client.outer));
        let numbers: Vec<u16> = of_subscriber
            .map(|(_, lease, _)| lease.internal_port)
            .collect();
        assert_eq!(numbers, [5, 7, 6, 4]);
    }

    #[test]
    fn leases_that_are_entered_together_are_chained_as_if_one_by_one() {
        let [mut one_by_one, mut together] =
            [0; 2].map(|_| LeaseStore::new(64, Instant::default()));
        let mut unchained = Unchained::default();
        for step in 0..1000_u32 {
            let lease = usual((step * 7919 % 1000) as u16);
            let phase = match step % 3 {
                0 => Phase::Resting(Instant::from_secs(step)),
                _ => Phase::Active,
            };
            one_by_one.insert(lease, phase);
            together.enter(&lease, phase, &mut unchained);
            if step == 400 {
                together.chain_all(&mut unchained);
            }
        }
        together.chain_all(&mut unchained);
        for number in (0..1000).step_by(4) {
            let subscriber = together.subscriber(usual(number).client.outer);
            let of = |store: &LeaseStore| store.of_subscriber(subscriber).collect::<Vec<_>>();
            assert_eq!(of(&together).len(), 4);
            assert_eq!(of(&together), of(&one_by_one));
        }
        assert_eq!(together.active(), one_by_one.active());
        while let Some(id) = together.pop_due(Instant::from_secs(10_000)) {
            assert_eq!(one_by_one.pop_due(Instant::from_secs(10_000)), Some(id));
        }
        assert_eq!(one_by_one.pop_due(Instant::from_secs(10_000)), None);
    }

    #[test]
    fn a_lease_needs_at_most_120_octets() {
        let link = 16;
        // A table is half empty after it has grown.
        let chain = 2 * (size_of::<LeaseId>() + 1) * 8 / 7;
        assert!(size_of::<Place>() + link + chain <= 120);
    }
}
