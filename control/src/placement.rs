//! Which NUMA node the binding table lives on: that of the workers, who miss their caches on every cold binding.
//!
//! There is one table, whichever cores read it. Packet buffers need no decision: each port's pool is on the
//! port's node. Where the system refuses, the table stays where it is first touched, and works.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;

use dpdk::lcore;
use lwaftr_dataplane::table::Builder;
use tracing::warn;

use crate::config::Config;
use crate::config::Device;

/// Where tables are to be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Placement {
    node: Option<u32>,
}

impl Placement {
    /// Wherever the memory happens to be touched first.
    pub const ANYWHERE: Self = Self { node: None };

    /// Asks for the place of a table that holds nothing yet. A refusal is logged, and returned is what to ask for
    /// next time: nothing, once refused.
    #[must_use]
    pub fn apply(self, builder: &Builder) -> Self {
        match self.node.map(|node| builder.prefer_node(node)) {
            Some(Err(refused)) => {
                warn!("{refused}: it stays where it is");
                Self::ANYWHERE
            }
            _ => self,
        }
    }
}

/// What there is to decide by; a node is absent where the machine does not tell.
#[derive(Clone, Debug, Default)]
pub struct Nodes {
    /// How many nodes the machine has.
    pub in_machine: usize,
    /// The node of each worker's core.
    pub of_workers: Vec<Option<u32>>,
    /// The node of each port's device.
    pub of_ports: Vec<Option<u32>>,
}

impl Nodes {
    /// Those of this machine.
    #[must_use]
    pub fn probe(config: &Config) -> Self {
        let workers = config.dataplane.workers.iter();
        Self {
            in_machine: count_nodes(),
            of_workers: workers
                .map(|&core| lcore::socket_of_cpu(core as usize))
                .collect(),
            of_ports: config.wiring.devices().into_iter().map(of_device).collect(),
        }
    }

    /// Where the table goes, and whether some workers will be far from it.
    #[must_use]
    pub fn decide(&self) -> (Placement, Option<Spread>) {
        if self.in_machine < 2 {
            return (Placement::ANYWHERE, None);
        }
        let mut workers = BTreeMap::new();
        for &node in self.of_workers.iter().flatten() {
            *workers.entry(node).or_insert(0_usize) += 1;
        }
        let port = common(&self.of_ports);
        // Reversed, so that the lowest of the fullest nodes is taken.
        let fullest = workers.iter().rev().max_by_key(|&(_, &count)| count);
        let node = match fullest {
            None => port,
            Some((&fullest, _)) => port
                .filter(|port| workers.contains_key(port))
                .or(Some(fullest)),
        };
        let spread = node.filter(|_| workers.len() > 1).map(|table| Spread {
            workers: workers.into_keys().collect(),
            table,
        });
        (Placement { node }, spread)
    }
}

/// Workers are on several nodes, the table on one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Spread {
    workers: BTreeSet<u32>,
    table: u32,
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers: Vec<_> = self.workers.iter().map(ToString::to_string).collect();
        let (workers, table) = (workers.join(", "), self.table);
        write!(
            f,
            "dataplane.workers: cores are on NUMA nodes {workers}; there is one binding table, on node {table}, \
             and workers elsewhere look up more slowly"
        )
    }
}

/// The node that all have, as far as that is known.
fn common(nodes: &[Option<u32>]) -> Option<u32> {
    let known: BTreeSet<u32> = nodes.iter().flatten().copied().collect();
    known.first().copied().filter(|_| known.len() == 1)
}

fn count_nodes() -> usize {
    let entries = fs::read_dir("/sys/devices/system/node");
    let is_node = |name: &str| {
        name.strip_prefix("node")
            .is_some_and(|number| number.parse::<u32>().is_ok())
    };
    entries.map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| entry.file_name().to_str().is_some_and(is_node))
            .count()
    })
}

/// Virtual devices are nowhere in particular; nor are PCI functions of a machine that says -1.
fn of_device(device: &Device) -> Option<u32> {
    if !device.is_pci() {
        return None;
    }
    let file = format!("/sys/bus/pci/devices/{}/numa_node", device.name());
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(
        in_machine: usize,
        workers: &[Option<u32>],
        ports: &[Option<u32>],
    ) -> (Option<u32>, Option<String>) {
        let nodes = Nodes {
            in_machine,
            of_workers: workers.to_vec(),
            of_ports: ports.to_vec(),
        };
        let (placement, spread) = nodes.decide();
        (placement.node, spread.map(|spread| spread.to_string()))
    }

    #[test]
    fn a_machine_of_one_node_leaves_nothing_to_decide() {
        for in_machine in [0, 1] {
            assert_eq!(decide(in_machine, &[Some(0)], &[Some(0)]), (None, None));
        }
    }

    #[test]
    fn the_table_is_where_all_workers_are_whatever_the_ports() {
        for ports in [&[][..], &[None], &[Some(0)], &[Some(0), Some(1)]] {
            assert_eq!(decide(2, &[Some(1), Some(1)], ports), (Some(1), None));
        }
    }

    #[test]
    fn a_worker_whose_node_is_unknown_does_not_count() {
        assert_eq!(decide(2, &[None, Some(1)], &[Some(0)]), (Some(1), None));
    }

    #[test]
    fn ports_decide_when_no_worker_is_known_and_they_agree() {
        assert_eq!(decide(2, &[None], &[Some(1), None]), (Some(1), None));
        assert_eq!(decide(2, &[None], &[Some(1), Some(0)]), (None, None));
        assert_eq!(decide(2, &[], &[]), (None, None));
    }

    #[test]
    fn spread_workers_are_warned_about_and_the_ports_node_is_taken_if_one_is_there() {
        let (node, warning) = decide(2, &[Some(0), Some(0), Some(1)], &[Some(1), Some(1)]);
        assert_eq!(node, Some(1));
        assert_eq!(
            warning.unwrap(),
            "dataplane.workers: cores are on NUMA nodes 0, 1; there is one binding table, on node 1, \
             and workers elsewhere look up more slowly"
        );
    }

    #[test]
    fn spread_workers_have_the_table_where_most_of_them_are_else() {
        for ports in [&[][..], &[Some(3)], &[Some(0), Some(1)]] {
            let (node, warning) = decide(4, &[Some(0), Some(1), Some(1)], ports);
            assert_eq!(node, Some(1), "{ports:?}");
            assert!(warning.is_some());
            let (node, _) = decide(4, &[Some(1), Some(0)], ports);
            assert_eq!(node, Some(0), "{ports:?}");
        }
    }
}
