//! The address behind the AFTR's name (RFC 6334 s5; DH-003, DH-005): found once, one of several, and kept
//! while the tunnel works, however short its time to live is. When the tunnel fails, the next of them takes
//! its place, and when that time is over too, the name is asked for again; the old address stays until there
//! is another.

use std::collections::VecDeque;
use std::net::Ipv6Addr;
use std::time::Duration;

use pcp::client::Random;
use pcp::instant::Instant;

use super::AnswerError;
use super::DomainName;
use super::query;

/// An AFTR that is known by its name.
#[derive(Debug)]
pub struct Aftr {
    name: DomainName,
    servers: Vec<Ipv6Addr>,
    current: Option<Known>,
    tunnel_failed: bool,
    /// The address that failed last.
    failed: Option<Ipv6Addr>,
    /// Not before this time.
    next: Instant,
    asked: Option<Asked>,
    /// Questions since the last success; tells which server and which pause are next.
    tried: u32,
}

#[derive(Debug)]
struct Known {
    /// All of the name's, the one in use first.
    addresses: VecDeque<Ipv6Addr>,
    /// When the name may have another address.
    until: Instant,
}

#[derive(Debug)]
struct Asked {
    server: Ipv6Addr,
    id: u16,
    until: Instant,
}

/// What there is to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ask {
    /// Send this to port 53 of the resolver, over IPv6, from a port nobody can guess.
    Send {
        /// The resolver.
        server: Ipv6Addr,
        /// The message.
        octets: Vec<u8>,
    },
    /// No resolver knows the name; it is asked for again at that time.
    Unresolved {
        /// When.
        until: Instant,
    },
}

impl Aftr {
    /// Begins to ask for the address of `name`.
    #[must_use]
    pub const fn new(name: DomainName, servers: Vec<Ipv6Addr>, now: Instant) -> Self {
        Self {
            name,
            servers,
            current: None,
            tunnel_failed: false,
            failed: None,
            next: now,
            asked: None,
            tried: 0,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &DomainName {
        &self.name
    }

    /// The address to use, once there is one.
    #[must_use]
    pub fn address(&self) -> Option<Ipv6Addr> {
        self.current.as_ref()?.addresses.front().copied()
    }

    /// Other resolvers are known; they are asked at once if there is something to ask.
    pub fn set_servers(&mut self, servers: Vec<Ipv6Addr>, now: Instant) {
        if self.servers != servers {
            self.servers = servers;
            self.asked = None;
            self.tried = 0;
            self.next = self
                .current
                .as_ref()
                .map_or(now, |known| known.until.max(now));
        }
    }

    /// The tunnel to the address does not work: the next one is in use, if there are several, and the name is
    /// asked for again when its time to live is over.
    pub fn tunnel_failed(&mut self, now: Instant) {
        if let Some(known) = &mut self.current {
            self.failed = known.addresses.front().copied();
            known.addresses.rotate_left(1);
            if !std::mem::replace(&mut self.tunnel_failed, true) {
                self.next = known.until.max(now);
            }
        }
    }

    /// The tunnel works (again).
    pub fn tunnel_works(&mut self) {
        if self.current.is_some() {
            self.tunnel_failed = false;
            self.failed = None;
            self.asked = None;
        }
    }

    /// When there may be something to do, if nothing arrives.
    #[must_use]
    pub fn next_timer(&self) -> Option<Instant> {
        let wanted = self.wanted();
        wanted.then(|| self.asked.as_ref().map_or(self.next, |asked| asked.until))
    }

    /// What there is to do now; again until there is nothing.
    pub fn poll(&mut self, now: Instant, random: &mut impl Random) -> Option<Ask> {
        if self.next_timer().is_none_or(|timer| timer > now) {
            return None;
        }
        self.asked = None;
        let turns = u32::try_from(self.servers.len()).unwrap_or(u32::MAX);
        if self.tried >= turns.saturating_mul(ROUNDS) {
            return Some(self.pause(now));
        }
        let index = self.tried.checked_rem(turns)? as usize;
        let server = *self.servers.get(index)?;
        let id = (random.next() >> 48) as u16;
        // Every round is twice as patient.
        let until = now + TIMEOUT * (1 << (self.tried / turns));
        self.asked = Some(Asked { server, id, until });
        self.tried += 1;
        let octets = query::question(id, &self.name);
        Some(Ask::Send { server, octets })
    }

    /// Takes a datagram that a resolver's port 53 sent.
    ///
    /// # Errors
    /// When it has no address for us; the next resolver is asked then, unless it is no answer at all.
    pub fn receive(
        &mut self,
        from: Ipv6Addr,
        octets: &[u8],
        now: Instant,
    ) -> Result<(), AnswerError> {
        let asked = self.asked.as_ref().filter(|asked| asked.server == from);
        let id = asked.ok_or(AnswerError::NotOurs)?.id;
        match query::answer(octets, id, &self.name) {
            Ok(found) => {
                let ttl_s = found.ttl_s.clamp(SHORTEST_TTL_S, LONGEST_TTL_S);
                let until = now + Duration::from_secs(ttl_s.into());
                let addresses = self.in_order(&found.addresses);
                self.current = (!addresses.is_empty()).then_some(Known { addresses, until });
                self.asked = None;
                self.tunnel_failed = false;
                self.tried = 0;
                Ok(())
            }
            // Whoever guesses must not keep the answer away.
            Err(error @ (AnswerError::NotOurs | AnswerError::Malformed)) => Err(error),
            Err(error) => {
                self.asked = None;
                self.next = now;
                Err(error)
            }
        }
    }

    /// The one in use stays so if it has not failed; else the first one, since servers rotate them to spread
    /// load, that has not failed last.
    fn in_order(&self, addresses: &[Ipv6Addr]) -> VecDeque<Ipv6Addr> {
        let good = |address: &Ipv6Addr| Some(*address) != self.failed;
        let in_use = self.address().filter(good);
        let mut ordered: VecDeque<_> = addresses.iter().copied().collect();
        let kept = ordered.iter().position(|address| Some(*address) == in_use);
        let first = kept.or_else(|| ordered.iter().position(good));
        ordered.rotate_left(first.unwrap_or_default());
        ordered
    }

    fn wanted(&self) -> bool {
        !self.servers.is_empty() && (self.current.is_none() || self.tunnel_failed)
    }

    fn pause(&mut self, now: Instant) -> Ask {
        self.tried = 0;
        self.next = now + PAUSE;
        Ask::Unresolved { until: self.next }
    }
}

/// How often every resolver is asked before a pause, and how long the first answer may take.
const ROUNDS: u32 = 3;
const TIMEOUT: Duration = Duration::from_secs(2);
/// Between two attempts to find an address at all.
const PAUSE: Duration = Duration::from_secs(30);
/// A failed tunnel asks no more often than this; an answer is believed no longer than a day.
const SHORTEST_TTL_S: u32 = 30;
const LONGEST_TTL_S: u32 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x53);
    const TWO: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x54);
    const START: Instant = Instant::from_secs(100);

    fn aftr(servers: &[Ipv6Addr]) -> Aftr {
        let name = "aftr.example.com".parse().unwrap();
        Aftr::new(name, servers.to_vec(), START)
    }

    fn after(seconds: u64) -> Instant {
        START + Duration::from_secs(seconds)
    }

    /// The resolver that is asked now, and the question's octets.
    fn asked(aftr: &mut Aftr, now: Instant) -> (Ipv6Addr, Vec<u8>) {
        match aftr.poll(now, &mut || 0x1234 << 48) {
            Some(Ask::Send { server, octets }) => (server, octets),
            other => panic!("{other:?}"),
        }
    }

    /// 2001:db8:af::`ends`, for 60 s, as an answer to that question.
    fn answer(question: &[u8], ends: &[u8]) -> Vec<u8> {
        let mut octets = question.to_vec();
        octets[2..4].copy_from_slice(&[0x81, 0x80]);
        octets[7] = ends.len() as u8;
        for end in ends {
            octets.extend([0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16]);
            octets.extend([0x20, 1, 0xd, 0xb8, 0, 0xaf, 0, 0, 0, 0, 0, 0, 0, 0, 0, *end]);
        }
        octets
    }

    fn resolve(aftr: &mut Aftr, now: Instant, ends: &[u8]) {
        let (server, question) = asked(aftr, now);
        assert_eq!(aftr.receive(server, &answer(&question, ends), now), Ok(()));
    }

    fn address(aftr: &Aftr) -> String {
        aftr.address().unwrap().to_string()
    }

    #[test]
    fn dh_003_of_several_addresses_one_is_picked() {
        let mut aftr = aftr(&[ONE]);
        resolve(&mut aftr, START, &[2, 1]);
        assert_eq!(address(&aftr), "2001:db8:af::2");
    }

    #[test]
    fn dh_005_the_name_is_asked_for_again_only_when_the_tunnel_fails() {
        let mut aftr = aftr(&[ONE]);
        resolve(&mut aftr, START, &[1]);
        assert_eq!(aftr.next_timer(), None);
        assert_eq!(aftr.poll(after(100_000), &mut || 0), None);
        aftr.tunnel_failed(after(100_000));
        resolve(&mut aftr, after(100_000), &[1]);
        assert_eq!(address(&aftr), "2001:db8:af::1", "there is no other");
        aftr.tunnel_failed(after(100_001));
        assert_eq!(
            aftr.next_timer(),
            Some(after(100_060)),
            "its time to live is not over"
        );
        resolve(&mut aftr, after(100_060), &[1, 2]);
        assert_eq!(address(&aftr), "2001:db8:af::2");
    }

    #[test]
    fn dh_005_the_next_address_is_used_when_the_tunnel_fails() {
        let mut aftr = aftr(&[ONE]);
        resolve(&mut aftr, START, &[1, 2]);
        aftr.tunnel_failed(after(5));
        assert_eq!(address(&aftr), "2001:db8:af::2");
        assert_eq!(aftr.next_timer(), Some(after(60)), "asks again by then");
        aftr.tunnel_works();
        assert_eq!(address(&aftr), "2001:db8:af::2");
        assert_eq!(aftr.next_timer(), None, "it works");
        aftr.tunnel_failed(after(30));
        assert_eq!(address(&aftr), "2001:db8:af::1", "the first may work again");
        resolve(&mut aftr, after(60), &[2, 1, 3]);
        assert_eq!(address(&aftr), "2001:db8:af::1", "it has not failed yet");
    }

    #[test]
    fn dh_005_the_old_address_stays_while_no_answer_comes() {
        let mut aftr = aftr(&[ONE]);
        resolve(&mut aftr, START, &[1]);
        aftr.tunnel_failed(after(60));
        asked(&mut aftr, after(60));
        assert_eq!(address(&aftr), "2001:db8:af::1");
        aftr.tunnel_works();
        assert_eq!(aftr.next_timer(), None);
    }

    #[test]
    fn resolvers_are_asked_in_turn_and_more_patiently() {
        let mut aftr = aftr(&[ONE, TWO]);
        let mut now = START;
        let mut turns = Vec::new();
        for _ in 0..6 {
            turns.push((now.since(START).as_secs(), asked(&mut aftr, now).0));
            now = aftr.next_timer().unwrap();
        }
        assert_eq!(
            turns,
            [(0, ONE), (2, TWO), (4, ONE), (8, TWO), (12, ONE), (20, TWO)]
        );
        let until = after(28 + 30);
        assert_eq!(aftr.poll(now, &mut || 0), Some(Ask::Unresolved { until }));
        assert_eq!(asked(&mut aftr, until).0, ONE);
    }

    #[test]
    fn a_resolver_that_refuses_is_left_at_once() {
        let mut aftr = aftr(&[ONE, TWO]);
        let (_, question) = asked(&mut aftr, START);
        let mut refusal = answer(&question, &[]);
        refusal[3] = 0x85;
        let refused = AnswerError::Refused { code: 5 };
        assert_eq!(aftr.receive(ONE, &refusal, START), Err(refused));
        assert_eq!(asked(&mut aftr, START).0, TWO);
    }

    #[test]
    fn guesses_are_not_believed_and_keep_nothing_away() {
        let mut aftr = aftr(&[ONE]);
        let (_, question) = asked(&mut aftr, START);
        let good = answer(&question, &[1]);
        assert_eq!(aftr.receive(TWO, &good, START), Err(AnswerError::NotOurs));
        let mut guess = good.clone();
        guess[1] ^= 1;
        assert_eq!(aftr.receive(ONE, &guess, START), Err(AnswerError::NotOurs));
        assert_eq!(aftr.receive(ONE, &good, START), Ok(()));
        assert_eq!(
            aftr.receive(ONE, &good, START),
            Err(AnswerError::NotOurs),
            "twice"
        );
    }

    #[test]
    fn without_resolvers_nothing_is_asked_until_there_are_some() {
        let mut aftr = aftr(&[]);
        assert_eq!(
            (aftr.next_timer(), aftr.poll(START, &mut || 0)),
            (None, None)
        );
        aftr.set_servers(vec![ONE], after(5));
        resolve(&mut aftr, after(5), &[1]);
    }
}
