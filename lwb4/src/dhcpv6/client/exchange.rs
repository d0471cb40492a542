//! When a client sends again (RFC 8415 s15, s7.6).

use std::time::Duration;

use pcp::client::Random;
use pcp::instant::Instant;

use crate::dhcpv6::message::TransactionId;

/// How an exchange goes on while nobody answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Schedule {
    /// IRT: the first pause.
    pub(super) initial: Duration,
    /// MRT: the longest.
    pub(super) longest: Duration,
    /// MRC: how often it is sent, if there is a limit.
    pub(super) times: Option<u32>,
    /// MRD: when it is over, if it is.
    pub(super) until: Option<Instant>,
}

/// A message that is sent until it is answered, or given up.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    /// The same in every message of the exchange.
    pub(super) transaction: TransactionId,
    schedule: Schedule,
    began: Instant,
    sent: u32,
    pause: Duration,
    due: Instant,
}

/// What a timer of an exchange says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Turn {
    /// Nothing yet.
    Wait,
    /// Send, now.
    Send,
    /// Nobody answers.
    GiveUp,
}

impl Exchange {
    /// An exchange whose first message is due now.
    pub(super) fn new(schedule: Schedule, now: Instant, random: &mut impl Random) -> Self {
        Self {
            transaction: TransactionId::new(random.next()),
            schedule,
            began: now,
            sent: 0,
            pause: Duration::ZERO,
            due: now,
        }
    }

    /// What is to be done now; after [`Turn::Send`] the next pause has begun. The first pause is longer
    /// than IRT if `patient` (s18.2.1), so that whoever waits for offers waits for that time at least.
    pub(super) fn turn(&mut self, now: Instant, patient: bool, random: &mut impl Random) -> Turn {
        if now < self.due() {
            return Turn::Wait;
        }
        let Schedule { times, until, .. } = self.schedule;
        if times == Some(self.sent) || until.is_some_and(|until| until <= now) {
            return Turn::GiveUp;
        }
        // RAND is a tenth of the pause before, or of IRT or MRT, where those count (s15).
        let before = self.pause;
        let (base, spread) = match self.sent {
            0 => (self.schedule.initial, self.schedule.initial / 10),
            _ => (before * 2, before / 10),
        };
        let (base, spread) = if base > self.schedule.longest {
            (self.schedule.longest, self.schedule.longest / 10)
        } else {
            (base, spread)
        };
        let least = if patient && self.sent == 0 {
            Duration::ZERO
        } else {
            spread
        };
        self.pause = uniform(random, base - least, base + spread);
        self.due = now + self.pause;
        self.sent += 1;
        Turn::Send
    }

    /// When the next turn is.
    pub(super) fn due(&self) -> Instant {
        self.schedule
            .until
            .map_or(self.due, |until| self.due.min(until))
    }

    /// Hundredths of a second since it began, 0 in the first message (s21.9).
    pub(super) fn elapsed_cs(&self, now: Instant) -> u16 {
        let hundredths = now.since(self.began).as_millis() / 10;
        u16::try_from(hundredths).unwrap_or(u16::MAX)
    }

    /// How often its message has been sent.
    pub(super) const fn sent(&self) -> u32 {
        self.sent
    }

    /// Takes another longest pause, which a server has asked for.
    pub(super) fn set_longest(&mut self, longest: Duration) {
        self.schedule.longest = longest;
    }
}

/// A duration from `low` to `high`, both possible.
pub(super) fn uniform(random: &mut impl Random, low: Duration, high: Duration) -> Duration {
    let span = high.saturating_sub(low).as_nanos();
    let chosen = (u128::from(random.next()) * (span + 1)) >> 64;
    low + Duration::from_nanos(u64::try_from(chosen).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLICIT: Schedule = Schedule {
        initial: Duration::from_secs(1),
        longest: Duration::from_secs(3600),
        times: None,
        until: None,
    };

    /// The pauses of an exchange, in seconds, until it is given up.
    fn pauses(schedule: Schedule, patient: bool, mut random: impl FnMut() -> u64) -> Vec<f64> {
        let mut now = Instant::from_secs(100);
        let mut exchange = Exchange::new(schedule, now, &mut random);
        let mut pauses = Vec::new();
        while pauses.len() < 15 && exchange.turn(now, patient, &mut random) == Turn::Send {
            pauses.push(exchange.due().since(now).as_secs_f64());
            now = exchange.due();
        }
        pauses
    }

    #[test]
    fn pauses_double_up_to_the_longest_a_tenth_more_or_less() {
        let middle = pauses(SOLICIT, false, || u64::MAX / 2);
        for (pause, expected) in middle.iter().zip([
            1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 3600.0,
            3600.0,
        ]) {
            assert!((pause - expected).abs() < 1e-3, "{pause} {expected}");
        }
        let shortest = pauses(SOLICIT, false, || 0);
        assert_eq!(shortest[..3], [0.9, 1.71, 3.249]);
        assert_eq!(shortest[14], 3240.0);
        let longest = pauses(SOLICIT, false, || u64::MAX);
        assert_eq!(longest[..3], [1.1, 2.31, 4.851]);
        assert_eq!(longest[14], 3960.0);
    }

    #[test]
    fn the_first_pause_after_a_solicit_is_never_shorter_than_a_second() {
        assert_eq!(pauses(SOLICIT, true, || 0)[0], 1.0);
        assert_eq!(pauses(SOLICIT, true, || u64::MAX)[0], 1.1);
    }

    #[test]
    fn an_exchange_ends_by_count_or_by_time() {
        let times = Schedule {
            times: Some(4),
            ..SOLICIT
        };
        assert_eq!(pauses(times, false, || u64::MAX / 2).len(), 4);
        let until = Schedule {
            until: Some(Instant::from_secs(105)),
            ..SOLICIT
        };
        let ended = pauses(until, false, || u64::MAX / 2);
        assert_eq!(ended.len(), 3);
        assert!((ended[2] - 2.0).abs() < 1e-3, "the last pause is cut short");
    }

    #[test]
    fn elapsed_time_counts_hundredths_and_stops() {
        let exchange = Exchange::new(SOLICIT, Instant::from_secs(100), &mut || 0);
        assert_eq!(exchange.elapsed_cs(Instant::from_secs(100)), 0);
        assert_eq!(exchange.elapsed_cs(Instant::from_secs(103)), 300);
        assert_eq!(exchange.elapsed_cs(Instant::from_secs(1000)), u16::MAX);
    }
}
