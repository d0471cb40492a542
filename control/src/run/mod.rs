//! `lwaftr run`: the daemon, from start to orderly stop.
//!
//! ```text
//!  start   leases ─► table ─► DPDK ─► ports ─► workers ─► PCP ─► socket ─► ready (sd-notify)
//!  running control thread: signals, port health, what was punted, leases
//!  stop    not ready ─► last commit ─► socket ─► workers drain ─► counters ─► ports
//! ```

mod committer;
mod engine;
pub(crate) mod exceptions;
mod facts;
pub(crate) mod leasing;
mod lost;
mod ports;
pub(crate) mod punted;
pub(crate) mod restore;
mod roster;
mod shortage;
mod under_way;
mod workers;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use dpdk::eal::EalError;
use dpdk::interrupt::InterruptError;
use dpdk::lcore::LcoreError;
use dpdk::mempool::MempoolError;
use dpdk::port::PortError;
use dpdk::ring::RingError;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::table::TooManyReaders;
use operator::socket::SocketError;
use sd_notify::NotifyState;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use thiserror::Error;
use tracing::info;
use tracing::warn;

use engine::Engine;
use leasing::Leasing;
use restore::RestoreError;

use crate::api::Context;
use crate::api::Server;
use crate::config::Config;
use crate::placement::Nodes;
use crate::publisher::Reserved;
use crate::publisher::SoftwireService;
use crate::softwires;
use crate::softwires::Origins;
use crate::softwires::Softwires;
use crate::softwires::SoftwiresError;

/// Why the daemon did not start, or did not go on.
#[derive(Debug, Error)]
pub enum RunError {
    /// The bindings are at fault.
    #[error(transparent)]
    Bindings(#[from] SoftwiresError),
    /// The leases of the last run are not there.
    #[error(transparent)]
    Leases(#[from] RestoreError),
    /// A core that the configuration names is not there.
    #[error("{key}: core {core} is not on line on this machine")]
    CoreOffline {
        /// The key that names it.
        key: &'static str,
        /// The core.
        core: u32,
    },
    /// A port cannot wake a sleeping worker.
    #[error("dataplane.idle: \"interrupt\" cannot be had, use \"pause\": {0}")]
    NoInterrupts(#[from] InterruptError),
    /// The configuration names no devices.
    #[error("internet.device and access.device are needed to run")]
    NoDevices,
    /// DPDK did not start.
    #[error("cannot start DPDK: {0}")]
    Eal(#[from] EalError),
    /// No packet buffers.
    #[error(transparent)]
    Pool(#[from] MempoolError),
    /// A port cannot work as asked.
    #[error(transparent)]
    Port(#[from] PortError),
    /// No ring between workers and control.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The table has no place for a worker.
    #[error(transparent)]
    Reader(#[from] TooManyReaders),
    /// A worker cannot have its core.
    #[error("cannot start a worker: {0}")]
    Core(#[from] LcoreError),
    /// No thread for a worker or for the publisher.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
    /// The socket cannot be had.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Signals cannot be caught.
    #[error("cannot catch signals: {0}")]
    Signals(#[source] io::Error),
    /// A worker ended without being told to.
    #[error("a worker has ended by itself")]
    WorkerEnded,
}

/// Runs the daemon until SIGTERM or SIGINT, then prints the counters.
///
/// # Errors
/// When something that the configuration asks for cannot be had, or a worker ends.
pub fn run(config: &Config) -> Result<(), RunError> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(RunError::Signals)?;
    }
    let (placement, spread) = Nodes::probe(config).decide();
    if let Some(spread) = spread {
        warn!("{spread}");
    }
    let (mut builder, known) = Softwires::read_placed(config, placement, |_, _| ())?.into_parts();
    let pcp = config.pcp.as_ref();
    let restored = pcp.map(|pcp| {
        let disk = restore::disk(config)?;
        restore::restore(disk, config, pcp, &mut builder)
    });
    let restored = restored.transpose()?;
    let publisher = Publisher::new(builder);
    info!(softwires = publisher.len(), "binding table is built");
    let brs = softwires::br_addresses(&known.br);
    let mut engine = Engine::start(config, &publisher, brs)?;
    let save_file = config.softwire.save_file.clone();
    let traffic = engine.take_traffic();
    let (reserving, reserved) = reserving(&publisher, restored.is_some());
    let (softwires, _publishing) =
        SoftwireService::start(publisher, known, save_file, traffic, reserving)
            .map_err(RunError::Thread)?;
    let mut leases = None;
    if let (Some(restored), Some(pcp)) = (restored, pcp) {
        let own = engine.exceptions().own();
        let (leasing, service) = Leasing::start(restored, own, pcp, softwires.clone(), reserved)
            .map_err(RunError::Thread)?;
        engine.exceptions().lease(leasing);
        leases = Some(service);
    }
    let daemon = Arc::new(engine.facts(config));
    let paths = softwires.clone();
    let context = Context {
        daemon,
        softwires,
        leases,
    };
    let server = Server::start(&config.socket, context)?;
    notify(NotifyState::Ready);
    info!(workers = config.dataplane.workers.len(), socket = %config.socket.display(), "ready");
    let ended = tend_until(&stop, &mut engine, &paths);
    notify(NotifyState::Stopping);
    info!("stopping");
    // Whoever asks about leases is answered by this thread, so nobody may be waiting for it.
    engine.exceptions().stop();
    drop(server);
    print_counters(&engine.stop());
    ended
}

/// The way by which whoever hands out port sets hears what the operator binds: first what there is.
fn reserving(
    publisher: &Publisher,
    is_wanted: bool,
) -> (Option<Sender<Reserved>>, Receiver<Reserved>) {
    let (reserving, reserved) = crossbeam_channel::unbounded();
    if !is_wanted {
        return (None, reserved);
    }
    for row in publisher.iter().filter(|row| row.origin != Origins::LEASE) {
        reserving.send(Reserved::Since(row.binding)).ok();
    }
    (Some(reserving), reserved)
}

fn tend_until(
    stop: &AtomicBool,
    engine: &mut Engine,
    softwires: &SoftwireService,
) -> Result<(), RunError> {
    let mut tended: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        let is_busy = engine.exceptions().turn();
        let news = engine.take_news();
        if !news.is_empty() {
            softwires.hear(news);
        }
        if tended.is_none_or(|tended| tended.elapsed() >= TEND_EVERY) {
            engine.tend()?;
            tended = Some(Instant::now());
        }
        // What comes next may come soon, and somebody waits for the answer.
        engine.exceptions().wait(if is_busy { SOON } else { TICK });
    }
    Ok(())
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        warn!("cannot notify the service manager: {error}");
    }
}

/// Those that moved, for the log of whoever stopped the daemon.
fn print_counters(counters: &[(&'static str, u64)]) {
    for (name, value) in counters.iter().filter(|(_, value)| *value > 0) {
        println!("{name} {value}");
    }
}

/// How often punted packets are taken out of their rings, and while there are some.
const TICK: Duration = Duration::from_millis(2);
const SOON: Duration = Duration::from_micros(100);
/// From one look at the ports to the next.
const TEND_EVERY: Duration = Duration::from_millis(100);
