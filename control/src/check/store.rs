//! The configuration against the leases of its store: which of them could not go on?

use std::error::Error;

use leases::offline;
use leases::row::Row;
use lwaftr_dataplane::table::Builder;
use pcp::instant::Instant;
use serde::Serialize;

use crate::config::Config;
use crate::config::Pcp;
use crate::provisioning;
use crate::provisioning::misfits;
use crate::provisioning::misfits::Misfits;

/// What is in a store.
#[derive(Clone, Debug, Serialize)]
pub struct StorePlan {
    /// Live leases.
    pub leases: usize,
    /// Those that the configuration does not allow.
    pub conflicts: usize,
    /// Some of them, and why.
    pub examples: Vec<String>,
}

/// Enters all leases into a book and into a table that has the operator's bindings already.
pub(super) fn plan(
    config: &Config,
    pcp: &Pcp,
    builder: &mut Builder,
) -> Result<StorePlan, Box<dyn Error + Send + Sync>> {
    let mut rows = Vec::new();
    let now = offline::read(&config.leases.path, pcp.quarantine, |row| rows.push(row))?;
    rows_plan(config, pcp, builder, rows, now)
}

fn rows_plan(
    config: &Config,
    pcp: &Pcp,
    builder: &mut Builder,
    rows: Vec<Row>,
    now: Instant,
) -> Result<StorePlan, Box<dyn Error + Send + Sync>> {
    let mut book = provisioning::book(config, pcp, now)?;
    let (mut misfits, mut leases) = (Misfits::default(), 0);
    for row in rows {
        let Row::Held(lease) = row else { continue };
        leases += 1;
        if let Err(error) = book.restore(lease) {
            misfits.add(lease, error.into());
        }
    }
    misfits::bind_all(book.leases_by_address(), builder, &mut misfits);
    let examples = misfits.examples().iter();
    Ok(StorePlan {
        leases,
        conflicts: misfits.count(),
        examples: examples
            .map(|(lease, why)| format!("{} of {}: {why}", lease.set, lease.client.outer))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Purpose;
    use crate::provisioning::tests::granted;
    use crate::softwires::Softwires;

    fn plan_of(text: &str, rows: Vec<Row>) -> StorePlan {
        let config = Config::parse(Path::new("x"), text, Purpose::Replay).unwrap();
        let mut builder = Softwires::read(&config, |_, _| ()).unwrap().builder;
        let pcp = config.pcp.clone().unwrap();
        rows_plan(&config, &pcp, &mut builder, rows, Instant::from_secs(1000)).unwrap()
    }

    #[test]
    fn leases_that_pools_or_bindings_no_longer_allow_are_counted_and_named() {
        let (text, leases) = granted(3);
        let rows: Vec<_> = leases.iter().copied().map(Row::Held).collect();
        let plan = plan_of(text, rows.clone());
        assert_eq!((plan.leases, plan.conflicts), (3, 0));
        // Other sets of the same addresses, and other addresses.
        for (from, to) in [
            ("psid_length = 6", "psid_length = 5"),
            ("192.0.2.0/30", "192.0.3.0/30"),
        ] {
            let plan = plan_of(&text.replace(from, to), rows.clone());
            assert_eq!((plan.leases, plan.conflicts), (3, 3), "{to}");
        }
        let set = leases[0].set;
        let binding = format!(
            "[[softwire.binding]]\nipv4 = \"{}\"\npsid_length = 6\npsid = {}\n\
             b4 = \"2001:db8:b4::77\"\nbr = \"2001:db8:af::1\"\n",
            set.address(),
            set.psid()
        );
        let plan = plan_of(&format!("{text}{binding}"), rows);
        assert_eq!((plan.leases, plan.conflicts), (3, 1));
        assert!(
            plan.examples[0].contains("2001:db8:b4::77"),
            "{}",
            plan.examples[0]
        );
    }
}
