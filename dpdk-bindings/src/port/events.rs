//! What devices report by themselves: link changes and their own removal.
//!
//! DPDK calls back on its interrupt thread with a port number. A number is used again after its
//! device is gone, so each event only counts, and a handle compares with the count it began with: an
//! event of an earlier or later device of the same number cannot be taken for its own.

use std::ffi::c_int;
use std::ffi::c_void;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use crate::errno::Errno;

/// What happened to the devices of one port number so far.
#[derive(Debug)]
struct Counts {
    link_changes: AtomicU32,
    /// Devices that announced their removal or ceased to exist.
    departures: AtomicU32,
    /// Devices that ceased to exist.
    destructions: AtomicU32,
}

/// One device's view of the counts of its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    counts: &'static Counts,
    departures: u32,
    destructions: u32,
    link_changes: u32,
}

impl Watch {
    /// Begins to watch the device that has the number now.
    ///
    /// Numbers out of range, which DPDK never gives, share the last place.
    pub(super) fn new(port: u16) -> Self {
        let counts = &COUNTS[usize::from(port).min(PORTS - 1)];
        Self {
            counts,
            departures: counts.departures.load(Ordering::Acquire),
            destructions: counts.destructions.load(Ordering::Acquire),
            link_changes: counts.link_changes.load(Ordering::Acquire),
        }
    }

    /// Whether the device is still there to be used.
    #[inline(always)]
    pub(crate) fn is_present(&self) -> bool {
        self.counts.departures.load(Ordering::Relaxed) == self.departures
    }

    /// Whether DPDK still has an object for the device, which wants to be closed.
    pub(super) fn exists(&self) -> bool {
        self.counts.destructions.load(Ordering::Acquire) == self.destructions
    }

    /// Link changes since the watch began.
    pub(super) fn link_changes(&self) -> u32 {
        let now = self.counts.link_changes.load(Ordering::Relaxed);
        now.wrapping_sub(self.link_changes)
    }
}

/// Has DPDK report the events of all ports, present and future; done once.
pub(super) fn listen() -> Result<(), Errno> {
    static LISTENING: OnceLock<Result<(), Errno>> = OnceLock::new();
    *LISTENING.get_or_init(|| {
        for event in EVENTS {
            // SAFETY: the EAL runs (only opening a port leads here); the function is a static one
            // and needs no argument.
            Errno::check(unsafe {
                dpdk_sys::rte_eth_dev_callback_register(
                    dpdk_sys::RTE_ETH_ALL as u16,
                    event,
                    Some(on_event),
                    ptr::null_mut(),
                )
            })?;
        }
        Ok(())
    })
}

/// Only counts, so it may run on any thread at any time.
unsafe extern "C" fn on_event(
    port: u16,
    event: dpdk_sys::rte_eth_event_type,
    _argument: *mut c_void,
    _returned: *mut c_void,
) -> c_int {
    let Some(counts) = COUNTS.get(usize::from(port)) else {
        return 0;
    };
    match event {
        dpdk_sys::RTE_ETH_EVENT_INTR_LSC => {
            counts.link_changes.fetch_add(1, Ordering::Relaxed);
        }
        dpdk_sys::RTE_ETH_EVENT_INTR_RMV => {
            counts.departures.fetch_add(1, Ordering::Release);
        }
        dpdk_sys::RTE_ETH_EVENT_DESTROY => {
            counts.departures.fetch_add(1, Ordering::Release);
            counts.destructions.fetch_add(1, Ordering::Release);
        }
        _ => {}
    }
    0
}

const PORTS: usize = dpdk_sys::RTE_MAX_ETHPORTS as usize;
static COUNTS: [Counts; PORTS] = [const {
    Counts {
        link_changes: AtomicU32::new(0),
        departures: AtomicU32::new(0),
        destructions: AtomicU32::new(0),
    }
}; PORTS];
const EVENTS: [dpdk_sys::rte_eth_event_type; 3] = [
    dpdk_sys::RTE_ETH_EVENT_INTR_LSC,
    dpdk_sys::RTE_ETH_EVENT_INTR_RMV,
    dpdk_sys::RTE_ETH_EVENT_DESTROY,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A number no test opens a device on.
    const UNUSED: u16 = 31;

    fn report(event: dpdk_sys::rte_eth_event_type) {
        // SAFETY: only counts; its pointers are not used.
        unsafe { on_event(UNUSED, event, ptr::null_mut(), ptr::null_mut()) };
    }

    #[test]
    fn events_reach_the_device_that_has_the_number_and_not_the_next() {
        let first = Watch::new(UNUSED);
        assert!(first.is_present() && first.exists());
        report(dpdk_sys::RTE_ETH_EVENT_INTR_LSC);
        report(dpdk_sys::RTE_ETH_EVENT_INTR_LSC);
        assert_eq!(first.link_changes(), 2);

        report(dpdk_sys::RTE_ETH_EVENT_INTR_RMV);
        assert!(!first.is_present(), "removal announced");
        assert!(first.exists(), "but still to be closed");
        report(dpdk_sys::RTE_ETH_EVENT_DESTROY);
        assert!(!first.is_present() && !first.exists());

        let second = Watch::new(UNUSED);
        assert!(second.is_present() && second.exists());
        assert_eq!(second.link_changes(), 0);
        assert!(!first.is_present());
    }
}
