//! The configuration: read once from TOML, valid by type from then on.
//!
//! [`Config::read`] is the only way to a [`Config`]; it reports every independent fault as one line with
//! file, line and key, so nothing downstream checks again. Keys, their ranges and defaults are described
//! in `lwaftr.example.toml`.

mod buffers;
mod dataplane;
mod device;
mod eal;
mod impossible;
mod interface;
mod pcp;
mod pool;
mod recovery;
mod side;
mod softwire;

use std::fs;
use std::net::Ipv6Addr;
use std::path::Path;
use std::path::PathBuf;

use ::pcp::pool::PoolConfig;
use ::pcp::server::NonceTakeover;
use settings::Section;
use settings::Source;
use settings::value;

pub use buffers::Buffers;
pub use dataplane::Dataplane;
pub use dataplane::Idle;
pub use dataplane::Memory;
pub use device::Device;
pub use device::NoDevice;
pub use interface::InterfaceAddress;
pub use interface::IpAddress;
pub use interface::NoInterfaceAddress;
pub use pcp::Leases;
pub use pcp::Pcp;
pub use recovery::Multicast;
pub use recovery::Recovery;
pub use settings::ConfigError;
pub use settings::ConfigErrors;
pub use settings::Fault;
pub use side::Access;
pub use side::FragmentCache;
pub use side::Icmp;
pub use side::Internet;
pub use side::Link;
pub use side::Reassembly;
pub use softwire::MssClamp;
pub use softwire::Softwire;

use impossible::Impossible;
use side::Devices;

/// What the operator asked for, with nothing left to check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// Cores, memory and poll loops.
    pub dataplane: Dataplane,
    /// The side towards the IPv4 Internet.
    pub internet: Internet,
    /// The side towards the lwB4s.
    pub access: Access,
    /// Which devices the two sides are on.
    pub wiring: Wiring,
    /// Softwires and how packets cross them.
    pub softwire: Softwire,
    /// Where PCP takes port sets from.
    pub pools: Vec<PoolConfig>,
    /// The PCP server, if there is one.
    pub pcp: Option<Pcp>,
    /// Where leases are kept.
    pub leases: Leases,
    /// The socket that the command line talks to.
    pub socket: PathBuf,
    /// How much the daemon says.
    pub log_level: tracing::Level,
}

/// What a configuration is read for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Real ports: both sides name their device.
    Run,
    /// Packets from files: devices and cores need no mention.
    Replay,
}

/// Which devices the two sides are on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wiring {
    /// A port each.
    TwoPorts {
        /// The Internet side's.
        internet: Device,
        /// The access side's.
        access: Device,
    },
    /// Both sides on one port, told apart by VLAN tag and EtherType.
    OnAStick(Device),
    /// No devices: packets come from files.
    Files,
}

impl Wiring {
    /// The devices to open, each once.
    #[must_use]
    pub fn devices(&self) -> Vec<&Device> {
        match self {
            Self::TwoPorts { internet, access } => vec![internet, access],
            Self::OnAStick(device) => vec![device],
            Self::Files => Vec::new(),
        }
    }

    /// How many ports there are, or would be.
    #[must_use]
    pub fn ports(&self) -> u32 {
        if matches!(self, Self::OnAStick(_)) {
            1
        } else {
            2
        }
    }
}

impl Config {
    /// Reads `file`.
    ///
    /// # Errors
    /// All that is wrong with it, a line each. Binding files are not opened here.
    pub fn read(file: &Path, purpose: Purpose) -> Result<Self, ConfigErrors> {
        let text = fs::read_to_string(file).map_err(|error| {
            let fault = Fault::Unreadable(error);
            let file = file.to_owned();
            ConfigErrors::new(vec![ConfigError {
                file,
                line: None,
                key: String::new(),
                fault,
            }])
        })?;
        Self::parse(file, &text, purpose)
    }

    /// Reads the `text` of `file`.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(file: &Path, text: &str, purpose: Purpose) -> Result<Self, ConfigErrors> {
        let source = Source::new(file, text);
        let config = Self::from_source(&source, file, purpose);
        match (config, source.into_errors()) {
            (Some(config), errors) if errors.is_empty() => Ok(config),
            (_, errors) => Err(ConfigErrors::new(errors)),
        }
    }

    /// The BR addresses that bindings may name: those listed, those of pools, and those that `bindings` name.
    pub fn br_addresses(&self, bindings: impl IntoIterator<Item = Ipv6Addr>) -> Vec<Ipv6Addr> {
        let mut addresses = self.softwire.br.clone();
        addresses.extend(self.pools.iter().map(|pool| pool.br));
        addresses.extend(self.softwire.bindings.iter().map(|row| row.binding.br()));
        let mut last = None;
        for address in bindings {
            if last != Some(address) {
                addresses.push(address);
                last = Some(address);
            }
        }
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// Whether it matters how long a softwire has carried nothing (C-03).
    #[must_use]
    pub fn counts_idle_softwires(&self) -> bool {
        let takeover = self.pcp.as_ref().map(|pcp| pcp.server.nonce_takeover);
        matches!(takeover, Some(NonceTakeover::AfterIdle(_)))
    }

    fn from_source(source: &Source<'_>, file: &Path, purpose: Purpose) -> Option<Self> {
        let table = source.parse()?;
        let mut root = Section::root(source, table.get_ref());
        let devices = match purpose {
            Purpose::Run => Devices::Required,
            Purpose::Replay => Devices::Optional,
        };
        let dataplane = Dataplane::read(root.section("dataplane"), devices == Devices::Required);
        let internet = Internet::read(root.section("internet"), devices);
        let other = internet
            .as_ref()
            .and_then(|internet| internet.device.as_ref());
        let access = Access::read(root.section("access"), devices, other);
        let directory = file.parent().unwrap_or(Path::new(""));
        let softwire = Softwire::read(root.section("softwire"), directory);
        let pools = pool::read(&mut root);
        let leases = Leases::read(root.section("leases"), directory);
        let store = leases.as_ref().map(|leases| leases.path.as_path());
        let pcp = Pcp::read(&mut root, directory, store);
        let socket = socket(root.section("api"), directory);
        let log_level = log_level(root.section("log"));
        for (key, name) in LATER {
            root.unsupported(key, name);
        }
        root.finish();
        let (internet, access) = (internet?, access?);
        let config = Self {
            file: file.to_owned(),
            dataplane: dataplane?,
            wiring: wiring(internet.device.clone(), access.device.clone()),
            internet,
            access,
            softwire: softwire?,
            pools: pools?,
            pcp: pcp?,
            leases: leases?,
            socket: socket?,
            log_level: log_level?,
        };
        if config.counts_idle_softwires() && !config.dataplane.softwire_counters {
            let pcp = Section::root(source, table.get_ref()).section("pcp");
            let fault = Fault::Needs("dataplane.softwire_counters = true");
            pcp.fault("nonce_takeover", fault);
        }
        let buffers = config.buffers();
        if buffers.mbufs < buffers.needed() {
            let (found, needed) = (buffers.mbufs, buffers.needed());
            let dataplane = Section::root(source, table.get_ref()).section("dataplane");
            dataplane.fault("mempool_size", Impossible::PoolTooSmall { found, needed });
        }
        Some(config)
    }
}

fn wiring(internet: Option<Device>, access: Option<Device>) -> Wiring {
    match (internet, access) {
        (Some(internet), Some(access)) if internet == access => Wiring::OnAStick(internet),
        (Some(internet), Some(access)) => Wiring::TwoPorts { internet, access },
        _ => Wiring::Files,
    }
}

fn socket(mut section: Section<'_>, directory: &Path) -> Option<PathBuf> {
    let socket = section.or("socket", PathBuf::from(DEFAULT_SOCKET), value::path);
    section.finish();
    socket.map(|socket| directory.join(socket))
}

fn log_level(mut section: Section<'_>) -> Option<tracing::Level> {
    use tracing::Level;
    let levels = [
        ("error", Level::ERROR),
        ("warn", Level::WARN),
        ("info", Level::INFO),
        ("debug", Level::DEBUG),
        ("trace", Level::TRACE),
    ];
    let expected = "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
    let level = section.or("level", Level::INFO, value::word(&levels, expected));
    section.unsupported("leases", "log.leases");
    section.finish();
    level
}

/// Where the command line finds the daemon unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/lwaftr.sock";

/// Sections of the whole product that this version does not act upon.
const LATER: [(&str, &str); 1] = [("third_party", "[[third_party]]")];

#[cfg(test)]
mod tests;
