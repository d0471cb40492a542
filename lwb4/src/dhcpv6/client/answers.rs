//! What answers do to a client (RFC 8415 s18.2.9, s18.2.10).

use std::mem;
use std::time::Duration;

use pcp::client::Random;
use pcp::instant::Instant;

use super::Action;
use super::holding::FOREVER;
use super::holding::Holding;
use super::holding::Outcome;
use super::holding::after;
use super::machine::Client;
use super::machine::Offer;
use super::machine::State;
use crate::dhcpv6::message::MessageType;
use crate::dhcpv6::message::Reply;
use crate::dhcpv6::message::Status;
use crate::dhcpv6::option::Reading;
use crate::dhcpv6::option::code;

impl Client {
    /// Takes a datagram that arrived at port 546.
    pub fn receive(&mut self, octets: &[u8], now: Instant, random: &mut impl Random) {
        match Reply::decode(octets, &self.config.duid, self.config.iaid) {
            Ok(reply) => self.answer(&reply, now, random),
            Err(error) => self.actions.push_back(Action::Ignored(error)),
        }
    }

    fn answer(&mut self, reply: &Reply<'_>, now: Instant, random: &mut impl Random) {
        let Some(exchange) = self.exchange_of(reply) else {
            return;
        };
        let limit = match exchange {
            Asked::Options => code::INF_MAX_RT,
            _ => code::SOL_MAX_RT,
        };
        self.set_limit(reply.seconds(limit));
        match exchange {
            Asked::Offers => self.offer(reply, now, random),
            Asked::Leases => self.lease(reply, now, random),
            Asked::Options => self.inform(reply, now),
            Asked::Release => {
                self.state = State::Stopped;
                self.actions.push_back(Action::Released);
            }
        }
    }

    /// What was asked, if this is an answer to it.
    fn exchange_of(&self, reply: &Reply<'_>) -> Option<Asked> {
        let (asked, exchange, server) = match &self.state {
            State::Soliciting(exchange, _) => (Asked::Offers, exchange, None),
            State::Requesting(exchange, offer) => (Asked::Leases, exchange, Some(&offer.server)),
            State::Renewing(exchange) => {
                let server = self.holding.as_ref().map(|holding| &holding.server);
                (Asked::Leases, exchange, server)
            }
            State::Rebinding(exchange) => (Asked::Leases, exchange, None),
            State::Releasing(exchange, holding) => {
                (Asked::Release, exchange, Some(&holding.server))
            }
            State::Informing(exchange) => (Asked::Options, exchange, None),
            _ => return None,
        };
        let kind = match asked {
            Asked::Offers => MessageType::Advertise,
            _ => MessageType::Reply,
        };
        let ours = exchange.transaction == reply.transaction
            && kind == reply.kind
            && server.is_none_or(|server| *server == reply.server)
            && exchange.sent() > 0;
        ours.then_some(asked)
    }

    /// SOL_MAX_RT or INF_MAX_RT, believed from a minute to a day (s21.24, s21.25).
    fn set_limit(&mut self, seconds: Option<u32>) {
        let Some(seconds) = seconds.filter(|seconds| (60..=86_400).contains(seconds)) else {
            return;
        };
        self.longest_pause = Duration::from_secs(seconds.into());
        if let State::Soliciting(exchange, _) | State::Informing(exchange) = &mut self.state {
            exchange.set_longest(self.longest_pause);
        }
    }

    /// Keeps the best offer until the first pause is over; takes one at once that says so, or comes later.
    fn offer(&mut self, reply: &Reply<'_>, now: Instant, random: &mut impl Random) {
        let Some(offer) = self.rate(reply, now) else {
            return;
        };
        let State::Soliciting(exchange, best) = &mut self.state else {
            return;
        };
        if reply.preference == u8::MAX || exchange.sent() > 1 {
            return self.request(offer.holding, now, random);
        }
        if best.as_ref().is_none_or(|best| best.rank < offer.rank) {
            *best = Some(offer);
        }
    }

    /// What an ADVERTISE is worth; nothing if it has no lease for us (s18.2.9).
    fn rate(&self, reply: &Reply<'_>, now: Instant) -> Option<Offer> {
        let mut holding = Holding::new(reply.server.clone());
        let granted = reply.status == Status::Success
            && self.take(&mut holding, reply, now) == Outcome::Granted;
        let wanted = [code::S46_CONT_LW, code::AFTR_NAME];
        let options = wanted
            .iter()
            .filter(|code| reply.options.first(**code).is_some());
        let leases = holding.addresses.len() + holding.prefixes.len();
        granted.then_some(Offer {
            rank: (reply.preference, options.count(), leases),
            holding,
        })
    }

    /// Takes leases of the kinds that are wanted.
    fn take(&self, holding: &mut Holding, reply: &Reply<'_>, now: Instant) -> Outcome {
        let (address, prefix) = self.goals();
        let mut reply = reply.clone();
        reply.addresses.take_if(|_| !address);
        reply.prefixes.take_if(|_| !prefix);
        holding.take(&reply, now)
    }

    fn lease(&mut self, reply: &Reply<'_>, now: Instant, random: &mut impl Random) {
        match reply.status {
            Status::Success => {}
            // Addresses of another link: all begins anew (s18.2.10.1).
            Status::NotOnLink => return self.begin(PAUSE, now, random),
            // The exchange goes on (s18.2.10): the server may be able to in a while.
            Status::NoBinding | Status::Failed(_) => return,
        }
        let mut holding = match (&self.state, &self.holding) {
            (State::Requesting(_, offer), None) => Holding::new(offer.server.clone()),
            (_, Some(holding)) => holding.clone(),
            _ => Holding::new(reply.server.clone()),
        };
        match self.take(&mut holding, reply, now) {
            Outcome::Granted => self.bind(holding, reply, now),
            Outcome::NoBinding => {
                holding.server = reply.server.clone();
                self.request(holding, now, random);
            }
            Outcome::Nothing if matches!(self.state, State::Requesting(..)) => {
                self.begin(PAUSE, now, random);
            }
            Outcome::Nothing => {}
        }
    }

    fn bind(&mut self, holding: Holding, reply: &Reply<'_>, now: Instant) {
        let until = holding.last_end().unwrap_or(now);
        self.holding = Some(holding);
        self.state = State::Bound;
        self.learn(reply, until);
    }

    fn inform(&mut self, reply: &Reply<'_>, now: Instant) {
        let refresh_s = match reply.seconds(code::INFORMATION_REFRESH_TIME) {
            None => REFRESH_S,
            Some(seconds) => seconds.max(SHORTEST_REFRESH_S),
        };
        self.state = State::Informed(after(now, refresh_s));
        // What came without a lease holds until it is replaced (s21.23).
        self.learn(reply, FOREVER);
    }

    fn learn(&mut self, reply: &Reply<'_>, until: Instant) {
        let mut reading = Reading::new(reply.options);
        let dropped = mem::take(&mut reading.discarded);
        self.actions
            .extend(dropped.into_iter().map(Action::Dropped));
        self.learned.apply(reading, until);
        self.provide();
    }
}

#[derive(Clone, Copy)]
enum Asked {
    Offers,
    Leases,
    Options,
    Release,
}

/// Before all begins anew because a server granted nothing, so that it is not asked in a circle (s14.1).
const PAUSE: Duration = Duration::from_secs(10);
/// IRT_DEFAULT and IRT_MINIMUM (s7.6).
const REFRESH_S: u32 = 86_400;
const SHORTEST_REFRESH_S: u32 = 600;
