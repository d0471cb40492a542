//! `[pcp]` and `[leases]`: how the PCP server deals with its clients, and where it keeps what it promised.
//! Without `[pcp]` there is no PCP server.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use ::pcp::server::LifetimeLimits;
use ::pcp::server::NonceTakeover;
use ::pcp::server::ServerConfig;
use settings::Fault;
use settings::Section;
use settings::value;
use toml::de::DeValue;

use super::recovery::Recovery;

/// Settings of the PCP server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pcp {
    /// The rules' numbers.
    pub server: ServerConfig,
    /// Bits that make a subscriber out of an lwB4's address (PS-052).
    pub subscriber_prefix_length: u8,
    /// How long a set rests that was given back (PC-045).
    pub quarantine: Duration,
    /// Whether PCP over plain IPv6 is answered (DH-041).
    pub plain_ipv6: bool,
    /// Requests a second that one subscriber may send.
    pub requests_per_second_per_subscriber: u32,
    /// Requests a second that all may send, split over the workers.
    pub requests_per_second: u32,
    /// What is done after a loss of leases.
    pub recovery: Recovery,
}

/// Where leases are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leases {
    /// The folder of the store.
    pub path: PathBuf,
}

impl Pcp {
    /// Reads the section, if it is there; a relative path starts at `directory`. `leases` is the folder of
    /// the lease store.
    pub(super) fn read(
        root: &mut Section<'_>,
        directory: &Path,
        leases: Option<&Path>,
    ) -> Option<Option<Self>> {
        let is_there = root.has("pcp");
        let read = Self::from_section(root.section("pcp"), directory, leases)?;
        Some(is_there.then_some(read))
    }

    fn from_section(
        mut section: Section<'_>,
        directory: &Path,
        leases: Option<&Path>,
    ) -> Option<Self> {
        let lifetime = lifetime(section.section("lifetime"));
        let subscriber_prefix_length =
            section.or("subscriber_prefix_length", 56, value::number(1..=128));
        let max_sets = section.or("max_sets_per_subscriber", 1, value::number(1..=MAX_SETS));
        let quarantine_s = section.or("quarantine_s", 120, value::number(0..=MAX_QUARANTINE_S));
        let nonce_takeover = section.or("nonce_takeover", NonceTakeover::Never, nonce_takeover);
        let smallest_set = section.or("smallest_set", 64, value::number(1..=1_u32 << 16));
        let migration_interval_s = section.or(
            "migration_interval_s",
            30 * 60,
            value::number(0..=MAX_LIFETIME_S),
        );
        let plain_ipv6 = section.or("plain_ipv6", false, value::truth);
        let per_subscriber = section.or(
            "requests_per_second_per_subscriber",
            20,
            value::number(1..=MAX_RATE),
        );
        let in_all = section.or(
            "requests_per_second",
            1_000_000,
            value::number(1..=MAX_RATE),
        );
        let recovery = Recovery::read(section.section("recovery"), directory, leases);
        section.finish();
        Some(Self {
            server: ServerConfig {
                lifetime: lifetime?,
                max_sets_per_subscriber: usize::from(max_sets?),
                nonce_takeover: nonce_takeover?,
                smallest_set: smallest_set?,
                migration_interval: Duration::from_secs(u64::from(migration_interval_s?)),
            },
            subscriber_prefix_length: subscriber_prefix_length?,
            quarantine: Duration::from_secs(u64::from(quarantine_s?)),
            plain_ipv6: plain_ipv6?,
            requests_per_second_per_subscriber: per_subscriber?,
            requests_per_second: in_all?,
            recovery: recovery?,
        })
    }
}

impl Leases {
    /// Reads the section; a relative path starts at `directory`.
    pub(super) fn read(mut section: Section<'_>, directory: &Path) -> Option<Self> {
        let path = section.or("path", PathBuf::from(DEFAULT_PATH), value::path);
        section.finish();
        let path = directory.join(path?);
        Some(Self { path })
    }
}

fn lifetime(mut section: Section<'_>) -> Option<LifetimeLimits> {
    let min_s = section.or("min_s", 120, value::number(1..=MAX_LIFETIME_S));
    let max_s = section.or("max_s", 3600, value::number(1..=MAX_LIFETIME_S));
    let limits = LifetimeLimits {
        min_s: min_s?,
        max_s: max_s?,
    };
    if limits.max_s < limits.min_s {
        let fault = Fault::OutOfRange {
            found: limits.max_s.to_string(),
            min: limits.min_s.into(),
            max: MAX_LIFETIME_S.into(),
        };
        section.fault("max_s", fault);
        return None;
    }
    section.finish();
    Some(limits)
}

fn nonce_takeover(value: &DeValue<'_>) -> Result<NonceTakeover, Fault> {
    if value.is_integer() {
        let idle_s = value::number(1..=MAX_LIFETIME_S)(value)?;
        return Ok(NonceTakeover::AfterIdle(Duration::from_secs(idle_s.into())));
    }
    let words = [
        ("never", NonceTakeover::Never),
        ("always", NonceTakeover::Always),
    ];
    let expected = "\"never\", \"always\", or seconds without traffic";
    value::word(&words, expected)(value)
}

/// Sets that one request may touch, and so one subscriber may have (PS-025).
const MAX_SETS: u8 = 4;
/// RFC 6887 s15: a mapping lives for a day at most where nothing better is known; a week is generous.
const MAX_LIFETIME_S: u32 = 7 * 24 * 3600;
const MAX_QUARANTINE_S: u32 = 24 * 3600;
const MAX_RATE: u32 = 10_000_000;
const DEFAULT_PATH: &str = "/var/lib/lwaftr/leases";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::Purpose;

    fn read(text: &str) -> Result<Config, String> {
        let text = format!(
            "[internet]\nipv4 = \"10.10.10.10\"\nnext_hop = \"10.10.10.1\"\n[access]\nipv6 = \"2001:db8:ac::1\"\nnext_hop = \"2001:db8:ac::2\"\n{text}"
        );
        Config::parse(Path::new("/etc/x"), &text, Purpose::Replay)
            .map_err(|errors| errors.to_string())
    }

    #[test]
    fn there_is_no_server_unless_it_is_asked_for() {
        assert_eq!(read("").unwrap().pcp, None);
        let config = read("[pcp]\n").unwrap();
        let pcp = config.pcp.unwrap();
        assert_eq!(pcp.server, ServerConfig::default());
        assert_eq!(pcp.quarantine, Duration::from_secs(120));
        assert_eq!(pcp.subscriber_prefix_length, 56);
        assert!(!pcp.plain_ipv6);
        assert_eq!(config.leases.path, Path::new("/var/lib/lwaftr/leases"));
        let near = read("[leases]\npath = \"leases\"\n").unwrap();
        assert_eq!(near.leases.path, Path::new("/etc/leases"));
    }

    #[test]
    fn c_03_a_takeover_after_silence_needs_somebody_to_listen() {
        let text = "[pcp]\nnonce_takeover = 600\n";
        assert_eq!(
            read(text).unwrap_err(),
            "/etc/x:8: pcp.nonce_takeover: needs dataplane.softwire_counters = true"
        );
        let text = format!("{text}[dataplane]\nsoftwire_counters = true\n");
        let pcp = read(&text).unwrap().pcp.unwrap();
        let idle = Duration::from_secs(600);
        assert_eq!(pcp.server.nonce_takeover, NonceTakeover::AfterIdle(idle));
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for (line, key) in [
            ("lifetime = { min_s = 0 }", "pcp.lifetime.min_s"),
            (
                "lifetime = { min_s = 200, max_s = 100 }",
                "pcp.lifetime.max_s",
            ),
            ("max_sets_per_subscriber = 5", "pcp.max_sets_per_subscriber"),
            (
                "subscriber_prefix_length = 129",
                "pcp.subscriber_prefix_length",
            ),
            ("nonce_takeover = \"sometimes\"", "pcp.nonce_takeover"),
            ("quarantine_s = 86401", "pcp.quarantine_s"),
        ] {
            let complaint = read(&format!("[pcp]\n{line}\n")).unwrap_err();
            assert!(complaint.contains(key), "{complaint}");
        }
    }
}
