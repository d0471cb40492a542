//! `lwaftr bench --storm`: very many lwB4s ask for port sets at once.
//!
//! ```text
//!  worker core    lwB4s ─► worker ─ ring ─┐                      ┌─ ring ─► worker ─► lwB4s
//!  control core                           └─► control ─► answers ┘
//!                                                │  ▲
//!                                     lease store (a thread) ─► publisher (a thread)
//! ```
//!
//! Rings, control, store and table are those of `run`; the lwB4s and the plain traffic beside them are
//! made and answered on the worker's core, which thus has more to do than in a network. Where both cores are
//! threads of one, the worker is also slower while control works, whatever that is about. So what requests
//! take of the worker's time is measured by itself.

mod clients;
mod phases;
mod ports;
mod report;
mod request;
mod stopwatch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use dpdk::eal::Eal;
use dpdk::lcore;
use dpdk::lcore::RegisteredThread;
use dpdk::mempool::Mempool;
use dpdk::mempool::MempoolSetup;
use dpdk::ring;
use leases::disk::SlowDisk;
use lwaftr_dataplane::counters;
use lwaftr_dataplane::counters::Counters;
use lwaftr_dataplane::pipeline::Pipeline;
use lwaftr_dataplane::pipeline::Share;
use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::table::Parked;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::worker::Worker;

use clients::Board;
use phases::Director;
use ports::StormPorts;
use report::Report;
use report::Restart;

use super::ACCESS_MAC;
use super::BenchError;
use super::Direction;
use super::FrameMix;
use super::INTERNET_MAC;
use super::mill::Mill;
use super::stream;
use super::traffic;
use super::traffic::Key;
use super::traffic::Population;
use crate::config::Buffers;
use crate::config::Config;
use crate::config::Purpose;
use crate::exception::ExceptionPath;
use crate::forwarding;
use crate::forwarding::PortFacts;
use crate::publisher::SoftwireService;
use crate::run::exceptions::Exceptions;
use crate::run::leasing::Leasing;
use crate::run::punted::Punted;
use crate::run::restore;
use crate::softwires;
use crate::softwires::Softwires;

/// What to measure.
#[derive(Clone, Debug)]
pub struct StormOptions {
    /// Number of lwB4s.
    pub leases: u32,
    /// The folder of the lease store; one of an earlier storm is gone on with.
    pub store: PathBuf,
    /// Whether to end when the leases of an earlier storm are there.
    pub restart: bool,
    /// By how much every sync takes longer than on this machine's disk.
    pub sync_delay: Duration,
    /// How long each phase takes.
    pub phase: Duration,
    /// CPU of the worker and of the lwB4s.
    pub core: u32,
    /// CPU of control, lease store and publisher.
    pub control_core: u32,
    /// Whether packet memory may be in ordinary pages.
    pub huge: bool,
    /// Whether to print JSON.
    pub json: bool,
}

/// Measures and prints.
///
/// # Errors
/// When DPDK, memory, a core or the store cannot be had.
pub fn run(options: &StormOptions) -> Result<(), BenchError> {
    let config = configuration(options)?;
    let pcp = config.pcp.as_ref().ok_or_else(|| failed("no PCP"))?;
    let softwires = Softwires::read(&config, |_, _| ()).map_err(failed)?;
    let (mut builder, known) = softwires.into_parts();
    let population = Population::new(PLAIN, 6).map_err(failed)?;
    for binding in population.bindings() {
        let binding = binding.map_err(failed)?;
        builder
            .add(&binding, lwaftr_dataplane::table::Origin(1))
            .map_err(failed)?;
    }
    let keys = population.shuffled_keys(1);
    // The table is counted by itself.
    let before = report::resident_bytes().saturating_sub(builder.memory().touched_bytes);
    // As the daemon does: before DPDK pins this thread and all that it starts to a core.
    let begun = Instant::now();
    let disk = restore::disk(&config).map_err(failed)?;
    let disk = Arc::new(SlowDisk::new(disk, options.sync_delay));
    let restored = restore::restore(disk, &config, pcp, &mut builder).map_err(failed)?;
    let restore_time = begun.elapsed();
    let already = restored.book.counts().0;
    let publisher = Publisher::new(builder);
    let restart = Restart {
        restored: already as u64,
        restore_s: restore_time.as_secs_f64(),
    };
    if options.restart {
        let others = before + publisher.memory().touched_bytes;
        restart.print(
            report::resident_bytes().saturating_sub(others),
            options.json,
        );
        return Ok(());
    }
    let between = report::resident_bytes();
    let eal = Eal::init(&super::eal_arguments_of(options.control_core, options.huge))?;
    let setup = MempoolSetup {
        mbufs: POOL,
        cache: 256,
        data_room: 2176,
        socket: None,
    };
    let pool = Mempool::new(&eal, "storm", setup)?;
    // DPDK is counted as what was there before.
    let before = before + report::resident_bytes().saturating_sub(between);
    let brs = softwires::br_addresses(&known.br);
    let facts = |mac| PortFacts {
        mac: lwaftr_dataplane::wire::ethernet::Mac(mac),
        vlan_by_device: false,
    };
    let settings = forwarding::settings(&config, facts(INTERNET_MAC), facts(ACCESS_MAC));
    let path = ExceptionPath::new(&config, &settings, brs, pool.clone());
    let (rings, punted) = Punted::open(&eal).map_err(failed)?;
    let (injected, injected_end) =
        ring::bounded(&eal, "injected", Buffers::INJECTED_RING).map_err(failed)?;
    let next_hops = path.next_hops();
    let mut exceptions = Exceptions::new(path, punted, injected);
    let board = Arc::new(Board::new());
    let stop = Arc::new(AtomicBool::new(false));
    let counted = Arc::new(Counters::default());
    let reader = publisher.reader().map_err(failed)?;
    lcore::pin_to(options.control_core as usize)?;
    thread::scope(|scope| {
        let shop = Shop {
            eal: &eal,
            pool: &pool,
            keys: &keys,
            board: Arc::clone(&board),
            stop: Arc::clone(&stop),
            counters: Arc::clone(&counted),
            options,
        };
        let settings = &settings;
        let work = move || shop.work(rings, injected_end, reader, settings, next_hops);
        let worker = scope.spawn(work);
        let (softwires, _publishing) =
            SoftwireService::start(publisher, known, None, None, None).map_err(failed)?;
        let (_none, reserved) = crossbeam_channel::unbounded();
        let own = exceptions.own();
        let (leasing, service) =
            Leasing::start(restored, own, pcp, softwires.clone(), reserved).map_err(failed)?;
        exceptions.lease(leasing);
        let director = Director {
            board: Arc::clone(&board),
            counters: Arc::clone(&counted),
            service,
            softwires,
            options: options.clone(),
            already: already as u64,
            before,
        };
        let directing = scope.spawn(move || director.direct());
        while !directing.is_finished() && !worker.is_finished() {
            let is_busy = exceptions.turn();
            exceptions.wait(if is_busy { SOON } else { TICK });
        }
        exceptions.stop();
        stop.store(true, Ordering::Relaxed);
        let worked = worker.join().map_err(|_| failed("the worker panicked"))?;
        worked?;
        let figures = directing
            .join()
            .map_err(|_| failed("the director panicked"))?;
        let report = Report {
            figures: figures?,
            restart,
            drops: drops(&counted),
        };
        report.print(options);
        Ok(())
    })
}

/// What the worker's thread needs.
struct Shop<'s> {
    eal: &'s Eal,
    pool: &'s Mempool,
    keys: &'s [Key],
    board: Arc<Board>,
    stop: Arc<AtomicBool>,
    counters: Arc<Counters>,
    options: &'s StormOptions,
}

impl Shop<'_> {
    fn work(
        &self,
        rings: lwaftr_dataplane::dpdk_ports::PuntRings,
        injected: dpdk::ring::Consumer,
        reader: Parked,
        settings: &lwaftr_dataplane::forwarding::Forwarding,
        next_hops: Arc<lwaftr_dataplane::next_hops::NextHops>,
    ) -> Result<(), BenchError> {
        lcore::pin_to(self.options.core as usize)?;
        let _registered = RegisteredThread::register(self.eal)?;
        let before = report::resident_bytes();
        let plain = |side| stream(Direction::Both, side, FrameMix::Fixed(64));
        let [down, up] = [Side::Internet, Side::Access].map(plain);
        let mill = Mill::new(self.pool, self.keys, down, up, 32)?;
        let ports = StormPorts::new(
            mill,
            self.pool.clone(),
            rings,
            injected,
            Arc::clone(&self.board),
            self.options.leases,
        );
        let pipeline = Pipeline::new(settings.clone());
        let counters = Arc::clone(&self.counters);
        let mut worker = Worker::new(ports, pipeline, Share::WHOLE, reader.online(), counters)
            .following(next_hops);
        let taken = report::resident_bytes().saturating_sub(before);
        let clients = u64::from(self.options.leases) * ports::CLIENT_BYTES;
        self.board
            .worker_bytes
            .store(taken + clients, Ordering::Relaxed);
        while !self.stop.load(Ordering::Relaxed) {
            worker.round();
        }
        Ok(())
    }
}

/// A pool that is large enough, and a store.
fn configuration(options: &StormOptions) -> Result<Config, BenchError> {
    // Of 64 sets, one has the system ports and one those of PCP.
    let addresses = options.leases.div_ceil(62).next_power_of_two();
    let prefix_length = 32 - addresses.trailing_zeros();
    let text = format!(
        r#"[dataplane]
workers = [{core}]
control_core = {control_core}
[internet]
ipv4 = "203.0.113.1"
next_hop_mac = "02:00:00:00:00:09"
[access]
ipv6 = "2001:db8:ff::1"
next_hop_mac = "02:00:00:00:00:09"
mtu = 1540
[[pool]]
name = "storm"
prefix = "10.0.0.0/{prefix_length}"
psid_length = 6
br = "{br}"
clients = ["2001:db8::/32"]
[pcp]
requests_per_second = 10000000
[leases]
path = "{store}"
"#,
        core = options.core,
        control_core = options.control_core,
        br = traffic::BR,
        store = options.store.display(),
    );
    Config::parse(std::path::Path::new("storm.toml"), &text, Purpose::Replay).map_err(failed)
}

fn drops(counters: &Arc<Counters>) -> Vec<(&'static str, u64)> {
    let all = counters::sum([&**counters]);
    let dropped = all.into_iter();
    dropped
        .filter(|(name, count)| *count > 0 && name.starts_with("drop-"))
        .collect()
}

fn failed(cause: impl std::fmt::Display) -> BenchError {
    BenchError::Storm(cause.to_string())
}

/// Packet buffers: what waits in rings, and the mill.
const POOL: u32 = 32_767;
/// Softwires with plain traffic.
const PLAIN: u32 = 10_000;
/// As the daemon has it.
const TICK: Duration = Duration::from_millis(2);
const SOON: Duration = Duration::from_micros(100);
