//! Counters by name, and the conservation law that binds them (design section 8).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use toml::Table;

use crate::Outcome;

/// Counters and their values; those that are not there are zero.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Counters(BTreeMap<String, u64>);

impl Counters {
    /// The counters that a `case.toml` lists.
    pub(crate) fn from_table(table: &Table) -> Result<Self, String> {
        let mut counters = BTreeMap::new();
        for (name, value) in table {
            let value = value
                .as_integer()
                .and_then(|value| u64::try_from(value).ok());
            let value = value.filter(|value| *value > 0);
            let value = value.ok_or_else(|| format!("'counters.{name}' is no count above zero"))?;
            counters.insert(name.clone(), value);
        }
        Ok(Self(counters))
    }

    /// The counters that the program wrote: one flat JSON object.
    pub(crate) fn from_json(file: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(file)
            .map_err(|error| format!("the counters were not written: {error}"))?;
        let counters = serde_json::from_str(&text)
            .map_err(|error| format!("the counters are no flat object of numbers: {error}"))?;
        Ok(Self(counters))
    }

    /// A counter's value.
    pub(crate) fn value(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Sets a counter.
    pub(crate) fn set(&mut self, name: &str, value: u64) {
        self.0.insert(name.to_owned(), value);
    }

    /// What differs from `expected`, a line for each counter; a counter that `expected` does not
    /// list must not have moved.
    pub(crate) fn differences(&self, expected: &Self) -> Vec<String> {
        let names: BTreeSet<_> = self.0.keys().chain(expected.0.keys()).collect();
        let mut lines = Vec::new();
        for name in names {
            let (counted, wanted) = (self.value(name), expected.value(name));
            if counted != wanted {
                let unknown = if self.0.contains_key(name) {
                    ""
                } else {
                    " (no such counter)"
                };
                lines.push(format!(
                    "{name}: expected {wanted}, counted {counted}{unknown}"
                ));
            }
        }
        lines
    }

    /// Received + made here (errors, pieces, reassembled packets) = transmitted + dropped + punted +
    /// heard + cut into pieces + put together + still held.
    pub(crate) fn conservation(&self) -> Result<(), String> {
        let sum = |names: &[&str]| names.iter().map(|name| self.value(name)).sum::<u64>();
        let drops = self.0.iter().filter(|(name, _)| name.starts_with("drop-"));
        let dropped: u64 = drops.map(|(_, value)| value).sum();
        let (came, went) = (sum(CAME), sum(WENT) + dropped);
        if came == went {
            Ok(())
        } else {
            Err(format!(
                "{came} packets came into being, {went} ended ({dropped} of them drops)"
            ))
        }
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.0.iter().filter(|(_, value)| **value > 0) {
            writeln!(f, "{name} = {value}")?;
        }
        Ok(())
    }
}

const CAME: &[&str] = &[
    "rx-internet-packets",
    "rx-access-packets",
    "injected-packets",
    "out-icmpv4-error-packets",
    "out-icmpv6-error-packets",
    "sent-ipv6-fragments",
    "sent-ipv4-fragments",
    "reassembled-ipv6-packets",
];
/// Beside every `drop-…`.
const WENT: &[&str] = &[
    "tx-internet-packets",
    "tx-access-packets",
    "punted-neighbour",
    "punted-icmp",
    "punted-pcp",
    "punted-other",
    "heard-icmpv6-errors",
    "fragmented-ipv6-packets",
    "fragmented-ipv4-packets",
    "ipv6-fragments-reassembled",
    "held-ipv6-fragments",
    "held-ipv4-fragments",
];
