//! A slow, obviously right binding table: a map from (address, PSID) and one from address to split.

use std::net::Ipv4Addr;

use hashbrown::HashMap;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSplit;
use lwaftr_dataplane::table::Origin;

/// A whole address has no PSID, so the offset says nothing (GM-003).
pub(crate) fn normal(ports: PortSet) -> PortSet {
    if ports.split().is_whole() {
        PortSet::WHOLE
    } else {
        ports
    }
}

/// What the oracle thinks of a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Done,
    Overlap,
    Split,
    Absent,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    softwires: HashMap<(Ipv4Addr, u16), (Binding, Origin)>,
    splits: HashMap<Ipv4Addr, (PortSplit, usize)>,
}

impl Oracle {
    pub(crate) fn add(&mut self, binding: Binding, origin: Origin) -> Verdict {
        let ports = normal(binding.ports());
        let (split, softwires) = self
            .splits
            .entry(binding.ipv4())
            .or_insert((ports.split(), 0));
        if *split != ports.split() {
            return Verdict::Split;
        }
        let key = (binding.ipv4(), ports.psid());
        if self.softwires.contains_key(&key) {
            return Verdict::Overlap;
        }
        *softwires += 1;
        self.softwires.insert(key, (binding, origin));
        Verdict::Done
    }

    pub(crate) fn remove(&mut self, ipv4: Ipv4Addr, ports: PortSet) -> Verdict {
        let ports = normal(ports);
        if self.get(ipv4, ports).is_none() {
            return Verdict::Absent;
        }
        self.softwires.remove(&(ipv4, ports.psid()));
        if let Some((_, softwires)) = self.splits.get_mut(&ipv4) {
            *softwires -= 1;
            if *softwires == 0 {
                self.splits.remove(&ipv4);
            }
        }
        Verdict::Done
    }

    pub(crate) fn replace(&mut self, binding: Binding, origin: Origin) -> Verdict {
        let ports = normal(binding.ports());
        if self.get(binding.ipv4(), ports).is_none() {
            return Verdict::Absent;
        }
        self.softwires
            .insert((binding.ipv4(), ports.psid()), (binding, origin));
        Verdict::Done
    }

    pub(crate) fn get(&self, ipv4: Ipv4Addr, ports: PortSet) -> Option<(Binding, Origin)> {
        let ports = normal(ports);
        let (split, _) = self.splits.get(&ipv4)?;
        (*split == ports.split()).then(|| self.softwires.get(&(ipv4, ports.psid())).copied())?
    }

    /// The softwire of a port, or with no port that of the whole address.
    pub(crate) fn lookup(&self, ipv4: Ipv4Addr, port: Option<u16>) -> Option<Binding> {
        let (split, _) = self.splits.get(&ipv4)?;
        let psid = match port {
            Some(port) => split.psid_of(port)?,
            None if split.is_whole() => 0,
            None => return None,
        };
        self.softwires
            .get(&(ipv4, psid))
            .map(|&(binding, _)| binding)
    }

    pub(crate) fn serves(&self, ipv4: Ipv4Addr) -> bool {
        self.splits.contains_key(&ipv4)
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(Origin) -> bool) {
        let gone: Vec<_> = self.rows().filter(|&(_, origin)| !keep(origin)).collect();
        for (binding, _) in gone {
            self.remove(binding.ipv4(), binding.ports());
        }
    }

    /// The row number `choice`, counted round and round in order.
    pub(crate) fn nth(&self, choice: usize) -> Option<(Ipv4Addr, PortSet)> {
        let mut rows: Vec<_> = self
            .rows()
            .map(|(row, _)| (row.ipv4(), row.ports()))
            .collect();
        rows.sort();
        rows.get(choice % rows.len().max(1)).copied()
    }

    /// The port sets that are bound on one address, in order.
    pub(crate) fn sets_of(&self, ipv4: Ipv4Addr) -> Vec<PortSet> {
        let rows = self.rows().filter(|(row, _)| row.ipv4() == ipv4);
        let mut sets: Vec<_> = rows.map(|(row, _)| row.ports()).collect();
        sets.sort();
        sets
    }

    pub(crate) fn len(&self) -> usize {
        self.softwires.len()
    }

    /// All bindings with their origins, whole addresses with offset 0, in no order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (Binding, Origin)> {
        self.softwires.values().copied()
    }
}
