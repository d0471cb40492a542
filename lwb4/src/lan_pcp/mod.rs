//! The PCP server for the LAN (RFC 6887; "design A" of a PCP proxy): a plain server before our own NAT.
//!
//! ```text
//!  LAN host ──UDP 5351──► receive ──► check, decide ──► ExplicitMappings (the NAT) ──► answer, at once
//!                            ▲                               │
//!         poll ◄── book, updates, announcements ◄── sets_changed ◄── provisioning
//! ```
//!
//! Nothing is asked upstream: whatever a host maps is one of the ports that were leased beforehand, so an
//! answer takes no round trip, a host's delete can never be one of the set (C-26), and neither nonce nor
//! epoch of the lease is ever seen on the LAN (PX-001).
//!
//! Invariant: the mappings that are open in the book are those that the NAT was last told to open and not to
//! close. An error changes neither (PC-012).
//!
//! The simple threat model holds (PC-160, RFC 6887 s18.1): one home is one administrative domain, nobody
//! speaks for others (THIRD_PARTY is refused), and a mapping costs its host only what its own packets would
//! cost too. What MAP adds to that is that anybody may send to the port; an owner who does not want that
//! serves PEER only.

mod asked;
mod book;
mod changes;
mod config;
mod contact;
mod counters;
mod decide;
mod mapping;
mod options;
mod reply;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub use config::LanConfig;
pub use contact::Contact;
pub use contact::Datagram;
pub use contact::Destination;
pub use counters::Counters;
pub use mapping::Mapping;
pub use mapping::State;

use pcp::epoch::ServerEpoch;
use pcp::instant::Instant;
use pcp::result_code::ResultCode;
use pcp::server::Announcements;
use pcp::server::Updates;
use pcp::wire::Message;
use pcp::wire::Opcode;
use pcp::wire::Payload;
use pcp::wire::Refusal;
use pcp::wire::Request;
use pcp::wire::announce_response;

use self::asked::Asked;
use self::asked::Moment;
use self::book::Book;
use self::changes::PACE;
use self::mapping::Notice;
use crate::explicit::ExplicitMappings;

/// The rules, the mappings, and what is still to be said.
#[derive(Clone, Debug)]
pub struct LanServer {
    config: LanConfig,
    epoch: ServerEpoch,
    book: Book,
    updates: Updates<Notice>,
    announcements: Announcements,
    counters: Counters,
}

impl LanServer {
    /// A server without mappings. Those of its predecessor are lost, and everybody hears of that (PC-142).
    #[must_use]
    pub fn new(config: LanConfig, now: Instant) -> Self {
        Self {
            config,
            epoch: ServerEpoch::starting(now),
            book: Book::default(),
            updates: Updates::default(),
            announcements: Announcements::new(1, PACE, now),
            counters: Counters::default(),
        }
    }

    /// Goes on with other numbers. Mappings keep what they were granted.
    pub fn reconfigure(&mut self, config: LanConfig) {
        self.config = config;
    }

    /// The answer to a UDP payload that came to port 5351 of a LAN interface; `None` is silence. No mapping
    /// lives beyond `set_expires`, if that is known: until then the ports are ours (PX-001).
    pub fn receive(
        &mut self,
        from: Contact,
        payload: &[u8],
        nat: &mut impl ExplicitMappings,
        set_expires: Option<Instant>,
        now: Instant,
    ) -> Option<Message> {
        self.expire(nat, now);
        let moment = Moment { set_expires, now };
        let answer = match self.answer(from, payload, nat, moment) {
            Ok(answer) => answer,
            Err(refusal) => Some(refusal.response(payload, self.epoch_s(now))),
        };
        match &answer {
            None => self.counters.silent += 1,
            Some(message) => self.count(message),
        }
        answer
    }

    /// Seconds since mappings were last lost (PC-080). It has nothing to do with the lwAFTR's epoch.
    #[must_use]
    pub fn epoch_s(&self, now: Instant) -> u32 {
        self.epoch.at(now)
    }

    /// Every mapping, the one that ends first first.
    pub fn mappings(&self) -> impl Iterator<Item = &Mapping> {
        self.book.iter()
    }

    /// What was heard and said.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    fn answer(
        &mut self,
        from: Contact,
        payload: &[u8],
        nat: &mut impl ExplicitMappings,
        moment: Moment,
    ) -> Result<Option<Message>, Refusal> {
        if !from.is_a_host() {
            return Ok(None);
        }
        let source = IpAddr::V4(*from.client.ip());
        let Some(request) = Request::receive(payload, source, self.config.opcodes)? else {
            return Ok(None);
        };
        let response = match request.payload {
            Payload::Announce => announce_response(&request, self.epoch_s(moment.now))?,
            Payload::Map(map) => self.map(&Asked::map(&request, map, from, moment)?, nat)?,
            Payload::Peer(peer) => self.peer(&Asked::peer(&request, peer, from, moment)?, nat)?,
        };
        Ok(Some(response))
    }

    /// What an answer says of itself: its second octet is the opcode, its fourth the result.
    fn count(&mut self, answer: &Message) {
        if let &[_, opcode, _, result, ..] = answer.as_slice() {
            let opcode = Opcode::from_octet(opcode);
            self.counters.count(opcode, ResultCode::from(result));
        }
    }
}
