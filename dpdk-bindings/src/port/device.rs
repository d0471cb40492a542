//! A device in use: its number, its owner's mark, and its orderly end.

use std::ffi::CString;
use std::ffi::c_int;
use std::mem;
use std::ptr;

use super::error::PortError;
use super::events::Watch;
use super::probe;
use super::probe::Origin;
use crate::eal::Eal;
use crate::eal::control;
use crate::errno::Errno;
use crate::mbuf::Burst;
use crate::mbuf::free_bulk;
use crate::mempool::Mempool;

/// A device that this process owns, until dropped.
#[derive(Debug)]
pub(crate) struct Device {
    id: u16,
    name: String,
    origin: Origin,
    watch: Watch,
    /// Queues to empty before the stop; 0 when not started.
    started_rx_queues: u16,
    /// What the receive queues take their buffers from, so that it outlives them.
    pools: Vec<Mempool>,
    eal: Eal,
}

impl Device {
    /// Finds or creates the device and takes it for this process.
    pub(super) fn open(eal: &Eal, name: &str) -> Result<Self, PortError> {
        let c_name = CString::new(name).map_err(|_| PortError::Name(name.to_owned()))?;
        let _control = control();
        let (id, origin) = probe::probe(eal, name, &c_name)?;
        own(id).map_err(|_| PortError::InUse(name.to_owned()))?;
        Ok(Self {
            id,
            name: name.to_owned(),
            origin,
            watch: Watch::new(id),
            started_rx_queues: 0,
            pools: Vec::new(),
            eal: eal.clone(),
        })
    }

    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Whether the device can still be used.
    #[inline(always)]
    pub(crate) fn is_present(&self) -> bool {
        self.watch.is_present()
    }

    /// Keeps what the receive queues draw on, from before they are set up.
    pub(super) fn keep(&mut self, pools: Vec<Mempool>) {
        self.pools = pools;
    }

    pub(super) fn start(&mut self, rx_queues: u16) -> Result<(), PortError> {
        // SAFETY: the device is ours and configured; no queue handle exists yet.
        let returned = unsafe { dpdk_sys::rte_eth_dev_start(self.id) };
        self.check("starting", returned)?;
        self.started_rx_queues = rx_queues;
        Ok(())
    }

    /// Names device and operation in the error of a DPDK call.
    pub(super) fn check(
        &self,
        operation: &'static str,
        returned: c_int,
    ) -> Result<c_int, PortError> {
        Errno::check(returned).map_err(|cause| PortError::Call {
            device: self.name.clone(),
            operation,
            cause,
        })
    }

    /// Takes what still waits in software queues, which some drivers (net_ring) would forget.
    fn drain(&self) {
        let mut burst = Burst::<32>::new();
        for queue in 0..self.started_rx_queues {
            for _ in 0..DRAIN_BURSTS {
                // SAFETY: the device is started and no queue handle is left; 32 pointers have place,
                // and a burst of mbufs is an array of pointers.
                let received = unsafe {
                    dpdk_sys::dpdk_shim_rx_burst(self.id, queue, burst.as_mut_ptr().cast(), 32)
                };
                if received == 0 {
                    break;
                }
                // SAFETY: so many slots now hold packets that are ours.
                unsafe { burst.set_len(usize::from(received)) };
                free_bulk(&mut burst);
            }
        }
    }

    fn close(&mut self) {
        // SAFETY: the device exists and is ours; no queue handle is left.
        let bus_device = unsafe { bus_device(self.id) };
        if mem::take(&mut self.started_rx_queues) > 0 {
            // SAFETY: as above.
            let stopped = unsafe { dpdk_sys::rte_eth_dev_stop(self.id) };
            self.warn_if_failed("stopping", stopped);
        }
        // SAFETY: stopped, or never started. Also gives up the owner's mark.
        let closed = unsafe { dpdk_sys::rte_eth_dev_close(self.id) };
        self.warn_if_failed("closing", closed);
        if self.origin == Origin::OpenedHere && !bus_device.is_null() {
            // SAFETY: the bus keeps its device until it is removed; its port is closed.
            let removed = unsafe { dpdk_sys::rte_dev_remove(bus_device) };
            self.warn_if_failed("removing", removed);
        }
    }

    fn warn_if_failed(&self, operation: &'static str, returned: c_int) {
        if let Err(error) = self.check(operation, returned) {
            self.eal.warn(&error.to_string());
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _control = control();
        if !self.watch.exists() {
            return;
        }
        if self.watch.is_present() {
            self.drain();
        }
        self.close();
    }
}

/// Marks the port as ours in DPDK's register of owners, which refuses a second mark.
fn own(id: u16) -> Result<(), Errno> {
    let mut owner = dpdk_sys::rte_eth_dev_owner::default();
    // SAFETY: writes one number into the given place.
    Errno::check(unsafe { dpdk_sys::rte_eth_dev_owner_new(&mut owner.id) })?;
    for (place, &byte) in owner.name.iter_mut().zip(b"lwaftr") {
        *place = byte as _;
    }
    // SAFETY: the number names a port; the structure is copied, and its name is terminated.
    Errno::check(unsafe { dpdk_sys::rte_eth_dev_owner_set(id, &owner) })?;
    Ok(())
}

/// The bus's own object of the device, null when it cannot be asked.
///
/// # Safety
/// The port must exist.
unsafe fn bus_device(id: u16) -> *mut dpdk_sys::rte_device {
    let mut info = dpdk_sys::rte_eth_dev_info::default();
    // SAFETY: the caller's promise; the structure is ours to be filled.
    match unsafe { dpdk_sys::rte_eth_dev_info_get(id, &mut info) } {
        0 => info.device,
        _ => ptr::null_mut(),
    }
}

/// More than any software queue holds, and an end for drivers that always have a packet (net_null).
const DRAIN_BURSTS: u32 = 256;
