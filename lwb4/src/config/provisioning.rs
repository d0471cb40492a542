//! `[provisioning]` and `[pcp]`: where the public addresses and ports come from.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use settings::Fault;
use settings::Section;
use settings::unexpected;
use settings::value;
use toml::de::DeValue;

use super::Dhcpv6Mode;
use super::impossible::Impossible;
use crate::external::ExternalSet;
use crate::provisioning::OnUnbound;

/// Where port sets come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Provisioning {
    /// Fixed sets, which nobody is asked for; PCP when there are none.
    pub sets: Vec<ExternalSet>,
    /// How a PCP server is asked.
    pub pcp: Pcp,
}

/// How a PCP server is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pcp {
    /// The server inside the tunnel.
    pub server: Ipv4Addr,
    /// Lifetime to ask for.
    pub lifetime_s: u32,
    /// Most sets held at once.
    pub max_sets: u8,
    /// Free ports below which another set is asked for.
    pub low_water: u32,
    /// How long a set that is not the first stays when nothing uses it.
    pub idle: Duration,
    /// What an ICMPv6 error that says "unknown" leads to.
    pub on_unbound: OnUnbound,
    /// How long another such error is not acted upon (LW-034).
    pub hold_down: Duration,
    /// IPv6 multicast group of ANNOUNCE (FO-015).
    pub announce_group: Option<Ipv6Addr>,
    /// Whether an AFTR name without other options means lw4o6 by PCP (DH-040).
    pub on_aftr_name: bool,
    /// The file that outlives a restart.
    pub memory: PathBuf,
}

impl Provisioning {
    pub(super) fn read(root: &mut Section<'_>, dhcpv6: Dhcpv6Mode, folder: &Path) -> Option<Self> {
        let mut section = root.section("provisioning");
        let sets: Option<Vec<_>> = section.sections("set").into_iter().map(set).collect();
        if dhcpv6 != Dhcpv6Mode::Off && section.has("set") {
            section.fault("set", Fault::Needs("dhcpv6.mode = \"off\""));
        }
        section.finish();
        let pcp = Pcp::read(root.section("pcp"), folder);
        Some(Self {
            sets: sets?,
            pcp: pcp?,
        })
    }
}

impl Pcp {
    fn read(mut section: Section<'_>, folder: &Path) -> Option<Self> {
        let server = section.or("server", AFTR, value::ipv4);
        let lifetime_s = section.or("lifetime_s", 3600, value::number(120..=86400));
        let max_sets = section.or("max_sets", 1, value::number(1..=4));
        let low_water = section.or("low_water", 128, value::number(0..=u32::from(u16::MAX)));
        let idle_s = section.or("idle_s", 900, value::number(0..=86400_u32));
        let on_unbound = section.or("on_unbound", OnUnbound::Verify, on_unbound);
        let hold_down_s = section.or("hold_down_s", 60, value::number(1..=3600_u32));
        let announce_group = section.optional("announce_group", group);
        let on_aftr_name = section.or("on_aftr_name", true, value::truth);
        let memory = section.or("memory", PathBuf::from(DEFAULT_MEMORY), value::path);
        section.finish();
        Some(Self {
            server: server?,
            lifetime_s: lifetime_s?,
            max_sets: max_sets?,
            low_water: low_water?,
            idle: Duration::from_secs(idle_s?.into()),
            on_unbound: on_unbound?,
            hold_down: Duration::from_secs(hold_down_s?.into()),
            announce_group: announce_group?,
            on_aftr_name: on_aftr_name?,
            memory: folder.join(memory?),
        })
    }
}

fn set(mut section: Section<'_>) -> Option<ExternalSet> {
    let ipv4 = section.required("ipv4", "the IPv4 address, shared or whole", value::ipv4);
    let offset = section.or("psid_offset", 0, value::number(0..=15));
    let length = section.or("psid_length", 0, value::number(0..=16));
    let psid = section.or("psid", 0, value::number(0..=u16::MAX));
    let set = ExternalSet::psid(ipv4?, offset?, length?, psid?)
        .map_err(|error| section.fault("psid", Impossible::Set(error)));
    section.finish();
    set.ok()
}

fn on_unbound(value: &DeValue<'_>) -> Result<OnUnbound, Fault> {
    let words = [
        ("verify", OnUnbound::Verify),
        ("deprovision", OnUnbound::Deprovision),
        ("ignore", OnUnbound::Ignore),
    ];
    value::word(&words, "\"verify\", \"deprovision\" or \"ignore\"")(value)
}

fn group(value: &DeValue<'_>) -> Result<Ipv6Addr, Fault> {
    let address = value::ipv6(value)?;
    address
        .is_multicast()
        .then_some(address)
        .ok_or_else(|| unexpected(value, "an IPv6 multicast group like \"ff3e::1234\""))
}

/// RFC 6333 s5.7.
const AFTR: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 1);
const DEFAULT_MEMORY: &str = "/var/lib/lwb4/memory.toml";
