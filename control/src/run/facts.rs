//! What the running daemon tells about itself, to whoever asks over the socket.

use std::fmt::Display;
use std::fs;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use dpdk::mempool::Mempool;
use lwaftr_dataplane::counters;
use lwaftr_dataplane::counters::Counter;
use lwaftr_dataplane::counters::Counters;
use lwaftr_dataplane::drop_reason::DropReason;
use lwaftr_dataplane::next_hops::NextHops;
use lwaftr_dataplane::side::Side;

use crate::config::Config;
use crate::config::Link;
use crate::daemon::Daemon;
use crate::daemon::NeighbourStatus;
use crate::daemon::PortStatus;
use crate::daemon::Status;
use crate::daemon::WorkerStatus;

/// The ports as the control thread last saw them.
pub(super) type PortBoard = Arc<Mutex<Vec<PortStatus>>>;

/// Handles to everything that can be looked at while the daemon runs.
#[derive(Debug)]
pub(super) struct Facts {
    ready_since: Instant,
    config_file: String,
    config: serde_json::Value,
    workers: Vec<(u32, Arc<Counters>)>,
    ports: PortBoard,
    pools: Vec<Mempool>,
    hops: [Hop; 2],
    next_hops: Arc<NextHops>,
}

/// A next hop as it is configured.
#[derive(Debug)]
struct Hop {
    side: Side,
    address: Option<String>,
    is_resolved_here: bool,
}

impl Hop {
    fn new<A: Display>(side: Side, link: &Link<A>) -> Self {
        Self {
            side,
            address: link.next_hop.as_ref().map(ToString::to_string),
            is_resolved_here: link.next_hop_mac.is_none(),
        }
    }
}

impl Facts {
    pub(super) fn new(
        config: &Config,
        workers: Vec<(u32, Arc<Counters>)>,
        ports: PortBoard,
        pools: Vec<Mempool>,
        next_hops: Arc<NextHops>,
    ) -> Self {
        // The file was read and found good at start; what it says is what is in force.
        let text = fs::read_to_string(&config.file).unwrap_or_default();
        Self {
            ready_since: Instant::now(),
            config_file: config.file.display().to_string(),
            config: toml::from_str(&text).unwrap_or(serde_json::Value::Null),
            workers,
            ports,
            pools,
            hops: [
                Hop::new(Side::Internet, &config.internet.link),
                Hop::new(Side::Access, &config.access.link),
            ],
            next_hops,
        }
    }
}

impl Daemon for Facts {
    fn status(&self) -> Status {
        let sum = |count: fn(&Mempool) -> u32| self.pools.iter().map(count).map(u64::from).sum();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            uptime_s: self.ready_since.elapsed().as_secs(),
            config: self.config_file.clone(),
            workers: self.workers.len(),
            buffers_in_use: sum(Mempool::in_use),
            buffers: sum(Mempool::capacity),
        }
    }

    fn workers(&self) -> Vec<WorkerStatus> {
        self.workers
            .iter()
            .map(|(core, counters)| worker_status(*core, counters))
            .collect()
    }

    fn ports(&self) -> Vec<PortStatus> {
        self.ports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        counters::sum(self.workers.iter().map(|(_, counters)| &**counters))
    }

    fn neighbours(&self) -> Vec<NeighbourStatus> {
        let status = |hop: &Hop| {
            let mac = self.next_hops.get(hop.side);
            NeighbourStatus {
                side: match hop.side {
                    Side::Internet => "internet",
                    Side::Access => "access",
                },
                address: hop.address.clone(),
                mac: mac.map(|mac| mac.to_string()),
                state: match (hop.is_resolved_here, mac) {
                    (false, _) => "configured",
                    (true, Some(_)) => "resolved",
                    (true, None) => "unresolved",
                },
            }
        };
        self.hops.iter().map(status).collect()
    }

    fn config(&self) -> serde_json::Value {
        self.config.clone()
    }
}

fn worker_status(core: u32, counters: &Counters) -> WorkerStatus {
    let (rounds, idle_rounds) = counters.rounds();
    let dropped = DropReason::ALL
        .iter()
        .map(|reason| counters.dropped(*reason))
        .sum();
    WorkerStatus {
        core,
        rounds,
        idle_rounds,
        received: counters.get(Counter::RxInternetPackets) + counters.get(Counter::RxAccessPackets),
        transmitted: counters.get(Counter::TxInternetPackets)
            + counters.get(Counter::TxAccessPackets),
        dropped,
    }
}
