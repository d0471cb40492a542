//! `[[pool]]`: where PCP takes port sets from, and whom they are for (RFC 7753 s6).

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::str::FromStr;

use ::pcp::pool::Ipv4Prefix;
use ::pcp::pool::Ipv6Prefix;
use ::pcp::pool::NoPrefix;
use ::pcp::pool::Owner;
use ::pcp::pool::PcpPorts;
use ::pcp::pool::PoolConfig;
use ::pcp::pool::PoolError;
use ::pcp::pool::Pools;
use ::pcp::port_set::PortRange;
use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::binding::BindingError;
use lwaftr_dataplane::port_set::PortSet;
use settings::Fault;
use settings::Section;
use settings::unexpected;
use settings::value;
use toml::de::DeValue;

use super::impossible::Impossible;

/// Reads the pools and holds them against each other.
pub(super) fn read(root: &mut Section<'_>) -> Option<Vec<PoolConfig>> {
    let pools: Option<Vec<_>> = root.sections("pool").into_iter().map(pool).collect();
    let pools = pools?;
    if let Err(error) = Pools::new(pools.clone()) {
        let position = position(&pools, &error);
        root.fault_at("pool", position, Impossible::Pool(error));
        return None;
    }
    Some(pools)
}

fn pool(mut section: Section<'_>) -> Option<PoolConfig> {
    let name = section.required("name", "what people call it", value::text);
    let prefix = section.required("prefix", "the addresses, like \"192.0.2.0/24\"", |value| {
        let read: Ipv4Prefix = prefix(value, "addresses like \"192.0.2.0/24\"")?;
        read.ends().into_iter().try_for_each(bindable)?;
        Ok(read)
    });
    let psid_length = section.required(
        "psid_length",
        "bits of a PSID, 0 to 16; 0 hands out whole addresses",
        value::number(0..=16),
    );
    let br = section.required(
        "br",
        "the BR address that serves its softwires",
        super::softwire::br_address,
    );
    let owner = section.or("owner", Owner::Pcp, owner);
    let clients = section.list("clients", client);
    let reserved = section.list("reserved", value::ipv4);
    let exclude_ports = section.list("exclude_ports", port_range);
    let exclude_pcp_ports = section.or("exclude_pcp_ports", true, value::truth);
    let is_listed = section.has("exclude_ports");
    section.finish();
    let exclude_ports = match exclude_ports? {
        ports if is_listed => ports,
        // LW-010.
        _ => vec![SYSTEM_PORTS],
    };
    Some(PoolConfig {
        name: name?,
        prefix: prefix?,
        psid_length: psid_length?,
        br: br?,
        owner: owner?,
        clients: clients?,
        reserved: reserved?,
        exclude_ports,
        pcp_ports: if exclude_pcp_ports? {
            PcpPorts::Excluded
        } else {
            PcpPorts::Included
        },
    })
}

/// The pool that a fault of all is best shown at.
fn position(pools: &[PoolConfig], error: &PoolError) -> Option<usize> {
    let name = match error {
        PoolError::Overlap { pool, .. }
        | PoolError::TooLarge { pool, .. }
        | PoolError::PsidLength { pool, .. }
        | PoolError::Name { pool } => pool,
        PoolError::Nowhere { .. } | PoolError::Taken { .. } => return None,
    };
    pools.iter().rposition(|config| config.name == *name)
}

/// Whether an address can be a subscriber's (TN-043).
fn bindable(address: Ipv4Addr) -> Result<(), Fault> {
    let (b4, br) = (Ipv6Addr::from_bits(2), Ipv6Addr::from_bits(3));
    match Binding::new(address, PortSet::WHOLE, b4, br) {
        Err(error @ BindingError::Ipv4(_)) => Err(Impossible::Binding(error).into()),
        _ => Ok(()),
    }
}

fn owner(value: &DeValue<'_>) -> Result<Owner, Fault> {
    if value.as_str() == Some("third-party") {
        return Err(Fault::Unsupported("owner = \"third-party\""));
    }
    value::word(&[("pcp", Owner::Pcp)], "\"pcp\"")(value)
}

fn client(value: &DeValue<'_>) -> Result<Ipv6Prefix, Fault> {
    prefix(value, "a prefix of lwB4 addresses like \"2001:db8::/32\"")
}

/// An example says little to whoever wrote a prefix with bits behind its length: it looks like what is there.
fn prefix<P: FromStr<Err = NoPrefix>>(
    value: &DeValue<'_>,
    expected: &'static str,
) -> Result<P, Fault> {
    match value.as_str().map(str::parse) {
        Some(Ok(prefix)) => Ok(prefix),
        Some(Err(error @ NoPrefix::Behind { .. })) => Err(Impossible::Prefix(error).into()),
        Some(Err(NoPrefix::Malformed(_))) | None => Err(unexpected(value, expected)),
    }
}

/// A port, or two with a dash between them.
fn port_range(value: &DeValue<'_>) -> Result<PortRange, Fault> {
    if value.is_integer() {
        let port = value::number(0..=u16::MAX)(value)?;
        return Ok(PortRange::sized(port, 1));
    }
    let range = || {
        let text = value.as_str()?;
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        PortRange::new(first.trim().parse().ok()?, last.trim().parse().ok()?)
    };
    range().ok_or_else(|| unexpected(value, "ports like \"0-1023\""))
}

/// RFC 6335 s6.
const SYSTEM_PORTS: PortRange = PortRange::sized(0, 1024);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::config::Purpose;

    const BEFORE: &str = r#"[internet]
ipv4 = "10.10.10.10/24"
next_hop = "10.10.10.1"
[access]
ipv6 = "2001:db8:ac::1/64"
next_hop = "2001:db8:ac::2"
"#;
    const POOL: &str = r#"[[pool]]
name = "a"
prefix = "192.0.2.0/24"
psid_length = 6
br = "2001:db8:af::1"
clients = ["2001:db8:b4::/48"]
"#;

    fn read(pools: &str) -> Result<Vec<PoolConfig>, String> {
        let text = format!("{BEFORE}{pools}");
        Config::parse(Path::new("x"), &text, Purpose::Replay)
            .map(|config| config.pools)
            .map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_short_pool_has_the_documented_defaults() {
        let pools = read(POOL).unwrap();
        let pool = &pools[0];
        assert_eq!(
            (pool.owner, pool.pcp_ports),
            (Owner::Pcp, PcpPorts::Excluded)
        );
        assert_eq!(pool.exclude_ports, [PortRange::sized(0, 1024)]);
        assert!(pool.reserved.is_empty());
        let nobody = read(&POOL.replace("clients = [\"2001:db8:b4::/48\"]\n", "")).unwrap();
        assert!(nobody[0].clients.is_empty());
    }

    #[test]
    fn lw_010_ports_are_excluded_as_they_are_listed() {
        let with = |ports: &str| {
            let pools = read(&format!("{POOL}exclude_ports = {ports}\n"));
            pools.map(|pools| pools[0].exclude_ports.clone())
        };
        assert_eq!(with("[]").unwrap(), []);
        let listed = [PortRange::sized(0, 4096), PortRange::sized(8080, 1)];
        assert_eq!(with("[\"0-4095\", 8080]").unwrap(), listed);
        for wrong in ["[\"5-4\"]", "[\"x\"]", "[65536]", "\"0-1\"", "[true]"] {
            assert!(with(wrong).unwrap_err().contains("pool[0].exclude_ports"));
        }
    }

    #[test]
    fn pools_that_cannot_be_are_refused_at_the_later_one() {
        let other = POOL.replace("\"a\"", "\"b\"");
        for (pools, complaint) in [
            (
                format!("{POOL}{other}"),
                "x:13: pool[1]: pool \"b\" shares addresses with pool \"a\"",
            ),
            (
                format!("{POOL}{}", POOL.replace(".2.0", ".3.0")),
                "x:13: pool[1]: pool \"a\" is there already, expected each name once",
            ),
            (
                POOL.replace("192.0.2.0/24", "10.0.0.0/8")
                    .replace("= 6", "= 16"),
                "x:7: pool[0]: pool \"a\" has 1099511627776 sets, more than 67108864",
            ),
            (
                POOL.replace("192.0.2.0/24", "192.0.0.0/29"),
                "x:9: pool[0].prefix: IPv4 address 192.0.0.0 cannot be bound: not a unicast address for subscribers",
            ),
            (
                POOL.replace("192.0.2.0/24", "192.0.2.1/24"),
                "x:9: pool[0].prefix: \"192.0.2.1/24\" has bits set behind its first 24, expected \"192.0.2.0/24\" \
                 or a greater length",
            ),
            (
                POOL.replace("192.0.2.0/24", "192.0.2.0/33"),
                "x:9: pool[0].prefix: \"192.0.2.0/33\" found, expected addresses like \"192.0.2.0/24\"",
            ),
            (
                POOL.replace(
                    "[\"2001:db8:b4::/48\"]",
                    "[\n\"::/0\",\n\"2001:db8:b7::/46\"]",
                ),
                "x:14: pool[0].clients[1]: \"2001:db8:b7::/46\" has bits set behind its first 46, expected \
                 \"2001:db8:b4::/46\" or a greater length",
            ),
            (
                POOL.replace("2001:db8:b4::/48", "192.0.2.0/24"),
                "x:12: pool[0].clients[0]: \"192.0.2.0/24\" found, expected a prefix of lwB4 addresses like \
                 \"2001:db8::/32\"",
            ),
            (
                format!("{POOL}owner = \"third-party\"\n"),
                "x:13: pool[0].owner: owner = \"third-party\" is not supported by this version",
            ),
        ] {
            assert_eq!(read(&pools).unwrap_err(), complaint);
        }
    }
}
