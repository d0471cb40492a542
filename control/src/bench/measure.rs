//! Timing one worker on one core: the floor and the pipeline by turns, medians of several trials.

use std::hint::black_box;
use std::sync::Arc;

use dpdk::clock;
use dpdk::mbuf;
use dpdk::mbuf::Mbuf;
use dpdk::mempool::Mempool;
use lwaftr_dataplane::burst::Burst;
use lwaftr_dataplane::counters::Counter;
use lwaftr_dataplane::counters::Counters;
use lwaftr_dataplane::forwarding::Forwarding;
use lwaftr_dataplane::pipeline::Pipeline;
use lwaftr_dataplane::pipeline::Share;
use lwaftr_dataplane::ports::Outgoing;
use lwaftr_dataplane::table::Reader;
use lwaftr_dataplane::worker::Worker;

use crate::bench::BenchError;
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
    pub fn worker(
        &self,
        forwarding: &Forwarding,
        reader: Reader,
    ) -> Result<Measured<'k>, BenchError> {
        Ok(Measured::new(self.mill()?, forwarding, reader))
    }

    fn mill(&self) -> Result<Mill<'k>, BenchError> {
        let mut mbufs = Vec::new();
        while mbufs.len() < RESTING {
            let mut burst = mbuf::Burst::<64>::new();
            self.pool
                .allocate_burst(&mut burst, 64)
                .map_err(|_| BenchError::Pool)?;
            mbufs.extend(burst);
        }
        Ok(Mill::new(
            mbufs,
            self.keys,
            self.internet.clone(),
            self.access.clone(),
            self.burst,
        ))
    }
}

/// Floor and pipeline, by turns so that both meet the same weather.
///
/// # Errors
/// When the pool is too small, or a packet of the traffic was not forwarded.
pub fn floor_and_pipeline(
    feed: &Feed<'_>,
    forwarding: &Forwarding,
    reader: Reader,
    packets_each: u64,
) -> Result<(Timing, Timing), BenchError> {
    let mut floor = Floor::new(feed.mill()?);
    let mut worker = feed.worker(forwarding, reader)?;
    floor.trial(packets_each);
    worker.trial(packets_each);
    let (mut floors, mut pipelines) = (Vec::new(), Vec::new());
    for _ in 0..TRIALS {
        floors.push(floor.trial(packets_each / 2));
        pipelines.push(worker.trial(packets_each));
    }
    worker.verify()?;
    Ok((Timing::of(floors), Timing::of(pipelines)))
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
    counters: Arc<Counters>,
}

impl<'k> Measured<'k> {
    /// A worker over a mill.
    #[must_use]
    pub fn new(mill: Mill<'k>, forwarding: &Forwarding, reader: Reader) -> Self {
        let counters = Arc::new(Counters::default());
        let pipeline = Pipeline::new(forwarding.clone());
        let worker = Worker::new(mill, pipeline, Share::WHOLE, reader, Arc::clone(&counters));
        Self { worker, counters }
    }

    /// Nanoseconds a packet over `packets` packets.
    pub fn trial(&mut self, packets: u64) -> f64 {
        timed(packets, || self.worker.round())
    }

    /// Checks that all traffic was forwarded: a benchmark of drops would be worthless.
    ///
    /// # Errors
    /// When any packet was not.
    pub fn verify(&self) -> Result<(), BenchError> {
        let counters = &self.counters;
        let [rx_i, rx_a, tx_i, tx_a] = [
            Counter::RxInternetPackets,
            Counter::RxAccessPackets,
            Counter::TxInternetPackets,
            Counter::TxAccessPackets,
        ]
        .map(|counter| counters.get(counter));
        if (rx_i, rx_a) == (tx_a, tx_i) {
            return Ok(());
        }
        let drops = counters
            .iter()
            .filter(|(name, value)| name.starts_with("drop-") && *value > 0);
        let drops = drops
            .map(|(name, value)| format!("{name} {value}"))
            .collect::<Vec<_>>();
        Err(BenchError::NotForwarded {
            received: rx_i + rx_a,
            drops: drops.join(", "),
        })
    }
}

fn timed(packets: u64, mut round: impl FnMut() -> usize) -> f64 {
    let start = clock::tsc();
    let mut done = 0;
    while done < packets {
        done += black_box(round()) as u64;
    }
    let ticks = clock::tsc() - start;
    ticks as f64 * 1e9 / clock::tsc_hz() as f64 / done as f64
}

/// Packets that are at rest in the mill: as many as a receive ring of the usual size holds.
const RESTING: usize = 1024;
/// Trials of each loop.
const TRIALS: usize = 9;
