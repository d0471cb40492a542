//! What a device counts by itself.

use std::ffi::CStr;
use std::ptr;

use super::device::Device;
use super::error::PortError;

/// What every device counts, since it was started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PortStats {
    /// Packets received.
    pub rx_packets: u64,
    /// Packets transmitted.
    pub tx_packets: u64,
    /// Bytes received, without check sequences.
    pub rx_bytes: u64,
    /// Bytes transmitted, without check sequences.
    pub tx_bytes: u64,
    /// Packets lost because nobody fetched them in time.
    pub rx_missed: u64,
    /// Packets received damaged.
    pub rx_errors: u64,
    /// Packets that could not be transmitted.
    pub tx_errors: u64,
    /// Packets lost because the buffer pool was empty.
    pub rx_no_buffer: u64,
}

impl PortStats {
    pub(super) fn of(device: &Device) -> Result<Self, PortError> {
        let mut raw = dpdk_sys::rte_eth_stats::default();
        // SAFETY: the device is ours; the structure is ours to be filled.
        let returned = unsafe { dpdk_sys::rte_eth_stats_get(device.id(), &mut raw) };
        device.check("reading statistics", returned)?;
        Ok(Self {
            rx_packets: raw.ipackets,
            tx_packets: raw.opackets,
            rx_bytes: raw.ibytes,
            tx_bytes: raw.obytes,
            rx_missed: raw.imissed,
            rx_errors: raw.ierrors,
            tx_errors: raw.oerrors,
            rx_no_buffer: raw.rx_nombuf,
        })
    }
}

/// Everything the driver counts, by its own names.
pub(super) fn extended(device: &Device) -> Result<Vec<(String, u64)>, PortError> {
    const OPERATION: &str = "reading extended statistics";
    // SAFETY: the device is ours; null and 0 ask for the number only.
    let count = unsafe { dpdk_sys::rte_eth_xstats_get_names(device.id(), ptr::null_mut(), 0) };
    let count = device.check(OPERATION, count)?;
    let mut names = vec![dpdk_sys::rte_eth_xstat_name { name: [0; 64] }; count as usize];
    let mut values = vec![dpdk_sys::rte_eth_xstat { id: 0, value: 0 }; count as usize];
    // SAFETY: the device is ours; there is place for as many names as said.
    let named = unsafe {
        dpdk_sys::rte_eth_xstats_get_names(device.id(), names.as_mut_ptr(), count as u32)
    };
    device.check(OPERATION, named)?;
    // SAFETY: the device is ours; there is place for as many values as said.
    let valued =
        unsafe { dpdk_sys::rte_eth_xstats_get(device.id(), values.as_mut_ptr(), count as u32) };
    let valued = device.check(OPERATION, valued)?;
    values.truncate(valued as usize);
    let name_of = |id: u64| names.get(usize::try_from(id).ok()?);
    Ok(values
        .iter()
        .filter_map(|value| Some((text(&name_of(value.id)?.name), value.value)))
        .collect())
}

fn text(name: &[std::ffi::c_char; 64]) -> String {
    let bytes = name.map(|byte| byte as u8);
    CStr::from_bytes_until_nul(&bytes)
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
