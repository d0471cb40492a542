//! `lwaftr bench`: what a packet costs on one core, beside the floor of the same run.
//!
//! The loop that is measured is the worker's own, with every check on; only its packets come from a
//! [mill](mill::Mill) instead of a device. The floor is the same burst loop over the same packets,
//! which swaps MAC addresses and does nothing else. Figures of different runs are comparable only
//! as differences to, or multiples of, their floors.

pub mod crafted;
mod direction;
mod fate;
mod kept;
mod kinds;
pub mod measure;
pub mod mill;
mod pace;
mod report;
pub mod storm;
#[cfg(test)]
mod tests;
pub mod traffic;
mod updates;

use std::net::Ipv6Addr;

pub use direction::Direction;

use dpdk::eal::Eal;
use dpdk::lcore;
use dpdk::mempool::Mempool;
use dpdk::mempool::MempoolSetup;
use indicatif::ProgressBar;
use lwaftr_dataplane::forwarding::Dscp;
use lwaftr_dataplane::forwarding::Forwarding;
use lwaftr_dataplane::forwarding::FragmentCache;
use lwaftr_dataplane::forwarding::Icmp;
use lwaftr_dataplane::forwarding::Link;
use lwaftr_dataplane::forwarding::Reassembly;
use lwaftr_dataplane::punt_limits::PuntLimits;
use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::table::BrSet;
use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::wire::ethernet::Mac;
use thiserror::Error;

use crate::bench::measure::Feed;
use crate::bench::mill::Stream;
use crate::bench::report::Report;
use crate::bench::report::Run;
use crate::bench::traffic::Key;
use crate::bench::traffic::Population;
use crate::bench::traffic::Template;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Numbers of softwires, one table each.
    pub softwires: Vec<u32>,
    /// PSID length of all addresses, in bits; 0 gives whole addresses.
    pub psid_length: u8,
    /// Frame mixes.
    pub frames: Vec<FrameMix>,
    /// Directions.
    pub directions: Vec<Direction>,
    /// Packets a burst.
    pub burst: usize,
    /// CPU of the measured worker.
    pub core: u32,
    /// CPU of everything else.
    pub control_core: u32,
    /// Whether packet memory may be in ordinary pages.
    pub huge: bool,
    /// Packets in each of the trials.
    pub packets: u64,
    /// Whether to measure live updates of the table as well.
    pub updates: bool,
    /// Whether to print JSON.
    pub json: bool,
}

/// Sizes of the frames on the IPv4 side, with FCS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FrameMix {
    /// All of one size, in octets: 64 to 1518.
    Fixed(u16),
    /// Seven of 64, four of 594 and one of 1518 octets.
    Imix,
}

impl FrameMix {
    /// The mix's name in options and reports.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Fixed(size) => size.to_string(),
            Self::Imix => "imix".to_owned(),
        }
    }

    fn sizes(self) -> Vec<usize> {
        match self {
            Self::Fixed(size) => vec![usize::from(size)],
            Self::Imix => IMIX.to_vec(),
        }
    }
}

/// Why a benchmark could not be run, or its result not be believed.
#[derive(Debug, Error)]
pub enum BenchError {
    /// DPDK did not start.
    #[error("cannot start DPDK: {0}")]
    Eal(#[from] dpdk::eal::EalError),
    /// No pool of packet buffers.
    #[error("cannot make the packet pool: {0}")]
    MakePool(#[from] dpdk::mempool::MempoolError),
    /// The pool ran dry.
    #[error("the packet pool is too small")]
    Pool,
    /// The worker's core cannot be had.
    #[error("cannot run on the worker's core: {0}")]
    Core(#[from] dpdk::lcore::LcoreError),
    /// The table could not be built.
    #[error(
        "cannot build a table of {softwires} softwires with PSID length {psid_length}: {cause}"
    )]
    Table {
        /// Softwires wanted.
        softwires: u32,
        /// PSID length wanted.
        psid_length: u8,
        /// What was in the way.
        cause: String,
    },
    /// Packets did not get what the direction is about, so the figures mean nothing.
    #[error(
        "{direction}: not what should become of {received} packets: forwarded {forwarded}, {others}"
    )]
    Fate {
        /// The direction's name.
        direction: String,
        /// Packets received.
        received: u64,
        /// Packets forwarded.
        forwarded: u64,
        /// What became of the others.
        others: String,
    },
    /// More packets were held back than may be.
    #[error("{direction}: {held} packet buffers were held, of {most} that may be")]
    Held {
        /// The direction's name.
        direction: String,
        /// Buffers that were held.
        held: usize,
        /// How many may be.
        most: usize,
    },
    /// A storm of requests could not be had.
    #[error("the storm: {0}")]
    Storm(String),
    /// The thread that publishes updates stopped.
    #[error("the publishing thread failed: {0}")]
    Updates(String),
}

/// Measures and prints.
///
/// # Errors
/// When DPDK, memory or the core cannot be had, or traffic was dropped.
pub fn run(options: &Options) -> Result<(), BenchError> {
    let eal = Eal::init(&eal_arguments(options))?;
    let pool = pool(&eal)?;
    lcore::pin_to(options.core as usize)?;
    let mut report = Report::new(options, eal.has_hugepages());
    let rows = options.directions.iter();
    let rows = rows.map(|direction| direction.frames(&options.frames).len());
    let steps = options.softwires.len() * rows.sum::<usize>();
    let progress = if options.json {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(steps as u64)
    };
    for softwires in &options.softwires {
        let population = population(*softwires, options)?;
        let mut publisher = publisher(population, *softwires, options)?;
        let keys = population.shuffled_keys(SEED);
        for direction in &options.directions {
            for frame in direction.frames(&options.frames) {
                let reader = reader(&publisher)?;
                let feed = feed(&pool, &keys, *direction, frame, options.burst);
                let measurement = measure::floor_and_pipeline(&feed, reader, options.packets)?;
                let kept = match direction.bound() {
                    Some(bound) => {
                        let alone = crafted_feed(&feed, bound, frame);
                        Some(kept::measure(&alone, &feed, &publisher, options.packets)?)
                    }
                    None => None,
                };
                report
                    .runs
                    .push(Run::new(*direction, *softwires, frame, &measurement, kept));
                progress.inc(1);
            }
        }
        if options.updates {
            let feed = feed(
                &pool,
                &keys,
                Direction::Both,
                FrameMix::Fixed(64),
                options.burst,
            );
            let rows = updates::measure(&mut publisher, population, *softwires, &feed, options)?;
            report.updates.extend(rows);
        }
    }
    progress.finish_and_clear();
    report.print(options.json);
    Ok(())
}

fn pool(eal: &Eal) -> Result<Mempool, BenchError> {
    let setup = MempoolSetup {
        mbufs: POOL,
        cache: 256,
        data_room: 2176,
        socket: None,
    };
    Ok(Mempool::new(eal, "bench", setup)?)
}

fn eal_arguments(options: &Options) -> Vec<String> {
    eal_arguments_of(options.control_core, options.huge)
}

fn eal_arguments_of(control_core: u32, huge: bool) -> Vec<String> {
    let core = control_core.to_string();
    let mut arguments = vec![
        "--no-pci",
        "--no-telemetry",
        "--log-level=error",
        "-l",
        &core,
    ];
    if huge {
        arguments.push("--in-memory");
    } else {
        arguments.extend(["--no-huge", "--no-shconf", "-m", "256"]);
    }
    arguments.into_iter().map(str::to_owned).collect()
}

fn population(softwires: u32, options: &Options) -> Result<Population, BenchError> {
    Population::new(softwires, options.psid_length)
        .map_err(|cause| table_error(softwires, options, cause))
}

fn publisher(
    population: Population,
    softwires: u32,
    options: &Options,
) -> Result<Publisher, BenchError> {
    let brs = BrSet::new([traffic::BR]).map_err(|cause| table_error(softwires, options, cause))?;
    let mut builder = Builder::new(brs).map_err(|cause| table_error(softwires, options, cause))?;
    for binding in population.bindings() {
        let binding = binding.map_err(|cause| table_error(softwires, options, cause))?;
        builder
            .add(&binding, Origin(0))
            .map_err(|cause| table_error(softwires, options, cause))?;
    }
    Ok(Publisher::new(builder))
}

fn table_error(softwires: u32, options: &Options, cause: impl std::fmt::Display) -> BenchError {
    BenchError::Table {
        softwires,
        psid_length: options.psid_length,
        cause: cause.to_string(),
    }
}

fn reader(publisher: &Publisher) -> Result<lwaftr_dataplane::table::Reader, BenchError> {
    let parked = publisher
        .reader()
        .map_err(|cause| BenchError::Updates(cause.to_string()))?;
    Ok(parked.online())
}

fn feed<'k>(
    pool: &'k Mempool,
    keys: &'k [Key],
    direction: Direction,
    frame: FrameMix,
    burst: usize,
) -> Feed<'k> {
    Feed {
        pool,
        keys,
        direction,
        internet: stream(direction, Side::Internet, frame),
        access: stream(direction, Side::Access, frame),
        burst,
    }
}

fn stream(direction: Direction, side: Side, frame: FrameMix) -> Option<Stream> {
    if !direction.arrives_on(side) {
        return None;
    }
    Some(match direction {
        Direction::Encap | Direction::Decap | Direction::Both => {
            Stream::Plain(cycle(frame, |size| match side {
                Side::Internet => (
                    Template::from_internet(size, INTERNET_MAC, PEER_MAC),
                    size - FCS,
                ),
                Side::Access => (
                    Template::from_access(size, ACCESS_MAC, PEER_MAC),
                    size - FCS + 40,
                ),
            }))
        }
        _ => crafted(direction, side, frame),
    })
}

fn crafted(direction: Direction, side: Side, frame: FrameMix) -> Stream {
    let sizes = frame.sizes().into_iter();
    let packets = sizes.flat_map(|size| kinds::packets(direction, side, size));
    Stream::crafted(packets.collect())
}

/// Packets of `direction` that are written as slowly as those of `like`.
fn crafted_feed<'k>(like: &Feed<'k>, direction: Direction, frame: FrameMix) -> Feed<'k> {
    let stream = |side| {
        direction
            .arrives_on(side)
            .then(|| crafted(direction, side, frame))
    };
    Feed {
        direction,
        internet: stream(Side::Internet),
        access: stream(Side::Access),
        ..*like
    }
}

fn cycle(frame: FrameMix, packet: impl Fn(usize) -> (Template, usize)) -> Vec<(Template, usize)> {
    frame.sizes().into_iter().map(packet).collect()
}

/// Two ports as the example configuration has them, every check on.
fn forwarding(direction: Direction) -> Forwarding {
    let link = |mac, mtu| Link {
        mac: Mac(mac),
        next_hop_mac: Some(Mac(PEER_MAC)),
        vlan: None,
        vlan_by_device: false,
        mtu,
    };
    Forwarding {
        internet: link(INTERNET_MAC, 1500),
        internet_address: u32::from_be_bytes([10, 10, 10, 10]),
        access: link(ACCESS_MAC, direction.access_mtu()),
        access_address: Ipv6Addr::new(0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 1).octets(),
        aftr_address: u32::from_be_bytes([192, 0, 0, 1]),
        hop_limit: 64,
        dscp: Dscp::Copy,
        mss_clamp: None,
        path_mtu_discovery: true,
        hairpinning: true,
        reassembly: Reassembly::default(),
        fragment_cache: FragmentCache::default(),
        punts: PuntLimits::default(),
        plain_ipv6_pcp: false,
        internet_icmp: Icmp::default(),
        access_icmp: Icmp::default(),
    }
}

const INTERNET_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const ACCESS_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
/// Octets of the frame check sequence, which frame sizes include and buffers do not.
const FCS: usize = 4;
/// Sizes of the simple Internet mix, interleaved.
const IMIX: [usize; 12] = [64, 594, 64, 64, 594, 64, 1518, 64, 594, 64, 64, 594];
/// Packet buffers: both mills', those that a worker may hold, and room for the caches.
const POOL: u32 = 8191;
/// The same shuffle in every run.
const SEED: u64 = 0x6c77_6166_7472;
