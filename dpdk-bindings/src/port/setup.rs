//! What is asked of a device, and what it accepted.

use std::fmt;
use std::ops::BitOr;

use super::rss::AcceptedRss;
use super::rss::RssSetup;
use super::shortfall::Shortfall;
use crate::mempool::Mempool;

/// How a port shall work.
///
/// LRO is always off: merged packets are larger than what arrived and cannot be forwarded.
/// "Fast free" (all packets of a queue from one pool, returned without a look) is never asked for:
/// packets of both ports' pools leave through one queue.
#[derive(Clone, Debug)]
pub struct PortSetup {
    /// Where each receive queue takes its buffers from; their number is the number of queues.
    pub rx_pools: Vec<Mempool>,
    /// Number of transmit queues.
    pub tx_queues: u16,
    /// Descriptors of each receive queue; the device may want more or fewer.
    pub rx_descriptors: u16,
    /// Descriptors of each transmit queue; the device may want more or fewer.
    pub tx_descriptors: u16,
    /// Largest IP packet, in bytes, without Ethernet header and VLAN tag.
    pub mtu: u16,
    /// How to spread packets over receive queues, when there are several.
    pub rss: Option<RssSetup>,
    /// What the device shall do for packets, where it can.
    pub offloads: Offloads,
    /// Whether receive queues shall be able to wake a sleeping thread
    /// ([`RxInterrupts`](crate::interrupt::RxInterrupts)).
    pub rx_interrupts: bool,
}

impl PortSetup {
    /// One receive queue per pool, as many transmit queues, and the rest as usual.
    #[must_use]
    pub fn new(rx_pools: Vec<Mempool>) -> Self {
        Self {
            tx_queues: rx_pools.len() as u16,
            rx_pools,
            rx_descriptors: 1024,
            tx_descriptors: 1024,
            mtu: 1500,
            rss: None,
            offloads: Offloads::NONE,
            rx_interrupts: false,
        }
    }
}

/// How the device works now, read back from it.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Descriptors of each receive queue.
    pub rx_descriptors: u16,
    /// Descriptors of each transmit queue.
    pub tx_descriptors: u16,
    /// The MTU in bytes; `None` when the device does not tell.
    pub mtu: Option<u16>,
    /// What the device does for packets.
    pub offloads: Offloads,
    /// How it spreads packets over receive queues, if it does.
    pub rss: Option<AcceptedRss>,
    /// What it does less well than asked, to be shown to the operator.
    pub shortfalls: Vec<Shortfall>,
}

impl Accepted {
    /// Whether fragments of one datagram may come to different receive queues: they do not when packets
    /// are hashed by their addresses and nothing else.
    #[must_use]
    pub fn spreads_fragments(&self) -> bool {
        self.shortfalls.iter().any(|shortfall| {
            matches!(
                shortfall,
                Shortfall::NoRss { .. }
                    | Shortfall::KernelSpreads
                    | Shortfall::NoRssOn(_)
                    | Shortfall::RssOnPorts(_)
            )
        })
    }
}

/// One thing a device can do for packets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Offload {
    /// Take the VLAN tag off received packets.
    VlanStrip,
    /// Put a VLAN tag on.
    VlanInsert,
    /// Verify IPv4, TCP and UDP checksums of received packets.
    RxChecksum,
    /// Compute IPv4 header checksums.
    TxIpv4Checksum,
    /// Receive a packet into several buffers.
    Scatter,
    /// Transmit a packet from several buffers.
    MultiSegment,
}

/// A set of things a device can do for packets.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Offloads(u8);

impl Offloads {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Whether the set has `offload`.
    #[must_use]
    pub const fn contains(self, offload: Offload) -> bool {
        self.0 & 1 << offload as u8 != 0
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The members.
    pub fn iter(self) -> impl Iterator<Item = Offload> {
        ALL.into_iter()
            .filter(move |&offload| self.contains(offload))
    }

    /// Those of ours that a device with these capability bits, or with all of a pair's, has.
    pub(super) fn from_capabilities(rx: u64, tx: u64) -> Self {
        ALL.into_iter()
            .filter(|&offload| {
                let (rx_bits, tx_bits) = bits(offload);
                rx & rx_bits == rx_bits && tx & tx_bits == tx_bits
            })
            .fold(Self::NONE, BitOr::bitor)
    }

    /// The bits of receive and transmit mode that ask for the set.
    pub(super) fn to_modes(self) -> (u64, u64) {
        self.iter()
            .map(bits)
            .fold((0, 0), |(rx, tx), (more_rx, more_tx)| {
                (rx | more_rx, tx | more_tx)
            })
    }
}

impl From<Offload> for Offloads {
    fn from(offload: Offload) -> Self {
        Self(1 << offload as u8)
    }
}

impl<T: Into<Self>> BitOr<T> for Offloads {
    type Output = Self;

    fn bitor(self, other: T) -> Self {
        Self(self.0 | other.into().0)
    }
}

impl<T: Into<Offloads>> BitOr<T> for Offload {
    type Output = Offloads;

    fn bitor(self, other: T) -> Offloads {
        Offloads::from(self) | other
    }
}

impl fmt::Debug for Offloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

const ALL: [Offload; 6] = [
    Offload::VlanStrip,
    Offload::VlanInsert,
    Offload::RxChecksum,
    Offload::TxIpv4Checksum,
    Offload::Scatter,
    Offload::MultiSegment,
];

/// The receive and transmit capability bits of an offload.
const fn bits(offload: Offload) -> (u64, u64) {
    match offload {
        Offload::VlanStrip => (dpdk_sys::DPDK_RX_OFFLOAD_VLAN_STRIP, 0),
        Offload::VlanInsert => (0, dpdk_sys::DPDK_TX_OFFLOAD_VLAN_INSERT),
        Offload::RxChecksum => (
            dpdk_sys::DPDK_RX_OFFLOAD_IPV4_CHECKSUM
                | dpdk_sys::DPDK_RX_OFFLOAD_UDP_CHECKSUM
                | dpdk_sys::DPDK_RX_OFFLOAD_TCP_CHECKSUM,
            0,
        ),
        Offload::TxIpv4Checksum => (0, dpdk_sys::DPDK_TX_OFFLOAD_IPV4_CHECKSUM),
        Offload::Scatter => (dpdk_sys::DPDK_RX_OFFLOAD_SCATTER, 0),
        Offload::MultiSegment => (0, dpdk_sys::DPDK_TX_OFFLOAD_MULTI_SEGMENT),
    }
}

// LRO must never be among what can be asked for.
const _: () = {
    let mut offload = 0;
    while offload < ALL.len() {
        assert!(bits(ALL[offload]).0 & dpdk_sys::DPDK_RX_OFFLOAD_LRO == 0);
        offload += 1;
    }
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_made_of_single_offloads() {
        let set = Offload::VlanStrip | Offload::Scatter;
        assert!(set.contains(Offload::VlanStrip) && set.contains(Offload::Scatter));
        assert!(!set.contains(Offload::VlanInsert));
        assert_eq!(format!("{set:?}"), "{VlanStrip, Scatter}");
    }

    #[test]
    fn a_device_that_verifies_only_some_checksums_does_not_verify_ours() {
        let ipv4_only = dpdk_sys::DPDK_RX_OFFLOAD_IPV4_CHECKSUM;
        assert_eq!(Offloads::from_capabilities(ipv4_only, 0), Offloads::NONE);
        let (rx, tx) = Offloads::from(Offload::RxChecksum).to_modes();
        assert_eq!((rx, tx), (0b1110, 0));
        assert_eq!(
            Offloads::from_capabilities(rx, tx),
            Offload::RxChecksum.into()
        );
    }
}
