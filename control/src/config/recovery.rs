//! `[pcp.recovery]`: how lwB4s hear that leases were lost (PC-142, FO-011, FO-013, FO-015).

use std::net::Ipv6Addr;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use ::pcp::server::Pace;
use toml::de::DeValue;

use settings::Fault;
use settings::Section;
use settings::unexpected;
use settings::value;

/// What is done after a loss of leases.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recovery {
    /// The file that lwB4s with leases are noted in.
    pub roster: PathBuf,
    /// How fast and how often they are told.
    pub pace: Pace,
    /// For how long pools that were in use give sets to those only who had them.
    pub grace: Duration,
    /// The group that is told as well.
    pub multicast: Option<Multicast>,
}

/// A group of lwB4s in the access network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Multicast {
    /// Its address.
    pub group: Ipv6Addr,
    /// Hop limit of the tunnel header.
    pub hop_limit: u8,
}

impl Recovery {
    /// Reads the section; a relative path starts at `directory`. `leases` is the folder of the lease store.
    pub(super) fn read(
        mut section: Section<'_>,
        directory: &Path,
        leases: Option<&Path>,
    ) -> Option<Self> {
        let roster = section.optional("roster", value::path);
        let per_second = section.or("announce_per_second", 1000, value::number(1..=MAX_RATE));
        let jitter_ms = section.or("jitter_ms", 100, value::number(0..=MAX_JITTER_MS));
        let rounds = section.or("rounds", 3, value::number(1..=MAX_ROUNDS));
        let grace_s = section.or("grace_s", 120, value::number(0..=MAX_GRACE_S));
        let group = section.optional("multicast_group", group);
        let hop_limit = section.or("multicast_hop_limit", 64, value::number(1..=255_u8));
        if section.has("multicast_hop_limit") && !section.has("multicast_group") {
            let fault = Fault::Needs("pcp.recovery.multicast_group");
            section.fault("multicast_hop_limit", fault);
        }
        let (roster, leases) = (roster?, leases?);
        let roster = roster.map_or_else(|| beside(leases), |path| directory.join(path));
        if roster.starts_with(leases) {
            let fault = Fault::Unexpected {
                found: format!("{:?}", roster.display().to_string()),
                expected: "a file apart from leases.path, whose loss it outlives",
            };
            section.fault("roster", fault);
        }
        section.finish();
        let hop_limit = hop_limit?;
        Some(Self {
            roster,
            pace: Pace {
                per_second: per_second?,
                jitter: Duration::from_millis(u64::from(jitter_ms?)),
                rounds: u32::from(rounds?),
            },
            grace: Duration::from_secs(u64::from(grace_s?)),
            multicast: group?.map(|group| Multicast { group, hop_limit }),
        })
    }
}

fn beside(leases: &Path) -> PathBuf {
    let mut name = leases.as_os_str().to_owned();
    name.push(".roster");
    name.into()
}

/// A multicast group that routers forward (RFC 4291 s2.7): a group of the link reaches no lwB4 behind one.
fn group(value: &DeValue<'_>) -> Result<Ipv6Addr, Fault> {
    let expected = "a multicast group wider than the link, like \"ff05::4f6:1\"";
    let group: Ipv6Addr = value::parsed(expected)(value)?;
    let [_, flags_and_scope, ..] = group.octets();
    let is_routed = matches!(flags_and_scope & 0xf, ADMIN_LOCAL..=GLOBAL);
    (group.is_multicast() && is_routed)
        .then_some(group)
        .ok_or_else(|| unexpected(value, expected))
}

/// Scopes of groups (RFC 7346 s2): the smallest that is not the link's, and the largest.
const ADMIN_LOCAL: u8 = 4;
const GLOBAL: u8 = 14;
/// As much as control sends beside its answers.
const MAX_RATE: u32 = 20_000;
const MAX_JITTER_MS: u32 = 60_000;
/// RFC 6887 s14.1.3.
const MAX_ROUNDS: u8 = 10;
const MAX_GRACE_S: u32 = 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::Purpose;

    fn read(text: &str) -> Result<Recovery, String> {
        let text = format!(
            "[internet]\nipv4 = \"10.10.10.10\"\nnext_hop = \"10.10.10.1\"\n[access]\nipv6 = \"2001:db8:ac::1\"\nnext_hop = \"2001:db8:ac::2\"\n[pcp]\n{text}"
        );
        Config::parse(Path::new("/etc/x"), &text, Purpose::Replay)
            .map(|config| config.pcp.unwrap().recovery)
            .map_err(|errors| errors.to_string())
    }

    #[test]
    fn recovery_has_the_documented_defaults() {
        let recovery = read("").unwrap();
        assert_eq!(recovery.roster, Path::new("/var/lib/lwaftr/leases.roster"));
        let pace = Pace {
            per_second: 1000,
            jitter: Duration::from_millis(100),
            rounds: 3,
        };
        assert_eq!(recovery.pace, pace);
        assert_eq!(recovery.grace, Duration::from_secs(120));
        assert_eq!(recovery.multicast, None);
        let near = read("recovery.roster = \"peers\"\n").unwrap();
        assert_eq!(near.roster, Path::new("/etc/peers"));
    }

    #[test]
    fn the_roster_is_kept_apart_from_the_lease_store() {
        let text = "recovery.roster = \"leases/roster\"\n[leases]\npath = \"leases\"\n";
        let complaint = read(text).unwrap_err();
        assert!(
            complaint.contains("x:8: pcp.recovery.roster: \"/etc/leases/roster\" found"),
            "{complaint}"
        );
    }

    #[test]
    fn fo_015_a_group_must_be_one_that_routers_forward() {
        let multicast = |group: &str| {
            read(&format!("recovery.multicast_group = \"{group}\"\n"))
                .map(|recovery| recovery.multicast.unwrap())
        };
        assert_eq!(multicast("ff05::4f6:1").unwrap().hop_limit, 64);
        assert!(multicast("ff3e::8000:1").is_ok());
        for wrong in ["ff02::1", "ff01::1", "ff0f::1", "2001:db8::1", "224.0.0.1"] {
            assert!(
                multicast(wrong)
                    .unwrap_err()
                    .contains("wider than the link")
            );
        }
        let alone = read("recovery.multicast_hop_limit = 3\n").unwrap_err();
        assert!(
            alone.contains("needs pcp.recovery.multicast_group"),
            "{alone}"
        );
    }

    #[test]
    fn pc_142_there_are_ten_copies_at_most() {
        for (line, key) in [
            ("rounds = 11", "rounds"),
            ("announce_per_second = 0", "announce_per_second"),
            ("jitter_ms = 60001", "jitter_ms"),
            ("grace_s = 86401", "grace_s"),
        ] {
            let complaint = read(&format!("recovery.{line}\n")).unwrap_err();
            assert!(complaint.contains(key), "{complaint}");
        }
    }
}
