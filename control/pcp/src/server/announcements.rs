//! Announcements after state was lost: to everyone who is known, again and again, and not all at once
//! (PC-142, FO-013, FO-015).
//!
//! Round by round, each over all clients at a bounded pace; the gap between rounds begins with 250 ms
//! and doubles.

use std::time::Duration;

use crate::instant::Instant;
use crate::lease::Contact;
use crate::subscriber::Client;

/// Whom to tell, and where: the payload is [`crate::wire::unsolicited_announce`] with the epoch of the
/// moment, from the address and port where requests are received.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Announcement {
    /// The end of the softwire, and who is behind it.
    pub client: Client,
    /// Where it asked from. Without one, 224.0.0.1 port 5350 inside its tunnel reaches it.
    pub contact: Option<Contact>,
}

/// Announcements that are still to be sent.
#[derive(Clone, Debug)]
pub struct Announcements {
    clients: Vec<Announcement>,
    pace: Duration,
    round: u32,
    rounds: u32,
    next: usize,
    round_began: Instant,
    due: Instant,
}

impl Announcements {
    /// `rounds` rounds, ten at most, over `clients`, `per_second` of them in a second.
    #[must_use]
    pub fn new(clients: Vec<Announcement>, rounds: u32, per_second: u32, now: Instant) -> Self {
        Self {
            clients,
            pace: Duration::from_secs(1) / per_second.max(1),
            round: 0,
            rounds: rounds.min(MAX_ROUNDS),
            next: 0,
            round_began: now,
            due: now,
        }
    }

    /// When the next one is due; `None` when all are sent.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        (self.round < self.rounds && !self.clients.is_empty()).then_some(self.due)
    }

    /// The next one, if it is due.
    pub fn pop(&mut self, now: Instant) -> Option<Announcement> {
        if self.due()? > now {
            return None;
        }
        if self.next == 0 {
            self.round_began = now;
        }
        let announcement = *self.clients.get(self.next)?;
        self.next += 1;
        self.due = self.due + self.pace;
        if self.next == self.clients.len() {
            self.next = 0;
            let gap = FIRST_GAP * (1 << self.round);
            self.round += 1;
            self.due = self.due.max(self.round_began + gap);
        }
        Some(announcement)
    }
}

/// RFC 6887 s14.1.3.
const MAX_ROUNDS: u32 = 10;
const FIRST_GAP: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u16) -> Announcement {
        Announcement {
            client: Client {
                outer: std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number),
                inner: std::net::Ipv4Addr::new(192, 0, 0, 2).into(),
            },
            contact: None,
        }
    }

    /// When each announcement leaves, in milliseconds.
    fn times(announcements: &mut Announcements) -> Vec<u64> {
        let mut times = Vec::new();
        while let Some(due) = announcements.due() {
            assert!(
                announcements
                    .pop(Instant::from_nanos(due.as_nanos() - 1))
                    .is_none()
            );
            announcements.pop(due).unwrap();
            times.push(due.as_nanos() / 1_000_000);
        }
        times
    }

    #[test]
    fn pc_142_one_client_hears_it_ten_times_with_gaps_that_double() {
        let start = Instant::from_secs(1);
        let mut announcements = Announcements::new(vec![client(1)], 99, 1000, start);
        let times = times(&mut announcements);
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(
            gaps,
            [250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000]
        );
    }

    #[test]
    fn fo_013_many_clients_hear_it_one_after_the_other() {
        let start = Instant::from_secs(1);
        let clients = (0..1000).map(client).collect();
        let mut announcements = Announcements::new(clients, 2, 1000, start);
        let times = times(&mut announcements);
        assert_eq!(times.len(), 2000);
        assert_eq!((times[0], times[999], times[1000]), (1000, 1999, 2000));
        assert_eq!(times[1999], 2999);
    }
}
