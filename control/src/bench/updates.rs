//! What live updates cost: a publisher changes softwires on one core while a worker forwards to
//! others on another.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use dpdk::lcore;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::Publisher;

use crate::bench::BenchError;
use crate::bench::Options;
use crate::bench::measure::Feed;
use crate::bench::reader;
use crate::bench::report::Updates;
use crate::bench::report::round;
use crate::bench::traffic::Population;

/// Measures forwarding to the population's softwires while others change, at each rate.
pub(super) fn measure(
    publisher: &mut Publisher,
    population: Population,
    softwires: u32,
    feed: &Feed<'_>,
    options: &Options,
) -> Result<Vec<Updates>, BenchError> {
    let goal = if options.psid_length > 6 {
        100_000
    } else {
        500_000
    };
    let churn = Churn {
        population,
        first: softwires.next_multiple_of(1 << options.psid_length),
    };
    churn.fill(publisher)?;
    [Some(goal), None]
        .into_iter()
        .map(|asked| at_rate(publisher, churn, softwires, feed, options, asked))
        .collect()
}

fn at_rate(
    publisher: &mut Publisher,
    churn: Churn,
    softwires: u32,
    feed: &Feed<'_>,
    options: &Options,
    asked: Option<u64>,
) -> Result<Updates, BenchError> {
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut worker = feed.worker(reader(publisher)?)?;
    worker.trial(options.packets);
    let (mut quiet, mut busy, mut rate) = (f64::MAX, f64::MAX, 0.0);
    for _ in 0..ROUNDS {
        quiet = quiet.min(worker.trial(options.packets));
    }
    let result = thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            let pinned = lcore::pin_to(options.control_core as usize);
            pinned.map_err(BenchError::Core)?;
            churn.run(publisher, asked, &stop, &done)
        });
        let (start, before) = (Instant::now(), done.load(Ordering::Relaxed));
        for _ in 0..ROUNDS {
            busy = busy.min(worker.trial(options.packets));
        }
        let changes = done.load(Ordering::Relaxed) - before;
        rate = changes as f64 / start.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        // A worker that rests reports nothing, and the publisher may be waiting for a report.
        while !publishing.is_finished() {
            worker.trial(1);
        }
        publishing
            .join()
            .map_err(|_| BenchError::Updates("it panicked".to_owned()))?
    });
    result?;
    worker.verify()?;
    Ok(Updates {
        softwires,
        psid_length: options.psid_length,
        asked_per_second: asked,
        per_second: rate.round(),
        quiet_ns: round(quiet),
        busy_ns: round(busy),
        rate_lost: round(1.0 - quiet / busy),
    })
}

/// Softwires that come and go: those that follow the population's.
#[derive(Clone, Copy)]
struct Churn {
    population: Population,
    first: u32,
}

impl Churn {
    fn fill(self, publisher: &mut Publisher) -> Result<(), BenchError> {
        (0..CHURN).try_for_each(|offset| self.add(publisher, offset))
    }

    /// Removes a softwire and adds it back, another each time, until told to stop.
    fn run(
        self,
        publisher: &mut Publisher,
        asked: Option<u64>,
        stop: &AtomicBool,
        done: &AtomicU64,
    ) -> Result<(), BenchError> {
        let start = Instant::now();
        let mut random = fastrand::Rng::with_seed(1);
        let mut changes = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            if asked
                .is_some_and(|rate| changes as f64 > start.elapsed().as_secs_f64() * rate as f64)
            {
                thread::sleep(PACE);
                continue;
            }
            let offset = random.u32(..CHURN);
            self.remove(publisher, offset)?;
            self.add(publisher, offset)?;
            changes += 2;
            done.store(changes, Ordering::Relaxed);
        }
        Ok(())
    }

    fn add(self, publisher: &mut Publisher, offset: u32) -> Result<(), BenchError> {
        let binding = self
            .population
            .binding(self.first + offset)
            .map_err(failed)?;
        publisher
            .add(&binding, Origin(0))
            .map(|_| ())
            .map_err(failed)
    }

    fn remove(self, publisher: &mut Publisher, offset: u32) -> Result<(), BenchError> {
        let binding = self
            .population
            .binding(self.first + offset)
            .map_err(failed)?;
        publisher
            .remove(binding.ipv4(), binding.ports())
            .map(|_| ())
            .map_err(failed)
    }
}

fn failed(cause: impl std::fmt::Display) -> BenchError {
    BenchError::Updates(cause.to_string())
}

/// Softwires that change: a few hundred addresses at 64 softwires each, more than a cache holds.
const CHURN: u32 = 65_536;
/// Trials without and with changes.
const ROUNDS: usize = 7;
/// How long a publisher that is ahead of its rate rests.
const PACE: Duration = Duration::from_micros(50);
