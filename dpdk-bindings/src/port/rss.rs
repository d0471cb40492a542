//! Receive side scaling: which packets go to which receive queue.
//!
//! The hash must cover addresses only: a fragment has no ports, and all fragments of a datagram, as
//! all packets of a tunnel, must meet the same worker.

use std::fmt;
use std::ptr;

use super::device::Device;
use super::info::PortInfo;
use super::shortfall::Shortfall;

/// How packets shall be spread.
#[derive(Clone, Debug)]
pub struct RssSetup {
    /// Kinds of packets to hash.
    pub types: RssTypes,
    /// The key of the hash.
    pub key: RssKey,
}

/// The secret, or not so secret, of the hash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RssKey {
    /// The device's default.
    Device,
    /// One that gives both directions of a conversation the same hash (16 repeated bits).
    Symmetric,
    /// These bytes, repeated or cut to the device's length.
    Given(Vec<u8>),
}

/// How packets are spread, read back from the device.
#[derive(Clone, Debug)]
pub struct AcceptedRss {
    /// Kinds of packets that are hashed.
    pub types: RssTypes,
    /// The key in use; empty when the device does not tell.
    pub key: Vec<u8>,
    /// The queue of each hash, modulo the length; empty when the device does not tell.
    pub table: Vec<u16>,
}

/// Kinds of packets that a hash covers (`RTE_ETH_RSS_…`).
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct RssTypes(u64);

impl RssTypes {
    /// No packets.
    pub const NONE: Self = Self(0);
    /// IPv4 by its addresses: whole packets, fragments, and those of other protocols.
    pub const IPV4_ADDRESSES: Self = Self(
        dpdk_sys::DPDK_RSS_IPV4 | dpdk_sys::DPDK_RSS_IPV4_FRAGMENT | dpdk_sys::DPDK_RSS_IPV4_OTHER,
    );
    /// IPv6 by its addresses: whole packets, fragments, and those of other protocols.
    pub const IPV6_ADDRESSES: Self = Self(
        dpdk_sys::DPDK_RSS_IPV6 | dpdk_sys::DPDK_RSS_IPV6_FRAGMENT | dpdk_sys::DPDK_RSS_IPV6_OTHER,
    );
    /// Both.
    pub const ADDRESSES: Self = Self(Self::IPV4_ADDRESSES.0 | Self::IPV6_ADDRESSES.0);

    const PORTS: Self = Self(
        dpdk_sys::DPDK_RSS_IPV4_TCP
            | dpdk_sys::DPDK_RSS_IPV4_UDP
            | dpdk_sys::DPDK_RSS_IPV6_TCP
            | dpdk_sys::DPDK_RSS_IPV6_UDP,
    );

    /// DPDK's bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether no kind is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Display for RssTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0;
        let mut separator = "";
        for (bit, name) in NAMES {
            if left & bit != 0 {
                write!(f, "{separator}{name}")?;
                separator = ", ";
                left &= !bit;
            }
        }
        match left {
            0 if self.0 == 0 => f.write_str("nothing"),
            0 => Ok(()),
            _ => write!(f, "{separator}{left:#x}"),
        }
    }
}

impl fmt::Debug for RssTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RssTypes({self})")
    }
}

/// What to ask the device for: the setup cut to its capabilities.
pub(super) struct Request {
    pub(super) types: RssTypes,
    pub(super) key: Option<Vec<u8>>,
}

impl Request {
    /// `None` when packets need not or cannot be spread; the latter is a shortfall.
    pub(super) fn new(
        setup: Option<&RssSetup>,
        queues: u16,
        info: &PortInfo,
        shortfalls: &mut Vec<Shortfall>,
    ) -> Option<Self> {
        let setup = setup.filter(|_| queues > 1)?;
        if KERNEL_SPREADS.contains(&info.driver.as_str()) {
            shortfalls.push(Shortfall::KernelSpreads);
            return None;
        }
        let types = setup.types.and(info.rss_types);
        if types.is_empty() {
            shortfalls.push(Shortfall::NoRss { queues });
            return None;
        }
        Some(Self {
            types,
            key: setup.key.bytes(info.rss_key_length),
        })
    }

    fn is_met_by(&self, types: RssTypes, key: &[u8]) -> bool {
        types == self.types && self.key.as_ref().is_none_or(|wanted| wanted == key)
    }
}

impl RssKey {
    fn bytes(&self, length: u8) -> Option<Vec<u8>> {
        let length = if length == 0 { USUAL_KEY } else { length };
        let pattern: &[u8] = match self {
            Self::Device => return None,
            Self::Symmetric => &SYMMETRIC,
            Self::Given(bytes) if bytes.is_empty() => return None,
            Self::Given(bytes) => bytes,
        };
        Some(
            pattern
                .iter()
                .copied()
                .cycle()
                .take(usize::from(length))
                .collect(),
        )
    }
}

/// Spreads the hashes evenly over the queues of a started device and reads back what it does.
pub(super) fn settle(
    device: &Device,
    request: &Request,
    setup: &RssSetup,
    queues: u16,
    info: &PortInfo,
    shortfalls: &mut Vec<Shortfall>,
) -> AcceptedRss {
    let wanted: Vec<u16> = (0..info.reta_size).map(|entry| entry % queues).collect();
    write_table(device, &wanted);
    let table = read_table(device, info.reta_size);
    if table.is_empty() || table != wanted {
        shortfalls.push(Shortfall::RssTable);
    }
    let (mut types, mut key) = read_hash(device, info, request.types);
    if !request.is_met_by(types, &key) {
        // Some drivers leave the hash of the configuration aside and take it only now.
        write_hash(device, request);
        (types, key) = read_hash(device, info, request.types);
    }
    let missing = setup.types.without(types);
    if !missing.is_empty() {
        shortfalls.push(Shortfall::NoRssOn(missing));
    }
    let on_ports = types.and(RssTypes::PORTS).without(setup.types);
    if !on_ports.is_empty() {
        shortfalls.push(Shortfall::RssOnPorts(on_ports));
    }
    if request.key.as_ref().is_some_and(|wanted| *wanted != key) {
        shortfalls.push(Shortfall::RssKey);
    }
    AcceptedRss { types, key, table }
}

/// A refusal shows when the table is read back.
fn write_table(device: &Device, table: &[u16]) {
    let mut groups = groups(table.len());
    for (group, queues) in groups.iter_mut().zip(table.chunks(GROUP)) {
        group.reta[..queues.len()].copy_from_slice(queues);
    }
    if !groups.is_empty() {
        // SAFETY: the device is ours; the groups cover as many entries as said.
        unsafe {
            dpdk_sys::rte_eth_dev_rss_reta_update(
                device.id(),
                groups.as_mut_ptr(),
                table.len() as u16,
            )
        };
    }
}

fn read_table(device: &Device, size: u16) -> Vec<u16> {
    let mut groups = groups(usize::from(size));
    if groups.is_empty() {
        return Vec::new();
    }
    // SAFETY: the device is ours; the groups cover as many entries as said.
    let returned =
        unsafe { dpdk_sys::rte_eth_dev_rss_reta_query(device.id(), groups.as_mut_ptr(), size) };
    if returned != 0 {
        return Vec::new();
    }
    let entries = groups.iter().flat_map(|group| group.reta);
    entries.take(usize::from(size)).collect()
}

/// Groups of 64 entries with every entry that exists marked.
fn groups(entries: usize) -> Vec<dpdk_sys::rte_eth_rss_reta_entry64> {
    (0..entries.div_ceil(GROUP))
        .map(|group| {
            let count = GROUP.min(entries - group * GROUP);
            dpdk_sys::rte_eth_rss_reta_entry64 {
                mask: u64::MAX >> (GROUP - count),
                ..Default::default()
            }
        })
        .collect()
}

/// A refusal shows when the hash is read back.
fn write_hash(device: &Device, request: &Request) {
    let mut key = request.key.clone().unwrap_or_default();
    let mut hash = dpdk_sys::rte_eth_rss_conf {
        rss_key: if key.is_empty() {
            ptr::null_mut()
        } else {
            key.as_mut_ptr()
        },
        rss_key_len: key.len() as u8,
        rss_hf: request.types.bits(),
    };
    // SAFETY: the device is ours; the key, if any, is as long as said and is copied.
    unsafe { dpdk_sys::rte_eth_dev_rss_hash_update(device.id(), &mut hash) };
}

/// Hash types and key in use; what was asked for, and no key, from a device that does not tell.
fn read_hash(device: &Device, info: &PortInfo, asked: RssTypes) -> (RssTypes, Vec<u8>) {
    let length = if info.rss_key_length == 0 {
        USUAL_KEY
    } else {
        info.rss_key_length
    };
    let mut key = vec![0; usize::from(length)];
    let mut hash = dpdk_sys::rte_eth_rss_conf {
        rss_key: key.as_mut_ptr(),
        rss_key_len: length,
        rss_hf: 0,
    };
    // SAFETY: the device is ours; the key has place for the length said.
    let returned = unsafe { dpdk_sys::rte_eth_dev_rss_hash_conf_get(device.id(), &mut hash) };
    if returned == 0 {
        (RssTypes(hash.rss_hf), key)
    } else {
        (asked, Vec::new())
    }
}

/// Drivers that note the hash they are asked for and leave queues to the kernel. net_tap does so unless a flow
/// rule with RSS is made: the kernel's own hash of a flow then chooses the queue.
const KERNEL_SPREADS: [&str; 1] = ["net_tap"];
const GROUP: usize = dpdk_sys::RTE_ETH_RETA_GROUP_SIZE as usize;
/// The Toeplitz key of most devices, in bytes: enough for two IPv6 addresses and ports.
const USUAL_KEY: u8 = 40;
/// Woo and Park, "Scalable TCP Session Monitoring with Symmetric Receive-side Scaling" (2012).
const SYMMETRIC: [u8; 2] = [0x6d, 0x5a];

const NAMES: [(u64, &str); 10] = [
    (dpdk_sys::DPDK_RSS_IPV4, "IPv4"),
    (dpdk_sys::DPDK_RSS_IPV4_FRAGMENT, "IPv4 fragments"),
    (dpdk_sys::DPDK_RSS_IPV4_OTHER, "other protocols over IPv4"),
    (dpdk_sys::DPDK_RSS_IPV6, "IPv6"),
    (dpdk_sys::DPDK_RSS_IPV6_FRAGMENT, "IPv6 fragments"),
    (dpdk_sys::DPDK_RSS_IPV6_OTHER, "other protocols over IPv6"),
    (dpdk_sys::DPDK_RSS_IPV4_TCP, "TCP over IPv4"),
    (dpdk_sys::DPDK_RSS_IPV4_UDP, "UDP over IPv4"),
    (dpdk_sys::DPDK_RSS_IPV6_TCP, "TCP over IPv6"),
    (dpdk_sys::DPDK_RSS_IPV6_UDP, "UDP over IPv6"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_for_people() {
        assert_eq!(
            RssTypes::IPV4_ADDRESSES.to_string(),
            "IPv4, IPv4 fragments, other protocols over IPv4"
        );
        assert_eq!(RssTypes::NONE.to_string(), "nothing");
        assert_eq!(
            RssTypes(1 << 2 | 1 << 60).to_string(),
            "IPv4, 0x1000000000000000"
        );
    }

    #[test]
    fn keys_have_the_devices_length() {
        assert_eq!(RssKey::Device.bytes(40), None);
        assert_eq!(RssKey::Given(vec![]).bytes(40), None);
        assert_eq!(RssKey::Symmetric.bytes(3), Some(vec![0x6d, 0x5a, 0x6d]));
        assert_eq!(RssKey::Given(vec![7; 90]).bytes(52), Some(vec![7; 52]));
        assert_eq!(RssKey::Given(vec![7]).bytes(0), Some(vec![7; 40]));
    }

    #[test]
    fn only_entries_that_exist_are_marked() {
        let masks = |entries| {
            groups(entries)
                .iter()
                .map(|group| group.mask)
                .collect::<Vec<_>>()
        };
        assert_eq!(masks(0), []);
        assert_eq!(masks(1), [1]);
        assert_eq!(masks(64), [u64::MAX]);
        assert_eq!(masks(130), [u64::MAX, u64::MAX, 0b11]);
    }
}
