//! A client, what it is told to do, and its timers.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::Action;
use super::ClientConfig;
use super::Goal;
use super::Heard;
use super::Mapping;
use super::Random;
use super::Retransmission;
use super::request::Form;
use super::state::Next;
use super::state::State;
use super::uniform;
use crate::epoch::ClientEpoch;
use crate::epoch::EpochVerdict;
use crate::instant::Instant;
use crate::port_set::PortRange;
use crate::wire::Payload;
use crate::wire::Response;
use crate::wire::ResponseError;
use crate::wire::SERVER_PORT;

/// One mapping and the way to it.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) config: ClientConfig,
    pub(super) form: Form,
    pub(super) epoch: ClientEpoch,
    pub(super) state: State,
    pub(super) suggestion: Option<(Ipv4Addr, u16)>,
    pub(super) awaiting: bool,
    pub(super) actions: VecDeque<Action>,
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

    /// Asks at once, whatever it waits for: a new server or network clears hold times (PC-107). What is in
    /// use stays so.
    pub fn restart(&mut self, now: Instant) {
        match self.state {
            State::Bound { .. } => self.renew_at(now),
            State::Asking { .. } | State::Holding { .. } => self.ask(now),
            State::Idle | State::Releasing { .. } => {}
        }
    }

    /// Uses the mapping no more without giving it back, and asks for it again at `until`: the server says, or
    /// is believed to say, that it has none. Returns what was in use; no [`Action::Lost`] follows.
    pub fn abandon(&mut self, until: Instant) -> Option<Mapping> {
        let mapping = self.mapping()?;
        self.state = State::Holding { until };
        Some(mapping)
    }

    /// Takes in an epoch that another client of the same server heard (PC-082).
    pub fn hear_epoch(&mut self, epoch_s: u32, now: Instant, random: &mut impl Random) -> Heard {
        if self.epoch.observe(now, epoch_s) == EpochVerdict::Valid {
            return Heard::Ours;
        }
        self.renew_soon(now, random);
        Heard::StateLost
    }

    /// Asks for sets inside `ports` from now on. A client of several sets names in each request the ports of
    /// one, because a request is about every set that it meets (PS-002, PS-021). What is said to requests
    /// of before counts no more.
    pub fn aim(&mut self, ports: PortRange) {
        self.config.goal = Goal::PortSet(ports);
    }

    /// Whether the server wants requests for all ports from port 0 (PS-042). One that does takes no request
    /// for a part of them either.
    #[must_use]
    pub const fn is_strict(&self) -> bool {
        matches!(self.form, Form::FromZero)
    }

    /// The epoch that the server told last, in seconds.
    #[must_use]
    pub const fn epoch_s(&self) -> Option<u32> {
        self.epoch.last_s()
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
        // Clients by the ten thousand hold no memory for what they rarely say.
        self.actions = VecDeque::new();
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
    ) -> Heard {
        if from != (self.config.server, SERVER_PORT) || matches!(self.state, State::Idle) {
            return Heard::NotOurs;
        }
        match Response::parse(octets) {
            Err(ResponseError::UnsupportedVersion {
                supported,
                lifetime_s,
            }) => self.other_version(supported, lifetime_s, now),
            Err(_) => Heard::NotOurs,
            Ok(response) => match response.payload {
                Payload::Announce => self.announced(&response.header, now, random),
                Payload::Map(map) => self.mapped(&response, &map, now, random),
                Payload::Peer(_) => Heard::NotOurs,
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

    pub(super) fn renew_at(&mut self, soon: Instant) {
        match &mut self.state {
            State::Bound { next, at, .. } => {
                *next = Next::Prompt(Retransmission::default());
                *at = Some(soon);
            }
            State::Holding { until } => *until = soon.min(*until),
            State::Idle | State::Asking { .. } | State::Releasing { .. } => {}
        }
    }

    pub(super) fn ask(&mut self, now: Instant) {
        self.state = State::Asking {
            tries: Retransmission::default(),
            at: now,
        };
    }

    pub(super) fn lose(&mut self, mapping: Mapping) {
        self.actions.push_back(Action::Lost(mapping));
    }

    pub(super) fn released(&mut self) -> Option<Action> {
        self.state = State::Idle;
        self.awaiting = false;
        Some(Action::Released)
    }
}

/// Longest random wait before mappings are asked for again (RFC 6887 s14.1.3).
pub(super) const MAX_WAIT: Duration = Duration::from_secs(5);

/// Times that a delete is sent (s10.1).
const RELEASE_TRIES: u32 = 3;
