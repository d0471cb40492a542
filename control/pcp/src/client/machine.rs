//! The states of a client and what moves it from one to the next (conformance list, s10.1).

use std::collections::VecDeque;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::Action;
use super::ClientConfig;
use super::Mapping;
use super::Random;
use super::Retransmission;
use super::renewal::Renewal;
use super::request::Form;
use super::request::Granted;
use super::uniform;
use crate::epoch::ClientEpoch;
use crate::epoch::EpochVerdict;
use crate::instant::Instant;
use crate::result_code::LONG_LIFETIME_S;
use crate::result_code::ResultCode;
use crate::wire::MapPayload;
use crate::wire::Payload;
use crate::wire::Response;
use crate::wire::ResponseError;
use crate::wire::ResponseHeader;
use crate::wire::SERVER_PORT;

/// One mapping and the way to it.
#[derive(Clone, Debug)]
pub struct Client {
    config: ClientConfig,
    form: Form,
    epoch: ClientEpoch,
    state: State,
    suggestion: Option<(Ipv4Addr, u16)>,
    awaiting: bool,
    actions: VecDeque<Action>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing is wanted.
    Idle,
    /// No mapping; the next request leaves at `at`.
    Asking { tries: Retransmission, at: Instant },
    /// No mapping, and the server does not want to be asked before `until`.
    Holding { until: Instant },
    /// A mapping; the next request leaves at `at`, if one does before its end.
    Bound {
        mapping: Mapping,
        next: Next,
        at: Option<Instant>,
    },
    /// The mapping is to be gone.
    Releasing {
        tries: Retransmission,
        sent: u32,
        at: Instant,
    },
}

/// What decides when the next request for a mapping in use leaves.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// Its lifetime.
    Renewal(Renewal),
    /// The server may have lost it: ask until an answer comes.
    Prompt(Retransmission),
}

impl Client {
    /// A client that has not asked yet.
    #[must_use]
    pub const fn new(config: ClientConfig) -> Self {
        Self {
            suggestion: config.suggestion,
            config,
            form: Form::FromOne,
            epoch: ClientEpoch::new(),
            state: State::Idle,
            awaiting: false,
            actions: VecDeque::new(),
        }
    }

    /// The mapping in use.
    #[must_use]
    pub const fn mapping(&self) -> Option<Mapping> {
        match self.state {
            State::Bound { mapping, .. } => Some(mapping),
            _ => None,
        }
    }

    /// Begins to ask, if nothing is wanted so far.
    pub fn start(&mut self, now: Instant) {
        if let State::Idle = self.state {
            self.ask(now);
        }
    }

    /// Gives the mapping back, in up to three tries.
    pub fn release(&mut self, now: Instant) {
        if let Some(mapping) = self.mapping() {
            self.actions.push_back(Action::Lost(mapping));
        }
        if !matches!(self.state, State::Idle | State::Releasing { .. }) {
            self.state = State::Releasing {
                tries: Retransmission::default(),
                sent: 0,
                at: now,
            };
        }
    }

    /// Asks again within five seconds, because something says that the server may have lost the mapping:
    /// an ANNOUNCE, or an ICMPv6 error that proved genuine (PC-143, FO-010). What is in use stays so.
    pub fn renew_soon(&mut self, now: Instant, random: &mut impl Random) {
        self.renew_at(now + uniform(random, Duration::ZERO, MAX_WAIT));
    }

    /// When [`Self::poll`] has something to do; `None` while nothing is wanted.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        if !self.actions.is_empty() {
            return Some(Instant::default());
        }
        match self.state {
            State::Idle => None,
            State::Asking { at, .. } | State::Releasing { at, .. } => Some(at),
            State::Holding { until } => Some(until),
            State::Bound { mapping, at, .. } => {
                Some(at.map_or(mapping.expires, |at| at.min(mapping.expires)))
            }
        }
    }

    /// What is to be done now; to be called until there is nothing.
    pub fn poll(&mut self, now: Instant, random: &mut impl Random) -> Option<Action> {
        if let State::Bound { mapping, .. } = self.state
            && mapping.expires <= now
        {
            self.lose(mapping);
            self.ask(now);
        }
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        if let State::Holding { until } = self.state
            && until <= now
        {
            self.ask(now);
        }
        self.send(now, random)
    }

    /// Takes in a UDP payload from `from`; what follows comes out of [`Self::poll`].
    pub fn receive(
        &mut self,
        from: (IpAddr, u16),
        octets: &[u8],
        now: Instant,
        random: &mut impl Random,
    ) {
        if from != (self.config.server, SERVER_PORT) || matches!(self.state, State::Idle) {
            return;
        }
        match Response::parse(octets) {
            Err(ResponseError::UnsupportedVersion {
                supported,
                lifetime_s,
            }) => self.other_version(supported, lifetime_s, now),
            Err(_) => {}
            Ok(response) => match response.payload {
                Payload::Announce => self.announced(&response.header, now, random),
                Payload::Map(map) => self.mapped(&response, &map, now, random),
                Payload::Peer(_) => {}
            },
        }
    }

    /// Sends what the state wants sent now.
    fn send(&mut self, now: Instant, random: &mut impl Random) -> Option<Action> {
        let lifetime_s = match &mut self.state {
            State::Asking { tries, at } if *at <= now => {
                *at = now + tries.next(random);
                self.config.lifetime_s
            }
            State::Bound { next, at, .. } if at.is_some_and(|at| at <= now) => {
                *at = match next {
                    Next::Renewal(renewal) => renewal.next(random),
                    Next::Prompt(tries) => Some(now + tries.next(random)),
                };
                self.config.lifetime_s
            }
            State::Releasing { sent, at, .. } if *at <= now && *sent == RELEASE_TRIES => {
                return self.released();
            }
            State::Releasing { tries, sent, at } if *at <= now => {
                *sent += 1;
                *at = now + tries.next(random);
                0
            }
            _ => return None,
        };
        self.awaiting = true;
        let request = self.config.request(self.form, lifetime_s, self.suggestion);
        Some(Action::Send(Box::new(request)))
    }

    fn renew_at(&mut self, soon: Instant) {
        match &mut self.state {
            State::Bound { next, at, .. } => {
                *next = Next::Prompt(Retransmission::default());
                *at = Some(soon);
            }
            State::Holding { until } => *until = soon.min(*until),
            State::Idle | State::Asking { .. } | State::Releasing { .. } => {}
        }
    }

    fn ask(&mut self, now: Instant) {
        self.state = State::Asking {
            tries: Retransmission::default(),
            at: now,
        };
    }

    fn lose(&mut self, mapping: Mapping) {
        self.actions.push_back(Action::Lost(mapping));
    }

    fn released(&mut self) -> Option<Action> {
        self.state = State::Idle;
        self.awaiting = false;
        Some(Action::Released)
    }

    /// PC-143: an epoch that does not go on says that all mappings are gone.
    fn announced(&mut self, header: &ResponseHeader, now: Instant, random: &mut impl Random) {
        if header.result == ResultCode::Success
            && self.epoch.observe(now, header.epoch_s) == EpochVerdict::Invalid
        {
            self.renew_soon(now, random);
        }
    }

    fn mapped(
        &mut self,
        response: &Response<'_>,
        map: &MapPayload,
        now: Instant,
        random: &mut impl Random,
    ) {
        let known = self.mapping().map(|mapping| mapping.ports);
        if !self.config.matches(self.form, map, known) {
            return;
        }
        let verdict = self.epoch.observe(now, response.header.epoch_s);
        let awaited = std::mem::take(&mut self.awaiting);
        let header = &response.header;
        match (header.result, header.lifetime_s) {
            (ResultCode::Success, 0) => self.gone(map, now, random),
            (ResultCode::Success, _) => self.granted(response, map, verdict, now, random),
            (result, lifetime_s) if awaited => self.refused(result, lifetime_s, verdict, now),
            _ => {}
        }
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
    fn other_version(&mut self, supported: u8, lifetime_s: u32, now: Instant) {
        if !std::mem::take(&mut self.awaiting) {
            return;
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
                return;
            }
            State::Idle | State::Holding { .. } => return,
        }
        self.actions
            .push_back(Action::OtherVersion { supported, until });
    }
}

/// How long an error keeps a client from asking again: what the server says, within reason.
fn hold(lifetime_s: u32) -> Duration {
    Duration::from_secs(lifetime_s.clamp(LEAST_HOLD_S, LONG_LIFETIME_S).into())
}

/// Longest random wait before mappings are asked for again (RFC 6887 s14.1.3).
const MAX_WAIT: Duration = Duration::from_secs(5);

/// A lifetime of more is taken for this (PC-108).
const LONGEST_S: u32 = 24 * 60 * 60;

/// An error that lasts no time at all must not be asked about again at once; IRT of RFC 6887 s8.1.1.
const LEAST_HOLD_S: u32 = 3;

/// Times that a delete is sent (s10.1).
const RELEASE_TRIES: u32 = 3;
