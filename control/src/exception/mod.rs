//! The exception path: what workers punt, because it is for this box itself, ends here.
//!
//! ```text
//!  worker ─ punt ─► receive ─┬─ ARP, neighbour discovery ─► next hops, answers
//!                            └─ echo ─► answers
//!  tick ─► questions for next hops          answers, questions ─► Frame ─► injected at a worker
//! ```
//!
//! It has no sockets and no clock: frames and the time come in, frames go out, so that the daemon and
//! `replay` run the same.

mod arp;
mod echo;
mod frame;
mod ndisc;
mod next_hop;
mod own;
mod path;

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::wire::ethernet;
use lwaftr_dataplane::wire::ethernet::Ethernet;
use lwaftr_dataplane::wire::ethernet::Mac;

pub use frame::Frame;
pub use next_hop::NextHop;
pub use own::Own;
pub use path::ExceptionPath;

/// Everything that the control thread does about frames.
#[derive(Debug)]
pub struct Exception {
    own: Own,
    /// Absent when its Ethernet address is configured.
    internet: Option<NextHop<Ipv4Addr>>,
    access: Option<NextHop<Ipv6Addr>>,
}

impl Exception {
    /// Answers for `own` and asks for the next hops that are given by address.
    #[must_use]
    pub fn new(own: Own, internet: Option<Ipv4Addr>, access: Option<Ipv6Addr>) -> Self {
        Self {
            own,
            internet: internet.map(NextHop::new),
            access: access.map(NextHop::new),
        }
    }

    /// The addresses that are answered for.
    #[must_use]
    pub const fn own(&self) -> &Own {
        &self.own
    }

    /// Tells the neighbours on both sides which addresses are ours, as is due when the links come up.
    #[must_use]
    pub fn announce(&self) -> Vec<Frame> {
        let access = self.own.ipv6();
        std::iter::once(arp::announce(&self.own))
            .chain(access.map(|address| ndisc::announce(&self.own, address)))
            .collect()
    }

    /// Takes a frame that a worker has punted. Returns the answer to it, if it gets one.
    pub fn receive(&mut self, frame: &[u8], now: Instant) -> Option<Frame> {
        let ethernet = Ethernet::parse(frame).ok()?;
        let from = Mac(*frame.get(6..)?.first_chunk()?);
        let packet = frame.get(ethernet.payload_at..)?;
        if from.is_group() {
            return None;
        }
        match ethernet.ether_type {
            ethernet::ARP => {
                let heard = arp::hear(&self.own, packet)?;
                if let (Some(hop), Some((address, mac))) = (&mut self.internet, heard.sender) {
                    hop.hear(address, mac, now);
                }
                heard.answer
            }
            ethernet::IPV4 => echo::from_internet(&self.own, packet, from),
            ethernet::IPV6 => match ndisc::hear(&self.own, packet, from) {
                None => echo::from_access(&self.own, packet, from),
                Some(heard) => {
                    if let (Some(hop), Some((address, mac))) = (&mut self.access, heard.sender) {
                        hop.hear(address, mac, now);
                    }
                    heard.answer
                }
            },
            _ => None,
        }
    }

    /// What is to be asked at `now`.
    pub fn tick(&mut self, now: Instant) -> impl Iterator<Item = Frame> {
        let internet = self.internet.as_mut().and_then(|hop| hop.question(now));
        let access = self.access.as_mut().and_then(|hop| hop.question(now));
        let internet = internet.map(|asked| arp::ask(&self.own, asked.address, asked.to));
        let access = access.map(|asked| ndisc::ask(&self.own, asked.address, asked.to));
        internet.into_iter().chain(access)
    }

    /// What is known of the next hops that are resolved here: Internet side, access side.
    #[must_use]
    pub fn next_hops(&self) -> [Option<Option<Mac>>; 2] {
        [
            self.internet.as_ref().map(NextHop::mac),
            self.access.as_ref().map(NextHop::mac),
        ]
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;

    pub(crate) fn own() -> Own {
        Own {
            internet_mac: Mac([2, 0, 0, 0, 1, 1]),
            internet: Ipv4Addr::new(203, 0, 113, 1),
            access_mac: Mac([2, 0, 0, 0, 2, 1]),
            access: "2001:db8:ac::1".parse().unwrap(),
            brs: vec![
                "2001:db8:af::1".parse().unwrap(),
                "2001:db8:ac::1".parse().unwrap(),
            ],
            aftr: Ipv4Addr::new(192, 0, 0, 1),
            hop_limit: 64,
        }
    }

    fn ethernet(frame: &Frame, from: Mac) -> Vec<u8> {
        let mut octets = frame.destination.0.to_vec();
        octets.extend(from.0);
        octets.extend(frame.ether_type.to_be_bytes());
        octets.extend(&frame.payload);
        octets
    }

    #[test]
    fn two_boxes_resolve_each_other() {
        let mut other = own();
        (other.internet, other.access) = (
            Ipv4Addr::new(203, 0, 113, 254),
            "2001:db8:ac::fe".parse().unwrap(),
        );
        (other.internet_mac, other.access_mac) = (Mac([2; 6]), Mac([4; 6]));
        let mut one = Exception::new(own(), Some(other.internet), Some(other.access));
        let mut two = Exception::new(other, Some(own().internet), Some(own().access));
        let now = Instant::default() + Duration::from_secs(1);
        let asked: Vec<_> = one.tick(now).collect();
        assert_eq!(asked.len(), 2);
        for (question, mac) in asked.iter().zip([own().internet_mac, own().access_mac]) {
            let answer = two.receive(&ethernet(question, mac), now).unwrap();
            let from = if answer.ether_type == ethernet::ARP {
                Mac([2; 6])
            } else {
                Mac([4; 6])
            };
            assert_eq!(one.receive(&ethernet(&answer, from), now), None);
        }
        assert_eq!(
            one.next_hops(),
            [Some(Some(Mac([2; 6]))), Some(Some(Mac([4; 6])))]
        );
        // Whoever asks has told where it is.
        assert_eq!(
            two.next_hops(),
            [Some(Some(own().internet_mac)), Some(Some(own().access_mac))]
        );
        assert_eq!(one.tick(now).count(), 0);
    }

    #[test]
    fn every_address_is_announced_once() {
        let announced = Exception::new(own(), None, None).announce();
        let types: Vec<_> = announced.iter().map(|frame| frame.ether_type).collect();
        assert_eq!(types, [0x0806, 0x86dd, 0x86dd]);
        assert!(announced.iter().all(|frame| frame.destination.is_group()));
    }

    #[test]
    fn frames_from_groups_or_of_other_kinds_are_not_answered() {
        let mut exception = Exception::new(own(), None, None);
        let mut question = ethernet(&arp::announce(&own()), Mac([2, 0, 0, 0, 0, 9]));
        assert!(exception.receive(&question, Instant::default()).is_some());
        question[6] |= 1;
        assert_eq!(exception.receive(&question, Instant::default()), None);
        assert_eq!(exception.receive(&[0; 20], Instant::default()), None);
        assert_eq!(exception.receive(&[], Instant::default()), None);
    }
}
