//! `[internet]` and `[access]`: the two sides, their link and their ICMP and fragment policy.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::wire::ethernet::Mac;
use settings::Fault;
use settings::Section;
use settings::unexpected;
use settings::value;
use toml::de::DeValue;

use super::device::Device;
use super::impossible::Impossible;
use super::interface::InterfaceAddress;
use super::interface::IpAddress;

/// The side towards the IPv4 Internet.
#[derive(Clone, Debug)]
pub struct Internet {
    /// The port's device, as the section names it; [`super::Wiring`] is what counts.
    pub(super) device: Option<Device>,
    /// Its link.
    pub link: Link<Ipv4Addr>,
    /// What it does with ICMPv4 (RFC 7596 s8.1).
    pub icmp: Icmp,
    /// Virtual reassembly of IPv4 fragments (FR-011 to FR-013).
    pub fragment_cache: FragmentCache,
}

/// The side towards the lwB4s.
#[derive(Clone, Debug)]
pub struct Access {
    /// The port's device, as the section names it; [`super::Wiring`] is what counts.
    pub(super) device: Option<Device>,
    /// Its link.
    pub link: Link<Ipv6Addr>,
    /// What it does with ICMPv6 about the tunnel (RFC 7596 s8).
    pub icmp: Icmp,
    /// Reassembly of IPv6 fragments (FR-008).
    pub reassembly: Reassembly,
}

/// How a side is attached.
#[derive(Clone, Debug)]
pub struct Link<A> {
    /// Our Ethernet address; the device's own when absent.
    pub mac: Option<Mac>,
    /// Our IP address.
    pub address: InterfaceAddress<A>,
    /// The neighbour that everything is sent to, when named.
    pub next_hop: Option<A>,
    /// Its Ethernet address; found out when absent.
    pub next_hop_mac: Option<Mac>,
    /// Largest IP packet in octets, without Ethernet and VLAN.
    pub mtu_bytes: u16,
    /// The 802.1Q tag, 1 to 4094, expected in and put on.
    pub vlan: Option<u16>,
}

/// ICMP policy of a side; errors are limited by token buckets (IC-012).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Icmp {
    /// Whether ICMP from this side is let in.
    pub allow_incoming: bool,
    /// Whether errors are sent to this side.
    pub generate_errors: bool,
    /// The box's budget of errors a second, split over its workers.
    pub errors_per_second: u32,
    /// Errors that may be sent at once after a silence.
    pub error_burst: u32,
    /// Errors a second towards one peer.
    pub errors_per_source: u32,
}

/// Bounds of the IPv4 fragment cache.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FragmentCache {
    /// Packets that may be under way at once.
    pub max_packets: u32,
    /// Seconds after which a packet is forgotten.
    pub timeout_s: u32,
}

/// Bounds of IPv6 reassembly.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reassembly {
    /// Packets that may be incomplete at once.
    pub max_packets: u32,
    /// Fragments a packet may have.
    pub max_fragments: u32,
    /// Seconds after which an incomplete packet is dropped.
    pub timeout_s: u32,
}

impl Internet {
    pub(super) fn read(mut section: Section<'_>, devices: Devices) -> Option<Self> {
        let device = device(&mut section, devices, None);
        let link = link(
            &mut section,
            "ipv4",
            "our address, like \"192.0.2.2/24\"",
            MIN_IPV4_MTU,
        );
        let icmp = icmp(&mut section);
        let fragment_cache = fragment_cache(section.section("fragment_cache"));
        section.finish();
        Some(Self {
            device: device?,
            link: link?,
            icmp: icmp?,
            fragment_cache: fragment_cache?,
        })
    }
}

impl Access {
    /// Reads the section; `internet` is the other side's device.
    pub(super) fn read(
        mut section: Section<'_>,
        devices: Devices,
        internet: Option<&Device>,
    ) -> Option<Self> {
        let device = device(&mut section, devices, internet);
        let link = link(
            &mut section,
            "ipv6",
            "our address, like \"2001:db8::2/64\"",
            MIN_IPV6_MTU,
        );
        let icmp = icmp(&mut section);
        let reassembly = reassembly(section.section("reassembly"));
        section.finish();
        Some(Self {
            device: device?,
            link: link?,
            icmp: icmp?,
            reassembly: reassembly?,
        })
    }
}

/// Whether the sections must name devices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Devices {
    Required,
    Optional,
}

fn device(
    section: &mut Section<'_>,
    devices: Devices,
    other: Option<&Device>,
) -> Option<Option<Device>> {
    let expected = "a PCI address like \"0000:3b:00.0\" or a virtual device like \"net_af_packet0,iface=eth0\"";
    let device: Option<Device> = section.optional("device", value::parsed(expected))?;
    match (&device, other) {
        (None, _) if devices == Devices::Required => {
            section.fault("device", Fault::Missing { expected });
            None
        }
        (Some(device), Some(other)) if device.name() == other.name() && device != other => {
            let (found, other) = (device.to_string(), other.to_string());
            section.fault("device", Impossible::DeviceClash { found, other });
            None
        }
        _ => Some(device),
    }
}

fn link<A: IpAddress>(
    section: &mut Section<'_>,
    key: &'static str,
    expected: &'static str,
    min_mtu: u16,
) -> Option<Link<A>> {
    let mac = section.optional("mac", unicast_mac);
    let address = section.required(key, expected, value::parsed(expected));
    let next_hop_mac = section.optional("next_hop_mac", unicast_mac);
    let next_hop = next_hop(section, address, next_hop_mac);
    let mtu = section.or("mtu", DEFAULT_MTU, value::number(min_mtu..=MAX_MTU));
    let vlan = section.optional("vlan", value::number(1..=MAX_VLAN));
    let (next_hop, next_hop_mac) = next_hop?;
    Some(Link {
        mac: mac?,
        address: address?,
        next_hop,
        next_hop_mac,
        mtu_bytes: mtu?,
        vlan: vlan?,
    })
}

/// The next hop by its address, its Ethernet address, or both.
fn next_hop<A: IpAddress>(
    section: &mut Section<'_>,
    ours: Option<InterfaceAddress<A>>,
    mac: Option<Option<Mac>>,
) -> Option<(Option<A>, Option<Mac>)> {
    let next_hop = section.optional(
        "next_hop",
        value::parsed("an address of this side's family"),
    )?;
    if let (Some(next_hop), Some(ours)) = (next_hop, ours) {
        next_hop_fits(section, next_hop, ours)?;
    }
    match (next_hop, mac?) {
        (None, None) => {
            section.fault(
                "next_hop",
                Fault::Missing {
                    expected: "the next hop's address, or next_hop_mac",
                },
            );
            None
        }
        (next_hop, mac) => Some((next_hop, mac)),
    }
}

fn next_hop_fits<A: IpAddress>(
    section: &Section<'_>,
    next_hop: A,
    ours: InterfaceAddress<A>,
) -> Option<()> {
    if next_hop == ours.address() {
        section.fault("next_hop", Impossible::NextHopIsOurs(next_hop.into()));
        return None;
    }
    if !ours.reaches(next_hop) {
        let (next_hop, network) = (next_hop.into(), ours.to_string());
        section.fault("next_hop", Impossible::NextHopOutside { next_hop, network });
        return None;
    }
    Some(())
}

fn icmp(section: &mut Section<'_>) -> Option<Icmp> {
    let allow_incoming = section.or("allow_incoming_icmp", true, value::truth);
    let generate_errors = section.or("generate_icmp_errors", true, value::truth);
    let per_second = section.or("icmp_errors_per_second", 1000, value::number(1..=MAX_RATE));
    let burst = section.or("icmp_error_burst", 100, value::number(1..=MAX_RATE));
    let per_source = section.or("icmp_errors_per_source", 10, value::number(1..=MAX_RATE));
    Some(Icmp {
        allow_incoming: allow_incoming?,
        generate_errors: generate_errors?,
        errors_per_second: per_second?,
        error_burst: burst?,
        errors_per_source: per_source?,
    })
}

fn fragment_cache(mut section: Section<'_>) -> Option<FragmentCache> {
    let max_packets = section.or("max_packets", 20_000, value::number(1..=MAX_PACKETS));
    // RFC 6146 s4: FRAGMENT_MIN.
    let timeout_s = section.or("timeout_s", 2, value::number(1..=MAX_TIMEOUT_S));
    section.finish();
    Some(FragmentCache {
        max_packets: max_packets?,
        timeout_s: timeout_s?,
    })
}

fn reassembly(mut section: Section<'_>) -> Option<Reassembly> {
    let max_packets = section.or("max_packets", 20_000, value::number(1..=MAX_PACKETS));
    let max_fragments = section.or("max_fragments", 40, value::number(2..=MAX_FRAGMENTS));
    // RFC 8200 s4.5: 60 s from the fragment that arrived first.
    let timeout_s = section.or("timeout_s", 60, value::number(1..=MAX_TIMEOUT_S));
    section.finish();
    Some(Reassembly {
        max_packets: max_packets?,
        max_fragments: max_fragments?,
        timeout_s: timeout_s?,
    })
}

/// RFC 791 s3.2: every link carries this much.
const MIN_IPV4_MTU: u16 = 68;
/// RFC 8200 s5.
const MIN_IPV6_MTU: u16 = 1280;
const DEFAULT_MTU: u16 = 1500;
const MAX_MTU: u16 = 9216;
/// IEEE 802.1Q s9.6: 0 is the priority tag, 4095 is reserved.
const MAX_VLAN: u16 = 4094;
const MAX_RATE: u32 = 1_000_000;
const MAX_PACKETS: u32 = 1_000_000;
const MAX_FRAGMENTS: u32 = 1024;
const MAX_TIMEOUT_S: u32 = 120;

/// The Ethernet address of one station.
fn unicast_mac(value: &DeValue<'_>) -> Result<Mac, Fault> {
    let expected = "a unicast MAC address like \"02:00:00:00:00:01\"";
    let mac: Mac = value::parsed(expected)(value)?;
    let usable = !mac.is_group() && mac.0 != [0; 6];
    usable
        .then_some(mac)
        .ok_or_else(|| unexpected(value, expected))
}
