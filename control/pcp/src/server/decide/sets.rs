//! MAP for all protocols: what happens to sets (conformance list, s3.7 steps 5 to 11).

use std::net::Ipv6Addr;
use std::time::Duration;

use arrayvec::ArrayVec;

use super::Answer;
use super::Effects;
use super::MAX_EFFECTS;
use super::question::Question;
use super::reply;
use crate::lease::Lease;
use crate::lease::Path;
use crate::result_code::ResultCode;
use crate::server::Bindings;
use crate::server::Cause;
use crate::server::Effect;
use crate::server::NoSet;
use crate::server::NonceTakeover;
use crate::server::Offer;
use crate::server::Server;
use crate::server::Wanted;
use crate::server::Wish;
use crate::wire::Parity;
use crate::wire::Refusal;

type Leases = ArrayVec<Lease, MAX_EFFECTS>;

impl Server {
    pub(super) fn sets(&self, bindings: &impl Bindings, question: &Question<'_>) -> Answer {
        let wanted = question.wanted()?;
        if let Some(bound) = bindings.bound(&question.client)
            && wanted.concerns(bound.set)
        {
            return self.bound(question, bound);
        }
        let subscriber = bindings.subscriber(question.client.outer);
        let of_client = || {
            bindings
                .held(subscriber)
                .filter(|lease| lease.client == question.client)
        };
        let held = in_order(of_client().filter(|lease| wanted.concerns(lease.set)));
        self.check_nonces(bindings, question, &held)?;
        if question.deletes() {
            return self.release(question, &held);
        }
        if !held.is_empty() {
            return self.refresh(bindings, question, &held);
        }
        let holds_another =
            of_client().next().is_some() || bindings.bound(&question.client).is_some();
        if wanted == Wanted::WholeAddress && holds_another {
            return Err(Refusal::new(ResultCode::UnsupportedProtocol));
        }
        let may_be_its = |lease: &Lease| {
            lease.client.may_have_moved_to(&question.client)
                && lease.nonce == question.map.nonce
                && wanted.concerns(lease.set)
        };
        let from = bindings
            .held(subscriber)
            .find(may_be_its)
            .map(|lease| lease.client);
        let moved = in_order(
            bindings
                .held(subscriber)
                .filter(may_be_its)
                .filter(|lease| Some(lease.client) == from),
        );
        let may_move = |lease: &Lease| self.may_move(bindings, question, lease);
        if !moved.is_empty() && moved.iter().all(may_move) {
            return self.migrate(bindings, question, &moved);
        }
        self.check_quota(bindings, question)?;
        self.grant(bindings, question, wanted)
    }

    /// What the operator bound for ever is told, and not changed (PC-035, PC-047). At another BR address it
    /// is of no use (LW-020b), and nobody says it were.
    fn bound(&self, question: &Question<'_>, bound: Offer) -> Answer {
        if question.deletes() || !question.arrival.is_by(bound.br) {
            return Err(Refusal::new(ResultCode::NotAuthorized));
        }
        let epoch_s = self.epoch_s(question.now);
        let response = reply::granted(question, bound.set, reply::FOR_EVER_S, epoch_s)?;
        Ok((Effects::new(), response))
    }

    /// All leases that the request meets must be its sender's, or up for takeover (PC-034, C-03).
    fn check_nonces(
        &self,
        bindings: &impl Bindings,
        question: &Question<'_>,
        held: &Leases,
    ) -> Result<(), Refusal> {
        let locked = held.iter().find(|lease| {
            let taken_over = match self.config.nonce_takeover {
                NonceTakeover::Never => false,
                NonceTakeover::Always => true,
                NonceTakeover::AfterIdle(least) => bindings
                    .idle(lease, question.now)
                    .is_some_and(|idle| idle >= least),
            };
            lease.nonce != question.map.nonce && !taken_over
        });
        match locked {
            None => Ok(()),
            Some(lease) => Err(Refusal::lasting(
                ResultCode::NotAuthorized,
                lease.remaining_s(question.now),
            )),
        }
    }

    /// Sets die as a whole, however few of their ports the request names (PS-020).
    fn release(&self, question: &Question<'_>, held: &Leases) -> Answer {
        let effects = held
            .iter()
            .map(|lease| Effect::Release {
                lease: *lease,
                cause: Cause::Deleted,
            })
            .collect();
        let epoch_s = self.epoch_s(question.now);
        let response = reply::deleted(question, question.port_set(), epoch_s)?;
        Ok((effects, response))
    }

    /// Every lease that the request meets lives on as it is; the rest of what it asks for is not looked
    /// at (PS-021, C-25).
    ///
    /// It must come by the softwire that the lease is for. From another BR address the lwB4 would hear
    /// SUCCESS and lose every packet to the check of LW-020b, and the set cannot follow it there: its pool
    /// has one BR address. So it hears NOT_AUTHORIZED for as long as the lease lasts, and may go back to
    /// that address, give the set back from where it is, or wait and be served by a pool that has its own.
    /// Where the operator has given the pool that very address since, the lease follows.
    fn refresh(&self, bindings: &impl Bindings, question: &Question<'_>, held: &Leases) -> Answer {
        let br = |lease: &Lease| br_by(bindings, question, lease);
        if let Some(elsewhere) = held.iter().find(|lease| br(lease).is_none()) {
            let remaining_s = elsewhere.remaining_s(question.now);
            return Err(Refusal::lasting(ResultCode::NotAuthorized, remaining_s));
        }
        self.renewed(bindings, question, held, |before, after| {
            let after = Lease {
                br: br(&before).unwrap_or(before.br),
                ..after
            };
            if before.br != after.br {
                Effect::Migrate { before, after }
            } else if before.nonce == after.nonce {
                Effect::Refresh { before, after }
            } else {
                Effect::Replace { before, after }
            }
        })
    }

    /// The same subscriber and the same nonce at another address: the leases follow (FO-003).
    fn migrate(&self, bindings: &impl Bindings, question: &Question<'_>, moved: &Leases) -> Answer {
        self.renewed(bindings, question, moved, |before, after| Effect::Migrate {
            before,
            after: Lease {
                client: question.client,
                br: moved_to(bindings, question, &before).unwrap_or(before.br),
                moved: Some(question.now),
                ..after
            },
        })
    }

    /// The leases with a new lifetime, and the response about the first.
    fn renewed(
        &self,
        bindings: &impl Bindings,
        question: &Question<'_>,
        leases: &Leases,
        effect: impl Fn(Lease, Lease) -> Effect,
    ) -> Answer {
        let lifetime_s = self.lifetime_s(bindings, question);
        let effects: Effects = leases
            .iter()
            .map(|before| {
                let after = Lease {
                    nonce: question.map.nonce,
                    expires: question.now + Duration::from_secs(lifetime_s.into()),
                    contact: question.contact,
                    parity: question.port_set().map_or(before.parity, |set| set.parity),
                    ..*before
                };
                effect(*before, after)
            })
            .collect();
        let first = leases
            .first()
            .ok_or(Refusal::new(ResultCode::NoResources))?;
        let epoch_s = self.epoch_s(question.now);
        let response = reply::granted(question, first.set, lifetime_s, epoch_s)?;
        Ok((effects, response))
    }

    /// What a subscriber holds, and what it has left lying about, is bounded (PC-042).
    fn check_quota(
        &self,
        bindings: &impl Bindings,
        question: &Question<'_>,
    ) -> Result<(), Refusal> {
        let subscriber = bindings.subscriber(question.client.outer);
        let held = bindings.held(subscriber).count();
        // All of a subscriber's sets may come together at one client, when its addresses change (FO-003), and
        // one request of that client gives all of them back.
        let most = self.config.max_sets_per_subscriber.min(MAX_EFFECTS);
        let littering = held + bindings.resting(subscriber) >= most + MAX_RESTING;
        if held >= most || littering {
            return Err(Refusal::new(ResultCode::UserExceededQuota));
        }
        Ok(())
    }

    fn grant(&self, bindings: &impl Bindings, question: &Question<'_>, wanted: Wanted) -> Answer {
        if let Wanted::Inside(ports) = wanted
            && ports.count() < self.config.smallest_set
        {
            return Err(Refusal::new(ResultCode::NotAuthorized));
        }
        let offer = bindings
            .offer(&Wish {
                client: question.client,
                path: question.arrival.path(),
                br: question.arrival.br(),
                wanted,
                suggestion: question.suggestion(),
                reclaim_only: self.in_grace(question.now),
            })
            .map_err(|reason| refusal(reason, wanted, question.contact.path))?;
        let lifetime_s = self.lifetime_s(bindings, question);
        let lease = Lease {
            client: question.client,
            set: offer.set,
            br: offer.br,
            nonce: question.map.nonce,
            granted: question.now,
            expires: question.now + Duration::from_secs(lifetime_s.into()),
            moved: None,
            contact: question.contact,
            internal_port: question.map.internal_port,
            parity: question.port_set().map_or(Parity::Any, |set| set.parity),
        };
        let epoch_s = self.epoch_s(question.now);
        let response = reply::granted(question, offer.set, lifetime_s, epoch_s)?;
        Ok((Effects::from_iter([Effect::Grant(lease)]), response))
    }

    fn lifetime_s(&self, bindings: &impl Bindings, question: &Question<'_>) -> u32 {
        let address_s = bindings.address_lifetime_s(&question.client, question.now);
        self.config.lifetime.grant_s(question.lifetime_s, address_s)
    }

    /// Whether a lease may follow its client: not too often, and only where its pool serves the new
    /// address, at the BR address that was asked. One that may not stays where it is until it ends.
    fn may_move(&self, bindings: &impl Bindings, question: &Question<'_>, lease: &Lease) -> bool {
        let is_rare = lease
            .moved
            .is_none_or(|at| question.now.since(at) >= self.config.migration_interval);
        is_rare && moved_to(bindings, question, lease).is_some()
    }
}

/// The BR address that a lease has when its client refreshes it by the way that the request came.
fn br_by(bindings: &impl Bindings, question: &Question<'_>, lease: &Lease) -> Option<Ipv6Addr> {
    if question.arrival.is_by(lease.br) {
        return Some(lease.br);
    }
    moved_to(bindings, question, lease)
}

/// The BR address of the lease's pool, if that serves the client by the way that the request came.
fn moved_to(bindings: &impl Bindings, question: &Question<'_>, lease: &Lease) -> Option<Ipv6Addr> {
    bindings
        .serving(&question.client, question.arrival.path(), lease.set)
        .filter(|br| question.arrival.is_by(*br))
}

/// The leases by their ports, the lowest first, so that the same request finds the same first one.
fn in_order(leases: impl Iterator<Item = Lease>) -> Leases {
    let mut leases: Leases = leases.take(MAX_EFFECTS).collect();
    leases.sort_unstable_by_key(|lease| lease.set.ports().first());
    leases
}

/// What a client hears when there is no set for it (s3.5 rows 4, 13 and 14; DH-051).
fn refusal(reason: NoSet, wanted: Wanted, path: Path) -> Refusal {
    let result = match (reason, wanted, path) {
        (_, Wanted::WholeAddress, _) => ResultCode::UnsupportedProtocol,
        (NoSet::NoPool, ..) => ResultCode::NetworkFailure,
        (NoSet::NoneInside, _, Path::Management(_)) | (NoSet::Exhausted | NoSet::InGrace, ..) => {
            ResultCode::NoResources
        }
        (NoSet::NotServed | NoSet::NoneInside, ..) => ResultCode::NotAuthorized,
    };
    Refusal::new(result)
}

/// Sets that may rest after one subscriber beyond its quota. One that asks as it should gets its own set
/// back from rest and leaves none lying about.
const MAX_RESTING: usize = 4;
