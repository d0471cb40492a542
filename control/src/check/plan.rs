//! What the daemon would use for a configuration.

use std::collections::BTreeMap;

use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSplit;
use lwaftr_dataplane::table::Publisher;
use serde::Serialize;

use super::Machine;
use super::pools;
use super::pools::PoolPlan;
use super::store::StorePlan;
use crate::config::Config;
use crate::config::Device;
use crate::config::IpAddress;
use crate::config::Link;
use crate::config::Memory;
use crate::config::Wiring;
use crate::softwires::Softwires;
use crate::softwires::br_addresses;

/// What the daemon would use. The names of its JSON are those of the fields.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The configuration.
    pub config: String,
    /// The two sides.
    pub ports: Vec<PortPlan>,
    /// Cores with a poll loop.
    pub workers: Vec<u32>,
    /// The core of everything else.
    pub control_core: u32,
    /// What DPDK's environment is started with.
    pub eal_arguments: Vec<String>,
    /// What memory is for.
    pub memory: MemoryPlan,
    /// Number of softwires.
    pub softwires: usize,
    /// The BR addresses.
    pub br: Vec<String>,
    /// How addresses are split.
    pub port_sets: Vec<PortSetPlan>,
    /// Where PCP takes port sets from.
    pub pools: Vec<PoolPlan>,
    /// Subscribers that the pools serve when each has as many sets as it may.
    pub pool_subscribers: usize,
    /// The folder of the lease store, if there is a PCP server.
    pub lease_store: Option<String>,
    /// What is in that store, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<StorePlan>,
    /// Files of bindings.
    pub binding_files: Vec<FilePlan>,
    /// The socket for `show` and `softwire`.
    pub socket: String,
    /// What is allowed but most likely not wanted.
    pub warnings: Vec<String>,
}

/// A side.
#[derive(Clone, Debug, Serialize)]
pub struct PortPlan {
    /// `internet` or `access`.
    pub side: &'static str,
    /// The device.
    pub device: String,
    /// Our Ethernet address; absent: the device's own.
    pub mac: Option<String>,
    /// Our IP address.
    pub address: String,
    /// The next hop's IP address.
    pub next_hop: Option<String>,
    /// The next hop's Ethernet address; absent: it is found out.
    pub next_hop_mac: Option<String>,
    /// Largest IP packet, in octets.
    pub mtu: u16,
    /// The 802.1Q tag.
    pub vlan: Option<u16>,
}

/// Memory; buffers in numbers, everything else in octets.
#[derive(Clone, Debug, Serialize)]
pub struct MemoryPlan {
    /// Whether huge pages are used.
    pub huge: bool,
    /// Packet buffers of the pool on each NUMA socket with a port.
    pub buffers: u32,
    /// Of these, in descriptors.
    pub descriptor_buffers: u32,
    /// In caches.
    pub cache_buffers: u32,
    /// In bursts and rings.
    pub burst_buffers: u32,
    /// For incomplete packets, at most.
    pub reassembly_buffers: u32,
    /// The pool.
    pub pool_bytes: u64,
    /// The binding table.
    pub table_bytes: u64,
    /// Pool and table.
    pub total_bytes: u64,
}

/// All addresses that are split in one way.
#[derive(Clone, Debug, Serialize)]
pub struct PortSetPlan {
    /// PSID offset.
    pub psid_offset: u8,
    /// PSID length; 0 is the whole address.
    pub psid_length: u8,
    /// Ports that a subscriber has.
    pub ports_each: u32,
    /// IPv4 addresses split so.
    pub addresses: u64,
    /// Softwires on them.
    pub softwires: u64,
}

/// A file of bindings.
#[derive(Clone, Debug, Serialize)]
pub struct FilePlan {
    /// Its path.
    pub file: String,
    /// Bindings in it.
    pub bindings: usize,
}

impl Plan {
    /// The plan for `config`, whose bindings are `softwires`, on `machine`.
    #[must_use]
    pub fn new(config: &Config, softwires: Softwires, machine: &Machine) -> Self {
        let br = br_addresses(&softwires.br)
            .iter()
            .map(ToString::to_string)
            .collect();
        let files = softwires.files.iter();
        let binding_files = files
            .map(|(file, bindings)| FilePlan {
                file: file.display().to_string(),
                bindings: *bindings,
            })
            .collect();
        let publisher = Publisher::new(softwires.builder);
        let pools = pools::plan(config, &publisher);
        Self {
            config: config.file.display().to_string(),
            ports: ports(config),
            workers: config.dataplane.workers.clone(),
            control_core: config.dataplane.control_core,
            eal_arguments: config.eal_arguments(),
            memory: memory(config, &publisher),
            softwires: publisher.len(),
            br,
            port_sets: port_sets(&publisher),
            pool_subscribers: pools::subscribers(config, &pools),
            pools,
            lease_store: config
                .pcp
                .as_ref()
                .map(|_| config.leases.path.display().to_string()),
            store: None,
            binding_files,
            socket: config.socket.display().to_string(),
            warnings: warnings(config, machine),
        }
    }
}

fn ports(config: &Config) -> Vec<PortPlan> {
    let (internet, access) = match &config.wiring {
        Wiring::TwoPorts { internet, access } => (Some(internet), Some(access)),
        Wiring::OnAStick(device) => (Some(device), Some(device)),
        Wiring::Files => (None, None),
    };
    vec![
        port("internet", internet, &config.internet.link),
        port("access", access, &config.access.link),
    ]
}

fn port<A: IpAddress>(side: &'static str, device: Option<&Device>, link: &Link<A>) -> PortPlan {
    PortPlan {
        side,
        device: device.map_or_else(|| "files".to_owned(), ToString::to_string),
        mac: link.mac.map(|mac| mac.to_string()),
        address: link.address.to_string(),
        next_hop: link.next_hop.map(|address| address.to_string()),
        next_hop_mac: link.next_hop_mac.map(|mac| mac.to_string()),
        mtu: link.mtu_bytes,
        vlan: link.vlan,
    }
}

fn memory(config: &Config, publisher: &Publisher) -> MemoryPlan {
    let buffers = config.buffers();
    let (pool_bytes, table_bytes) = (buffers.bytes(), publisher.memory().touched_bytes);
    MemoryPlan {
        huge: config.dataplane.memory == Memory::Huge,
        buffers: buffers.mbufs,
        descriptor_buffers: buffers.descriptors,
        cache_buffers: buffers.caches,
        burst_buffers: buffers.bursts,
        reassembly_buffers: buffers.reassembly_share,
        pool_bytes,
        table_bytes,
        total_bytes: pool_bytes + table_bytes,
    }
}

/// Counts addresses by the changes of address in the table, which is in their order.
fn port_sets(publisher: &Publisher) -> Vec<PortSetPlan> {
    let mut splits: BTreeMap<PortSplit, PortSetPlan> = BTreeMap::new();
    let mut last = None;
    for row in publisher.iter() {
        let ports = row.binding.ports();
        let plan = splits.entry(ports.split()).or_insert_with(|| PortSetPlan {
            psid_offset: ports.split().offset(),
            psid_length: ports.split().length(),
            ports_each: ports_in(ports),
            addresses: 0,
            softwires: 0,
        });
        plan.softwires += 1;
        if last.replace(row.binding.ipv4()) != Some(row.binding.ipv4()) {
            plan.addresses += 1;
        }
    }
    splits.into_values().collect()
}

fn ports_in(ports: PortSet) -> u32 {
    ports
        .ranges()
        .map(|range| u32::from(*range.end()) - u32::from(*range.start()) + 1)
        .sum()
}

fn warnings(config: &Config, machine: &Machine) -> Vec<String> {
    let mut warnings = Vec::new();
    let dataplane = &config.dataplane;
    let control = dataplane.control_core;
    if dataplane.workers.contains(&control) {
        warnings.push(format!(
            "dataplane.control_core: core {control} is also a worker, whose packets will wait for control"
        ));
    }
    for core in dataplane.workers.iter().chain([&control]) {
        if !machine.cores.is_empty() && !machine.cores.contains(core) {
            warnings.push(format!(
                "dataplane: core {core} is not one of this machine's"
            ));
        }
    }
    for device in config.wiring.devices() {
        if device.is_pci() && !machine.has_pci(device.name()) {
            warnings.push(format!("device {device} is not in this machine"));
        }
    }
    warnings.extend(pools::warnings(config));
    warnings.extend(memory_warning(config, machine));
    warnings.extend(mtu_warning(config));
    warnings
}

fn memory_warning(config: &Config, machine: &Machine) -> Option<String> {
    if config.dataplane.memory == Memory::NoHuge {
        return Some("dataplane.memory: \"no-huge\" is for trying out: it costs nearly two thirds of the speed".to_owned());
    }
    let (needed, free) = (config.buffers().bytes(), machine.free_huge_bytes?);
    (free < needed).then(|| {
        let (needed, free) = (needed.div_ceil(MIB), free / MIB);
        format!("dataplane.memory: the pool needs {needed} MiB of huge pages, {free} MiB are free")
    })
}

/// FR-003: raise the access MTU, so that nothing need be fragmented.
fn mtu_warning(config: &Config) -> Option<String> {
    let (internet, access) = (config.internet.link.mtu_bytes, config.access.link.mtu_bytes);
    let tunnel = access - TUNNEL_HEADER;
    (tunnel < internet).then(|| {
        format!(
            "access.mtu: {access} carries IPv4 packets of at most {tunnel} octets through the tunnel, \
             internet.mtu is {internet}; larger ones are fragmented or refused, which costs speed"
        )
    })
}

const MIB: u64 = 1 << 20;
/// The IPv6 header around each packet.
const TUNNEL_HEADER: u16 = 40;

#[cfg(test)]
mod tests;
