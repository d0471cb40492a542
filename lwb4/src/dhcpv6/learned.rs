//! What is known from DHCPv6 at a moment, each piece with its end.

use std::net::Ipv6Addr;

use pcp::instant::Instant;

use super::option::Field;
use super::option::LwContainer;
use super::option::PcpServer;
use super::option::Priority;
use super::option::Reading;
use crate::dns::DomainName;

/// Something that ends unless it is said again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lasting<T> {
    /// What was said.
    pub value: T,
    /// When it ends: with the lease that it came with (DH-013).
    pub until: Instant,
}

/// What was learned, from our own client or from the router's.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Learned {
    /// Option 64: the AFTR's name.
    pub aftr_name: Option<Lasting<DomainName>>,
    /// Option 86: PCP servers.
    pub pcp_servers: Option<Lasting<Vec<PcpServer>>>,
    /// Option 96: Lightweight 4over6.
    pub lw: Option<Lasting<LwContainer>>,
    /// Option 111: the order of mechanisms.
    pub priority: Option<Lasting<Priority>>,
    /// Option 23: resolvers.
    pub dns_servers: Option<Lasting<Vec<Ipv6Addr>>>,
}

impl Learned {
    /// Takes a message into account that says it all: what it does not speak of is gone, what had to be
    /// dropped changes nothing.
    pub fn apply(&mut self, reading: Reading, until: Instant) {
        update(&mut self.aftr_name, reading.aftr_name, until);
        update(&mut self.pcp_servers, reading.pcp_servers, until);
        update(&mut self.lw, reading.lw, until);
        update(&mut self.priority, reading.priority, until);
        update(&mut self.dns_servers, reading.dns_servers, until);
    }

    /// Forgets what has ended; returns whether anything has.
    pub fn expire(&mut self, now: Instant) -> bool {
        let before = self.count();
        self.aftr_name.take_if(|known| known.until <= now);
        self.pcp_servers.take_if(|known| known.until <= now);
        self.lw.take_if(|known| known.until <= now);
        self.priority.take_if(|known| known.until <= now);
        self.dns_servers.take_if(|known| known.until <= now);
        self.count() != before
    }

    /// When the first of it ends; `None` if nothing is known.
    #[must_use]
    pub fn next_end(&self) -> Option<Instant> {
        self.ends().into_iter().flatten().min()
    }

    fn count(&self) -> usize {
        self.ends().into_iter().flatten().count()
    }

    fn ends(&self) -> [Option<Instant>; 5] {
        [
            self.aftr_name.as_ref().map(|known| known.until),
            self.pcp_servers.as_ref().map(|known| known.until),
            self.lw.as_ref().map(|known| known.until),
            self.priority.as_ref().map(|known| known.until),
            self.dns_servers.as_ref().map(|known| known.until),
        ]
    }
}

fn update<T>(known: &mut Option<Lasting<T>>, field: Field<T>, until: Instant) {
    match field {
        Field::Absent => *known = None,
        Field::Said(value) => *known = Some(Lasting { value, until }),
        Field::Discarded => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcpv6::option::RawOptions;
    use crate::dhcpv6::option::put;

    fn reading(options: &[(u16, &[u8])]) -> Reading {
        let mut octets = Vec::new();
        for (code, value) in options {
            put(&mut octets, *code, |octets| octets.extend(*value));
        }
        Reading::new(RawOptions::new(&octets))
    }

    const AFTR: &[u8] = b"\x04aftr\x00";

    #[test]
    fn dh_010_what_is_dropped_changes_nothing() {
        let mut learned = Learned::default();
        learned.apply(
            reading(&[(64, AFTR), (23, &[0x20; 16])]),
            Instant::from_secs(10),
        );
        let before = learned.clone();
        learned.apply(
            reading(&[(64, b"\x09aftr\x00"), (23, &[0x20; 16])]),
            Instant::from_secs(20),
        );
        assert_eq!(learned.aftr_name, before.aftr_name);
        assert_eq!(learned.next_end(), Some(Instant::from_secs(10)));
    }

    #[test]
    fn what_is_not_said_any_more_is_gone() {
        let mut learned = Learned::default();
        learned.apply(reading(&[(64, AFTR)]), Instant::from_secs(10));
        learned.apply(Reading::default(), Instant::from_secs(20));
        assert_eq!(learned, Learned::default());
    }

    #[test]
    fn dh_013_it_ends_with_its_lease() {
        let mut learned = Learned::default();
        learned.apply(reading(&[(64, AFTR)]), Instant::from_secs(10));
        assert!(!learned.expire(Instant::from_nanos(9_999_999_999)));
        assert!(learned.expire(Instant::from_secs(10)));
        assert_eq!(learned, Learned::default());
        assert_eq!(learned.next_end(), None);
    }
}
