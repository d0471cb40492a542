//! `[tunnel]`: the softwire to the lwAFTR, and the device that the LAN's packets come through.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use settings::Fault;
use settings::Section;
use settings::unexpected;
use settings::value;
use toml::de::DeValue;

use super::Dhcpv6Mode;
use super::impossible::Impossible;
use crate::device::netlink::route::Network;
use crate::dns::DomainName;
use crate::tunnel::ecn::DscpModel;
use crate::tunnel::mss::MssClamp;

/// The softwire and its devices.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tunnel {
    /// Name of the TUN device.
    pub device: String,
    /// The interface towards the access network.
    pub wan: Option<String>,
    /// Where the lwAFTR is, unless DHCPv6 says.
    pub remote: Option<Remote>,
    /// The softwire's own end, instead of the address that the kernel selects (LW-024).
    pub local: Option<Ipv6Addr>,
    /// Our address inside the softwire.
    pub b4_ipv4: Ipv4Addr,
    /// The lwAFTR's address inside the softwire.
    pub aftr_ipv4: Ipv4Addr,
    /// IPv4 MTU of the TUN device, octets.
    pub mtu: u16,
    /// IPv6 MTU of the way to the lwAFTR, octets; the WAN interface's when absent.
    pub access_mtu: Option<u16>,
    /// Hop limit of what is sent (TN-002).
    pub hop_limit: u8,
    /// What becomes of the traffic class.
    pub dscp: DscpModel,
    /// Largest TCP segment that is agreed to.
    pub mss_clamp: MssClamp,
    /// What the kernel sends through the softwire.
    pub routes: Routes,
    /// Metric of those routes.
    pub metric: u32,
}

/// Where the lwAFTR is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Remote {
    /// Its address.
    Address(Ipv6Addr),
    /// Its name, which has AAAA records.
    Name(DomainName),
}

/// What the kernel sends through the softwire.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Routes {
    /// Everything.
    Default,
    /// Nothing: somebody else makes the routes.
    None,
    /// These prefixes.
    Prefixes(Vec<Network>),
}

impl Tunnel {
    pub(super) fn read(mut section: Section<'_>, dhcpv6: Dhcpv6Mode) -> Option<Self> {
        let device = section.or("device", "lw4o6".to_owned(), interface);
        let wan = section.optional("wan", interface);
        let remote = remote(&mut section, dhcpv6);
        let local = section.optional("local", end);
        let b4_ipv4 = section.or("b4_ipv4", B4, b4_ipv4);
        let aftr_ipv4 = section.or("aftr_ipv4", AFTR, aftr_ipv4);
        let mtu = section.or("mtu", 1500, value::number(MIN_IPV4_MTU..=u16::MAX));
        let access_mtu = section.optional("access_mtu", value::number(MIN_IPV6_MTU..=u16::MAX));
        let hop_limit = section.or("hop_limit", 64, value::number(1..=u8::MAX));
        let dscp = section.or("dscp", DscpModel::Uniform, dscp);
        let mss_clamp = section.or("mss_clamp", MssClamp::Auto, mss_clamp);
        let routes = routes(&mut section);
        let metric = section.or("metric", 100, value::number(0..=u32::MAX));
        if dhcpv6 == Dhcpv6Mode::Own && matches!(wan, Some(None)) {
            let expected = "the interface that DHCPv6 runs on, like \"eth1\"";
            section.fault("wan", Fault::Missing { expected });
        }
        section.finish();
        Some(Self {
            device: device?,
            wan: wan?,
            remote: remote?,
            local: local?,
            b4_ipv4: b4_ipv4?,
            aftr_ipv4: aftr_ipv4?,
            mtu: mtu?,
            access_mtu: access_mtu?,
            hop_limit: hop_limit?,
            dscp: dscp?,
            mss_clamp: mss_clamp?,
            routes: routes?,
            metric: metric?,
        })
    }
}

fn remote(section: &mut Section<'_>, dhcpv6: Dhcpv6Mode) -> Option<Option<Remote>> {
    let address = section.optional("remote", end);
    let name = section.optional(
        "remote_name",
        value::parsed("a name like \"aftr.example.net\""),
    );
    match (address?, name?) {
        (Some(_), Some(_)) => {
            section.fault("remote_name", Impossible::TwoRemotes);
            None
        }
        (None, None) if dhcpv6 == Dhcpv6Mode::Off => {
            let expected = "the lwAFTR's address, or remote_name, or dhcpv6.mode";
            section.fault("remote", Fault::Missing { expected });
            None
        }
        (Some(address), None) => Some(Some(Remote::Address(address))),
        (None, name) => Some(name.map(Remote::Name)),
    }
}

fn routes(section: &mut Section<'_>) -> Option<Routes> {
    if section.is_list("routes") {
        return section.list("routes", prefix).map(Routes::Prefixes);
    }
    let words = [("default", Routes::Default), ("none", Routes::None)];
    section.or("routes", Routes::Default, |value| {
        let found = words
            .into_iter()
            .find(|(word, _)| value.as_str() == Some(*word));
        let expected = "\"default\", \"none\" or a list of prefixes";
        found
            .map(|(_, routes)| routes)
            .ok_or_else(|| unexpected(value, expected))
    })
}

fn prefix(value: &DeValue<'_>) -> Result<Network, Fault> {
    let expected = "an IPv4 prefix like \"198.51.100.0/24\"";
    let parsed = value.as_str().and_then(|text| {
        let (address, length) = text.split_once('/')?;
        let (address, length) = (address.parse().ok()?, length.parse().ok()?);
        is_network(address, length).then_some(Network {
            address,
            prefix_len: length,
        })
    });
    parsed.ok_or_else(|| unexpected(value, expected))
}

fn is_network(address: Ipv4Addr, length: u8) -> bool {
    let host_bits = 32_u32.checked_sub(length.into());
    host_bits.is_some_and(|bits| bits == 32 || address.to_bits().trailing_zeros() >= bits)
}

/// The kernel takes 15 octets (IFNAMSIZ), without `/` and white space.
pub(super) fn interface(value: &DeValue<'_>) -> Result<String, Fault> {
    let name = value.as_str().filter(|name| {
        let characters = name.chars().all(|c| c.is_ascii_graphic() && c != '/');
        (1..=15).contains(&name.len()) && characters
    });
    name.map(str::to_owned)
        .ok_or_else(|| unexpected(value, "the name of an interface like \"eth1\""))
}

fn end(value: &DeValue<'_>) -> Result<Ipv6Addr, Fault> {
    let address = value::ipv6(value)?;
    let is_end = !(address.is_unspecified() || address.is_loopback() || address.is_multicast());
    is_end
        .then_some(address)
        .ok_or_else(|| unexpected(value, "a unicast IPv6 address"))
}

/// TN-040: .2 is the first lwB4's, .3 to .6 are for others behind the same router.
fn b4_ipv4(value: &DeValue<'_>) -> Result<Ipv4Addr, Fault> {
    let address = value::ipv4(value)?;
    let is_b4 = matches!(address.octets(), [192, 0, 0, 2..=6]);
    is_b4
        .then_some(address)
        .ok_or_else(|| unexpected(value, "192.0.0.2 to 192.0.0.6"))
}

/// TN-040; the lwAFTR may be configured otherwise.
fn aftr_ipv4(value: &DeValue<'_>) -> Result<Ipv4Addr, Fault> {
    let address = value::ipv4(value)?;
    let is_aftr = matches!(address.octets(), [192, 0, 0, 1 | 3..=6]);
    is_aftr
        .then_some(address)
        .ok_or_else(|| unexpected(value, "192.0.0.1, or 192.0.0.3 to 192.0.0.6"))
}

fn dscp(value: &DeValue<'_>) -> Result<DscpModel, Fault> {
    if value.is_integer() {
        return value::number(0..=MAX_DSCP)(value).map(|dscp| DscpModel::Pipe { dscp });
    }
    value::word(
        &[("copy", DscpModel::Uniform)],
        "\"copy\" or a number from 0 to 63",
    )(value)
}

fn mss_clamp(value: &DeValue<'_>) -> Result<MssClamp, Fault> {
    if !value.is_integer() {
        let expected = "\"auto\", 0 for off, or octets";
        return value::word(&[("auto", MssClamp::Auto)], expected)(value);
    }
    match value::number(0..=MAX_MSS)(value)? {
        0 => Ok(MssClamp::Off),
        bytes if bytes < MIN_MSS => Err(Fault::OutOfRange {
            found: bytes.to_string(),
            min: MIN_MSS.into(),
            max: MAX_MSS.into(),
        }),
        bytes => Ok(MssClamp::Bytes(bytes)),
    }
}

/// RFC 6333 s5.7.
pub(super) const B4: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 2);
const AFTR: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 1);
/// RFC 791: every link carries that much.
const MIN_IPV4_MTU: u16 = 68;
/// RFC 8200 s5.
const MIN_IPV6_MTU: u16 = 1280;
/// RFC 2474 s3: six bits.
const MAX_DSCP: u8 = 63;
/// What fits the smallest and the largest IPv4 packet beside IPv4 and TCP headers.
const MIN_MSS: u16 = MIN_IPV4_MTU - 40;
const MAX_MSS: u16 = u16::MAX - 40;
