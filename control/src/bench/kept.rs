//! Whether bound traffic keeps its rate beside a flood: it arrives by the clock, alone and with as many
//! packets of the flood between, and what the receive ring cannot hold meanwhile is lost.
//!
//! It arrives at a third of the rate at which the worker forwards it alone. Two thirds are left for the
//! flood: nothing is lost while a packet of it costs less than twice a bound one.

use dpdk::clock;
use lwaftr_dataplane::table::Publisher;
use serde::Serialize;

use crate::bench::BenchError;
use crate::bench::measure::Feed;
use crate::bench::measure::Measured;
use crate::bench::pace::Pace;
use crate::bench::reader;
use crate::bench::report::round;

/// How much bound traffic that arrives at its own rate is forwarded.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Kept {
    /// Its rate, in million packets a second.
    pub(super) offered_mpps: f64,
    /// The share that is forwarded when it comes alone: what is missing, the machine has lost.
    pub(super) alone: f64,
    /// The share that is forwarded beside the flood.
    pub(super) beside: f64,
}

/// Measures it with the packets of `alone`, and with those of `beside`, half of which are bound.
///
/// # Errors
/// When the pool is too small, or packets got another fate than they should.
pub(super) fn measure(
    alone: &Feed<'_>,
    beside: &Feed<'_>,
    publisher: &Publisher,
    packets: u64,
) -> Result<Kept, BenchError> {
    let mut alone = alone.worker(reader(publisher)?)?;
    let mut beside = beside.worker(reader(publisher)?)?;
    alone.trial(packets);
    let ticks = alone.trial(packets) * clock::tsc_hz() as f64 / 1e9;
    let per_tick = SHARE / ticks;
    let (mut kept_alone, mut kept_beside) = (Vec::new(), Vec::new());
    for _ in 0..TRIALS {
        kept_alone.push(forwarded(&mut alone, packets, per_tick) / packets as f64);
        // Every other packet is the flood's.
        kept_beside.push(forwarded(&mut beside, 2 * packets, 2.0 * per_tick) / packets as f64);
    }
    alone.verify()?;
    beside.verify()?;
    Ok(Kept {
        offered_mpps: round(per_tick * clock::tsc_hz() as f64 / 1e6),
        alone: median(kept_alone),
        beside: median(kept_beside),
    })
}

/// How many are forwarded of so many packets that arrive at this rate, on all sides together. Not counted
/// are those just before, among which a flood of fragments begins: it fills the store.
fn forwarded(worker: &mut Measured<'_>, packets: u64, per_tick: f64) -> f64 {
    arrive(worker, packets / 4, per_tick);
    let before = worker.tally().forwarded;
    arrive(worker, packets, per_tick);
    (worker.tally().forwarded - before) as f64
}

/// Lets so many packets arrive, and the worker take what it can of them.
fn arrive(worker: &mut Measured<'_>, packets: u64, per_tick: f64) {
    let sides = worker.mill_mut().paces_mut().count() as u64;
    let start = clock::tsc();
    for pace in worker.mill_mut().paces_mut() {
        let (packets, per_tick) = (packets / sides, per_tick / sides as f64);
        *pace = Some(Pace::new(packets, per_tick, start));
    }
    let is_over = |pace: &mut Option<Pace>| pace.as_ref().is_none_or(Pace::is_over);
    while !worker.mill_mut().paces_mut().all(is_over) {
        worker.round();
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The part of the rate at which the worker forwards bound traffic alone.
const SHARE: f64 = 1.0 / 3.0;
/// Trials alone and beside the flood, by turns.
const TRIALS: usize = 9;
