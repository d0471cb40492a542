//! When a packet was received, for drivers that say: net_pcap gives the capture's time.
//!
//! DPDK keeps it in a dynamic field, whose place in the mbuf is known only once a driver registered
//! it.

use std::ffi::CStr;
use std::ptr;

use super::Mbuf;
use crate::eal::Eal;

/// Where received packets carry their time.
#[derive(Clone, Copy, Debug)]
pub struct RxTimestamps {
    offset: usize,
    flag: u64,
}

impl RxTimestamps {
    /// Finds the field; `None` as long as no driver registered it. Ask after opening the ports.
    #[must_use]
    pub fn find(_eal: &Eal) -> Option<Self> {
        // SAFETY: the EAL runs; the name is terminated, and null means that no details are wanted.
        let offset = unsafe { dpdk_sys::rte_mbuf_dynfield_lookup(FIELD.as_ptr(), ptr::null_mut()) };
        // SAFETY: as above.
        let bit = unsafe { dpdk_sys::rte_mbuf_dynflag_lookup(FLAG.as_ptr(), ptr::null_mut()) };
        Some(Self {
            offset: usize::try_from(offset).ok()?,
            flag: 1 << u32::try_from(bit).ok()?,
        })
    }
}

impl Mbuf {
    /// The time of reception in the driver's unit, which for net_pcap is microseconds since 1970;
    /// `None` when the driver gave none.
    #[must_use]
    #[inline]
    pub fn rx_timestamp(&self, field: RxTimestamps) -> Option<u64> {
        if self.raw().ol_flags & field.flag == 0 {
            return None;
        }
        let start = self.0.as_ptr().cast::<u8>();
        // SAFETY: DPDK placed the field inside the mbuf; only `RxTimestamps::find` makes an offset.
        let place = unsafe { start.add(field.offset) };
        // SAFETY: eight bytes of the field, reserved with the alignment of a u64, in memory we own.
        Some(unsafe { place.cast::<u64>().read() })
    }
}

/// `RTE_MBUF_DYNFIELD_TIMESTAMP_NAME`
const FIELD: &CStr = c"rte_dynfield_timestamp";
/// `RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME`
const FLAG: &CStr = c"rte_dynflag_rx_timestamp";
