//! What answers do to a client: grants, refusals, announcements, and what nobody asked for.

use std::time::Duration;

use super::Action;
use super::Client;
use super::Heard;
use super::Mapping;
use super::Random;
use super::Retransmission;
use super::machine::MAX_WAIT;
use super::renewal::Renewal;
use super::request::Form;
use super::request::Granted;
use super::state::Next;
use super::state::State;
use super::uniform;
use crate::epoch::EpochVerdict;
use crate::instant::Instant;
use crate::result_code::LONG_LIFETIME_S;
use crate::result_code::ResultCode;
use crate::wire::MapPayload;
use crate::wire::Response;
use crate::wire::ResponseHeader;

impl Client {
    /// PC-143: an epoch that does not go on says that all mappings are gone.
    pub(super) fn announced(
        &mut self,
        header: &ResponseHeader,
        now: Instant,
        random: &mut impl Random,
    ) -> Heard {
        match header.result {
            ResultCode::Success => self.hear_epoch(header.epoch_s, now, random),
            _ => Heard::Ours,
        }
    }

    pub(super) fn mapped(
        &mut self,
        response: &Response<'_>,
        map: &MapPayload,
        now: Instant,
        random: &mut impl Random,
    ) -> Heard {
        let known = self.mapping().map(|mapping| mapping.ports);
        if !self.config.matches(self.form, map, known) {
            return Heard::NotOurs;
        }
        let verdict = self.epoch.observe(now, response.header.epoch_s);
        let awaited = std::mem::take(&mut self.awaiting);
        let heard = match verdict {
            EpochVerdict::Valid => Heard::Ours,
            EpochVerdict::Invalid => Heard::StateLost,
        };
        let header = &response.header;
        match (header.result, header.lifetime_s) {
            (ResultCode::Success, 0) => self.gone(map, now, random),
            (ResultCode::Success, _) => self.granted(response, map, verdict, now, random),
            (result, lifetime_s) if awaited => self.refused(result, lifetime_s, verdict, now),
            _ => {}
        }
        heard
    }

    /// A response with a lifetime of 0: to a delete, or, if it still names what it was, about a mapping
    /// that the server took away.
    fn gone(&mut self, map: &MapPayload, now: Instant, random: &mut impl Random) {
        let answers_delete = map.external_address.is_unspecified();
        match self.state {
            State::Releasing { .. } => {
                let released = self.released();
                self.actions.extend(released);
            }
            State::Bound { mapping, .. } if !answers_delete => {
                self.lose(mapping);
                let until = now + uniform(random, Duration::ZERO, MAX_WAIT);
                self.state = State::Holding { until };
            }
            _ => {}
        }
    }

    fn granted(
        &mut self,
        response: &Response<'_>,
        map: &MapPayload,
        verdict: EpochVerdict,
        now: Instant,
        random: &mut impl Random,
    ) {
        if let State::Releasing { .. } = self.state {
            // An answer to a request from before; the delete is still to be answered.
            self.awaiting = true;
            return;
        }
        let Granted::Usable(address, ports) = self.config.granted(response, map) else {
            return self.not_identity(now);
        };
        let lifetime = Duration::from_secs(response.header.lifetime_s.min(LONGEST_S).into());
        let mapping = Mapping {
            address,
            ports,
            expires: now + lifetime,
        };
        let old = self.mapping().map(|old| (old.address, old.ports));
        if old.is_some_and(|old| old != (address, ports)) && verdict == EpochVerdict::Invalid {
            // Either the server has lost its state, or this is an answer of long ago that was held up on
            // its way. One more question tells, and costs less than the wrong set.
            return self.renew_at(now);
        }
        self.actions.push_back(if old == Some((address, ports)) {
            Action::Renewed(mapping)
        } else {
            Action::Bound(mapping)
        });
        let mut renewal = Renewal::new(now, lifetime);
        let at = renewal.next(random);
        self.suggestion = Some((address, ports.first()));
        self.state = State::Bound {
            mapping,
            next: Next::Renewal(renewal),
            at,
        };
    }

    /// PS-011: a mapping that translates ports is none for an lwB4.
    fn not_identity(&mut self, now: Instant) {
        if let Some(mapping) = self.mapping() {
            self.lose(mapping);
        }
        let delete = self.config.request(self.form, 0, None);
        self.actions.push_back(Action::Send(Box::new(delete)));
        let until = now + Duration::from_secs(LONG_LIFETIME_S.into());
        self.actions.push_back(Action::NotIdentity { until });
        self.state = State::Holding { until };
    }

    fn refused(
        &mut self,
        result: ResultCode,
        lifetime_s: u32,
        verdict: EpochVerdict,
        now: Instant,
    ) {
        let strict = result == ResultCode::MalformedRequest;
        match &mut self.state {
            State::Asking { .. } if strict && self.config.spelled_otherwise(self.form) => {
                self.form = Form::FromZero;
                self.ask(now);
            }
            State::Asking { .. } => {
                let until = now + hold(lifetime_s);
                self.state = State::Holding { until };
                self.actions.push_back(Action::Refused { result, until });
            }
            State::Bound { mapping, next, at } => {
                // In use to its end; no point of renewal before the server wants to be asked (PC-107).
                let until = now + hold(lifetime_s);
                let mut again = at.map_or(until, |at| at.max(until));
                if verdict == EpochVerdict::Invalid {
                    *next = Next::Prompt(Retransmission::default());
                    again = until;
                }
                *at = Some(again).filter(|at| *at < mapping.expires);
                self.actions.push_back(Action::Refused { result, until });
            }
            State::Releasing { .. } => {
                let released = self.released();
                self.actions.extend(released);
            }
            State::Idle | State::Holding { .. } => {}
        }
    }

    /// PC-109: no use to ask before the server may have learned version 2.
    pub(super) fn other_version(&mut self, supported: u8, lifetime_s: u32, now: Instant) -> Heard {
        if !std::mem::take(&mut self.awaiting) {
            return Heard::NotOurs;
        }
        let wait_s = match lifetime_s {
            0 => LONG_LIFETIME_S,
            lifetime_s => lifetime_s,
        };
        let until = now + hold(wait_s);
        match &mut self.state {
            State::Bound { mapping, at, .. } => {
                *at = Some(until).filter(|at| *at < mapping.expires);
            }
            State::Asking { .. } => self.state = State::Holding { until },
            State::Releasing { .. } => {
                let released = self.released();
                self.actions.extend(released);
                return Heard::Ours;
            }
            State::Idle | State::Holding { .. } => return Heard::NotOurs,
        }
        self.actions
            .push_back(Action::OtherVersion { supported, until });
        Heard::Ours
    }
}

/// How long an error keeps a client from asking again: what the server says, within reason.
fn hold(lifetime_s: u32) -> Duration {
    Duration::from_secs(lifetime_s.clamp(LEAST_HOLD_S, LONG_LIFETIME_S).into())
}

/// A lifetime of more is taken for this (PC-108).
const LONGEST_S: u32 = 24 * 60 * 60;

/// An error that lasts no time at all must not be asked about again at once; IRT of RFC 6887 s8.1.1.
const LEAST_HOLD_S: u32 = 3;
