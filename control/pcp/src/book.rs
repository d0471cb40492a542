//! The book: pools and leases together, which decisions read and effects change.
//!
//! Invariant: a set's place in its pool names a lease exactly if that lease has the set, active or
//! resting; so no set has two holders (LW-007, LW-009).

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::time::Duration;

use hashbrown::HashSet;
use thiserror::Error;

use crate::instant::Instant;
use crate::lease::Lease;
use crate::lease::LeaseId;
use crate::lease::LeaseStore;
use crate::lease::Path;
use crate::lease::Phase;
use crate::lease::Unchained;
use crate::pool::Place;
use crate::pool::Pool;
use crate::pool::PoolError;
use crate::pool::Pools;
use crate::port_set::PortRange;
use crate::port_set::PortSet;
use crate::server::Bindings;
use crate::server::Cause;
use crate::server::Effect;
use crate::server::NoSet;
use crate::server::Offer;
use crate::server::Wanted;
use crate::server::Wish;
use crate::subscriber::Client;
use crate::subscriber::Subscriber;

/// Who holds what, and what is left.
#[derive(Clone, Debug)]
pub struct Book {
    pools: Pools,
    leases: LeaseStore,
    quarantine: Duration,
    /// Names of the pools that were in use before leases were lost; all of them unless it is known.
    in_use_before: Option<HashSet<String>>,
}

impl Book {
    /// A book without leases. Subscribers are prefixes of `subscriber_prefix_length` bits; a set that was
    /// given back rests for `quarantine`.
    #[must_use]
    pub fn new(
        pools: Pools,
        subscriber_prefix_length: u8,
        quarantine: Duration,
        now: Instant,
    ) -> Self {
        Self {
            pools,
            leases: LeaseStore::new(subscriber_prefix_length, now),
            quarantine,
            in_use_before: None,
        }
    }

    /// Leases were lost, and subscribers had sets of these addresses: only the pools of these are spared
    /// while their subscribers come back (FO-011).
    pub fn had_sets_of(&mut self, addresses: impl IntoIterator<Item = Ipv4Addr>) {
        let positions = addresses
            .into_iter()
            .filter_map(|address| self.pools.position(address));
        let positions: HashSet<_> = positions.collect();
        let pools = self.pools.iter().enumerate();
        let names = pools
            .filter(|(position, _)| positions.contains(position))
            .map(|(_, pool)| pool.config().name.clone())
            .collect();
        self.in_use_before = Some(names);
    }

    /// Begins to take in the leases of an earlier run, about so many; there are never more than there are sets.
    pub fn fill(&mut self, expected: usize) -> Filling<'_> {
        let sets = self.pools.iter().map(|pool| pool.usage().sets).sum();
        self.leases.reserve(expected.min(sets));
        Filling {
            book: self,
            unchained: Unchained::default(),
        }
    }

    /// Does what a decision says.
    ///
    /// # Errors
    /// When the book is not as the decision found it; nothing is changed then.
    pub fn apply(&mut self, effect: &Effect, now: Instant) -> Result<(), BookError> {
        match effect {
            Effect::Grant(lease) => self.open(*lease, Phase::Active),
            Effect::Refresh { before, after }
            | Effect::Replace { before, after }
            | Effect::Migrate { before, after } => self.change(before, *after),
            Effect::Release { lease, .. } => {
                let id = self.active(lease)?;
                self.rest(id, now);
                Ok(())
            }
        }
    }

    /// Takes back what [`Self::apply`] did: effects in reverse order, before anything else happens to
    /// their sets. A set whose grant is taken back rests, because somebody may have heard of it.
    ///
    /// # Errors
    /// When the book is not as the effect left it; nothing is changed then.
    pub fn undo(&mut self, effect: &Effect, now: Instant) -> Result<(), BookError> {
        match effect {
            Effect::Grant(lease) => {
                let id = self.active(lease)?;
                self.rest(id, now);
                Ok(())
            }
            Effect::Refresh { before, after }
            | Effect::Replace { before, after }
            | Effect::Migrate { before, after } => self.change(after, *before),
            Effect::Release { lease, .. } => self.open(*lease, Phase::Active),
        }
    }

    /// Ends what is over by `now` and says which leases were: they are to be forwarded no longer. To be
    /// called once a second, and before a decision.
    pub fn expire(&mut self, now: Instant) -> Option<Effect> {
        while let Some(id) = self.leases.pop_due(now) {
            let Some((lease, phase)) = self.leases.find(id) else {
                continue;
            };
            match phase {
                Phase::Active => {
                    self.rest(id, now);
                    return Some(Effect::Release {
                        lease,
                        cause: Cause::Expired,
                    });
                }
                Phase::Resting(_) => self.close(id, lease.set),
            }
        }
        None
    }

    /// An instant before which nothing is over.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Instant> {
        self.leases.next_due()
    }

    /// Takes in a lease of an earlier run that is still good (s10.2).
    ///
    /// # Errors
    /// When its set is not in any pool, or not free.
    pub fn restore(&mut self, lease: Lease) -> Result<(), BookError> {
        self.open(lease, Phase::Active)
    }

    /// Keeps the set of a lease of an earlier run that may be out of date from all but its last
    /// subscriber (FO-011).
    ///
    /// # Errors
    /// When its set is not in any pool, or not free.
    pub fn restore_resting(&mut self, lease: Lease, until: Instant) -> Result<(), BookError> {
        self.open(lease, Phase::Resting(until))
    }

    /// Withholds a set that is bound by other means, such as a binding of the operator's (LW-009). It
    /// rests no longer: who bound it knows better.
    ///
    /// # Errors
    /// When no pool has the set, or somebody holds it.
    pub fn keep_back(&mut self, set: PortSet) -> Result<(), PoolError> {
        if let Some(Place::Taken(id)) = self.pools.place(set)
            && let Some((_, Phase::Resting(_))) = self.leases.find(id)
        {
            self.close(id, set);
        }
        self.pools.keep_back(set)
    }

    /// Ends what [`Self::keep_back`] began.
    pub fn hand_out(&mut self, set: PortSet) {
        self.pools.hand_out(set);
    }

    /// What takes the lease of a set away; to be applied like any other effect.
    #[must_use]
    pub fn revoke(&self, set: PortSet) -> Option<Effect> {
        self.lease_of(set).map(|lease| Effect::Release {
            lease,
            cause: Cause::Revoked,
        })
    }

    /// Who holds `port` of `address` now (LG-001).
    #[must_use]
    pub fn holder(&self, address: Ipv4Addr, port: u16) -> Option<Lease> {
        self.lease_of(self.pools.set_at(address, port)?)
    }

    /// All leases that are held, in no order that means anything.
    pub fn leases(&self) -> impl Iterator<Item = Lease> {
        self.leases
            .iter()
            .filter(|(_, phase)| *phase == Phase::Active)
            .map(|(lease, _)| lease)
    }

    /// All leases that are held, those of an address together and in the order of their PSIDs.
    pub fn leases_by_address(&self) -> impl Iterator<Item = Lease> {
        let all = self.pools.iter().flat_map(Pool::leases);
        all.filter_map(|id| match self.leases.find(id)? {
            (lease, Phase::Active) => Some(lease),
            (_, Phase::Resting(_)) => None,
        })
    }

    /// All leases whose sets rest, and until when.
    pub fn resting_leases(&self) -> impl Iterator<Item = (Lease, Instant)> {
        self.leases.iter().filter_map(|(lease, phase)| match phase {
            Phase::Active => None,
            Phase::Resting(until) => Some((lease, until)),
        })
    }

    /// What the subscriber at `outer` holds, and what rests for it.
    pub fn of_subscriber(&self, outer: Ipv6Addr) -> impl Iterator<Item = (Lease, Phase)> {
        self.leases
            .of_subscriber(self.leases.subscriber(outer))
            .map(|(_, lease, phase)| (lease, phase))
    }

    /// Whether the subscriber at `outer` holds a set, or one rests for it.
    #[must_use]
    pub fn knows(&self, outer: Ipv6Addr) -> bool {
        self.of_subscriber(outer).next().is_some()
    }

    /// Leases, held and resting, of at most `most` places from place `from` on, and the place behind them
    /// unless that is the end.
    pub fn page(
        &self,
        from: usize,
        most: usize,
    ) -> (impl Iterator<Item = (Lease, Phase)>, Option<usize>) {
        self.leases.page(from, most)
    }

    /// Numbers of sets that are held and that rest.
    #[must_use]
    pub const fn counts(&self) -> (usize, usize) {
        (self.leases.active(), self.leases.resting())
    }

    /// The pools.
    #[must_use]
    pub const fn pools(&self) -> &Pools {
        &self.pools
    }

    fn lease_of(&self, set: PortSet) -> Option<Lease> {
        match self.pools.place(set)? {
            Place::Taken(id) => match self.leases.find(id)? {
                (lease, Phase::Active) => Some(lease),
                (_, Phase::Resting(_)) => None,
            },
            Place::Free | Place::Withheld => None,
        }
    }

    /// The number of a lease that is held exactly as `lease` says.
    fn active(&self, lease: &Lease) -> Result<LeaseId, BookError> {
        let missing = BookError::NotHeld { set: lease.set };
        match self.pools.place(lease.set) {
            Some(Place::Taken(id)) => match self.leases.find(id) {
                Some((held, Phase::Active)) if held == *lease => Ok(id),
                _ => Err(missing),
            },
            _ => Err(missing),
        }
    }

    /// Enters a lease of a set that is free, or that rests after the same subscriber.
    fn open(&mut self, lease: Lease, phase: Phase) -> Result<(), BookError> {
        let set = lease.set;
        match self.pools.place(set) {
            None | Some(Place::Withheld) => return Err(BookError::Nowhere { set }),
            Some(Place::Free) => {
                let id = self.leases.insert(lease, phase).ok_or(BookError::Full)?;
                self.pools.take(set, id);
            }
            Some(Place::Taken(id)) => {
                if !self.rests_for(id, self.leases.subscriber(lease.client.outer)) {
                    return Err(BookError::Taken { set });
                }
                self.leases.replace(id, lease, phase);
            }
        }
        Ok(())
    }

    fn change(&mut self, before: &Lease, after: Lease) -> Result<(), BookError> {
        let id = self.active(before)?;
        self.leases.replace(id, after, Phase::Active);
        Ok(())
    }

    fn rest(&mut self, id: LeaseId, now: Instant) {
        let Some((lease, _)) = self.leases.find(id) else {
            return;
        };
        if self.quarantine.is_zero() {
            self.close(id, lease.set);
        } else {
            let until = now + self.quarantine;
            self.leases.replace(id, lease, Phase::Resting(until));
        }
    }

    fn close(&mut self, id: LeaseId, set: PortSet) {
        self.leases.remove(id);
        self.pools.free(set);
    }

    fn was_in_use(&self, pool: &Pool) -> bool {
        let names = self.in_use_before.as_ref();
        names.is_none_or(|names| names.contains(&pool.config().name))
    }

    fn rests_for(&self, id: LeaseId, subscriber: Subscriber) -> bool {
        self.leases.find(id).is_some_and(|(lease, phase)| {
            phase != Phase::Active && self.leases.subscriber(lease.client.outer) == subscriber
        })
    }

    /// Whether `subscriber` may have a set of `pool` now.
    fn is_open_to(&self, pool: &Pool, set: PortSet, subscriber: Subscriber) -> bool {
        match pool.place(set) {
            Some(Place::Free) => pool.is_free(set) || self.pools.kept_for(set) == Some(subscriber),
            Some(Place::Taken(id)) => self.rests_for(id, subscriber),
            Some(Place::Withheld) | None => false,
        }
    }

    /// A set that this very client may expect: kept for it, suggested by it, or its last one. In that
    /// order (PS-041, PS-043).
    fn expected<'a>(
        &'a self,
        wish: &Wish,
        ports: PortRange,
        pools: impl Iterator<Item = &'a Pool> + Clone,
    ) -> Option<PortSet> {
        let subscriber = self.subscriber(wish.client.outer);
        let open = |set: &PortSet| {
            set.is_inside(ports)
                && pools
                    .clone()
                    .any(|pool| self.is_open_to(pool, *set, subscriber))
        };
        if let Some(kept) = self.pools.aside_for(subscriber).find(open) {
            return Some(kept);
        }
        let suggested = wish.suggestion.and_then(|(address, port)| {
            pools.clone().find_map(|pool| pool.set_from(address, port))
        });
        if let Some(suggested) = suggested.filter(open) {
            return Some(suggested);
        }
        if matches!(wish.path, Path::Management(_)) {
            return None;
        }
        let resting = || {
            self.leases
                .of_subscriber(subscriber)
                .filter(|(_, lease, phase)| *phase != Phase::Active && open(&lease.set))
                .map(|(_, lease, _)| lease)
        };
        resting()
            .find(|lease| lease.client == wish.client)
            .or_else(|| resting().next())
            .map(|lease| lease.set)
    }

    /// A free set, on an address that the subscriber has already if there is one, else of the pool with
    /// the largest sets.
    fn any<'a>(
        &'a self,
        wish: &Wish,
        ports: PortRange,
        mut pools: impl Iterator<Item = &'a Pool> + Clone,
    ) -> Option<PortSet> {
        let suggested = wish.suggestion.map(|(address, _)| address);
        let addresses = self
            .held(self.subscriber(wish.client.outer))
            .map(|lease| lease.set.address())
            .chain(suggested);
        for address in addresses {
            let same = pools
                .clone()
                .find_map(|pool| pool.first_free_on(address, ports));
            if same.is_some() {
                return same;
            }
        }
        pools.find_map(|pool| pool.first_free(ports))
    }
}

/// Taking in the leases of an earlier run.
///
/// In a book of millions, subscribers are found all over memory: they are entered many at a time, in the order in
/// which they lie there. Nobody can ask before all are, because the book is lent.
#[derive(Debug)]
pub struct Filling<'a> {
    book: &'a mut Book,
    unchained: Unchained,
}

impl Filling<'_> {
    /// Takes in a lease that is still good, or that ended and whose set is kept for its last subscriber (s10.2,
    /// FO-011).
    ///
    /// # Errors
    /// When its set is not in any pool, or not free.
    pub fn add(&mut self, lease: &Lease, phase: Phase) -> Result<(), BookError> {
        let Book { pools, leases, .. } = &mut *self.book;
        if pools.place(lease.set) != Some(Place::Free) {
            self.chain();
            return self.book.open(*lease, phase);
        }
        let id = leases.enter(lease, phase, &mut self.unchained);
        pools.take(lease.set, id.ok_or(BookError::Full)?);
        if self.unchained.is_full() {
            self.chain();
        }
        Ok(())
    }

    fn chain(&mut self) {
        self.book.leases.chain_all(&mut self.unchained);
    }
}

impl Drop for Filling<'_> {
    fn drop(&mut self) {
        self.chain();
    }
}

impl Bindings for Book {
    fn serving(&self, client: &Client, path: Path, set: PortSet) -> Option<Ipv6Addr> {
        self.pools
            .serving(client.outer, None, path)
            .find(|pool| pool.place(set).is_some())
            .map(|pool| pool.config().br)
    }

    fn subscriber(&self, outer: Ipv6Addr) -> Subscriber {
        self.leases.subscriber(outer)
    }

    fn held(&self, subscriber: Subscriber) -> impl Iterator<Item = Lease> {
        self.leases
            .of_subscriber(subscriber)
            .filter(|(_, _, phase)| *phase == Phase::Active)
            .map(|(_, lease, _)| lease)
    }

    fn resting(&self, subscriber: Subscriber) -> usize {
        self.leases
            .of_subscriber(subscriber)
            .filter(|(_, _, phase)| *phase != Phase::Active)
            .count()
    }

    fn offer(&self, wish: &Wish) -> Result<Offer, NoSet> {
        if self.pools.iter().next().is_none() {
            return Err(NoSet::NoPool);
        }
        let serving = self.pools.serving(wish.client.outer, wish.br, wish.path);
        if serving.clone().next().is_none() {
            return Err(NoSet::NotServed);
        }
        let (ports, whole_only) = match wish.wanted {
            Wanted::Inside(ports) => (ports, false),
            Wanted::WholeAddress => (PortRange::ALL, true),
        };
        let pools = serving.filter(move |pool| {
            pool.has_inside(ports) && (!whole_only || pool.config().psid_length == 0)
        });
        if pools.clone().next().is_none() {
            return Err(NoSet::NoneInside);
        }
        let is_spared = |pool: &Pool| wish.reclaim_only && self.was_in_use(pool);
        let may_be_any = !matches!(wish.path, Path::Management(_));
        let set = match self.expected(wish, ports, pools.clone()) {
            Some(expected) => Some(expected),
            None if may_be_any => {
                let open = pools.clone().filter(|pool| !is_spared(pool));
                self.any(wish, ports, open)
            }
            None => None,
        };
        let set = set.ok_or_else(|| match pools.clone().any(is_spared) {
            true => NoSet::InGrace,
            false => NoSet::Exhausted,
        })?;
        let mut pools = pools;
        let br = pools
            .find(|pool| pool.place(set).is_some())
            .map(|pool| pool.config().br)
            .ok_or(NoSet::Exhausted)?;
        Ok(Offer { set, br })
    }
}

/// Why the book is not changed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BookError {
    /// No pool hands the set out.
    #[error("no pool hands out {set}")]
    Nowhere {
        /// The set.
        set: PortSet,
    },
    /// Somebody has the set, or had it a moment ago.
    #[error("{set} is not free")]
    Taken {
        /// The set.
        set: PortSet,
    },
    /// Nobody holds the set in this way.
    #[error("{set} is not held as expected")]
    NotHeld {
        /// The set.
        set: PortSet,
    },
    /// There are no numbers for more leases.
    #[error("there are 2^32 leases already")]
    Full,
}
