//! `lwaftr run`: the daemon, from start to orderly stop.
//!
//! ```text
//!  start   table ─► DPDK ─► ports ─► workers ─► socket ─► ready (sd-notify)
//!  running control thread: signals, port health, what was punted
//!  stop    not ready ─► socket ─► workers drain ─► counters ─► ports
//! ```

mod engine;
mod facts;
mod ports;
mod punted;
mod shortage;
mod workers;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use dpdk::eal::EalError;
use dpdk::interrupt::InterruptError;
use dpdk::lcore::LcoreError;
use dpdk::mempool::MempoolError;
use dpdk::port::PortError;
use dpdk::ring::RingError;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::table::TooManyReaders;
use sd_notify::NotifyState;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use thiserror::Error;
use tracing::info;
use tracing::warn;

use engine::Engine;

use crate::api::Context;
use crate::api::Server;
use crate::api::ServerError;
use crate::config::Config;
use crate::placement::Nodes;
use crate::publisher::SoftwireService;
use crate::softwires;
use crate::softwires::Softwires;
use crate::softwires::SoftwiresError;

/// Why the daemon did not start, or did not go on.
#[derive(Debug, Error)]
pub enum RunError {
    /// The bindings are at fault.
    #[error(transparent)]
    Bindings(#[from] SoftwiresError),
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
    Socket(#[from] ServerError),
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
    let (builder, known) = Softwires::read_placed(config, placement, |_, _| ())?.into_parts();
    let publisher = Publisher::new(builder);
    info!(softwires = publisher.len(), "binding table is built");
    let brs = softwires::br_addresses(&known.br);
    let mut engine = Engine::start(config, &publisher, brs)?;
    let save_file = config.softwire.save_file.clone();
    let traffic = engine.take_traffic();
    let (softwires, _publishing) =
        SoftwireService::start(publisher, known, save_file, traffic, None)
            .map_err(RunError::Thread)?;
    let daemon = Arc::new(engine.facts(config));
    let paths = softwires.clone();
    let server = Server::start(
        &config.socket,
        Context {
            daemon,
            softwires,
            leases: None,
        },
    )?;
    notify(NotifyState::Ready);
    info!(workers = config.dataplane.workers.len(), socket = %config.socket.display(), "ready");
    let ended = tend_until(&stop, &mut engine, &paths);
    notify(NotifyState::Stopping);
    info!("stopping");
    drop(server);
    print_counters(&engine.stop());
    ended
}

fn tend_until(
    stop: &AtomicBool,
    engine: &mut Engine,
    softwires: &SoftwireService,
) -> Result<(), RunError> {
    let mut ticks = 0_u32;
    while !stop.load(Ordering::Relaxed) {
        let served = engine.serve_punted();
        let news = engine.take_news();
        if !news.is_empty() {
            softwires.hear(news);
        }
        if ticks.is_multiple_of(TEND_TICKS) {
            engine.tend()?;
        }
        ticks = ticks.wrapping_add(1);
        // What comes next may come soon, and somebody waits for the answer.
        thread::sleep(if served > 0 { SOON } else { TICK });
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
/// Ticks from one look at the ports to the next.
const TEND_TICKS: u32 = 50;
