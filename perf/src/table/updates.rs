//! How many updates a second the publisher carries out while a worker on another core looks up and
//! reports, and what the worker notices of it.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::table::Reader;

use super::PerfError;
use super::lookups::Questions;
use super::population::Population;
use super::population::brs;
use super::report::Median;
use super::report::Updates;
use crate::random::Random;

/// Fills a table with `population` and changes softwires of it at random.
pub(super) fn measure(population: Population) -> Result<Updates, PerfError> {
    let mut builder = Builder::new(brs()?)?;
    for binding in population.bindings() {
        builder.add(&binding?, Origin(0))?;
    }
    let mut publisher = Publisher::new(builder);
    let questions = Questions::new(population, 1 << 20)?;
    let reader = publisher.reader()?.online();
    let worker = Worker::default();
    thread::scope(|scope| {
        scope.spawn(|| worker.run(reader, &questions));
        let measured = with_worker(&mut publisher, population, &worker);
        worker.stop.store(true, Ordering::Relaxed);
        measured
    })
}

fn with_worker(
    publisher: &mut Publisher,
    population: Population,
    worker: &Worker,
) -> Result<Updates, PerfError> {
    thread::sleep(WARM_UP);
    let mut random = Random::new(2);
    let mut alone = Vec::with_capacity(ROUNDS);
    let mut meanwhile = Vec::with_capacity(ROUNDS);
    let mut replaced = Vec::with_capacity(ROUNDS);
    let mut removed_and_added = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let (_, ns) = worker.watch(|| {
            thread::sleep(PERIOD);
            Ok(())
        })?;
        alone.push(ns);
        let (rate, ns) = worker.watch(|| {
            rate(|| {
                let number = random.below(population.softwires as u64) as usize;
                let b4 = population.softwires as u64 + random.below(1 << 30);
                publisher.replace(&population.binding_with_b4(number, b4)?, Origin(1))?;
                Ok(1)
            })
        })?;
        replaced.push(rate);
        meanwhile.push(ns);
        removed_and_added.push(self::rate(|| {
            let number = random.below(population.softwires as u64) as usize;
            let binding = population.binding(number)?;
            publisher.remove(binding.ipv4(), binding.ports())?;
            publisher.add(&binding, Origin(0))?;
            Ok(2)
        })?);
    }
    Ok(Updates {
        softwires: population.softwires,
        psid_length: population.psid_length,
        replaced_per_second: Median::of(replaced),
        removed_and_added_per_second: Median::of(removed_and_added),
        lookup_ns_alone: Median::of(alone),
        lookup_ns_meanwhile: Median::of(meanwhile),
    })
}

/// Repeats `update` for a period; what it returns, a second, by the time that it really took.
fn rate(mut update: impl FnMut() -> Result<u64, PerfError>) -> Result<f64, PerfError> {
    let since = Instant::now();
    let mut updates = 0;
    while since.elapsed() < PERIOD {
        for _ in 0..64 {
            updates += update()?;
        }
    }
    Ok(updates as f64 / since.elapsed().as_secs_f64())
}

/// A worker that only looks up and reports.
#[derive(Debug, Default)]
struct Worker {
    stop: AtomicBool,
    lookups: AtomicU64,
}

impl Worker {
    fn run(&self, mut reader: Reader, questions: &Questions) {
        while !self.stop.load(Ordering::Relaxed) {
            for burst in questions.bursts() {
                let mut hits = [None; Questions::BURST];
                reader.table().lookup_burst(burst, &mut hits);
                std::hint::black_box(&hits);
                reader.quiescent();
                self.lookups
                    .fetch_add(burst.len() as u64, Ordering::Relaxed);
                if self.stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    }

    /// Does `work`; its result, and how long each of the worker's lookups took meanwhile, in ns.
    fn watch<T>(&self, work: impl FnOnce() -> Result<T, PerfError>) -> Result<(T, f64), PerfError> {
        let since = Instant::now();
        let before = self.lookups.load(Ordering::Relaxed);
        let done = work()?;
        let lookups = self.lookups.load(Ordering::Relaxed) - before;
        Ok((done, since.elapsed().as_nanos() as f64 / lookups as f64))
    }
}

const ROUNDS: usize = 7;
const PERIOD: Duration = Duration::from_millis(300);
const WARM_UP: Duration = Duration::from_millis(200);
