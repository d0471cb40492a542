//! The forwarding plane as control holds it: ports, workers, and what they send up.

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::iter;
use std::net::Ipv6Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::PoisonError;

use dpdk::eal::Eal;
use dpdk::lcore;
use dpdk::mempool::Mempool;
use dpdk::port::Link;
use dpdk::ring;
use lwaftr_dataplane::counters;
use lwaftr_dataplane::counters::Counter;
use lwaftr_dataplane::dpdk_ports::DpdkPorts;
use lwaftr_dataplane::exchange::Exchange;
use lwaftr_dataplane::forwarding::Forwarding;
use lwaftr_dataplane::next_hops::NextHops;
use lwaftr_dataplane::path_mtu;
use lwaftr_dataplane::path_mtu::News;
use lwaftr_dataplane::path_mtu::NewsQueue;
use lwaftr_dataplane::pipeline::Share;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::worker;
use tracing::info;
use tracing::warn;

use crate::config::Buffers;
use crate::config::Config;
use crate::config::Idle;
use crate::daemon::PortStatus;
use crate::exception::ExceptionPath;
use crate::forwarding;
use crate::publisher::Traffic;
use crate::run::RunError;
use crate::run::exceptions::Exceptions;
use crate::run::facts::Facts;
use crate::run::facts::PortBoard;
use crate::run::ports::OpenPort;
use crate::run::ports::OpenPorts;
use crate::run::punted::Punted;
use crate::run::shortage::Change;
use crate::run::shortage::Kind;
use crate::run::shortage::Watch;
use crate::run::workers::Equipment;
use crate::run::workers::RunningWorker;
use crate::run::workers::Told;
use crate::run::workers::Workers;

/// Ports and workers, running.
pub(super) struct Engine {
    // Fields drop in this order: the queues that workers hold go before the ports they belong to.
    workers: Workers,
    news: NewsQueue,
    exceptions: Exceptions,
    next_hops: Arc<NextHops>,
    ports: Vec<WatchedPort>,
    board: PortBoard,
    fragments: [Watch; 2],
    /// Until the publisher takes it.
    traffic: Option<Traffic>,
    pools: Vec<Mempool>,
    _eal: Eal,
}

/// A port and how it was when last looked at.
#[derive(Debug)]
struct WatchedPort {
    port: OpenPort,
    was: PortHealth,
}

/// Whether a port can carry packets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum PortHealth {
    /// The link is up.
    Up,
    /// The link is down.
    Down,
    /// The device is there but does not tell, or no longer can.
    Unknown,
    /// The device has been taken away.
    Gone,
}

impl PortHealth {
    /// The word for it.
    const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
            Self::Gone => "removed",
        }
    }

    fn of(port: &OpenPort) -> Self {
        let is_gone = !port.port.is_present();
        if is_gone
            || port
                .kernel_interface()
                .is_some_and(|interface| !exists(interface))
        {
            return Self::Gone;
        }
        match port.port.link() {
            Ok(Link { up: true, .. }) => Self::Up,
            Ok(_) => Self::Down,
            Err(_) => Self::Unknown,
        }
    }
}

/// Rings between the workers, one part for each, if a device spreads fragments over them.
fn exchange(eal: &Eal, config: &Config, open: &OpenPorts) -> Result<Vec<Exchange>, RunError> {
    let workers = config.dataplane.workers.len();
    let spreads = |port: Option<&OpenPort>| {
        workers > 1 && port.is_some_and(|port| port.accepted.spreads_fragments())
    };
    // On a stick the last port is the first.
    let spreads = [spreads(open.ports.first()), spreads(open.ports.last())];
    if spreads == [false, false] {
        return Ok(Vec::new());
    }
    info!("fragments are exchanged between workers: a device may spread them");
    Ok(Exchange::between(
        eal,
        workers,
        Buffers::EXCHANGE_RING,
        spreads,
    )?)
}

/// What is watched of the fragments that wait; all workers have the same room.
fn watches(config: &Config, settings: &Forwarding) -> [Watch; 2] {
    let share = share(config, 0, 0);
    [
        // Every incomplete packet has a fragment that waits, so this comes before either runs out.
        Watch::new(Kind::Ipv6, share.ipv6_packets(settings)),
        // The counter has both directions, each of which has so much room.
        Watch::new(Kind::Ipv4, share.ipv4_fragments(settings)),
    ]
}

/// What worker number `number` has of the box's means.
fn share(config: &Config, number: usize, secret: u64) -> Share {
    let workers = config.dataplane.workers.len();
    Share {
        worker: number as u8,
        workers: workers as u8,
        buffers: config.buffers().reassembly_share as usize / workers.max(1),
        secret,
        evictions: Share::EVICTIONS,
    }
}

impl Engine {
    /// Starts DPDK, opens the ports and sets the workers polling over the publisher's table.
    ///
    /// # Errors
    /// When any of it cannot be had; nothing is left running then.
    pub(super) fn start(
        config: &Config,
        publisher: &Publisher,
        brs: Vec<Ipv6Addr>,
    ) -> Result<Self, RunError> {
        check_cores(config)?;
        let eal = Eal::init(&config.eal_arguments())?;
        let open = OpenPorts::open(&eal, config)?;
        let (punt_rings, punted) = Punted::open(&eal)?;
        let settings = forwarding::settings(config, open.internet, open.access);
        let mut equipment = Vec::new();
        // Every port has a pool, so there is one.
        let pool = open.pools.first().ok_or(RunError::NoDevices)?.clone();
        let mut exception = ExceptionPath::new(config, &settings, brs, pool);
        if config.pcp.is_some() {
            exception.hold_access();
        }
        let (injected, injected_end) = ring::bounded(&eal, "injected", Buffers::INJECTED_RING)?;
        let mut injected_end = Some(injected_end);
        let mut exchange = exchange(&eal, config, &open)?.into_iter();
        // The box's secret is new at every start, and never leaves the workers.
        let secret = RandomState::new().hash_one(());
        let cores = config.dataplane.workers.iter();
        for (number, (core, queues)) in cores.zip(open.queues).enumerate() {
            let mut queues = queues.into_iter();
            let internet = queues.next().ok_or(RunError::NoDevices)?;
            let burst = config.dataplane.burst;
            let mut ports = DpdkPorts::new(internet, queues.next(), punt_rings.clone(), burst);
            // The first worker sends for control.
            if let Some(end) = injected_end.take() {
                ports = ports.with_injected(end);
            }
            if let Some(part) = exchange.next() {
                ports = ports.with_exchange(part);
            }
            if config.dataplane.idle == Idle::Interrupt {
                ports = ports.with_interrupts()?;
            }
            equipment.push(Equipment {
                core: *core,
                ports,
                share: share(config, number, secret),
                reader: publisher.reader()?,
                softwire_counters: config.dataplane.softwire_counters.then(Arc::default),
            });
        }
        let idle = match config.dataplane.idle {
            Idle::Spin => worker::Idle::Spin,
            Idle::Pause => worker::Idle::Pause,
            Idle::Interrupt => worker::Idle::Interrupt,
        };
        let softwire_counters: Vec<_> = equipment
            .iter()
            .filter_map(|one| one.softwire_counters.clone())
            .collect();
        let traffic =
            (!softwire_counters.is_empty()).then(|| Traffic::new(softwire_counters, publisher));
        let news = path_mtu::queue();
        let told = Told {
            news: Arc::clone(&news),
            next_hops: exception.next_hops(),
        };
        let workers = Workers::start(&eal, equipment, &settings, &told, idle)?;
        let watch = |port: OpenPort| WatchedPort {
            was: PortHealth::of(&port),
            port,
        };
        let ports = open.ports.into_iter().map(watch).collect();
        let mut engine = Self {
            workers,
            news,
            exceptions: Exceptions::new(exception, punted, injected),
            next_hops: told.next_hops,
            ports,
            board: PortBoard::default(),
            fragments: watches(config, &settings),
            traffic,
            pools: open.pools,
            _eal: eal,
        };
        engine.look_at_ports();
        Ok(engine)
    }

    /// Does what is due now and then: looks after ports and workers.
    ///
    /// # Errors
    /// When a worker has ended by itself.
    pub(super) fn tend(&mut self) -> Result<(), RunError> {
        self.look_at_ports();
        self.look_at_fragments();
        if self.workers.any_ended() {
            Err(RunError::WorkerEnded)
        } else {
            Ok(())
        }
    }

    /// The exception path.
    pub(super) fn exceptions(&mut self) -> &mut Exceptions {
        &mut self.exceptions
    }

    /// What workers have heard of the paths to lwB4s since this was last asked.
    pub(super) fn take_news(&mut self) -> Vec<News> {
        // The workers go on; what they say meanwhile is for the next time.
        iter::from_fn(|| self.news.pop())
            .take(self.news.capacity())
            .collect()
    }

    /// The counters of each softwire, if they are wanted; whoever publishes needs them.
    pub(super) fn take_traffic(&mut self) -> Option<Traffic> {
        self.traffic.take()
    }

    /// What can be told of all this to others, while it runs.
    pub(super) fn facts(&self, config: &Config) -> Facts {
        let worker = |worker: &RunningWorker| (worker.core, Arc::clone(&worker.counters));
        let workers = self.workers.running().iter().map(worker).collect();
        let board = Arc::clone(&self.board);
        let next_hops = Arc::clone(&self.next_hops);
        Facts::new(config, workers, board, self.pools.clone(), next_hops)
    }

    fn look_at_ports(&mut self) {
        let seen = self.ports.iter_mut().map(WatchedPort::look).collect();
        *self.board.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    /// Says so before fragments find no room any more, and when they do again (FR-010).
    fn look_at_fragments(&mut self) {
        for watch in &mut self.fragments {
            let (counter, key) = match watch.kind() {
                Kind::Ipv6 => (Counter::HeldIpv6Fragments, "access.reassembly"),
                Kind::Ipv4 => (Counter::HeldIpv4Fragments, "internet.fragment_cache"),
            };
            let workers = self.workers.running().iter();
            let held = workers.map(|worker| worker.counters.get(counter));
            let kind = watch.kind();
            match watch.look(held) {
                Some(Change::Short { held, most }) => warn!(
                    "{held} {kind} fragments wait at a worker that has room for {most}: when it is \
                     full the oldest are dropped ({key}, dataplane.mempool_size)"
                ),
                Some(Change::Relieved) => info!("there is room for {kind} fragments again"),
                None => {}
            }
        }
    }

    /// Stops the workers once their queues are drained, then the ports. Returns the counters.
    #[must_use]
    pub(super) fn stop(mut self) -> Vec<(&'static str, u64)> {
        self.exceptions.stop();
        let all = self.workers.stop();
        counters::sum(all.iter().map(|counters| &**counters))
    }
}

impl WatchedPort {
    /// Notices and logs what has changed.
    fn look(&mut self) -> PortStatus {
        let now = PortHealth::of(&self.port);
        let name = self.port.name;
        if now != self.was && now == PortHealth::Up {
            info!(port = name, "link is up");
        } else if now != self.was {
            warn!(
                port = name,
                device = self.port.port.device(),
                "link is {}",
                now.name()
            );
        }
        self.was = now;
        self.status()
    }

    fn status(&self) -> PortStatus {
        let OpenPort {
            name,
            port,
            driver,
            accepted,
            mac,
        } = &self.port;
        let stats = port.stats().unwrap_or_default();
        PortStatus {
            side: name,
            device: port.device().to_owned(),
            driver: driver.clone(),
            mac: mac.to_string(),
            link: self.was.name(),
            speed_mbps: port.link().ok().and_then(|link| link.speed_mbps),
            received: stats.rx_packets,
            transmitted: stats.tx_packets,
            missed: stats.rx_missed + stats.rx_no_buffer,
            shortfalls: accepted
                .shortfalls
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }
}

/// Drivers over kernel interfaces do not notice when theirs is deleted; the kernel's list does.
fn exists(interface: &str) -> bool {
    Path::new("/sys/class/net").join(interface).exists()
}

fn check_cores(config: &Config) -> Result<(), RunError> {
    let dataplane = &config.dataplane;
    let missing = |core: &&u32| !lcore::cpu_online(**core as usize);
    if let Some(core) = dataplane.workers.iter().find(missing) {
        return Err(RunError::CoreOffline {
            key: "dataplane.workers",
            core: *core,
        });
    }
    if missing(&&dataplane.control_core) {
        let core = dataplane.control_core;
        return Err(RunError::CoreOffline {
            key: "dataplane.control_core",
            core,
        });
    }
    Ok(())
}
