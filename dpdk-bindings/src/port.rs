//! Ports: opening a device, configuring it, and the queues and the control handle that come of it.
//!
//! ```text
//!  Port::open ──► Port ── configure ──► Configured { StartedPort, RxQueue…, TxQueue…, Accepted }
//!                  │ info()                           │             └──────┴──► one worker each
//!                  ▼                                  ▼ link, stats, MAC, multicast
//! ```
//!
//! The device stops, is closed and, if it was opened here, removed when the control handle and all
//! queues have been dropped. A device that goes away by itself is an event that
//! [`StartedPort::is_present`] tells; its queues then receive and accept nothing.
//!
//! # Safety boundary
//! - Each port number has at most one owner in the process, by DPDK's own register of owners, so no
//!   two handles configure one device, and there is one handle per queue.
//! - `Device` is the only place that stops, closes or removes; it is shared by the control handle and
//!   the queues, so none of it happens under a queue's feet.
//! - Calls that change a device are serialised by `eal::control`.
#![allow(unsafe_code, reason = "opens, configures, starts and stops devices")]

mod configure;
mod control;
mod device;
mod error;
mod events;
mod info;
mod probe;
mod rss;
mod setup;
mod shortfall;
mod stats;
#[cfg(test)]
mod tests;

use crate::eal::Eal;

pub(crate) use self::device::Device;

pub use self::configure::Configured;
pub use self::control::Link;
pub use self::control::MulticastFilter;
pub use self::control::StartedPort;
pub use self::control::UnicastFilter;
pub use self::error::Direction;
pub use self::error::PortError;
pub use self::info::PortInfo;
pub use self::rss::AcceptedRss;
pub use self::rss::RssKey;
pub use self::rss::RssSetup;
pub use self::rss::RssTypes;
pub use self::setup::Accepted;
pub use self::setup::Offload;
pub use self::setup::Offloads;
pub use self::setup::PortSetup;
pub use self::shortfall::Shortfall;
pub use self::stats::PortStats;

/// A device that is opened but neither configured nor started.
#[derive(Debug)]
pub struct Port {
    device: Device,
    info: PortInfo,
}

impl Port {
    /// Opens a device: a PCI address such as `0000:3b:00.0`, or a DPDK virtual device with its
    /// arguments, such as `net_pcap0,rx_pcap=in.pcap,tx_pcap=out.pcap`.
    ///
    /// # Errors
    /// When there is no such device or driver (the error lists what there is), or it is in use.
    pub fn open(eal: &Eal, device: &str) -> Result<Self, PortError> {
        events::listen().map_err(PortError::Events)?;
        let device = Device::open(eal, device)?;
        let info = PortInfo::of(&device)?;
        Ok(Self { device, info })
    }

    /// The port's number in this process.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.device.id()
    }

    /// What the device is and can do.
    #[must_use]
    pub fn info(&self) -> &PortInfo {
        &self.info
    }

    /// Configures and starts the device, and reads back what it accepted.
    ///
    /// # Errors
    /// When something without which it cannot forward is refused: too few queues, an MTU out of
    /// range. What it merely does less well is in [`Accepted::shortfalls`].
    pub fn configure(self, setup: &PortSetup) -> Result<Configured, PortError> {
        configure::configure(self.device, &self.info, setup)
    }
}
