//! What the API asks of the running daemon besides its softwires: facts to show.
//!
//! The daemon implements [`Daemon`]; tests implement it with a fake. Values are plain and serialise to
//! the JSON that `show --json` prints.

use serde::Serialize;

/// The running daemon, as far as it can be looked at. Called from any thread, at any time.
pub trait Daemon: Send + Sync + 'static {
    /// The daemon as a whole.
    fn status(&self) -> Status;
    /// Its poll loops.
    fn workers(&self) -> Vec<WorkerStatus>;
    /// Its devices.
    fn ports(&self) -> Vec<PortStatus>;
    /// Its counters, summed over workers, in the order of [`lwaftr_dataplane::counters::Counters::iter`].
    fn counters(&self) -> Vec<(&'static str, u64)>;
    /// The neighbours that it sends to.
    fn neighbours(&self) -> Vec<NeighbourStatus>;
    /// The configuration in force.
    fn config(&self) -> serde_json::Value;
}

/// The daemon as a whole.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Version of the program.
    pub version: &'static str,
    /// Process identifier.
    pub pid: u32,
    /// Seconds since it is ready.
    pub uptime_s: u64,
    /// The configuration's file.
    pub config: String,
    /// Number of poll loops.
    pub workers: usize,
    /// Packet buffers in use, of all pools.
    pub buffers_in_use: u64,
    /// Packet buffers there are.
    pub buffers: u64,
}

/// A poll loop.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerStatus {
    /// Its core.
    pub core: u32,
    /// Rounds of its loop.
    pub rounds: u64,
    /// Rounds that found no packet.
    pub idle_rounds: u64,
    /// Packets it received.
    pub received: u64,
    /// Packets it transmitted.
    pub transmitted: u64,
    /// Packets it dropped.
    pub dropped: u64,
}

/// A device.
#[derive(Clone, Debug, Serialize)]
pub struct PortStatus {
    /// `internet`, `access`, or `stick` for both.
    pub side: &'static str,
    /// The device.
    pub device: String,
    /// Its driver.
    pub driver: String,
    /// Its Ethernet address.
    pub mac: String,
    /// `up`, `down` or `removed`.
    pub link: &'static str,
    /// Speed of its link, if it says so.
    pub speed_mbps: Option<u32>,
    /// Frames it received.
    pub received: u64,
    /// Frames it transmitted.
    pub transmitted: u64,
    /// Frames it lost because its queues were full.
    pub missed: u64,
    /// What it cannot do of what was asked.
    pub shortfalls: Vec<String>,
}

/// A neighbour that everything on its side is sent to.
#[derive(Clone, Debug, Serialize)]
pub struct NeighbourStatus {
    /// `internet` or `access`.
    pub side: &'static str,
    /// Its IP address, if the configuration names it.
    pub address: Option<String>,
    /// Its Ethernet address, if it is known.
    pub mac: Option<String>,
    /// `configured`, `resolved` or `unresolved`; nothing can be sent to the last.
    pub state: &'static str,
}
