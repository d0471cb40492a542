//! Bringing a device up, in DPDK's order: configure, queues, start; then asking what it made of it.

use std::ptr;
use std::sync::Arc;

use super::control::StartedPort;
use super::device::Device;
use super::error::Direction;
use super::error::PortError;
use super::info::PortInfo;
use super::rss;
use super::setup::Accepted;
use super::setup::Offload;
use super::setup::Offloads;
use super::setup::PortSetup;
use super::shortfall::Shortfall;
use crate::eal::control;
use crate::mbuf::HEADROOM;
use crate::queue::RxQueue;
use crate::queue::TxQueue;

/// A started port: its control handle, its queues, and what the device accepted.
#[derive(Debug)]
pub struct Configured {
    /// For the control thread.
    pub port: StartedPort,
    /// For the workers, one each.
    pub rx: Vec<RxQueue>,
    /// For the workers, one each.
    pub tx: Vec<TxQueue>,
    /// What the device made of the setup.
    pub accepted: Accepted,
}

/// Configures and starts a device.
pub(super) fn configure(
    mut device: Device,
    info: &PortInfo,
    setup: &PortSetup,
) -> Result<Configured, PortError> {
    check_limits(&device, info, setup)?;
    // Not inside `bring_up`: a device that is refused is dropped, which takes the lock again.
    let accepted = {
        let _control = control();
        bring_up(&mut device, info, setup)?
    };
    let device = Arc::new(device);
    let rx_queues = setup.rx_pools.len() as u16;
    Ok(Configured {
        rx: (0..rx_queues)
            .map(|index| RxQueue::new(&device, index))
            .collect(),
        tx: (0..setup.tx_queues)
            .map(|index| TxQueue::new(&device, index))
            .collect(),
        port: StartedPort::new(device),
        accepted,
    })
}

/// The calls themselves, under the lock of device changes.
fn bring_up(
    device: &mut Device,
    info: &PortInfo,
    setup: &PortSetup,
) -> Result<Accepted, PortError> {
    let rx_queues = setup.rx_pools.len() as u16;
    let mut shortfalls = Vec::new();
    let offloads = choose_offloads(info, setup, &mut shortfalls);
    let spread = rss::Request::new(setup.rss.as_ref(), rx_queues, info, &mut shortfalls);
    device.keep(setup.rx_pools.clone());
    configure_device(device, info, setup, offloads, spread.as_ref())?;
    let (rx_descriptors, tx_descriptors) = set_up_queues(device, setup, &mut shortfalls)?;
    device.start(rx_queues)?;

    let mtu = read_mtu(device, setup.mtu, &mut shortfalls);
    let rss = spread
        .as_ref()
        .zip(setup.rss.as_ref())
        .map(|(request, wanted)| {
            rss::settle(device, request, wanted, rx_queues, info, &mut shortfalls)
        });
    Ok(Accepted {
        rx_descriptors,
        tx_descriptors,
        mtu,
        offloads,
        rss,
        shortfalls,
    })
}

fn check_limits(device: &Device, info: &PortInfo, setup: &PortSetup) -> Result<(), PortError> {
    let asked_rx = u16::try_from(setup.rx_pools.len()).unwrap_or(u16::MAX);
    for (direction, asked, offered) in [
        (Direction::Receive, asked_rx, info.max_rx_queues),
        (Direction::Transmit, setup.tx_queues, info.max_tx_queues),
    ] {
        if asked > offered {
            return Err(PortError::TooFewQueues {
                device: device.name().to_owned(),
                direction,
                asked,
                offered,
            });
        }
    }
    if !(info.min_mtu..=info.max_mtu).contains(&setup.mtu) {
        return Err(PortError::Mtu {
            device: device.name().to_owned(),
            asked: setup.mtu,
            least: info.min_mtu,
            most: info.max_mtu,
        });
    }
    Ok(())
}

/// What was asked for, or follows from the MTU, and can be had.
fn choose_offloads(
    info: &PortInfo,
    setup: &PortSetup,
    shortfalls: &mut Vec<Shortfall>,
) -> Offloads {
    let frame = u32::from(setup.mtu) + u32::from(info.frame_overhead);
    let rooms = setup
        .rx_pools
        .iter()
        .map(|pool| pool.data_room() - HEADROOM as u16);
    let buffer = rooms.min().unwrap_or(u16::MAX);
    let mut wanted = setup.offloads;
    if frame > u32::from(buffer) {
        wanted = wanted | Offload::Scatter | Offload::MultiSegment;
    }
    for missing in wanted
        .iter()
        .filter(|&offload| !info.offloads.contains(offload))
    {
        shortfalls.push(match missing {
            Offload::Scatter => Shortfall::NoScatter { frame, buffer },
            missing => Shortfall::NoOffload(missing),
        });
    }
    // A larger packet may still come from another port, so several buffers in any case if possible.
    (wanted | Offload::MultiSegment).intersection(info.offloads)
}

fn configure_device(
    device: &Device,
    info: &PortInfo,
    setup: &PortSetup,
    offloads: Offloads,
    spread: Option<&rss::Request>,
) -> Result<(), PortError> {
    let mut conf = dpdk_sys::rte_eth_conf::default();
    (conf.rxmode.offloads, conf.txmode.offloads) = offloads.to_modes();
    conf.rxmode.mtu = u32::from(admitted_mtu(info, setup.mtu));
    conf.intr_conf.set_lsc(info.reports_link.into());
    conf.intr_conf.set_rxq(setup.rx_interrupts.into());
    conf.intr_conf.set_rmv(info.reports_removal.into());
    // Drivers take the key by a pointer to mutable bytes.
    let mut key = spread.and_then(|request| request.key.clone());
    if let Some(request) = spread {
        conf.rxmode.mq_mode = dpdk_sys::RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf = request.types.bits();
        if let Some(key) = &mut key {
            conf.rx_adv_conf.rss_conf.rss_key = key.as_mut_ptr();
            conf.rx_adv_conf.rss_conf.rss_key_len = key.len() as u8;
        }
    }
    let rx_queues = setup.rx_pools.len() as u16;
    // SAFETY: the device is ours and stopped; structure and key live through the call, which copies.
    let returned =
        unsafe { dpdk_sys::rte_eth_dev_configure(device.id(), rx_queues, setup.tx_queues, &conf) };
    device.check("configuring", returned)?;
    Ok(())
}

/// Sets up all queues and returns the receive and transmit descriptors each has.
fn set_up_queues(
    device: &Device,
    setup: &PortSetup,
    shortfalls: &mut Vec<Shortfall>,
) -> Result<(u16, u16), PortError> {
    let asked = (setup.rx_descriptors, setup.tx_descriptors);
    let (mut rx, mut tx) = asked;
    // SAFETY: the device is ours and configured; both numbers are adjusted in place.
    let returned =
        unsafe { dpdk_sys::rte_eth_dev_adjust_nb_rx_tx_desc(device.id(), &mut rx, &mut tx) };
    device.check("adjusting descriptors", returned)?;
    if (rx, tx) != asked {
        let actual = (rx, tx);
        shortfalls.push(Shortfall::Descriptors { asked, actual });
    }
    // SAFETY: the number names a port.
    let socket = unsafe { dpdk_sys::rte_eth_dev_socket_id(device.id()) } as u32;
    for (queue, pool) in (0..).zip(&setup.rx_pools) {
        // SAFETY: the device is ours and stopped; it keeps the pool alive. Null asks for defaults.
        let returned = unsafe {
            dpdk_sys::rte_eth_rx_queue_setup(device.id(), queue, rx, socket, DEFAULTS, pool.raw())
        };
        device.check("setting up a receive queue", returned)?;
    }
    for queue in 0..setup.tx_queues {
        // SAFETY: the device is ours and stopped. Null asks for the driver's defaults.
        let returned = unsafe {
            dpdk_sys::rte_eth_tx_queue_setup(device.id(), queue, tx, socket, ptr::null())
        };
        device.check("setting up a transmit queue", returned)?;
    }
    Ok((rx, tx))
}

/// The MTU to configure. Drivers of kernel interfaces (af_packet, for one) leave ethdev's default of
/// 1518 bytes as their largest frame and carry larger ones all the same; ethdev refuses to configure
/// more, so the device gets that and the operator a line about it.
fn admitted_mtu(info: &PortInfo, asked: u16) -> u16 {
    let most = info
        .max_frame
        .saturating_sub(u32::from(info.frame_overhead));
    u16::try_from(most).map_or(asked, |most| asked.min(most.max(info.min_mtu)))
}

fn read_mtu(device: &Device, asked: u16, shortfalls: &mut Vec<Shortfall>) -> Option<u16> {
    let mut actual = 0;
    // SAFETY: the device is ours; the number is written on success.
    let returned = unsafe { dpdk_sys::rte_eth_dev_get_mtu(device.id(), &mut actual) };
    if returned != 0 {
        return None;
    }
    if actual != asked {
        shortfalls.push(Shortfall::Mtu { asked, actual });
    }
    Some(actual)
}

const DEFAULTS: *const dpdk_sys::rte_eth_rxconf = ptr::null();
