//! What became of a swarm.

use std::fmt;
use std::time::Duration;

use pcp::instant::Instant;
use serde_json::Value;
use serde_json::json;

use crate::provisioning::Event;

/// Numbers since the start.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    count: u32,
    /// How many have ports now.
    pub(super) bound: u32,
    /// How many of those have asked again and wait.
    pub(super) renewing: u32,
    pub(super) requests: u64,
    pub(super) answers: u64,
    pub(super) unbound: u64,
    granted: u64,
    renewed: u64,
    lost: u64,
    refused: u64,
    announced: u64,
    pub(super) elapsed: Duration,
    /// Round trips, counted by the power of two of their microseconds.
    trips: [u64; 32],
}

impl Tally {
    /// Nothing yet, of so many.
    pub(super) const fn new(count: u32) -> Self {
        Self {
            count,
            bound: 0,
            renewing: 0,
            requests: 0,
            answers: 0,
            unbound: 0,
            granted: 0,
            renewed: 0,
            lost: 0,
            refused: 0,
            announced: 0,
            elapsed: Duration::ZERO,
            trips: [0; 32],
        }
    }

    /// Counts what happened to one that asked last at `asked`.
    pub(super) fn note(&mut self, event: &Event, asked: Instant, now: Instant) {
        match event {
            Event::Granted { .. } | Event::Renewed { .. } => {
                let micros = now.since(asked).as_micros().max(1);
                let power = micros.ilog2() as usize;
                self.trips[power.min(self.trips.len() - 1)] += 1;
                if let Event::Granted { .. } = event {
                    self.granted += 1;
                } else {
                    self.renewed += 1;
                }
            }
            Event::Lost(_) => self.lost += 1,
            Event::Refused { .. } => self.refused += 1,
            Event::Announced { .. } => self.announced += 1,
            _ => {}
        }
    }

    /// Microseconds that so many of a thousand round trips took at most, to a power of two.
    fn trip_us(&self, per_mille: u64) -> u64 {
        let all: u64 = self.trips.iter().sum();
        let mut seen = 0;
        for (power, count) in self.trips.iter().enumerate() {
            seen += count;
            if seen * 1000 >= all * per_mille && seen > 0 {
                return 1 << (power + 1);
            }
        }
        0
    }

    /// For programs, in one line.
    pub(super) fn json(&self) -> Value {
        json!({
            "elapsed_s": self.elapsed.as_secs_f64(),
            "count": self.count,
            "bound": self.bound,
            "renewing": self.renewing,
            "requests": self.requests,
            "answers": self.answers,
            "granted": self.granted,
            "renewed": self.renewed,
            "lost": self.lost,
            "refused": self.refused,
            "announced": self.announced,
            "unbound": self.unbound,
            "trip_p50_us": self.trip_us(500),
            "trip_p99_us": self.trip_us(990),
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:7.1} s: {} of {} have ports; {} requests, {} answers, {} granted, {} renewed, {} lost, \
             {} refused, {} announced, {} unbound; half within {} us, 99 % within {} us",
            self.elapsed.as_secs_f64(),
            self.bound,
            self.count,
            self.requests,
            self.answers,
            self.granted,
            self.renewed,
            self.lost,
            self.refused,
            self.announced,
            self.unbound,
            self.trip_us(500),
            self.trip_us(990),
        )
    }
}

#[cfg(test)]
mod tests {
    use pcp::port_set::PortRange;

    use super::*;
    use crate::external::ExternalSet;

    #[test]
    fn round_trips_are_told_by_the_power_of_two_above_them() {
        let mut tally = Tally::new(1);
        let set = ExternalSet::run([192, 0, 2, 1].into(), PortRange::ALL);
        let lifetime_s = 600;
        let event = Event::Granted { set, lifetime_s };
        for n in 0..100 {
            let micros = if n < 98 { 700 } else { 5000 };
            let now = Instant::from_nanos(micros * 1000);
            tally.note(&event, Instant::default(), now);
        }
        assert_eq!((tally.trip_us(500), tally.trip_us(990)), (1024, 8192));
        assert_eq!(Tally::new(1).trip_us(500), 0);
    }
}
