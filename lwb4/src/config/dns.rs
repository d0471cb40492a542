//! `[dns]`: name servers, for the lwAFTR's name and for the LAN (LW-028).

use std::net::Ipv6Addr;
use std::path::Path;
use std::path::PathBuf;

use settings::Fault;
use settings::Section;
use settings::unexpected;
use settings::value;
use toml::de::DeValue;

/// Name servers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dns {
    /// Asked for the lwAFTR's name before DHCPv6 names any; over IPv6, for there is no IPv4 before the softwire
    /// is up, and a shared address is none to ask from afterwards (LW-028, LW-037).
    pub servers: Vec<Ipv6Addr>,
    /// The file that tells dnsmasq the name servers that DHCPv6 named.
    pub dnsmasq_file: Option<PathBuf>,
}

impl Dns {
    pub(super) fn read(mut section: Section<'_>, folder: &Path) -> Option<Self> {
        let servers = section.list("servers", server);
        let file = section.optional("dnsmasq_file", value::path);
        section.finish();
        Some(Self {
            servers: servers?,
            dnsmasq_file: file?.map(|file| folder.join(file)),
        })
    }
}

fn server(value: &DeValue<'_>) -> Result<Ipv6Addr, Fault> {
    value::ipv6(value).map_err(|_| {
        let expected = "a name server's IPv6 address like \"2001:db8::53\" (it is asked before there is any IPv4)";
        unexpected(value, expected)
    })
}
