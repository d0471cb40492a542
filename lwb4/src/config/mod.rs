//! The configuration: read once from TOML, valid by type from then on.
//!
//! Keys, their ranges and defaults are described in `lwb4.example.toml`.

mod dhcpv6;
mod dns;
mod impossible;
mod lan;
mod nat;
mod provisioning;
mod tunnel;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;
use settings::ConfigError;
use settings::ConfigErrors;
use settings::Fault;
use settings::Section;
use settings::Source;
use settings::value;
use tracing::Level;

use crate::nat::NatConfig;

pub use dhcpv6::Dhcpv6;
pub use dhcpv6::Mode as Dhcpv6Mode;
pub use dns::Dns;
pub use lan::Lan;
pub use provisioning::Pcp;
pub use provisioning::Provisioning;
pub use tunnel::Remote;
pub use tunnel::Routes;
pub use tunnel::Tunnel;

/// What the operator asked for, with nothing left to check.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// The softwire and its devices.
    pub tunnel: Tunnel,
    /// Where port sets come from.
    pub provisioning: Provisioning,
    /// How packets are translated.
    pub nat: NatConfig,
    /// Who may open ports.
    pub lan: Lan,
    /// What DHCPv6 is asked for.
    pub dhcpv6: Dhcpv6,
    /// Name servers.
    pub dns: Dns,
    /// The socket that the command line talks to.
    pub socket: PathBuf,
    /// How much the daemon says.
    pub log_level: Level,
}

impl Config {
    /// Reads `file`.
    ///
    /// # Errors
    /// All that is wrong with it, a line each.
    pub fn read(file: &Path) -> Result<Self, ConfigErrors> {
        let text = fs::read_to_string(file).map_err(|error| {
            ConfigErrors::new(vec![ConfigError {
                file: file.to_owned(),
                line: None,
                key: String::new(),
                fault: Fault::Unreadable(error),
            }])
        })?;
        Self::parse(file, &text)
    }

    /// Reads the `text` of `file`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigErrors> {
        let source = Source::new(file, text);
        let config = Self::from_source(&source, file);
        match (config, source.into_errors()) {
            (Some(config), errors) if errors.is_empty() => Ok(config),
            (_, errors) => Err(ConfigErrors::new(errors)),
        }
    }

    /// What the daemon would use, for people.
    #[must_use]
    pub fn summary(&self) -> Value {
        let remote = match &self.tunnel.remote {
            Some(Remote::Address(address)) => address.to_string(),
            Some(Remote::Name(name)) => name.to_string(),
            None => "from DHCPv6".to_owned(),
        };
        let sets = &self.provisioning.sets;
        let ports = match (sets.is_empty(), self.dhcpv6.mode) {
            (false, _) => sets.iter().map(ToString::to_string).collect(),
            (true, Dhcpv6Mode::Off) => vec![format!("PCP at {}", self.provisioning.pcp.server)],
            (true, _) => vec!["DHCPv6, or PCP".to_owned()],
        };
        json!({
            "lwaftr": remote,
            "local": self.tunnel.local,
            "device": self.tunnel.device,
            "mtu": self.tunnel.mtu,
            "ports_from": ports,
            "filtering": format!("{:?}", self.nat.filtering.udp),
            "max_mappings": self.nat.limits.mappings,
            "lan": self.lan.interfaces,
            "memory": self.provisioning.pcp.memory,
            "socket": self.socket,
        })
    }

    fn from_source(source: &Source<'_>, file: &Path) -> Option<Self> {
        let table = source.parse()?;
        let mut root = Section::root(source, table.get_ref());
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let dhcpv6 = Dhcpv6::read(root.section("dhcpv6"));
        let mode = dhcpv6.as_ref().map_or(Dhcpv6Mode::Off, |read| read.mode);
        let tunnel = Tunnel::read(root.section("tunnel"), mode);
        let provisioning = Provisioning::read(&mut root, mode, &folder);
        let inner = tunnel.as_ref().map_or(tunnel::B4, |tunnel| tunnel.b4_ipv4);
        let nat = nat::read(root.section("nat"), inner);
        let lan = Lan::read(root.section("lan"));
        let dns = Dns::read(root.section("dns"), &folder);
        let socket = socket(root.section("api"), &folder);
        let log_level = log_level(root.section("log"));
        root.finish();
        Some(Self {
            file: file.to_owned(),
            tunnel: tunnel?,
            provisioning: provisioning?,
            nat: nat?,
            lan: lan?,
            dhcpv6: dhcpv6?,
            dns: dns?,
            socket: socket?,
            log_level: log_level?,
        })
    }
}

fn socket(mut section: Section<'_>, folder: &Path) -> Option<PathBuf> {
    let socket = section.or("socket", PathBuf::from(DEFAULT_SOCKET), value::path);
    section.finish();
    Some(folder.join(socket?))
}

fn log_level(mut section: Section<'_>) -> Option<Level> {
    let levels = [
        ("error", Level::ERROR),
        ("warn", Level::WARN),
        ("info", Level::INFO),
        ("debug", Level::DEBUG),
        ("trace", Level::TRACE),
    ];
    let expected = "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
    let level = section.or("level", Level::INFO, value::word(&levels, expected));
    section.finish();
    level
}

/// The socket when neither the configuration nor the command line names one.
pub const DEFAULT_SOCKET: &str = "/run/lwb4.sock";

#[cfg(test)]
mod tests;
