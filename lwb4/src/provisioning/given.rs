//! Sets that DHCPv6 or the configuration gives: bound to a lease there, and nothing to ask by PCP
//! (RFC 7596 s5.1; LW-021, LW-023).

use pcp::instant::Instant;

use super::Action;
use super::Event;
use super::Held;
use super::Provisioning;
use super::State;
use super::Tunnel;
use crate::external::ExternalSet;

/// Sets and the end of the lease that they are bound to.
#[derive(Clone, Debug)]
pub(super) struct Given {
    sets: Vec<ExternalSet>,
    until: Option<Instant>,
}

impl Given {
    pub(super) fn held(&self) -> impl Iterator<Item = Held> {
        self.sets.iter().map(|set| Held {
            set: *set,
            expires: self.until,
        })
    }

    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }
}

impl Provisioning {
    /// Uses these sets until then, in the place of whatever is in use; `None` is for ever. The same sets
    /// again are a renewal, and nothing that the NAT has is lost.
    pub fn give(&mut self, sets: Vec<ExternalSet>, until: Option<Instant>, now: Instant) {
        self.drop_leases(now);
        let before = self.given.replace(Given {
            sets: sets.clone(),
            until,
        });
        let same = before.as_ref().is_some_and(|before| before.sets == sets);
        if before.is_some() && !same {
            self.enter(State::Rebind, now);
        }
        self.enter(State::Bound, now);
        let lifetime_s = until.map_or(u32::MAX, |until| now.seconds_until(until));
        for set in sets {
            self.tell(if same {
                Event::Renewed { set, lifetime_s }
            } else {
                Event::Granted { set, lifetime_s }
            });
        }
        if !same {
            self.publish();
        }
    }

    /// Uses the given sets no more: their lease is over, or another mode takes their place.
    pub fn take_back(&mut self, now: Instant) {
        let Some(given) = self.given.take() else {
            return;
        };
        self.enter(State::Expired, now);
        for set in given.sets {
            self.tell(Event::Lost(set));
        }
        self.publish();
    }

    pub(super) fn expire_given(&mut self, now: Instant) {
        let until = self.given.as_ref().and_then(Given::until);
        if until.is_some_and(|until| until <= now) {
            self.take_back(now);
        }
    }

    /// LW-026: sets belong to an address of the lwB4; with another one, DHCPv6 is asked again.
    pub(super) fn given_elsewhere(&mut self, tunnel: Tunnel) {
        let moved = self.tunnel.is_some_and(|old| old.local != tunnel.local);
        self.tunnel = Some(tunnel);
        self.tell(Event::TunnelUp(tunnel));
        if moved {
            self.actions.push_back(Action::Reprovision);
        }
    }
}
