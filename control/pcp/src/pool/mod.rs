//! Pools: which sets there are, which of them are free, and who may have which.
//!
//! A pool's sets are numbered PSID by PSID, not address by address: the sets inside a range of ports are
//! then a range of numbers, so that the first free one is found in a few steps, and subscribers spread
//! over the addresses, which leaves each of them room on its own (PS-043).
//!
//! Invariant: a set is in the bitmap exactly if its place is free and it is not set aside for anybody.

mod config;
mod free_sets;
mod prefix;
mod single;

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use hashbrown::HashMap;
use thiserror::Error;

pub use config::Owner;
pub use config::PcpPorts;
pub use config::PoolConfig;
pub use prefix::Ipv4Prefix;
pub use prefix::Ipv6Prefix;
pub use prefix::NoPrefix;
pub use single::Pool;
pub use single::Usage;

use crate::lease::LeaseId;
use crate::lease::Path;
use crate::port_set::PortSet;
use crate::subscriber::Subscriber;

/// All pools, those with the largest sets first.
#[derive(Clone, Debug)]
pub struct Pools {
    pools: Vec<Pool>,
    aside: HashMap<PortSet, Subscriber>,
    aside_for: HashMap<Subscriber, Vec<PortSet>>,
}

/// Who holds a set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// Nobody.
    Free,
    /// Nobody may.
    Withheld,
    /// The lease of this number, active or resting.
    Taken(LeaseId),
}

impl Pools {
    /// Pools as configured.
    ///
    /// # Errors
    /// When two pools share an address or a name, or a pool has more sets than can be numbered.
    pub fn new(configs: Vec<PoolConfig>) -> Result<Self, PoolError> {
        for (number, config) in configs.iter().enumerate() {
            for other in &configs[..number] {
                if config.name == other.name {
                    let pool = config.name.clone();
                    return Err(PoolError::Name { pool });
                }
                if config.prefix.index(other.prefix.nth(0)).is_some()
                    || other.prefix.index(config.prefix.nth(0)).is_some()
                {
                    return Err(PoolError::Overlap {
                        pool: config.name.clone(),
                        other: other.name.clone(),
                    });
                }
            }
        }
        let mut pools = configs
            .into_iter()
            .map(Pool::new)
            .collect::<Result<Vec<_>, _>>()?;
        pools.sort_by_key(|pool| pool.config().psid_length);
        Ok(Self {
            pools,
            aside: HashMap::new(),
            aside_for: HashMap::new(),
        })
    }

    /// Keeps a set for one subscriber, who gets it before any other.
    ///
    /// # Errors
    /// When no pool has the set, or it is somebody's already.
    pub fn set_aside(&mut self, set: PortSet, subscriber: Subscriber) -> Result<(), PoolError> {
        let pool = self
            .pools
            .iter_mut()
            .find(|pool| pool.index(set).is_some())
            .ok_or(PoolError::Nowhere { set })?;
        if pool.place(set) != Some(Place::Free) || self.aside.contains_key(&set) {
            return Err(PoolError::Taken { set });
        }
        pool.hide(set);
        self.aside.insert(set, subscriber);
        self.aside_for.entry(subscriber).or_default().push(set);
        Ok(())
    }

    /// Withholds a set that is bound by other means, such as a binding of the operator's (LW-009).
    ///
    /// # Errors
    /// When no pool has the set, or it is not free.
    pub fn keep_back(&mut self, set: PortSet) -> Result<(), PoolError> {
        let pool = self.pool_of(set).ok_or(PoolError::Nowhere { set })?;
        if pool.keep_back(set) {
            Ok(())
        } else {
            Err(PoolError::Taken { set })
        }
    }

    /// Ends what [`Self::keep_back`] began.
    pub fn hand_out(&mut self, set: PortSet) {
        if let Some(pool) = self.pool_of(set) {
            pool.hand_out(set);
        }
    }

    /// The pools, those with the largest sets first.
    pub fn iter(&self) -> impl Iterator<Item = &Pool> {
        self.pools.iter()
    }

    /// The pool that has an address.
    #[must_use]
    pub fn of_address(&self, address: Ipv4Addr) -> Option<&Pool> {
        self.pools.get(self.position(address)?)
    }

    /// The place in [`Self::iter`] of the pool that has an address.
    #[must_use]
    pub fn position(&self, address: Ipv4Addr) -> Option<usize> {
        let has = |pool: &Pool| pool.config().prefix.index(address).is_some();
        self.pools.iter().position(has)
    }

    /// The pools that serve a softwire end which asks on `path` and whose tunnel ends at `br`, if it came
    /// through one.
    pub fn serving(
        &self,
        outer: Ipv6Addr,
        br: Option<Ipv6Addr>,
        path: Path,
    ) -> impl Iterator<Item = &Pool> + Clone {
        self.pools.iter().filter(move |pool| {
            let config = pool.config();
            let owner = match path {
                Path::Tunnel | Path::Plain => Owner::Pcp,
                Path::Management(listener) => Owner::ThirdParty(listener),
            };
            config.owner == owner
                && br.is_none_or(|br| br == config.br)
                && config.clients.iter().any(|prefix| prefix.contains(outer))
        })
    }

    /// The sets kept for `subscriber`.
    pub fn aside_for(&self, subscriber: Subscriber) -> impl Iterator<Item = PortSet> {
        self.aside_for
            .get(&subscriber)
            .into_iter()
            .flatten()
            .copied()
    }

    /// The subscriber that a set is kept for.
    #[must_use]
    pub fn kept_for(&self, set: PortSet) -> Option<Subscriber> {
        self.aside.get(&set).copied()
    }

    /// Who holds a set; `None` when no pool has it.
    #[must_use]
    pub fn place(&self, set: PortSet) -> Option<Place> {
        self.pools.iter().find_map(|pool| pool.place(set))
    }

    /// The set that holds `port` of `address`; `None` when no pool has it.
    #[must_use]
    pub fn set_at(&self, address: Ipv4Addr, port: u16) -> Option<PortSet> {
        self.pools
            .iter()
            .find_map(|pool| pool.set_at(address, port))
    }

    /// Notes who holds a set. Nothing happens when no pool has it, or it is withheld.
    pub fn take(&mut self, set: PortSet, id: LeaseId) {
        if let Some(pool) = self.pool_of(set) {
            pool.take(set, id);
        }
    }

    /// Gives a set back: to everybody, or to the one that it is kept for.
    pub fn free(&mut self, set: PortSet) {
        let kept = self.aside.contains_key(&set);
        if let Some(pool) = self.pool_of(set) {
            pool.free(set);
            if kept {
                pool.hide(set);
            }
        }
    }

    fn pool_of(&mut self, set: PortSet) -> Option<&mut Pool> {
        self.pools.iter_mut().find(|pool| pool.index(set).is_some())
    }
}

/// Why pools cannot be as configured.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PoolError {
    /// Two pools have an address in common.
    #[error("pool {pool:?} shares addresses with pool {other:?}")]
    Overlap {
        /// The later one.
        pool: String,
        /// The earlier one.
        other: String,
    },
    /// Two pools of one name.
    #[error("pool {pool:?} is there already, expected each name once")]
    Name {
        /// The name.
        pool: String,
    },
    /// More sets than numbers.
    #[error("pool {pool:?} has {sets} sets, more than {MAX_SETS}")]
    TooLarge {
        /// The pool.
        pool: String,
        /// Sets that it would have.
        sets: u64,
    },
    /// A PSID length that ports do not have.
    #[error("pool {pool:?} has PSID length {psid_length}, more than 16")]
    PsidLength {
        /// The pool.
        pool: String,
        /// The length given.
        psid_length: u8,
    },
    /// No pool has the set.
    #[error("no pool has {set}")]
    Nowhere {
        /// The set.
        set: PortSet,
    },
    /// The set is held, withheld or kept for somebody.
    #[error("{set} is not free")]
    Taken {
        /// The set.
        set: PortSet,
    },
}

/// Sets of a pool at most: a place has eight octets, so this is half a gibibyte.
const MAX_SETS: u64 = 1 << 26;
