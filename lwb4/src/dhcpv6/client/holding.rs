//! What a client holds, and when it has to do something about it (RFC 8415 s14.2, s18.2.4, s18.2.5).

use std::net::Ipv6Addr;
use std::time::Duration;

use pcp::instant::Instant;

use super::Lease;
use crate::dhcpv6::Prefix;
use crate::dhcpv6::message::Duid;
use crate::dhcpv6::message::IaAddress;
use crate::dhcpv6::message::IaPrefix;
use crate::dhcpv6::message::Reply;
use crate::dhcpv6::message::Status;

/// Leases of one server.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub(super) server: Duid,
    pub(super) addresses: Vec<Lease<Ipv6Addr>>,
    pub(super) prefixes: Vec<Lease<Prefix>>,
    /// T1: when its server is asked.
    pub(super) renew: Instant,
    /// T2: when any server is asked.
    pub(super) rebind: Instant,
}

/// What a reply did to the leases.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// At least one is granted or extended.
    Granted,
    /// The server does not know them (s18.2.10.1).
    NoBinding,
    /// Nothing in it is for us.
    Nothing,
}

impl Holding {
    pub(super) const fn new(server: Duid) -> Self {
        Self {
            server,
            addresses: Vec::new(),
            prefixes: Vec::new(),
            renew: FOREVER,
            rebind: FOREVER,
        }
    }

    /// Takes what `reply` grants; leases that it does not name stay as they are.
    pub(super) fn take(&mut self, reply: &Reply<'_>, now: Instant) -> Outcome {
        let mut times = Vec::new();
        let mut unknown = false;
        if let Some(identity) = &reply.addresses {
            unknown |= identity.status == Status::NoBinding;
            let leases = identity.leases.iter().map(|lease| address(*lease, now));
            if merge(&mut self.addresses, leases, now) {
                times.push((identity.t1_s, identity.t2_s));
            }
        }
        if let Some(identity) = &reply.prefixes {
            unknown |= identity.status == Status::NoBinding;
            let leases = identity.leases.iter().map(|lease| prefix(*lease, now));
            if merge(&mut self.prefixes, leases, now) {
                times.push((identity.t1_s, identity.t2_s));
            }
        }
        if times.is_empty() {
            return if unknown {
                Outcome::NoBinding
            } else {
                Outcome::Nothing
            };
        }
        self.server = reply.server.clone();
        self.schedule(&times, now);
        Outcome::Granted
    }

    /// The earliest T1 and T2; a server's 0 means 1/2 and 4/5 of the shortest preference (s14.2).
    fn schedule(&mut self, times: &[(u32, u32)], now: Instant) {
        let addresses = self.addresses.iter().map(|lease| lease.preferred_until);
        let prefixes = self.prefixes.iter().map(|lease| lease.preferred_until);
        let shortest = addresses.chain(prefixes).min().unwrap_or(FOREVER);
        let own = |fifths: u32, of: u32| match shortest {
            FOREVER => FOREVER,
            shortest => now + shortest.since(now) * fifths / of,
        };
        let at = |seconds: u32, own: Instant| match seconds {
            0 => own,
            seconds => after(now, seconds),
        };
        let renewals = times.iter().map(|(t1_s, _)| at(*t1_s, own(1, 2)));
        let rebinds = times.iter().map(|(_, t2_s)| at(*t2_s, own(4, 5)));
        self.rebind = rebinds.min().unwrap_or(FOREVER);
        self.renew = renewals.min().unwrap_or(FOREVER).min(self.rebind);
    }

    /// Drops leases that have ended; returns whether there were any.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let before = self.addresses.len() + self.prefixes.len();
        self.addresses.retain(|lease| lease.until > now);
        self.prefixes.retain(|lease| lease.until > now);
        self.addresses.len() + self.prefixes.len() != before
    }

    pub(super) fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.prefixes.is_empty()
    }

    /// When the first lease ends.
    pub(super) fn first_end(&self) -> Option<Instant> {
        self.ends().min()
    }

    /// When the last lease ends, and all that came with them.
    pub(super) fn last_end(&self) -> Option<Instant> {
        self.ends().max()
    }

    fn ends(&self) -> impl Iterator<Item = Instant> {
        let addresses = self.addresses.iter().map(|lease| lease.until);
        addresses.chain(self.prefixes.iter().map(|lease| lease.until))
    }

    /// The addresses as a request names them.
    pub(super) fn named_addresses(&self) -> Vec<IaAddress> {
        let named = |lease: &Lease<Ipv6Addr>| IaAddress {
            address: lease.value,
            preferred_s: 0,
            valid_s: 0,
        };
        self.addresses.iter().map(named).collect()
    }

    /// The prefixes as a request names them.
    pub(super) fn named_prefixes(&self) -> Vec<IaPrefix> {
        let named = |lease: &Lease<Prefix>| IaPrefix {
            prefix: lease.value,
            preferred_s: 0,
            valid_s: 0,
        };
        self.prefixes.iter().map(named).collect()
    }
}

/// Puts leases in the place of those with the same value; one of no lifetime takes it away. Returns whether
/// one was granted.
fn merge<T: Copy + Eq>(
    held: &mut Vec<Lease<T>>,
    leases: impl Iterator<Item = Lease<T>>,
    now: Instant,
) -> bool {
    let mut granted = false;
    for lease in leases {
        held.retain(|other| other.value != lease.value);
        if lease.until > now {
            held.push(lease);
            granted = true;
        }
    }
    granted
}

fn address(lease: IaAddress, now: Instant) -> Lease<Ipv6Addr> {
    Lease {
        value: lease.address,
        preferred_until: after(now, lease.preferred_s),
        until: after(now, lease.valid_s),
    }
}

fn prefix(lease: IaPrefix, now: Instant) -> Lease<Prefix> {
    Lease {
        value: lease.prefix,
        preferred_until: after(now, lease.preferred_s),
        until: after(now, lease.valid_s),
    }
}

/// So many seconds from now, all bits set being for ever (s7.7).
pub(crate) fn after(now: Instant, seconds: u32) -> Instant {
    match seconds {
        u32::MAX => FOREVER,
        seconds => now + Duration::from_secs(seconds.into()),
    }
}

/// No end.
pub(crate) const FOREVER: Instant = Instant::from_nanos(u64::MAX);
