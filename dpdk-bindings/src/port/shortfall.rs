//! What a device does less well than asked, in words for the operator.

use std::fmt;

use super::rss::RssTypes;
use super::setup::Offload;

/// One thing a device does less well than asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shortfall {
    /// Packets are not spread over the receive queues at all.
    NoRss {
        /// Receive queues, of which only one gets packets.
        queues: u16,
    },
    /// The kernel chooses the receive queue, by a hash of its own that takes ports in.
    KernelSpreads,
    /// Some kinds of packets are not hashed.
    NoRssOn(RssTypes),
    /// Some kinds of packets are hashed by more than their addresses.
    RssOnPorts(RssTypes),
    /// The device uses a hash key of its own.
    RssKey,
    /// The redirection table cannot be read or is not the one asked for.
    RssTable,
    /// Something the device does not do.
    NoOffload(Offload),
    /// Frames are larger than a buffer and the device does not promise to use several.
    NoScatter {
        /// The largest frame, in bytes.
        frame: u32,
        /// Bytes of a buffer for it.
        buffer: u16,
    },
    /// The device has another MTU than asked.
    Mtu {
        /// The MTU asked for, in bytes.
        asked: u16,
        /// The device's MTU, in bytes.
        actual: u16,
    },
    /// The device has another number of descriptors than asked.
    Descriptors {
        /// Receive and transmit descriptors asked for.
        asked: (u16, u16),
        /// Receive and transmit descriptors the device has.
        actual: (u16, u16),
    },
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRss { queues } => {
                write!(
                    f,
                    "no RSS: one of the {queues} receive queues gets all packets"
                )
            }
            Self::KernelSpreads => write!(
                f,
                "no RSS: the kernel spreads packets, and parts fragments from their datagrams"
            ),
            Self::NoRssOn(types) => write!(f, "no RSS on {types}"),
            Self::RssOnPorts(types) => write!(
                f,
                "RSS on ports, which parts fragments from their datagrams, on {types}"
            ),
            Self::RssKey => write!(f, "the RSS key is the device's own"),
            Self::RssTable => write!(f, "the RSS redirection table is the device's own"),
            Self::NoOffload(offload) => match offload {
                Offload::VlanStrip => write!(f, "VLAN tags are taken off in software"),
                Offload::VlanInsert => write!(f, "VLAN tags are put on in software"),
                Offload::RxChecksum => write!(f, "checksums are verified in software"),
                Offload::TxIpv4Checksum => write!(f, "IPv4 checksums are computed in software"),
                Offload::Scatter => write!(f, "packets are received into one buffer only"),
                Offload::MultiSegment => write!(f, "no transmission from several buffers"),
            },
            Self::NoScatter { frame, buffer } => write!(
                f,
                "frames of up to {frame} bytes do not fit a buffer of {buffer}, and the device does \
                 not promise to use several"
            ),
            Self::Mtu { asked, actual } => {
                write!(
                    f,
                    "the device says its MTU is {actual} bytes, not {asked}: larger packets may not pass"
                )
            }
            Self::Descriptors { asked, actual } => write!(
                f,
                "{} receive and {} transmit descriptors instead of {} and {}",
                actual.0, actual.1, asked.0, asked.1
            ),
        }
    }
}
