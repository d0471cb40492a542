//! Bringing the ports up: devices, buffers, queues, filters; each worker gets a queue pair of every
//! port.

use std::collections::HashMap;

use dpdk::eal::Eal;
use dpdk::mac::Mac as PortMac;
use dpdk::mbuf;
use dpdk::mempool::Mempool;
use dpdk::mempool::MempoolSetup;
use dpdk::port::Accepted;
use dpdk::port::Configured;
use dpdk::port::MulticastFilter;
use dpdk::port::Offload;
use dpdk::port::Offloads;
use dpdk::port::Port;
use dpdk::port::PortSetup;
use dpdk::port::RssKey;
use dpdk::port::RssSetup;
use dpdk::port::RssTypes;
use dpdk::port::StartedPort;
use dpdk::port::UnicastFilter;
use dpdk::queue::RxQueue;
use dpdk::queue::TxQueue;
use lwaftr_dataplane::dpdk_ports::QueuePair;
use lwaftr_dataplane::wire::ethernet::Mac;
use tracing::info;
use tracing::warn;

use crate::config::Buffers;
use crate::config::Config;
use crate::config::Device;
use crate::config::Idle;
use crate::config::Wiring;
use crate::forwarding::PortFacts;
use crate::run::RunError;

/// A started port as the control thread holds it.
#[derive(Debug)]
pub(super) struct OpenPort {
    /// What it faces: `internet`, `access`, or `stick` when both.
    pub name: &'static str,
    /// The device's handle.
    pub port: StartedPort,
    /// The driver's name.
    pub driver: String,
    /// What the device made of the setup.
    pub accepted: Accepted,
    /// The address it answers to.
    pub mac: Mac,
}

impl OpenPort {
    /// The kernel interface that the device is built on, as its arguments name it.
    pub(super) fn kernel_interface(&self) -> Option<&str> {
        self.port
            .device()
            .split(',')
            .find_map(|argument| argument.strip_prefix("iface="))
    }
}

/// All ports, and the queues for the workers.
#[derive(Debug)]
pub(super) struct OpenPorts {
    /// The ports: Internet side and access side, or the stick.
    pub ports: Vec<OpenPort>,
    /// For each worker its pairs, in the order of the ports.
    pub queues: Vec<Vec<QueuePair>>,
    /// What the Internet side's port knows.
    pub internet: PortFacts,
    /// What the access side's port knows.
    pub access: PortFacts,
    /// Where packet buffers come from.
    pub pools: Vec<Mempool>,
}

impl OpenPorts {
    /// Opens, configures and starts every port that `config` names.
    ///
    /// # Errors
    /// When a device cannot be opened or cannot work as asked; what it does less well is logged.
    pub(super) fn open(eal: &Eal, config: &Config) -> Result<Self, RunError> {
        let mut opener = Opener {
            eal,
            config,
            pools: HashMap::new(),
        };
        let (internet, access) = (config.internet.link.mac, config.access.link.mac);
        let (internet_mtu, access_mtu) =
            (config.internet.link.mtu_bytes, config.access.link.mtu_bytes);
        let mut opened = match &config.wiring {
            Wiring::TwoPorts {
                internet: one,
                access: other,
            } => vec![
                opener.open("internet", one, &[internet], internet_mtu)?,
                opener.open("access", other, &[access], access_mtu)?,
            ],
            Wiring::OnAStick(device) => {
                let mtu = internet_mtu.max(access_mtu);
                vec![opener.open("stick", device, &[internet, access], mtu)?]
            }
            Wiring::Files => return Err(RunError::NoDevices),
        };
        let queues = deal_queues(&mut opened, config.dataplane.workers.len());
        let ports: Vec<_> = opened.into_iter().map(|one| one.port).collect();
        let facts = |mac: Option<Mac>, port: &OpenPort| PortFacts {
            mac: mac.unwrap_or(port.mac),
            vlan_by_device: port.accepted.offloads.contains(Offload::VlanInsert),
        };
        let access_port = ports.last().ok_or(RunError::NoDevices)?;
        let (internet, access) = (facts(internet, &ports[0]), facts(access, access_port));
        listen_to_neighbour_discovery(access_port, config)?;
        let pools = opener.pools.into_values().collect();
        Ok(Self {
            ports,
            queues,
            internet,
            access,
            pools,
        })
    }
}

/// A port with queues that no worker has yet.
struct Undealt {
    port: OpenPort,
    receive: Vec<RxQueue>,
    transmit: Vec<TxQueue>,
}

struct Opener<'c> {
    eal: &'c Eal,
    config: &'c Config,
    /// A pool for each NUMA socket that has a port.
    pools: HashMap<Option<u32>, Mempool>,
}

impl Opener<'_> {
    fn open(
        &mut self,
        name: &'static str,
        device: &Device,
        macs: &[Option<Mac>],
        mtu: u16,
    ) -> Result<Undealt, RunError> {
        let port = Port::open(self.eal, device.as_str())?;
        let info = port.info().clone();
        let setup = self.setup(info.socket, info.offloads, mtu, has_vlan(self.config))?;
        let Configured {
            port,
            rx,
            tx,
            accepted,
        } = port.configure(&setup)?;
        for shortfall in &accepted.shortfalls {
            warn!(port = name, device = %device, "{shortfall}");
        }
        let mac = take_addresses(name, &port, macs)?;
        info!(port = name, device = %device, driver = info.driver, %mac, queues = rx.len(), "port is up");
        let port = OpenPort {
            name,
            port,
            driver: info.driver,
            accepted,
            mac,
        };
        Ok(Undealt {
            port,
            receive: rx,
            transmit: tx,
        })
    }

    fn setup(
        &mut self,
        socket: Option<u32>,
        offered: Offloads,
        mtu: u16,
        vlan: bool,
    ) -> Result<PortSetup, RunError> {
        let dataplane = &self.config.dataplane;
        let workers = dataplane.workers.len();
        let pool = self.pool(socket)?;
        let mut setup = PortSetup::new(vec![pool; workers]);
        setup.rx_descriptors = dataplane.rx_descriptors;
        setup.tx_descriptors = dataplane.tx_descriptors;
        setup.mtu = mtu;
        setup.rx_interrupts = dataplane.idle == Idle::Interrupt;
        // Addresses only: a fragment has no ports, and must meet the worker of its datagram.
        setup.rss = (workers > 1).then_some(RssSetup {
            types: RssTypes::ADDRESSES,
            key: RssKey::Device,
        });
        let mut wanted = Offload::RxChecksum | Offload::Scatter | Offload::MultiSegment;
        if vlan {
            wanted = wanted | Offload::VlanStrip | Offload::VlanInsert;
        }
        setup.offloads = wanted.intersection(offered);
        Ok(setup)
    }

    fn pool(&mut self, socket: Option<u32>) -> Result<Mempool, RunError> {
        if let Some(pool) = self.pools.get(&socket) {
            return Ok(pool.clone());
        }
        let setup = MempoolSetup {
            mbufs: self.config.buffers().mbufs,
            cache: Buffers::CACHE,
            data_room: Buffers::DATA_ROOM as u16 + mbuf::HEADROOM as u16,
            socket,
        };
        let name = format!("packets{}", self.pools.len());
        let pool = Mempool::new(self.eal, &name, setup)?;
        self.pools.insert(socket, pool.clone());
        Ok(pool)
    }
}

fn has_vlan(config: &Config) -> bool {
    config
        .internet
        .link
        .vlan
        .or(config.access.link.vlan)
        .is_some()
}

/// Makes the device receive what is sent to our addresses; returns the one it answers to.
fn take_addresses(
    name: &'static str,
    port: &StartedPort,
    macs: &[Option<Mac>],
) -> Result<Mac, RunError> {
    let own = port.mac()?;
    let mut answers_to = Mac(own.0);
    let mut wanted: Vec<Mac> = macs.iter().flatten().copied().collect();
    wanted.dedup();
    for (index, mac) in wanted.iter().enumerate() {
        if *mac == answers_to {
            continue;
        }
        // A device has one address of its own; for a second one it must receive everything.
        let promiscuous = if index > 0 {
            port.set_promiscuous(true)?;
            true
        } else {
            answers_to = *mac;
            port.set_mac(PortMac(mac.0))? == UnicastFilter::Promiscuous
        };
        if promiscuous {
            warn!(port = name, %mac, "the device receives all frames, to get those for this address");
        }
    }
    Ok(answers_to)
}

/// Joins the groups that neighbours ask for our access address in (RFC 4861 s7.2.1).
fn listen_to_neighbour_discovery(port: &OpenPort, config: &Config) -> Result<(), RunError> {
    let [.., a, b, c] = config.access.link.address.address().octets();
    let solicited_node = PortMac([0x33, 0x33, 0xff, a, b, c]);
    let all_nodes = PortMac([0x33, 0x33, 0, 0, 0, 1]);
    match port.port.set_multicast(&[solicited_node, all_nodes]) {
        Ok(MulticastFilter::List) => {}
        Ok(filter) => info!(port = port.name, "multicast filter: {filter:?}"),
        // Static next hops work without it, so a device that cannot is no reason to stop.
        Err(error) => warn!(port = port.name, "no neighbour discovery: {error}"),
    }
    Ok(())
}

/// Gives each worker one queue pair of every port.
fn deal_queues(ports: &mut [Undealt], workers: usize) -> Vec<Vec<QueuePair>> {
    let mut dealt: Vec<Vec<QueuePair>> = (0..workers).map(|_| Vec::new()).collect();
    for port in ports {
        let pairs = port.receive.drain(..).zip(port.transmit.drain(..));
        for (worker, (receive, transmit)) in dealt.iter_mut().zip(pairs) {
            worker.push(QueuePair { receive, transmit });
        }
    }
    dealt
}
