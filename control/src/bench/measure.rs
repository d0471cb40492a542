//! Timing one worker on one core: the floor and the pipeline by turns, medians of several trials.

use std::hint::black_box;
use std::sync::Arc;

use dpdk::clock;
use dpdk::mbuf::Mbuf;
use dpdk::mempool::Mempool;
use lwaftr_dataplane::burst::Burst;
use lwaftr_dataplane::counters::Counters;
use lwaftr_dataplane::pipeline::Pipeline;
use lwaftr_dataplane::pipeline::Share;
use lwaftr_dataplane::ports::Outgoing;
use lwaftr_dataplane::table::Reader;
use lwaftr_dataplane::worker::Worker;

use crate::bench::BenchError;
use crate::bench::Direction;
use crate::bench::fate;
use crate::bench::fate::Tally;
use crate::bench::forwarding;
use crate::bench::mill::Mill;
use crate::bench::mill::Stream;
use crate::bench::traffic::Key;

/// Nanoseconds a packet, over the trials of one measurement.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The median.
    pub median_ns: f64,
    /// Largest minus smallest, as a share of the median.
    pub spread: f64,
}

impl Timing {
    fn of(mut trials: Vec<f64>) -> Self {
        trials.sort_by(f64::total_cmp);
        let median_ns = trials[trials.len() / 2];
        let width = trials[trials.len() - 1] - trials[0];
        Self {
            median_ns,
            spread: width / median_ns,
        }
    }
}

/// What both loops are fed with.
#[derive(Debug)]
pub struct Feed<'k> {
    /// Where the packets come from.
    pub pool: &'k Mempool,
    /// The softwires they visit.
    pub keys: &'k [Key],
    /// What the packets are.
    pub direction: Direction,
    /// Packets from the Internet side, if they are part of the mix.
    pub internet: Option<Stream>,
    /// Packets from the access side, if they are part of the mix.
    pub access: Option<Stream>,
    /// Most packets taken at once from each side.
    pub burst: usize,
}

impl<'k> Feed<'k> {
    /// A worker over a mill of its own.
    ///
    /// # Errors
    /// When the pool is too small.
    pub fn worker(&self, reader: Reader) -> Result<Measured<'k>, BenchError> {
        Ok(Measured::new(self.mill()?, self.direction, reader))
    }

    fn mill(&self) -> Result<Mill<'k>, BenchError> {
        let (internet, access) = (self.internet.clone(), self.access.clone());
        Mill::new(self.pool, self.keys, internet, access, self.burst)
    }
}

/// What was measured of one feed.
#[derive(Clone, Copy, Debug)]
pub struct Measurement {
    /// The burst loop alone.
    pub floor: Timing,
    /// The worker.
    pub pipeline: Timing,
    /// What became of the worker's packets.
    pub tally: Tally,
}

/// Floor and pipeline, by turns so that both meet the same weather.
///
/// # Errors
/// When the pool is too small, or packets got another fate than they should.
pub fn floor_and_pipeline(
    feed: &Feed<'_>,
    reader: Reader,
    packets_each: u64,
) -> Result<Measurement, BenchError> {
    let mut floor = Floor::new(feed.mill()?);
    let mut worker = feed.worker(reader)?;
    let mut buffers_held = 0;
    let (mut floors, mut pipelines) = (Vec::new(), Vec::new());
    floor.trial(packets_each);
    worker.trial(packets_each);
    for _ in 0..TRIALS {
        floors.push(floor.trial(packets_each / 2));
        pipelines.push(worker.trial(packets_each));
        let at_rest = floor.mill.resting() + worker.worker.ports_mut().resting();
        buffers_held = buffers_held.max(feed.pool.in_use() as usize - at_rest);
    }
    let tally = Tally {
        buffers_held,
        ..worker.verify()?
    };
    if buffers_held > Share::WHOLE.buffers {
        return Err(BenchError::Held {
            direction: feed.direction.name(),
            held: buffers_held,
            most: Share::WHOLE.buffers,
        });
    }
    Ok(Measurement {
        floor: Timing::of(floors),
        pipeline: Timing::of(pipelines),
        tally,
    })
}

/// The burst loop alone: packets are taken, rewritten, their MACs swapped, and given back.
struct Floor<'k> {
    mill: Mill<'k>,
    received: Burst<Mbuf>,
    leaving: Outgoing<Mbuf>,
}

impl<'k> Floor<'k> {
    fn new(mill: Mill<'k>) -> Self {
        Self {
            mill,
            received: Burst::new(),
            leaving: Outgoing::new(),
        }
    }

    fn trial(&mut self, packets: u64) -> f64 {
        timed(packets, || {
            self.mill.floor_round(&mut self.received, &mut self.leaving)
        })
    }
}

/// A worker as `run` has it, but for where its packets come from.
pub struct Measured<'k> {
    worker: Worker<Mill<'k>>,
    direction: Direction,
    counters: Arc<Counters>,
}

impl<'k> Measured<'k> {
    /// A worker over a mill of this direction's packets.
    #[must_use]
    pub fn new(mill: Mill<'k>, direction: Direction, reader: Reader) -> Self {
        let counters = Arc::new(Counters::default());
        let pipeline = Pipeline::new(forwarding(direction));
        let worker = Worker::new(mill, pipeline, Share::WHOLE, reader, Arc::clone(&counters));
        Self {
            worker,
            direction,
            counters,
        }
    }

    /// Nanoseconds a packet over `packets` packets.
    pub fn trial(&mut self, packets: u64) -> f64 {
        timed(packets, || self.worker.round())
    }

    /// The mill that it works for.
    pub(super) fn mill_mut(&mut self) -> &mut Mill<'k> {
        self.worker.ports_mut()
    }

    /// One turn of the worker's loop.
    pub(super) fn round(&mut self) {
        self.worker.round();
    }

    /// What became of the packets so far.
    pub(super) fn tally(&self) -> Tally {
        Tally::of(&self.counters)
    }

    /// Says what became of the packets.
    ///
    /// # Errors
    /// When they did not get what they should.
    pub fn verify(&self) -> Result<Tally, BenchError> {
        let tally = Tally::of(&self.counters);
        fate::verify(self.direction, &tally, &self.counters)?;
        Ok(tally)
    }
}

fn timed(packets: u64, mut round: impl FnMut() -> usize) -> f64 {
    let start = clock::tsc();
    let (mut done, mut idle) = (0, 0);
    // A mill that has lost its mbufs stands still: that is found out by what became of the packets.
    while done < packets && idle < IDLE_MAX {
        let arrived = black_box(round()) as u64;
        done += arrived;
        idle += u64::from(arrived == 0);
    }
    let ticks = clock::tsc() - start;
    ticks as f64 * 1e9 / clock::tsc_hz() as f64 / done as f64
}

/// Trials of each loop.
const TRIALS: usize = 9;
/// Rounds without a packet after which no more are expected.
const IDLE_MAX: u64 = 1 << 20;
