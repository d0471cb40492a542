//! The client's states and timers; what answers do to them is in `answers`.

use std::collections::VecDeque;
use std::time::Duration;

use pcp::client::Random;
use pcp::instant::Instant;

use super::Action;
use super::ClientConfig;
use super::Goal;
use super::Provision;
use super::exchange::Exchange;
use super::exchange::Schedule;
use super::exchange::Turn;
use super::exchange::uniform;
use super::holding::Holding;
use crate::dhcpv6::Learned;
use crate::dhcpv6::Prefix;
use crate::dhcpv6::message::IaPrefix;
use crate::dhcpv6::message::MessageType;
use crate::dhcpv6::message::Request;

/// A client of one interface.
#[derive(Debug)]
pub struct Client {
    pub(super) config: ClientConfig,
    pub(super) state: State,
    pub(super) holding: Option<Holding>,
    pub(super) learned: Learned,
    /// SOL_MAX_RT or INF_MAX_RT, which servers may change.
    pub(super) longest_pause: Duration,
    pub(super) actions: VecDeque<Action>,
}

#[derive(Debug)]
pub(super) enum State {
    /// Nothing is sent before this time.
    Delaying(Instant),
    /// Asks for offers; the best one so far.
    Soliciting(Exchange, Option<Offer>),
    /// Takes what the server in the holding offered.
    Requesting(Exchange, Holding),
    Bound,
    Renewing(Exchange),
    Rebinding(Exchange),
    Releasing(Exchange, Holding),
    Informing(Exchange),
    /// Asks again at this time.
    Informed(Instant),
    /// Does nothing any more.
    Stopped,
}

/// What an ADVERTISE offers.
#[derive(Debug)]
pub(super) struct Offer {
    /// Preference, options that we want, leases: the greater, the better.
    pub(super) rank: (u8, usize, usize),
    pub(super) holding: Holding,
}

impl Client {
    /// A client that begins within a second.
    pub fn new(config: ClientConfig, now: Instant, random: &mut impl Random) -> Self {
        let mut client = Self {
            config,
            state: State::Stopped,
            holding: None,
            learned: Learned::default(),
            longest_pause: LONGEST_PAUSE,
            actions: VecDeque::new(),
        };
        client.begin(Duration::ZERO, now, random);
        client
    }

    /// What there is to do now; again until there is nothing.
    pub fn poll(&mut self, now: Instant, random: &mut impl Random) -> Option<Action> {
        if self.actions.is_empty() {
            self.expire(now, random);
            self.turn(now, random);
        }
        self.actions.pop_front()
    }

    /// When there may be something to do, if nothing arrives.
    #[must_use]
    pub fn next_timer(&self) -> Option<Instant> {
        let state = match &self.state {
            State::Delaying(until) | State::Informed(until) => Some(*until),
            State::Soliciting(exchange, _)
            | State::Requesting(exchange, _)
            | State::Renewing(exchange)
            | State::Rebinding(exchange)
            | State::Releasing(exchange, _)
            | State::Informing(exchange) => Some(exchange.due()),
            State::Bound => self.holding.as_ref().map(|holding| holding.renew),
            State::Stopped => None,
        };
        let lease = self.holding.as_ref().and_then(Holding::first_end);
        let option = self.learned.next_end();
        [state, lease, option].into_iter().flatten().min()
    }

    /// Gives back all that is held, and stops: whoever calls this uses none of it any more (s18.2.7).
    pub fn release(&mut self, now: Instant, random: &mut impl Random) {
        self.actions.clear();
        match self.holding.take() {
            Some(holding) => {
                self.lose();
                let exchange = Exchange::new(schedule(RELEASE, None), now, random);
                self.state = State::Releasing(exchange, holding);
            }
            None => {
                self.state = State::Stopped;
                self.actions.push_back(Action::Released);
            }
        }
    }

    /// The interface may be on another link now: what is held is asked for anew (s18.2.12).
    pub fn link_changed(&mut self, now: Instant, random: &mut impl Random) {
        match self.state {
            State::Bound | State::Renewing(_) | State::Rebinding(_) => self.rebind(now, random),
            State::Informed(_) | State::Delaying(_) => self.begin(Duration::ZERO, now, random),
            _ => {}
        }
    }

    /// Begins anew, after `pause` and up to a second more (SOL_MAX_DELAY, INF_MAX_DELAY).
    pub(super) fn begin(&mut self, pause: Duration, now: Instant, random: &mut impl Random) {
        let delay = uniform(random, Duration::ZERO, LONGEST_DELAY);
        self.state = State::Delaying(now + pause + delay);
    }

    /// Asks `holding`'s server for what it holds.
    pub(super) fn request(&mut self, holding: Holding, now: Instant, random: &mut impl Random) {
        let exchange = Exchange::new(schedule(REQUEST, None), now, random);
        self.state = State::Requesting(exchange, holding);
    }

    pub(super) fn provide(&mut self) {
        let held = self.holding.as_ref();
        self.actions.push_back(Action::Provided(Box::new(Provision {
            addresses: held.map(|held| held.addresses.clone()).unwrap_or_default(),
            prefixes: held.map(|held| held.prefixes.clone()).unwrap_or_default(),
            learned: self.learned.clone(),
        })));
    }

    fn rebind(&mut self, now: Instant, random: &mut impl Random) {
        let until = self.holding.as_ref().and_then(Holding::last_end);
        self.state = State::Rebinding(Exchange::new(schedule(REBIND, until), now, random));
    }

    fn lose(&mut self) {
        self.holding = None;
        self.learned = Learned::default();
        self.actions.push_back(Action::Lost);
    }

    fn expire(&mut self, now: Instant, random: &mut impl Random) {
        let leases = self
            .holding
            .as_mut()
            .is_some_and(|holding| holding.expire(now));
        if leases && self.holding.as_ref().is_some_and(Holding::is_empty) {
            self.lose();
            return self.begin(Duration::ZERO, now, random);
        }
        if self.learned.expire(now) || leases {
            self.provide();
        }
    }

    /// What the timer of the state asks for.
    fn turn(&mut self, now: Instant, random: &mut impl Random) {
        let due = self.next_timer().is_some_and(|timer| timer <= now);
        if !due || !self.actions.is_empty() {
            return;
        }
        match &mut self.state {
            State::Delaying(_) | State::Informed(_) => self.start(now, random),
            State::Soliciting(exchange, offer) => {
                let offer = if exchange.sent() > 0 {
                    offer.take()
                } else {
                    None
                };
                match offer {
                    Some(offer) => self.request(offer.holding, now, random),
                    None => return self.send(now, random),
                }
            }
            State::Bound => {
                let until = self.holding.as_ref().map(|holding| holding.rebind);
                let exchange = Exchange::new(schedule(RENEW, until), now, random);
                self.state = State::Renewing(exchange);
            }
            State::Stopped => return,
            _ => return self.send(now, random),
        }
        self.send(now, random);
    }

    fn start(&mut self, now: Instant, random: &mut impl Random) {
        let mut schedule = schedule(SOLICIT, None);
        schedule.longest = self.longest_pause;
        let exchange = Exchange::new(schedule, now, random);
        self.state = match self.config.goal {
            Goal::Options => State::Informing(exchange),
            _ => State::Soliciting(exchange, None),
        };
    }

    /// Sends the message of the state, or gives its exchange up.
    fn send(&mut self, now: Instant, random: &mut impl Random) {
        let patient = matches!(self.state, State::Soliciting(..));
        let exchange = match &mut self.state {
            State::Soliciting(exchange, _)
            | State::Requesting(exchange, _)
            | State::Renewing(exchange)
            | State::Rebinding(exchange)
            | State::Releasing(exchange, _)
            | State::Informing(exchange) => exchange,
            _ => return,
        };
        match exchange.turn(now, patient, random) {
            Turn::Wait => {}
            Turn::Send => {
                let message = self.message(now);
                self.actions.extend(message.map(Action::Send));
            }
            Turn::GiveUp => self.give_up(now, random),
        }
    }

    fn give_up(&mut self, now: Instant, random: &mut impl Random) {
        match self.state {
            State::Renewing(_) => {
                self.rebind(now, random);
                self.send(now, random);
            }
            State::Releasing(..) => {
                self.state = State::Stopped;
                self.actions.push_back(Action::Released);
            }
            _ => self.begin(Duration::ZERO, now, random),
        }
    }

    /// The message of the state.
    fn message(&self, now: Instant) -> Option<Vec<u8>> {
        let (kind, exchange, named, to_its_server) = match &self.state {
            State::Soliciting(exchange, _) => (MessageType::Solicit, exchange, None, false),
            State::Requesting(exchange, offer) => {
                (MessageType::Request, exchange, Some(offer), true)
            }
            State::Renewing(exchange) => {
                (MessageType::Renew, exchange, self.holding.as_ref(), true)
            }
            State::Rebinding(exchange) => {
                (MessageType::Rebind, exchange, self.holding.as_ref(), false)
            }
            State::Releasing(exchange, held) => (MessageType::Release, exchange, Some(held), true),
            State::Informing(exchange) => (MessageType::InformationRequest, exchange, None, false),
            _ => return None,
        };
        let addresses = named.map(Holding::named_addresses).unwrap_or_default();
        let prefixes = match named.map(Holding::named_prefixes) {
            Some(prefixes) => prefixes,
            None => Vec::from_iter(self.hint()),
        };
        // A server is given nothing back that it did not lease.
        let wanted = |is_goal: bool, held: bool| match kind {
            MessageType::Release => held,
            _ => is_goal,
        };
        let (address, prefix) = self.goals();
        let request = Request {
            kind,
            transaction: exchange.transaction,
            client: &self.config.duid,
            server: named.filter(|_| to_its_server).map(|held| &held.server),
            elapsed_cs: exchange.elapsed_cs(now),
            iaid: self.config.iaid,
            addresses: wanted(address, !addresses.is_empty()).then_some(&addresses),
            prefixes: wanted(prefix, !prefixes.is_empty()).then_some(&prefixes),
        };
        Some(request.encode())
    }

    /// Whether an address and a prefix are wanted.
    pub(super) const fn goals(&self) -> (bool, bool) {
        match self.config.goal {
            Goal::Options => (false, false),
            Goal::Address => (true, false),
            Goal::Prefix(_) => (false, true),
            Goal::AddressAndPrefix(_) => (true, true),
        }
    }

    /// A prefix without bits tells the server the length we would like (s18.2.1).
    fn hint(&self) -> Option<IaPrefix> {
        let (Goal::Prefix(length) | Goal::AddressAndPrefix(length)) = self.config.goal else {
            return None;
        };
        let prefix = Prefix::new(std::net::Ipv6Addr::UNSPECIFIED, length).ok()?;
        (length > 0).then_some(IaPrefix {
            prefix,
            preferred_s: 0,
            valid_s: 0,
        })
    }
}

const fn schedule((initial_s, longest_s, times): Numbers, until: Option<Instant>) -> Schedule {
    Schedule {
        initial: Duration::from_secs(initial_s),
        longest: Duration::from_secs(longest_s),
        times,
        until,
    }
}

/// IRT and MRT in seconds, and MRC (s7.6).
type Numbers = (u64, u64, Option<u32>);
/// INFORMATION-REQUEST has the same.
const SOLICIT: Numbers = (1, 3600, None);
const REQUEST: Numbers = (1, 30, Some(10));
const RENEW: Numbers = (10, 600, None);
const REBIND: Numbers = (10, 600, None);
const RELEASE: Numbers = (1, 1 << 20, Some(4));
/// SOL_MAX_RT and INF_MAX_RT before a server says otherwise (s7.6).
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// SOL_MAX_DELAY and INF_MAX_DELAY (s7.6).
const LONGEST_DELAY: Duration = Duration::from_secs(1);
