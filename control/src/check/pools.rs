//! How many subscribers the pools serve.

use lwaftr_dataplane::table::Publisher;
use pcp::book::Book;
use pcp::instant::Instant;
use pcp::pool::Pool;
use serde::Serialize;

use crate::config::Config;
use crate::provisioning;

/// A pool.
#[derive(Clone, Debug, Serialize)]
pub struct PoolPlan {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub prefix: String,
    /// Bits of a PSID.
    pub psid_length: u8,
    /// Ports of a set.
    pub ports_each: u32,
    /// The BR address that serves it.
    pub br: String,
    /// Prefixes of the lwB4s it is for.
    pub clients: Vec<String>,
    /// Sets to hand out.
    pub sets: usize,
    /// Sets that are not: by rules of the pool, or because the operator has bound their ports.
    pub kept_back: usize,
}

/// The pools, without what the bindings of `publisher` take out of them.
pub(super) fn plan(config: &Config, publisher: &Publisher) -> Vec<PoolPlan> {
    let book = config.pcp.as_ref().and_then(|pcp| {
        // A configuration that was read has no pools that contradict each other.
        provisioning::book(config, pcp, Instant::default()).ok()
    });
    let Some(mut book) = book else {
        return Vec::new();
    };
    let bindings = publisher.iter().map(|row| row.binding);
    provisioning::keep_back_all(bindings, &mut book);
    pools_of(&book)
}

fn pools_of(book: &Book) -> Vec<PoolPlan> {
    let pool = |pool: &Pool| {
        let (config, usage) = (pool.config(), pool.usage());
        PoolPlan {
            name: config.name.clone(),
            prefix: config.prefix.to_string(),
            psid_length: config.psid_length,
            ports_each: pool.set_size(),
            br: config.br.to_string(),
            clients: config.clients.iter().map(ToString::to_string).collect(),
            sets: usage.free,
            kept_back: usage.withheld,
        }
    };
    book.pools().iter().map(pool).collect()
}

/// Subscribers that have all they may.
pub(super) fn subscribers(config: &Config, pools: &[PoolPlan]) -> usize {
    let each = config
        .pcp
        .as_ref()
        .map_or(1, |pcp| pcp.server.max_sets_per_subscriber);
    pools.iter().map(|pool| pool.sets).sum::<usize>() / each
}

/// What is most likely not meant.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    match (&config.pcp, config.pools.is_empty()) {
        (None, false) => warnings
            .push("pool: without a section [pcp] nobody gets a port set from the pools".to_owned()),
        (Some(_), true) => warnings.push(
            "pcp: without a [[pool]] every request is refused: there is nothing to hand out"
                .to_owned(),
        ),
        _ => {}
    }
    let idle = config.pools.iter().filter(|pool| pool.clients.is_empty());
    warnings.extend(idle.map(|pool| {
        let name = &pool.name;
        format!("pool {name:?} has no clients: nobody gets a port set from it")
    }));
    warnings
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::check::Machine;
    use crate::check::Plan;
    use crate::config::Purpose;
    use crate::softwires::Softwires;

    const BEFORE: &str = r#"[internet]
ipv4 = "192.0.2.1"
next_hop = "192.0.2.254"
[access]
ipv6 = "2001:db8:ac::1/64"
next_hop = "2001:db8:ac::fe"
"#;
    const POOL: &str = r#"[[pool]]
name = "homes"
prefix = "192.0.2.0/30"
psid_length = 6
br = "2001:db8:af::1"
clients = ["2001:db8:b4::/48"]
"#;

    fn plan_of(text: &str) -> Plan {
        let text = format!("{BEFORE}{text}");
        let config = Config::parse(Path::new("x"), &text, Purpose::Replay).unwrap();
        let softwires = Softwires::read(&config, |_, _| ()).unwrap();
        Plan::new(&config, softwires, &Machine::default())
    }

    #[test]
    fn lw_010_subscribers_are_counted_without_what_is_kept_back() {
        // Of each address, one set has system ports and one those of PCP; one address is our own.
        let plan = plan_of(&format!("{POOL}[pcp]\n"));
        assert_eq!(
            (plan.pools[0].sets, plan.pool_subscribers),
            (3 * 62, 3 * 62)
        );
        let plan = plan_of(&format!("{POOL}[pcp]\nmax_sets_per_subscriber = 2\n"));
        assert_eq!(plan.pool_subscribers, 3 * 31);
        let binding = r#"[[softwire.binding]]
ipv4 = "192.0.2.2"
psid_length = 6
psid = 9
b4 = "2001:db8:b4::1"
br = "2001:db8:af::1"
"#;
        let plan = plan_of(&format!("{POOL}{binding}[pcp]\n"));
        assert_eq!(plan.pools[0].sets, 3 * 62 - 1);
    }

    #[test]
    fn pools_that_serve_nobody_are_warned_of() {
        let warned = |text: &str, words: &str| {
            let warnings = plan_of(text).warnings;
            warnings.iter().any(|warning| warning.contains(words))
        };
        assert!(warned(POOL, "without a section [pcp]"));
        assert!(warned("[pcp]\n", "without a [[pool]]"));
        let idle = POOL.replace("clients = [\"2001:db8:b4::/48\"]\n", "");
        assert!(warned(&format!("{idle}[pcp]\n"), "has no clients"));
        assert!(!warned(&format!("{POOL}[pcp]\n"), "pool"));
    }
}
