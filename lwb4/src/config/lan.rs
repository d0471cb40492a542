//! `[lan]`: who may open ports by PCP.

use pcp::server::LifetimeLimits;
use settings::Section;
use settings::value;

use super::tunnel::interface;
use crate::lan_pcp::LanConfig;

/// The PCP server for the LAN.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lan {
    /// The interfaces that it listens on; none, no server.
    pub interfaces: Vec<String>,
    /// How it applies its rules.
    pub server: LanConfig,
}

impl Lan {
    pub(super) fn read(mut section: Section<'_>) -> Option<Self> {
        let default = LanConfig::default();
        let interfaces = section.list("interfaces", interface);
        let min_s = section.or("min_lifetime_s", default.lifetime.min_s, lifetime());
        let max_s = section.or("max_lifetime_s", default.lifetime.max_s, lifetime());
        let count = || value::number(1..=MAX_MAPPINGS);
        let per_host = section.or(
            "mappings_per_host",
            default.mappings_per_host as u64,
            count(),
        );
        let in_all = section.or("mappings", default.mappings as u64, count());
        section.finish();
        Some(Self {
            interfaces: interfaces?,
            server: LanConfig {
                lifetime: LifetimeLimits {
                    min_s: min_s?,
                    max_s: max_s?,
                },
                mappings_per_host: per_host? as usize,
                mappings: in_all? as usize,
                ..default
            },
        })
    }
}

fn lifetime() -> impl Fn(&toml::de::DeValue<'_>) -> Result<u32, settings::Fault> {
    value::number(1..=MAX_LIFETIME_S)
}

/// A day, the most that RFC 6887 s15 recommends.
const MAX_LIFETIME_S: u32 = 24 * 60 * 60;
const MAX_MAPPINGS: u64 = 65_536;
