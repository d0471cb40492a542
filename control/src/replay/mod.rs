//! `lwaftr replay`: packets from capture files through the worker of `run`.
//!
//! One worker over DPDK's pcap ports. Packets are taken in the order of their time stamps, whatever
//! time it is; what the worker sends is written to files. At the end every packet must have been
//! sent, punted or dropped with a counter, and every buffer be back in its pool.

mod leasing;
mod ports;

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dpdk::eal::Eal;
use dpdk::eal::EalError;
use dpdk::mbuf::RxTimestamps;
use dpdk::mempool::Mempool;
use dpdk::mempool::MempoolError;
use dpdk::mempool::MempoolSetup;
use dpdk::port::Port;
use dpdk::port::PortError;
use dpdk::port::PortSetup;
use lwaftr_dataplane::counters::Counter;
use lwaftr_dataplane::counters::Counters;
use lwaftr_dataplane::dpdk_ports::QueuePair;
use lwaftr_dataplane::drop_reason::DropReason;
use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::path_mtu;
use lwaftr_dataplane::path_mtu::PathMtus;
use lwaftr_dataplane::pipeline::Pipeline;
use lwaftr_dataplane::pipeline::Share;
use lwaftr_dataplane::ports::Layout;
use lwaftr_dataplane::ports::Ports;
use lwaftr_dataplane::punt::PuntClass;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::wire::ethernet::Mac;
use lwaftr_dataplane::worker::Worker;
use pcp::pool::PoolError;
use thiserror::Error;

use crate::config::Buffers;
use crate::config::Config;
use crate::exception::ExceptionPath;
use crate::exception::Frame;
use crate::forwarding;
use crate::forwarding::PortFacts;
use crate::replay::leasing::Leasing;
use crate::replay::ports::ReplayPorts;
use crate::roster;
use crate::roster::Loaded;
use crate::roster::RosterError;
use crate::softwires;
use crate::softwires::Softwires;
use crate::softwires::SoftwiresError;

/// Which files to replay.
#[derive(Clone, Debug)]
pub enum Files {
    /// A port each.
    TwoPorts {
        /// The Internet side's files.
        internet: Capture,
        /// The access side's files.
        access: Capture,
    },
    /// Both sides on one port.
    OnAStick(Capture),
}

/// One port's files.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// Packets that arrive.
    pub input: Option<PathBuf>,
    /// Where packets that leave are written.
    pub output: Option<PathBuf>,
}

/// Why a replay failed.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// A capture cannot be read.
    #[error("cannot read {}: {cause}", file.display())]
    Input {
        /// The capture.
        file: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// A roster is none.
    #[error("{}: {trouble}", file.display())]
    Roster {
        /// The roster.
        file: PathBuf,
        /// What is wrong with it.
        trouble: RosterError,
    },
    /// A name that DPDK's device arguments cannot carry.
    #[error("{}: a capture's name must not contain ',', '=' or white space", .0.display())]
    Name(PathBuf),
    /// The bindings are at fault.
    #[error(transparent)]
    Bindings(#[from] SoftwiresError),
    /// DPDK did not start.
    #[error("cannot start DPDK: {0}")]
    Eal(#[from] EalError),
    /// No packet buffers.
    #[error(transparent)]
    Pool(#[from] MempoolError),
    /// A capture cannot be opened as a port.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The pools contradict each other.
    #[error(transparent)]
    Pools(#[from] PoolError),
    /// The table has no place for a worker.
    #[error(transparent)]
    Reader(#[from] lwaftr_dataplane::table::TooManyReaders),
    /// Packets that came into being have no end that is counted.
    #[error("{came} packets came into being, but {ended} are accounted for")]
    NotConserved {
        /// Packets received, or made here.
        came: u64,
        /// Packets sent, punted, dropped, heard, or made into others.
        ended: u64,
    },
    /// Buffers are missing from the pool.
    #[error("{0} packet buffers did not come back")]
    Leaked(u32),
    /// The counters cannot be written.
    #[error("cannot write {}: {cause}", file.display())]
    Counters {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
}

/// Replays the captures and writes the counters, if a file for them is given.
///
/// # Errors
/// When something cannot be opened or written, or a packet is unaccounted for.
pub fn run(
    config: &Config,
    files: &Files,
    roster_file: Option<&Path>,
    counters_file: Option<&Path>,
    seed: u64,
) -> Result<(), ReplayError> {
    check_files(files)?;
    let roster = roster_file.map(read_roster).transpose()?;
    let (builder, known) = Softwires::read(config, |_, _| ())?.into_parts();
    let mut publisher = Publisher::new(builder);
    let eal = Eal::init(&config.eal_arguments())?;
    let setup = MempoolSetup {
        mbufs: POOL,
        cache: 0,
        data_room: Buffers::DATA_ROOM as u16 + dpdk::mbuf::HEADROOM as u16,
        socket: None,
    };
    let pool = Mempool::new(&eal, "replay", setup)?;
    let ports = open(&eal, &pool, files, config)?;
    let counters = Arc::new(Counters::default());
    let settings = settings(config);
    let brs = softwires::br_addresses(&known.br);
    let mut exception = ExceptionPath::new(config, &settings, brs, pool.clone());
    let pipeline = Pipeline::new(settings);
    let reader = publisher.reader()?.online();
    let share = Share {
        secret: seed,
        buffers: HELD,
        ..Share::WHOLE
    };
    let (news, mut paths) = (path_mtu::queue(), PathMtus::default());
    let mut worker = Worker::new(ports, pipeline, share, reader, Arc::clone(&counters))
        .telling(Arc::clone(&news))
        .following(exception.next_hops());
    let mut leasing = match worker.ports_mut().next_at() {
        Some(start) => Leasing::begin(config, exception.own(), &publisher, start, roster)?,
        None => None,
    };
    while let Some(now) = worker.ports_mut().next_at() {
        // What other threads do in the daemon is done here between two rounds.
        paths.lapse(&publisher, now);
        if let Some(leasing) = &mut leasing {
            let frames = leasing.turn(&mut publisher, exception.access_next_hop(), now);
            send(worker.ports_mut(), &exception, frames);
        }
        let questions = exception.tick(now);
        send(worker.ports_mut(), &exception, questions);
        worker.round();
        answer(worker.ports_mut(), &mut exception, leasing.as_mut(), now);
        if let Some(leasing) = &mut leasing {
            let frames = leasing.turn(&mut publisher, exception.access_next_hop(), now);
            send(worker.ports_mut(), &exception, frames);
        }
        while let Some(one) = news.pop() {
            paths.hear(one, &publisher, now);
        }
    }
    // Time runs on until nothing waits any more, so that every packet has an end.
    for _ in 0..LONGEST_WAIT.as_secs() {
        worker.ports_mut().pass(Duration::from_secs(1));
        if let Some(leasing) = &mut leasing {
            let now = worker.ports_mut().now();
            let frames = leasing.last(exception.access_next_hop(), now);
            send(worker.ports_mut(), &exception, frames);
        }
        worker.round();
    }
    drop(worker);
    if let Some(file) = counters_file {
        write_counters(file, &counters, publisher.len())?;
    }
    check_conservation(&counters, &pool)
}

/// Has control answer what the worker has punted.
fn answer(
    ports: &mut ReplayPorts,
    exception: &mut ExceptionPath,
    mut leasing: Option<&mut Leasing>,
    now: Instant,
) {
    while let Some((class, packet)) = ports.take_punted() {
        match class {
            PuntClass::Neighbour | PuntClass::Icmp => {
                let answer = exception.receive(&packet, now);
                send(ports, exception, answer);
            }
            PuntClass::Pcp => {
                if let Some(leasing) = &mut leasing {
                    let answer = leasing.receive(&packet, exception, now);
                    send(ports, exception, answer);
                }
            }
            // Nobody takes it yet.
            PuntClass::Other => {}
        }
    }
}

/// Has the worker send frames in its next round.
fn send(
    ports: &mut ReplayPorts,
    exception: &ExceptionPath,
    frames: impl IntoIterator<Item = Frame>,
) {
    let frames = frames.into_iter();
    ports.inject(frames.filter_map(|frame| exception.packet(&frame)));
}

fn check_files(files: &Files) -> Result<(), ReplayError> {
    let captures = match files {
        Files::TwoPorts { internet, access } => vec![internet, access],
        Files::OnAStick(capture) => vec![capture],
    };
    for capture in captures {
        for file in capture.input.iter().chain(&capture.output) {
            let unfit = |c: char| c == ',' || c == '=' || c.is_whitespace();
            if file.to_str().is_none_or(|name| name.contains(unfit)) {
                return Err(ReplayError::Name(file.clone()));
            }
        }
        if let Some(file) = &capture.input {
            let unreadable = |cause| ReplayError::Input {
                file: file.clone(),
                cause,
            };
            fs::File::open(file).map_err(unreadable)?;
        }
    }
    Ok(())
}

/// Nobody's start depends on this one, so that it must be there and readable.
fn read_roster(file: &Path) -> Result<Loaded, ReplayError> {
    fs::File::open(file).map_err(|cause| ReplayError::Input {
        file: file.to_owned(),
        cause,
    })?;
    let mut loaded = roster::load(file);
    match loaded.trouble.take() {
        None => Ok(loaded),
        Some(trouble) => Err(ReplayError::Roster {
            file: file.to_owned(),
            trouble,
        }),
    }
}

fn open(
    eal: &Eal,
    pool: &Mempool,
    files: &Files,
    config: &Config,
) -> Result<ReplayPorts, ReplayError> {
    let mtu = config
        .internet
        .link
        .mtu_bytes
        .max(config.access.link.mtu_bytes);
    let open = |capture: &Capture, name: &str| match device(capture, name) {
        None => Ok(None),
        Some(device) => open_port(eal, pool, &device, mtu).map(Some),
    };
    let (layout, internet, access) = match files {
        Files::TwoPorts { internet, access } => (
            Layout::TwoPorts,
            open(internet, "net_pcap0")?,
            open(access, "net_pcap1")?,
        ),
        Files::OnAStick(capture) => (Layout::OnAStick, open(capture, "net_pcap0")?, None),
    };
    Ok(ReplayPorts::new(
        layout,
        internet,
        access,
        RxTimestamps::find(eal),
    ))
}

/// The pcap device for a port's files, if it has any.
fn device(capture: &Capture, name: &str) -> Option<String> {
    let input = capture
        .input
        .as_ref()
        .map(|file| format!(",rx_pcap={}", file.display()));
    let output = capture
        .output
        .as_ref()
        .map(|file| format!(",tx_pcap={}", file.display()));
    if input.is_none() && output.is_none() {
        return None;
    }
    Some(format!(
        "{name}{}{}",
        input.unwrap_or_default(),
        output.unwrap_or_default()
    ))
}

fn open_port(eal: &Eal, pool: &Mempool, device: &str, mtu: u16) -> Result<QueuePair, ReplayError> {
    let mut setup = PortSetup::new(vec![pool.clone()]);
    setup.mtu = mtu;
    let mut configured = Port::open(eal, device)?.configure(&setup)?;
    // One pool, so one queue each way.
    Ok(QueuePair {
        receive: configured.rx.remove(0),
        transmit: configured.tx.remove(0),
    })
}

fn settings(config: &Config) -> lwaftr_dataplane::forwarding::Forwarding {
    let facts = |mac: Option<Mac>| PortFacts {
        mac: mac.unwrap_or(DEFAULT_MAC),
        vlan_by_device: false,
    };
    let (internet, access) = (config.internet.link.mac, config.access.link.mac);
    forwarding::settings(config, facts(internet), facts(access))
}

fn write_counters(file: &Path, counters: &Counters, softwires: usize) -> Result<(), ReplayError> {
    let mut values: serde_json::Map<_, _> = counters
        .iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    values.insert("active-softwire-num".to_owned(), softwires.into());
    let text = serde_json::Value::Object(values).to_string() + "\n";
    fs::write(file, text).map_err(|cause| ReplayError::Counters {
        file: file.to_owned(),
        cause,
    })
}

/// What came into being has come to an end, and no buffer is missing (design s8).
fn check_conservation(counters: &Counters, pool: &Mempool) -> Result<(), ReplayError> {
    let sum = |all: &[Counter]| {
        all.iter()
            .map(|counter| counters.get(*counter))
            .sum::<u64>()
    };
    let came = sum(&[
        Counter::RxInternetPackets,
        Counter::RxAccessPackets,
        Counter::InjectedPackets,
        Counter::OutIcmpv4ErrorPackets,
        Counter::OutIcmpv6ErrorPackets,
        Counter::ReassembledIpv6Packets,
        Counter::SentIpv6Fragments,
        Counter::SentIpv4Fragments,
    ]);
    let left = sum(&[
        Counter::TxInternetPackets,
        Counter::TxAccessPackets,
        Counter::PuntedNeighbour,
        Counter::PuntedIcmp,
        Counter::PuntedPcp,
        Counter::PuntedOther,
        Counter::HeardIcmpv6Errors,
        Counter::Ipv6FragmentsReassembled,
        Counter::FragmentedIpv6Packets,
        Counter::FragmentedIpv4Packets,
        Counter::HeldIpv6Fragments,
        Counter::HeldIpv4Fragments,
    ]);
    let dropped: u64 = DropReason::ALL
        .iter()
        .map(|reason| counters.dropped(*reason))
        .sum();
    let ended = left + dropped;
    if came != ended {
        return Err(ReplayError::NotConserved { came, ended });
    }
    match pool.in_use() {
        0 => Ok(()),
        missing => Err(ReplayError::Leaked(missing)),
    }
}

/// Buffers that may wait.
const HELD: usize = POOL as usize / 2;
/// Longer than anything that can be configured to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(130);
/// Buffers of the replay: bursts of both sides, and large packets in many pieces.
const POOL: u32 = 16_383;
/// Our address when the configuration names none, as there is no device to ask.
const DEFAULT_MAC: Mac = Mac([0x02, 0, 0, 0, 0, 1]);
