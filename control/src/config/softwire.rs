//! `[softwire]`: how packets cross the tunnel, and the bindings that stand in the file itself.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::Path;
use std::path::PathBuf;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::forwarding::Dscp;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSetError;
use lwaftr_dataplane::port_set::PortSplit;
use settings::Fault;
use settings::Section;
use settings::unexpected;
use settings::value;
use toml::de::DeValue;

use super::impossible::Impossible;
use crate::bindings_file::Row;

/// Settings of the softwires.
#[derive(Clone, Debug)]
pub struct Softwire {
    /// Whether lwB4s of this box reach each other (LW-019).
    pub hairpinning: bool,
    /// Hop limit of the tunnel header (TN-002).
    pub hop_limit: u8,
    /// How DSCP crosses the tunnel (EC-001).
    pub dscp: Dscp,
    /// What becomes of the segment size that a SYN offers (FR-016).
    pub mss_clamp: MssClamp,
    /// Whether packet-too-big messages change a softwire's MTU (FR-004).
    pub path_mtu_discovery: bool,
    /// Our address inside the softwire (TN-041).
    pub aftr_ipv4: Ipv4Addr,
    /// BR addresses that bindings may name beyond those that the configured bindings do.
    pub br: Vec<Ipv6Addr>,
    /// Bindings that stand in the configuration file, with their lines.
    pub bindings: Vec<Row>,
    /// Files with more of them, in the order given; the saved ones last.
    pub binding_files: Vec<PathBuf>,
    /// The file that `--save` writes to; also read at start, where it may be missing.
    pub save_file: Option<PathBuf>,
}

/// What becomes of the segment size that a SYN offers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MssClamp {
    /// It is left alone.
    Off,
    /// It is lowered to this many octets.
    Bytes(u16),
    /// It is lowered to what fits the tunnel unfragmented.
    Auto,
}

impl MssClamp {
    /// The largest segment that may be offered, in octets, when packets of the access side have at
    /// most `access_mtu_bytes`.
    #[must_use]
    pub fn bytes(self, access_mtu_bytes: u16) -> Option<u16> {
        match self {
            Self::Off => None,
            Self::Bytes(bytes) => Some(bytes),
            Self::Auto => {
                Some(access_mtu_bytes.saturating_sub(TUNNEL_HEADER + IPV4_AND_TCP_HEADER))
            }
        }
    }
}

impl Softwire {
    /// Reads the section; relative paths start at `directory`.
    pub(super) fn read(mut section: Section<'_>, directory: &Path) -> Option<Self> {
        let hairpinning = section.or("hairpinning", true, value::truth);
        let hop_limit = section.or("hop_limit", 64, value::number(1..=255));
        let dscp = section.or("dscp", Dscp::Copy, dscp);
        let mss_clamp = section.or("mss_clamp", MssClamp::Off, mss_clamp);
        let path_mtu_discovery = section.or("path_mtu_discovery", true, value::truth);
        let aftr_ipv4 = section.or("aftr_ipv4", AFTR_IPV4, aftr_ipv4);
        let br = section.list("br", br_address);
        let files = section.list("binding_files", binding_file);
        let save_file = section.optional("save_file", save_file);
        let bindings: Option<_> = section
            .sections("binding")
            .into_iter()
            .map(binding)
            .collect();
        section.finish();
        let save_file = save_file?.map(|file| directory.join(file));
        Some(Self {
            hairpinning: hairpinning?,
            hop_limit: hop_limit?,
            dscp: dscp?,
            mss_clamp: mss_clamp?,
            path_mtu_discovery: path_mtu_discovery?,
            aftr_ipv4: aftr_ipv4?,
            br: br?,
            bindings: bindings?,
            binding_files: files?
                .into_iter()
                .map(|file| directory.join(file))
                .collect(),
            save_file,
        })
    }
}

fn binding(mut section: Section<'_>) -> Option<Row> {
    let line = section.line() as u32;
    let ipv4 = section.required("ipv4", "the IPv4 address, shared or whole", value::ipv4);
    let offset = section.or("psid_offset", 0, value::number(0..=16));
    let length = section.required(
        "psid_length",
        "the PSID length, 0 to 16",
        value::number(0..=16),
    );
    let psid = match length {
        // GM-003: a whole address has no PSID.
        Some(0) => section.or("psid", 0, value::number(0..=u16::MAX)),
        _ => section.required(
            "psid",
            "the PSID as a plain number",
            value::number(0..=u16::MAX),
        ),
    };
    let b4 = section.required("b4", "the lwB4's IPv6 address", value::ipv6);
    let br = section.required("br", "the BR address that serves it", value::ipv6);
    let ports = port_set(&section, offset?, length?, psid?);
    let binding = match Binding::new(ipv4?, ports?, b4?, br?) {
        Ok(binding) => binding,
        Err(error) => {
            let key = Row::column_of(&error);
            section.fault(key, Impossible::Binding(error));
            return None;
        }
    };
    section.finish();
    Some(Row { binding, line })
}

fn port_set(section: &Section<'_>, offset: u8, length: u8, psid: u16) -> Option<PortSet> {
    let set = PortSplit::new(offset, length).and_then(|split| PortSet::new(split, psid));
    let (key, fault) = match set {
        Ok(set) => return Some(set),
        Err(PortSetError::Psid { psid, length }) => ("psid", Impossible::Psid { psid, length }),
        Err(error) => ("psid_length", Impossible::PortSet(error)),
    };
    section.fault(key, fault);
    None
}

fn dscp(value: &DeValue<'_>) -> Result<Dscp, Fault> {
    if value.is_integer() {
        return value::number(0..=MAX_DSCP)(value).map(Dscp::Fixed);
    }
    value::word(&[("copy", Dscp::Copy)], "\"copy\" or a number from 0 to 63")(value)
}

fn mss_clamp(value: &DeValue<'_>) -> Result<MssClamp, Fault> {
    let expected = "\"auto\", 0 for off, or octets";
    if !value.is_integer() {
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

/// TN-040: .1 is the lwAFTR's by default; .2 is the lwB4's, .0 and .7 are nobody's.
fn aftr_ipv4(value: &DeValue<'_>) -> Result<Ipv4Addr, Fault> {
    let expected = "192.0.0.1, or 192.0.0.3 to 192.0.0.6";
    let address = value::ipv4(value)?;
    let ours = matches!(address.octets(), [192, 0, 0, 1 | 3..=6]);
    ours.then_some(address)
        .ok_or_else(|| unexpected(value, expected))
}

pub(super) fn br_address(value: &DeValue<'_>) -> Result<Ipv6Addr, Fault> {
    let address = value::ipv6(value)?;
    let end = !(address.is_unspecified() || address.is_loopback() || address.is_multicast());
    end.then_some(address)
        .ok_or_else(|| unexpected(value, "a unicast IPv6 address"))
}

fn binding_file(value: &DeValue<'_>) -> Result<PathBuf, Fault> {
    with_extension(value, &["csv", "json"], "the path of a .csv or .json file")
}

fn save_file(value: &DeValue<'_>) -> Result<PathBuf, Fault> {
    with_extension(value, &["csv"], "the path of a .csv file")
}

fn with_extension(
    value: &DeValue<'_>,
    extensions: &[&str],
    expected: &'static str,
) -> Result<PathBuf, Fault> {
    let path = value::path(value)?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    let known = extension.is_some_and(|extension| extensions.contains(&extension));
    known
        .then_some(path)
        .ok_or_else(|| unexpected(value, expected))
}

/// RFC 6333 s5.7.
const AFTR_IPV4: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 1);
/// RFC 2474 s3: six bits.
const MAX_DSCP: u8 = 63;
/// IPv6 header around each packet.
const TUNNEL_HEADER: u16 = 40;
const IPV4_AND_TCP_HEADER: u16 = 40;
/// What fits the smallest IPv4 MTU, 68, beside IPv4 and TCP headers.
const MIN_MSS: u16 = 28;
const MAX_MSS: u16 = 9176;
