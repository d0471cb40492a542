//! What a PCP client says, and what follows from it for the state and the sets in use.

use pcp::client;
use pcp::client::Mapping;
use pcp::instant::Instant;
use pcp::result_code::ResultCode;
use pcp::wire::Message;
use pcp::wire::SERVER_PORT;

use super::Action;
use super::Event;
use super::Provisioning;
use super::State;
use super::holder::Holder;
use super::holder::set;

impl Provisioning {
    /// Follows what the client at `place` says.
    pub(super) fn follow(&mut self, place: usize, action: client::Action, now: Instant) {
        match action {
            client::Action::Send(message) => self.send(place, message, now),
            client::Action::Bound(mapping) => self.bound(place, mapping, now),
            client::Action::Renewed(mapping) => self.renewed(place, mapping, now),
            client::Action::Lost(mapping) => self.lost(place, mapping, now),
            client::Action::Refused { result, until } => self.refuse(place, result, until, now),
            client::Action::NotIdentity { until } => {
                let again_s = now.seconds_until(until);
                self.tell(Event::NotIdentity { again_s });
                self.back_off(place, until, now);
            }
            client::Action::OtherVersion { supported, until } => {
                let again_s = now.seconds_until(until);
                self.tell(Event::OtherVersion { supported, again_s });
                self.back_off(place, until, now);
            }
            client::Action::Released => {
                self.holders.remove(place);
                if self.holders.is_empty() {
                    self.released(now);
                }
            }
        }
    }

    fn send(&mut self, place: usize, message: Box<Message>, now: Instant) {
        let Some(tunnel) = self.tunnel else {
            return;
        };
        let deletes = message.get(4..8) == Some(&[0; 4]);
        if place == 0 && !deletes {
            let state = match self.holders[0].client.mapping() {
                Some(_) => State::Renewing,
                None => State::Requesting,
            };
            self.enter(state, now);
        }
        if self.state != State::Release {
            self.unanswered.get_or_insert(now);
        }
        self.actions.push_back(Action::Send {
            tunnel,
            source: self.own(tunnel),
            destination: (self.config.server, SERVER_PORT).into(),
            payload: message,
        });
    }

    fn bound(&mut self, place: usize, mapping: Mapping, now: Instant) {
        if self.meets_another(place, mapping) {
            // Ports say which set a packet belongs to; the same ones twice would be nobody's (PS-050).
            self.holders.remove(place);
            self.publish();
            return;
        }
        if place == 0 && matches!(self.state, State::Bound | State::Renewing) {
            self.enter(State::Rebind, now);
        }
        let lifetime_s = now.seconds_until(mapping.expires);
        let set = set(mapping);
        self.tell(Event::Granted { set, lifetime_s });
        self.in_use(place, now);
        self.publish();
        self.remember();
    }

    fn renewed(&mut self, place: usize, mapping: Mapping, now: Instant) {
        let lifetime_s = now.seconds_until(mapping.expires);
        let set = set(mapping);
        self.tell(Event::Renewed { set, lifetime_s });
        self.in_use(place, now);
    }

    /// BOUND of s10.1, by way of REBIND where another set was in use.
    fn in_use(&mut self, place: usize, now: Instant) {
        let several = self.config.pool.max_sets > 1;
        let holder = &mut self.holders[place];
        holder.doubt = None;
        if let Some(ports) = holder.ports()
            && several
            && !holder.client.is_strict()
        {
            holder.client.aim(ports);
        }
        if place == 0 {
            self.enter(State::Bound, now);
        }
    }

    pub(super) fn lost(&mut self, place: usize, mapping: Mapping, now: Instant) {
        self.tell(Event::Lost(set(mapping)));
        self.holders[place].doubt = None;
        if self.state != State::Release && place == 0 {
            self.enter(State::Expired, now);
            self.promote(now);
        }
        self.publish();
    }

    fn refuse(&mut self, place: usize, result: ResultCode, until: Instant, now: Instant) {
        let again_s = now.seconds_until(until);
        self.refused = Some((result, now));
        self.tell(Event::Refused { result, again_s });
        let holder = &mut self.holders[place];
        if holder.doubt.is_some()
            && let Some(mapping) = holder.client.abandon(until)
        {
            self.lost(place, mapping, now);
        }
        self.back_off(place, until, now);
    }

    /// BACKOFF of s10.1, if nothing is in use. A set beside the first is not waited for: whoever needs more
    /// ports asks again.
    fn back_off(&mut self, place: usize, until: Instant, now: Instant) {
        let has_none = |holder: &Holder| holder.client.mapping().is_none();
        if !self.holders.get(place).is_some_and(has_none) || self.state == State::Release {
            return;
        }
        if place == 0 {
            self.enter(State::Backoff, now);
        } else {
            self.holders.remove(place);
            self.pool_until = until;
            self.pool_refusals += 1;
        }
    }

    /// Everything is given back; a tunnel that waited for that is next.
    pub(super) fn released(&mut self, now: Instant) {
        self.enter(State::Idle, now);
        self.tell(Event::Released);
        self.tunnel = None;
        self.unanswered = None;
        if let Some(tunnel) = self.next_tunnel.take() {
            self.begin(tunnel, now);
        }
    }

    fn meets_another(&self, place: usize, mapping: Mapping) -> bool {
        let mut others = self.holders.iter().enumerate();
        others.any(|(other, holder)| {
            other != place && holder.ports().is_some_and(|it| it.meets(mapping.ports))
        })
    }

    fn remember(&mut self) {
        let sets = self.holders.iter().filter_map(Holder::set).collect();
        let first = self.holders.first();
        let epoch_s = first.and_then(|holder| holder.client.epoch_s());
        let remembered = self.remembered(sets, epoch_s);
        self.actions.push_back(Action::Remember(remembered));
    }
}
