//! `[dns]`: name servers, for the lwAFTR's name and for the LAN (LW-028).

use std::net::IpAddr;
use std::path::Path;
use std::path::PathBuf;

use settings::Section;
use settings::value;

/// Name servers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dns {
    /// Asked for the lwAFTR's name before DHCPv6 names any.
    pub servers: Vec<IpAddr>,
    /// The file that tells dnsmasq the name servers that DHCPv6 named.
    pub dnsmasq_file: Option<PathBuf>,
}

impl Dns {
    pub(super) fn read(mut section: Section<'_>, folder: &Path) -> Option<Self> {
        let expected = "the address of a name server like \"2001:db8::53\"";
        let servers = section.list("servers", value::parsed(expected));
        let file = section.optional("dnsmasq_file", value::path);
        section.finish();
        Some(Self {
            servers: servers?,
            dnsmasq_file: file?.map(|file| folder.join(file)),
        })
    }
}
