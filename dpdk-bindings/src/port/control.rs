//! The control handle of a started port: addresses, filters, link, statistics, stop.

use std::sync::Arc;

use super::device::Device;
use super::error::PortError;
use super::stats;
use super::stats::PortStats;
use crate::eal::control;
use crate::mac::Mac;

/// A started port, seen from the control thread.
#[derive(Debug)]
pub struct StartedPort {
    device: Arc<Device>,
}

impl StartedPort {
    pub(super) fn new(device: Arc<Device>) -> Self {
        Self { device }
    }

    /// The port's number in this process, as [`crate::mbuf::Mbuf::port`] gives it.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.device.id()
    }

    /// The device as it was opened.
    #[must_use]
    pub fn device(&self) -> &str {
        self.device.name()
    }

    /// Whether the device is still there. Once it is not, its queues neither receive nor accept.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.device.is_present()
    }

    /// Link changes the device has reported; only devices with
    /// [`PortInfo::reports_link`](super::PortInfo::reports_link) do.
    #[must_use]
    pub fn link_changes(&self) -> u32 {
        self.device.watch().link_changes()
    }

    /// The state of the link now; never waits for it to come up.
    ///
    /// # Errors
    /// When the device cannot tell.
    pub fn link(&self) -> Result<Link, PortError> {
        let mut raw = dpdk_sys::rte_eth_link::default();
        // SAFETY: the device is ours; the structure is ours to be filled.
        let returned = unsafe { dpdk_sys::rte_eth_link_get_nowait(self.id(), &mut raw) };
        self.device.check("reading the link state", returned)?;
        let known = raw.link_speed != dpdk_sys::RTE_ETH_SPEED_NUM_UNKNOWN && raw.link_speed != 0;
        Ok(Link {
            up: u32::from(raw.link_status()) == dpdk_sys::RTE_ETH_LINK_UP,
            speed_mbps: known.then_some(raw.link_speed),
            full_duplex: u32::from(raw.link_duplex()) == dpdk_sys::RTE_ETH_LINK_FULL_DUPLEX,
        })
    }

    /// Takes the link up or down, so that the neighbour sees it.
    ///
    /// # Errors
    /// When the device cannot.
    pub fn set_link(&self, up: bool) -> Result<(), PortError> {
        let _control = control();
        let returned = if up {
            // SAFETY: the device is ours and started.
            unsafe { dpdk_sys::rte_eth_dev_set_link_up(self.id()) }
        } else {
            // SAFETY: the device is ours and started.
            unsafe { dpdk_sys::rte_eth_dev_set_link_down(self.id()) }
        };
        self.device.check("setting the link", returned)?;
        Ok(())
    }

    /// The device's Ethernet address.
    ///
    /// # Errors
    /// When the device is gone.
    pub fn mac(&self) -> Result<Mac, PortError> {
        let mut raw = dpdk_sys::rte_ether_addr { addr_bytes: [0; 6] };
        // SAFETY: the device is ours; the address is written on success.
        let returned = unsafe { dpdk_sys::rte_eth_macaddr_get(self.id(), &mut raw) };
        self.device.check("reading the MAC address", returned)?;
        Ok(Mac(raw.addr_bytes))
    }

    /// Has the device receive what is sent to `mac`: as its own address, or else by receiving all.
    ///
    /// # Errors
    /// When the address is a group's, or the device can do neither.
    pub fn set_mac(&self, mac: Mac) -> Result<UnicastFilter, PortError> {
        let _control = control();
        let mut raw = dpdk_sys::rte_ether_addr { addr_bytes: mac.0 };
        // SAFETY: the device is ours; the address is copied.
        let returned = unsafe { dpdk_sys::rte_eth_dev_default_mac_addr_set(self.id(), &mut raw) };
        match self.device.check("setting the MAC address", returned) {
            Ok(_) => Ok(UnicastFilter::Address),
            Err(error) if mac.is_group() => Err(error),
            Err(error) => match self.enable_promiscuous() {
                Ok(()) => Ok(UnicastFilter::Promiscuous),
                Err(_) => Err(error),
            },
        }
    }

    /// Has the device receive these groups: by a list, or else by receiving all groups or all.
    ///
    /// # Errors
    /// When the device can do none of it.
    pub fn set_multicast(&self, groups: &[Mac]) -> Result<MulticastFilter, PortError> {
        let _control = control();
        let mut list: Vec<_> = groups
            .iter()
            .map(|group| dpdk_sys::rte_ether_addr {
                addr_bytes: group.0,
            })
            .collect();
        // SAFETY: the device is ours; the list is as long as said and is copied.
        let returned = unsafe {
            dpdk_sys::rte_eth_dev_set_mc_addr_list(self.id(), list.as_mut_ptr(), list.len() as u32)
        };
        if returned == 0 {
            return Ok(MulticastFilter::List);
        }
        // SAFETY: the device is ours.
        let returned = unsafe { dpdk_sys::rte_eth_allmulticast_enable(self.id()) };
        match self.device.check("receiving multicast", returned) {
            Ok(_) => Ok(MulticastFilter::All),
            Err(error) => match self.enable_promiscuous() {
                Ok(()) => Ok(MulticastFilter::Promiscuous),
                Err(_) => Err(error),
            },
        }
    }

    /// Has the device receive everything, or only what is for it.
    ///
    /// # Errors
    /// When the device cannot.
    pub fn set_promiscuous(&self, on: bool) -> Result<(), PortError> {
        let _control = control();
        if on {
            return self.enable_promiscuous();
        }
        // SAFETY: the device is ours.
        let returned = unsafe { dpdk_sys::rte_eth_promiscuous_disable(self.id()) };
        self.device.check("leaving promiscuous mode", returned)?;
        Ok(())
    }

    /// Whether the device receives everything.
    #[must_use]
    pub fn is_promiscuous(&self) -> bool {
        // SAFETY: the device is ours.
        unsafe { dpdk_sys::rte_eth_promiscuous_get(self.id()) == 1 }
    }

    /// What the device counted since its start.
    ///
    /// # Errors
    /// When it cannot tell.
    pub fn stats(&self) -> Result<PortStats, PortError> {
        PortStats::of(&self.device)
    }

    /// Everything the device counts, under its driver's names.
    ///
    /// # Errors
    /// When it cannot tell.
    pub fn extended_stats(&self) -> Result<Vec<(String, u64)>, PortError> {
        stats::extended(&self.device)
    }

    /// Stops and closes the device. All queues must have been dropped.
    ///
    /// # Errors
    /// When queues are still held; then the device ends with the last of them.
    pub fn stop(self) -> Result<(), PortError> {
        let device = self.device.name().to_owned();
        let handles = Arc::strong_count(&self.device) - 1;
        match Arc::into_inner(self.device) {
            Some(_) => Ok(()),
            None => Err(PortError::QueuesHeld { device, handles }),
        }
    }

    fn enable_promiscuous(&self) -> Result<(), PortError> {
        // SAFETY: the device is ours.
        let returned = unsafe { dpdk_sys::rte_eth_promiscuous_enable(self.id()) };
        self.device.check("entering promiscuous mode", returned)?;
        Ok(())
    }
}

/// The state of a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Link {
    /// Whether packets can pass.
    pub up: bool,
    /// Its speed in Mbit/s, if known.
    pub speed_mbps: Option<u32>,
    /// Whether both ends may send at once.
    pub full_duplex: bool,
}

/// How the device receives what is sent to our address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UnicastFilter {
    /// It has the address.
    Address,
    /// It receives everything.
    Promiscuous,
}

/// How the device receives what is sent to our groups.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MulticastFilter {
    /// It has the list.
    List,
    /// It receives all groups.
    All,
    /// It receives everything.
    Promiscuous,
}
