//! Why a port does not work as asked.

use thiserror::Error;

use crate::errno::Errno;

/// Why a port cannot be opened, configured or changed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PortError {
    /// A device name that C cannot express.
    #[error("device {0:?} contains a zero byte")]
    Name(String),
    /// No driver made a port of the device.
    #[error("cannot open device {device}: {cause}; {hint}")]
    Open {
        /// The device as given.
        device: String,
        /// What DPDK reported.
        cause: Errno,
        /// What exists instead, or is in the way.
        hint: String,
    },
    /// The device is opened already, in this process.
    #[error("device {0} is open already")]
    InUse(String),
    /// DPDK cannot tell of link changes and removals.
    #[error("cannot listen to device events: {0}")]
    Events(Errno),
    /// The device has fewer queues than workers need.
    #[error("device {device} has {offered} {direction} queues, {asked} are needed")]
    TooFewQueues {
        /// The device as given.
        device: String,
        /// Which way.
        direction: Direction,
        /// How many were asked for.
        asked: u16,
        /// How many there are.
        offered: u16,
    },
    /// The device cannot carry packets of this size.
    #[error("device {device} cannot have an MTU of {asked} bytes, only {least} to {most}")]
    Mtu {
        /// The device as given.
        device: String,
        /// The MTU asked for, in bytes.
        asked: u16,
        /// The least it can have.
        least: u16,
        /// The most it can have.
        most: u16,
    },
    /// A call that the device must support failed.
    #[error("device {device}: {operation} failed: {cause}")]
    Call {
        /// The device as given.
        device: String,
        /// What was tried.
        operation: &'static str,
        /// What DPDK reported.
        cause: Errno,
    },
    /// The device cannot stop because somebody still holds queues of it.
    #[error("device {device} keeps running: {handles} of its queues are still held")]
    QueuesHeld {
        /// The device as given.
        device: String,
        /// How many handles are left.
        handles: usize,
    },
}

/// Receiving or transmitting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// From the wire.
    Receive,
    /// To the wire.
    Transmit,
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Receive => "receive",
            Self::Transmit => "transmit",
        })
    }
}
