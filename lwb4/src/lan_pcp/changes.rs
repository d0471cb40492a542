//! What happens by itself: mappings end, and the ports below them change (RFC 6887 s8.5, s14; PX-001,
//! PX-004).

use std::net::Ipv4Addr;
use std::net::SocketAddrV4;
use std::time::Duration;

use pcp::epoch::ServerEpoch;
use pcp::instant::Instant;
use pcp::result_code::ResultCode;
use pcp::server::Announcements;
use pcp::server::Pace;

use super::LanServer;
use super::contact::Datagram;
use super::contact::Destination;
use super::decide;
use super::mapping::Mapping;
use super::mapping::Notice;
use super::mapping::State;
use super::reply;
use crate::explicit::ExplicitMappings;
use crate::explicit::MappingKey;
use crate::explicit::Unmapped;

impl LanServer {
    /// A public address or some of its ports are no longer ours, or others are: the epoch begins anew
    /// (PC-080), everybody hears of it, and every mapping is opened again; those whose public end is another
    /// now are told (PC-145). Ports that are only added change nothing and need no call. Without any port
    /// mappings wait for the next call, as long as they live.
    pub fn sets_changed(
        &mut self,
        nat: &mut impl ExplicitMappings,
        set_expires: Option<Instant>,
        now: Instant,
    ) {
        self.expire(nat, now);
        self.epoch = ServerEpoch::starting(now);
        self.announce(now);
        let mappings: Vec<_> = self.book.iter().cloned().collect();
        for before in mappings {
            self.reopen(before, nat, set_expires, now);
        }
    }

    /// Says to everybody, ten times, how old our state is (PC-142): a host that has missed the change of a
    /// set, or whose IPv6 prefix is another now (PX-004), finds out.
    pub fn announce(&mut self, now: Instant) {
        self.announcements = Announcements::new(1, PACE, now);
    }

    /// Closes the mappings that have ended by `now`.
    pub fn expire(&mut self, nat: &mut impl ExplicitMappings, now: Instant) {
        while let Some(mapping) = self.book.expired(now) {
            self.counters.expired += 1;
            self.forget(&mapping, nat, now);
        }
    }

    /// The next message that nobody waits for, if one is due. When [`Self::due`] says so there may be
    /// several.
    pub fn poll(&mut self, now: Instant) -> Option<Datagram> {
        let epoch_s = self.epoch_s(now);
        // Without jitter nothing is random.
        if self.announcements.pop(now, &mut || 0).is_some() {
            self.counters.announcements += 1;
            return Some(Datagram {
                to: Destination::Everybody,
                payload: pcp::wire::unsolicited_announce(epoch_s),
            });
        }
        let notice = self.updates.pop(now)?;
        self.counters.updates += 1;
        Some(Datagram {
            to: Destination::Client(notice.mapping.contact),
            payload: reply::update(&notice, epoch_s, now),
        })
    }

    /// When [`Self::poll`] has something to say, or [`Self::expire`] something to do.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let times = [
            self.announcements.due(),
            self.updates.due(),
            self.book.first_end(),
        ];
        times.into_iter().flatten().min()
    }

    /// Takes a mapping away.
    pub(super) fn end(&mut self, key: &MappingKey, nat: &mut impl ExplicitMappings, now: Instant) {
        if let Some(mapping) = self.book.remove(key) {
            self.forget(&mapping, nat, now);
        }
    }

    fn forget(&mut self, mapping: &Mapping, nat: &mut impl ExplicitMappings, now: Instant) {
        self.updates.cancel(mapping.key);
        if mapping.state == State::Open {
            nat.close(&mapping.key, now);
        }
    }

    fn reopen(
        &mut self,
        before: Mapping,
        nat: &mut impl ExplicitMappings,
        set_expires: Option<Instant>,
        now: Instant,
    ) {
        let expires = before.expires.min(set_expires.unwrap_or(before.expires));
        let mut after = Mapping {
            expires,
            ..before.clone()
        };
        let opened = match nat.open(&after.wanted(again(&before)), now) {
            Ok(external) => match decide::unfit(&after, external) {
                None => Ok(external),
                Some(result) => {
                    nat.close(&after.key, now);
                    Err(result)
                }
            },
            Err(Unmapped::NoSet) => {
                after.state = State::Waiting;
                after.expires = before.expires;
                self.updates.cancel(after.key);
                self.book.put(after);
                return;
            }
            Err(unmapped) => Err(decide::refusal(unmapped).result),
        };
        match opened {
            Ok(external) => {
                after.external = external;
                after.state = State::Open;
                if after != before {
                    self.tell(after.clone(), ResultCode::Success, now);
                }
                self.book.put(after);
            }
            Err(result) => {
                self.counters.lost += 1;
                self.book.remove(&before.key);
                self.tell(before, result, now);
            }
        }
    }

    fn tell(&mut self, mapping: Mapping, result: ResultCode, now: Instant) {
        self.updates.add(Notice { mapping, result }, now);
    }
}

/// What to suggest for a mapping that is opened again: the end that its host insists on, or else the port
/// that it had, at whatever address there is now.
fn again(mapping: &Mapping) -> SocketAddrV4 {
    let port = mapping.external.port();
    mapping
        .insisted
        .unwrap_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port))
}

/// One group is told, as often as RFC 6887 s14.1.3 allows.
pub(super) const PACE: Pace = Pace {
    per_second: 1000,
    jitter: Duration::ZERO,
    rounds: 10,
};
