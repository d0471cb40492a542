//! What a device is and can do.

use std::ffi::CStr;

use super::device::Device;
use super::error::PortError;
use super::rss::RssTypes;
use super::setup::Offloads;

/// What a device is and can do, as its driver tells.
#[derive(Clone, Debug)]
pub struct PortInfo {
    /// The driver's name.
    pub driver: String,
    /// The NUMA node it is attached to, if it is to any.
    pub socket: Option<u32>,
    /// The highest speed it can have, in Mbit/s, if it tells.
    pub max_speed_mbps: Option<u32>,
    /// Receive queues it has at most.
    pub max_rx_queues: u16,
    /// Transmit queues it has at most.
    pub max_tx_queues: u16,
    /// The least MTU, in bytes.
    pub min_mtu: u16,
    /// The largest MTU, in bytes.
    pub max_mtu: u16,
    /// Largest frame the driver admits to, in bytes with check sequence. Where `max_mtu` says nothing
    /// (65535), it may be a default that the device exceeds.
    pub max_frame: u32,
    /// Bytes of a frame that the MTU does not count: Ethernet header, tags, check sequence.
    pub frame_overhead: u16,
    /// What it can do for packets.
    pub offloads: Offloads,
    /// What it can hash to spread packets over queues.
    pub rss_types: RssTypes,
    /// Length of its hash key, in bytes; 0 when it does not tell.
    pub rss_key_length: u8,
    /// Entries of its redirection table; 0 when it has none.
    pub reta_size: u16,
    /// Whether it reports link changes by itself.
    pub reports_link: bool,
    /// Whether it reports its removal by itself.
    pub reports_removal: bool,
}

impl PortInfo {
    pub(super) fn of(device: &Device) -> Result<Self, PortError> {
        let mut raw = dpdk_sys::rte_eth_dev_info::default();
        // SAFETY: the device exists and is ours; the structure is ours to be filled.
        let returned = unsafe { dpdk_sys::rte_eth_dev_info_get(device.id(), &mut raw) };
        device.check("asking for its capabilities", returned)?;
        // SAFETY: the number names a port.
        let socket = unsafe { dpdk_sys::rte_eth_dev_socket_id(device.id()) };
        // SAFETY: null, or the driver's flags, which live as long as the device.
        let flags = unsafe { raw.dev_flags.as_ref() }.copied().unwrap_or(0);
        Ok(Self {
            driver: driver_name(&raw),
            socket: u32::try_from(socket).ok(),
            max_speed_mbps: highest_speed(raw.speed_capa),
            max_rx_queues: raw.max_rx_queues,
            max_tx_queues: raw.max_tx_queues,
            min_mtu: raw.min_mtu,
            max_mtu: raw.max_mtu,
            max_frame: raw.max_rx_pktlen,
            frame_overhead: frame_overhead(&raw),
            offloads: Offloads::from_capabilities(raw.rx_offload_capa, raw.tx_offload_capa),
            rss_types: RssTypes::from_bits(raw.flow_type_rss_offloads),
            rss_key_length: raw.hash_key_size,
            reta_size: raw.reta_size,
            reports_link: flags & dpdk_sys::DPDK_DEVICE_FLAG_LINK_INTERRUPT != 0,
            reports_removal: flags & dpdk_sys::DPDK_DEVICE_FLAG_REMOVAL_INTERRUPT != 0,
        })
    }
}

fn driver_name(raw: &dpdk_sys::rte_eth_dev_info) -> String {
    if raw.driver_name.is_null() {
        return String::new();
    }
    // SAFETY: a driver's name is a static, terminated text.
    let name = unsafe { CStr::from_ptr(raw.driver_name) };
    name.to_string_lossy().into_owned()
}

/// As ethdev computes it: from what the driver says of frames and packets, else header and FCS.
fn frame_overhead(raw: &dpdk_sys::rte_eth_dev_info) -> u16 {
    let known = raw.max_mtu != u16::MAX && raw.max_rx_pktlen > u32::from(raw.max_mtu);
    let overhead = raw.max_rx_pktlen.wrapping_sub(u32::from(raw.max_mtu));
    match u16::try_from(overhead) {
        Ok(overhead) if known => overhead,
        _ => ETHERNET_OVERHEAD,
    }
}

fn highest_speed(capabilities: u32) -> Option<u32> {
    SPEEDS
        .iter()
        .rev()
        .find(|(bit, _)| capabilities & (1 << bit) != 0)
        .map(|&(_, mbps)| mbps)
}

/// Header of 14 bytes and check sequence of 4 (IEEE 802.3).
const ETHERNET_OVERHEAD: u16 = 18;

/// `RTE_ETH_LINK_SPEED_…`: bit and Mbit/s.
const SPEEDS: [(u32, u32); 16] = [
    (1, 10),
    (2, 10),
    (3, 100),
    (4, 100),
    (5, 1_000),
    (6, 2_500),
    (7, 5_000),
    (8, 10_000),
    (9, 20_000),
    (10, 25_000),
    (11, 40_000),
    (12, 50_000),
    (13, 56_000),
    (14, 100_000),
    (15, 200_000),
    (16, 400_000),
];
