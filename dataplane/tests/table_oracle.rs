//! The binding table does what the slow oracle does, over random changes and lookups.
//!
//! Few addresses, chosen to lie together and apart, and small PSIDs as well as large ones, so that
//! conflicts are common, nodes turn dense and packed again, and blocks change shape both ways.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used)] // In a test, also outside its functions, to panic is to fail.

#[path = "support/oracle.rs"]
mod oracle;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use proptest::collection::vec;
use proptest::prelude::*;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSplit;
use lwaftr_dataplane::table::BrSet;
use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Change;
use lwaftr_dataplane::table::Key;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::PortKey;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::table::Refusal;
use lwaftr_dataplane::table::Replace;
use lwaftr_dataplane::table::Table;

use oracle::Oracle;
use oracle::Verdict;

/// Thirty-six hosts of one /24, forty /24s of one /16, and three addresses far away.
fn address() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        6 => (0_u8..36).prop_map(|host| Ipv4Addr::new(198, 51, 100, host.wrapping_mul(7))),
        3 => (0_u8..40).prop_map(|net| Ipv4Addr::new(203, 0, net, 1)),
        1 => (1_u8..4).prop_map(|far| Ipv4Addr::new(far, far, far, far)),
    ]
}

/// Most addresses keep to the split that their last octets choose; some bindings come with another.
fn split(ipv4: Ipv4Addr, whim: u32) -> PortSplit {
    const SPLITS: [(u8, u8); 12] = [
        (0, 0),
        (0, 1),
        (0, 6),
        (6, 8),
        (0, 12),
        (0, 16),
        (4, 12),
        (6, 0),
        (0, 7),
        (6, 10),
        (15, 1),
        (1, 3),
    ];
    let [.., third, fourth] = ipv4.octets();
    let usual = u32::from(third) + u32::from(fourth);
    let choice = if whim.is_multiple_of(16) {
        whim / 16
    } else {
        usual
    };
    let (offset, length) = SPLITS[choice as usize % SPLITS.len()];
    PortSplit::new(offset, length).unwrap()
}

fn ports() -> impl Strategy<Value = (Ipv4Addr, PortSet)> {
    let psid = prop_oneof![3 => 0_u32..4, 2 => 0_u32..80, 1 => 0_u32..65536, 1 => (0_u32..64).prop_map(|n| n << 6)];
    (address(), any::<u32>(), psid).prop_map(|(ipv4, whim, psid)| {
        let split = split(ipv4, whim);
        (
            ipv4,
            PortSet::new(split, (psid % split.sets()) as u16).unwrap(),
        )
    })
}

fn br(number: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xb, number, 0, 0, 0, 1)
}

fn binding() -> impl Strategy<Value = (Binding, Origin)> {
    (ports(), 0_u16..50, 0_u16..3, 0_u16..3).prop_map(|((ipv4, ports), b4, near, origin)| {
        let b4 = Ipv6Addr::new(0x2001, 0xdb8, 0xb4, b4, 0, 0, 0, 1);
        (
            Binding::new(ipv4, ports, b4, br(near)).unwrap(),
            Origin(origin),
        )
    })
}

#[derive(Clone, Debug)]
enum Step {
    Add(Binding, Origin),
    Remove(Ipv4Addr, PortSet),
    /// Takes away one of those that are there, so that addresses empty out.
    RemoveOne(usize),
    Replace(Binding, Origin),
    /// Fills an address with all its sets, or as many of them as fit in a test.
    Fill(Binding),
    /// Empties an address but for its `n` lowest sets.
    Thin(Ipv4Addr, usize),
    Load(Vec<(Binding, Origin)>, Replace),
    /// Several changes, of the address of the first for the most part, all of them or none.
    Batch(Vec<Change>),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => binding().prop_map(|(binding, origin)| Change::Add(binding, origin)),
        2 => ports().prop_map(|(ipv4, ports)| Change::Remove(ipv4, ports)),
        1 => binding().prop_map(|(binding, origin)| Change::Replace(binding, origin)),
    ]
}

/// Adds, replaces and removes of small PSIDs of a few addresses, so that many a batch is accepted.
fn neighbours() -> impl Strategy<Value = Vec<Change>> {
    let one = (0_u8..3, 0_u32..3, 0_u32..6, 0_u16..50);
    vec(one, 2..12).prop_map(|picks| {
        let change = |(host, kind, psid, b4): (u8, u32, u32, u16)| {
            let ipv4 = Ipv4Addr::new(198, 51, 100, host.wrapping_mul(7));
            let split = split(ipv4, 1);
            let ports = PortSet::new(split, (psid % split.sets()) as u16).unwrap();
            let b4 = Ipv6Addr::new(0x2001, 0xdb8, 0xb4, b4, 0, 0, 0, 1);
            let binding = Binding::new(ipv4, ports, b4, br(0)).unwrap();
            match kind {
                0 => Change::Remove(ipv4, ports),
                1 => Change::Replace(binding, Origin(1)),
                _ => Change::Add(binding, Origin(2)),
            }
        };
        picks.into_iter().map(change).collect()
    })
}

fn step() -> impl Strategy<Value = Step> {
    let replace = prop_oneof![
        Just(Replace::All),
        (0_u16..3).prop_map(|origin| Replace::Origin(Origin(origin))),
    ];
    prop_oneof![
        40 => binding().prop_map(|(binding, origin)| Step::Add(binding, origin)),
        8 => ports().prop_map(|(ipv4, ports)| Step::Remove(ipv4, ports)),
        20 => any::<usize>().prop_map(Step::RemoveOne),
        8 => binding().prop_map(|(binding, origin)| Step::Replace(binding, origin)),
        4 => binding().prop_map(|(binding, _)| Step::Fill(binding)),
        4 => (address(), 0_usize..4).prop_map(|(ipv4, left)| Step::Thin(ipv4, left)),
        4 => vec(change(), 0..6).prop_map(Step::Batch),
        8 => neighbours().prop_map(Step::Batch),
        1 => (vec(binding(), 0..40), replace).prop_map(|(rows, replace)| Step::Load(rows, replace)),
    ]
}

/// The table and the oracle, changed alike.
struct Pair {
    publisher: Publisher,
    oracle: Oracle,
    /// None for packed nodes wherever possible; a little for both; plenty for dense ones throughout.
    dense_allowance: usize,
}

fn builder(dense_allowance: usize) -> Builder {
    let brs = BrSet::new((0..3).map(br)).unwrap();
    Builder::new(brs)
        .unwrap()
        .with_dense_allowance(dense_allowance)
}

fn verdict<T>(result: Result<T, Refusal>) -> Verdict {
    match result {
        Ok(_) => Verdict::Done,
        Err(Refusal::Overlap { .. }) => Verdict::Overlap,
        Err(Refusal::Split { .. }) => Verdict::Split,
        Err(Refusal::Absent { .. }) => Verdict::Absent,
        Err(other) => panic!("{other}"),
    }
}

impl Pair {
    fn new(dense_allowance: usize) -> Self {
        Self {
            publisher: Publisher::new(builder(dense_allowance)),
            oracle: Oracle::default(),
            dense_allowance,
        }
    }

    fn add(&mut self, binding: Binding, origin: Origin) {
        let expected = self.oracle.add(binding, origin);
        assert_eq!(verdict(self.publisher.add(&binding, origin)), expected);
    }

    fn remove(&mut self, ipv4: Ipv4Addr, ports: PortSet) {
        let expected = self.oracle.remove(ipv4, ports);
        assert_eq!(verdict(self.publisher.remove(ipv4, ports)), expected);
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Add(binding, origin) => self.add(binding, origin),
            Step::Remove(ipv4, ports) => self.remove(ipv4, ports),
            Step::RemoveOne(choice) => {
                if let Some((ipv4, ports)) = self.oracle.nth(choice) {
                    self.remove(ipv4, ports);
                }
            }
            Step::Replace(binding, origin) => {
                let expected = self.oracle.replace(binding, origin);
                assert_eq!(verdict(self.publisher.replace(&binding, origin)), expected);
            }
            Step::Fill(like) => self.fill(like),
            Step::Thin(ipv4, left) => self.thin(ipv4, left),
            Step::Load(rows, replace) => self.load(rows, replace),
            Step::Batch(changes) => self.batch(&changes),
        }
    }

    fn batch(&mut self, changes: &[Change]) {
        let mut changed = self.oracle.clone();
        let refused = changes.iter().enumerate().find_map(|(row, change)| {
            let expected = match *change {
                Change::Add(binding, origin) => changed.add(binding, origin),
                Change::Remove(ipv4, ports) => changed.remove(ipv4, ports),
                Change::Replace(binding, origin) => changed.replace(binding, origin),
            };
            (expected != Verdict::Done).then_some((row, expected))
        });
        let result = self.publisher.apply(changes);
        let found = result
            .err()
            .map(|refused| (refused.row, verdict::<()>(Err(refused.refusal))));
        assert_eq!(found, refused);
        if refused.is_none() {
            self.oracle = changed;
        }
    }

    fn fill(&mut self, like: Binding) {
        let split = like.ports().split();
        for psid in 0..split.sets().min(300) {
            let ports = PortSet::new(split, psid as u16).unwrap();
            let binding = Binding::new(like.ipv4(), ports, like.b4(), like.br()).unwrap();
            self.add(binding, Origin(0));
        }
    }

    fn thin(&mut self, ipv4: Ipv4Addr, left: usize) {
        for ports in self.oracle.sets_of(ipv4).into_iter().skip(left) {
            self.remove(ipv4, ports);
        }
    }

    fn load(&mut self, rows: Vec<(Binding, Origin)>, replace: Replace) {
        let mut builder = builder(self.dense_allowance);
        let mut loaded = self.oracle.clone();
        let mut fresh = Oracle::default();
        for (binding, origin) in rows {
            assert_eq!(
                verdict(builder.add(&binding, origin)),
                fresh.add(binding, origin)
            );
        }
        loaded.retain(|origin| replace != Replace::All && replace != Replace::Origin(origin));
        let fits = fresh
            .rows()
            .all(|(binding, origin)| loaded.add(binding, origin) == Verdict::Done);
        assert_eq!(self.publisher.load(builder, replace).is_ok(), fits);
        if fits {
            self.oracle = loaded;
        }
    }

    fn check_rows(&self) {
        let rows: BTreeMap<_, _> = self
            .publisher
            .iter()
            .map(|row| {
                (
                    (row.binding.ipv4(), row.binding.ports()),
                    (row.binding.b4(), row.binding.br(), row.origin),
                )
            })
            .collect();
        let expected: BTreeMap<_, _> = self
            .oracle
            .rows()
            .map(|(binding, origin)| {
                let ports = oracle::normal(binding.ports());
                (
                    (binding.ipv4(), ports),
                    (binding.b4(), binding.br(), origin),
                )
            })
            .collect();
        assert_eq!(rows, expected);
        assert_eq!(self.publisher.len(), self.oracle.len());
        let mut ids: Vec<_> = self.publisher.iter().map(|row| row.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), rows.len(), "two softwires have one number");
        assert!(
            ids.iter()
                .all(|id| id.index() < self.publisher.ids() as usize)
        );
    }

    /// Ports on and beside every boundary, and no port, on addresses that are and are not there.
    fn check_lookups(&self, addresses: &[Ipv4Addr]) {
        let table = self.publisher.table();
        let mut asked = Vec::new();
        for &ipv4 in addresses {
            assert_eq!(
                table.serves(ipv4.to_bits()),
                self.oracle.serves(ipv4),
                "{ipv4}"
            );
            let is_whole = self.oracle.lookup(ipv4, None).is_some();
            assert_eq!(
                table.shares(ipv4.to_bits()),
                self.oracle.serves(ipv4) && !is_whole,
                "{ipv4}"
            );
            asked.push((ipv4, None));
            let ports =
                (0..16).flat_map(|bit| [(1_u16 << bit) - 1, 1 << bit, u16::MAX - (1 << bit)]);
            asked.extend(ports.map(|port| (ipv4, Some(port))));
        }
        for row in self.publisher.iter() {
            let first = row.binding.ports().ranges().next().unwrap();
            let ipv4 = row.binding.ipv4();
            asked.extend([*first.start(), *first.end()].map(|port| (ipv4, Some(port))));
        }
        self.check_burst(table, &asked);
    }

    fn check_burst(&self, table: &Table, asked: &[(Ipv4Addr, Option<u16>)]) {
        let key = |&(ipv4, port): &(Ipv4Addr, Option<u16>)| {
            Key::new(
                ipv4.to_bits(),
                port.map_or(PortKey::PORTLESS, PortKey::port),
            )
        };
        let keys: Vec<_> = asked.iter().map(key).collect();
        for (asked, keys) in asked.chunks(61).zip(keys.chunks(61)) {
            let mut hits = [None; 64];
            table.lookup_burst(keys, &mut hits);
            for ((&(ipv4, port), &key), hit) in asked.iter().zip(keys).zip(hits) {
                let expected = self.oracle.lookup(ipv4, port);
                let expected =
                    expected.map(|binding| (binding.b4().octets(), binding.br().octets()));
                let found = hit.map(|softwire| (softwire.b4(), *table.br(softwire.br())));
                assert_eq!(found, expected, "{ipv4} {port:?}");
                let single = table.lookup(key);
                assert!(single.map(std::ptr::from_ref) == hit.map(std::ptr::from_ref));
            }
            assert!(hits[keys.len()..].iter().all(Option::is_none));
        }
    }

    /// With everything taken away, memory and numbers are what they were when nothing had been added.
    fn check_nothing_leaks(mut self) {
        let rows: Vec<_> = self.publisher.iter().collect();
        for row in rows {
            self.publisher
                .remove(row.binding.ipv4(), row.binding.ports())
                .unwrap();
        }
        assert!(
            self.publisher.reclaim(),
            "nobody reads, so nothing may wait"
        );
        assert_eq!(
            self.publisher.memory().used_bytes,
            builder(0).memory().used_bytes
        );
        assert_eq!(self.publisher.retired_bytes(), 0);
        assert!(self.publisher.is_empty());
        let numbers = self.publisher.ids();
        for number in 0..numbers {
            let ipv4 = Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 0).to_bits() + number);
            let binding = Binding::new(ipv4, PortSet::WHOLE, br(9), br(0)).unwrap();
            self.publisher.add(&binding, Origin(0)).unwrap();
        }
        assert_eq!(
            self.publisher.ids(),
            numbers,
            "the number of a softwire that is gone was lost"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn lw_013_lw_017_the_table_finds_what_the_oracle_finds(
        dense_allowance in prop::sample::select(vec![0, 8 << 10, 2 << 20]),
        steps in vec((step(), vec(address(), 3)), 1..120),
    ) {
        let mut pair = Pair::new(dense_allowance);
        for (index, (step, addresses)) in steps.into_iter().enumerate() {
            pair.apply(step);
            if index % 8 == 0 {
                pair.check_lookups(&addresses);
            }
        }
        pair.check_rows();
        let all: Vec<_> = (0..=255).map(|host| Ipv4Addr::new(198, 51, 100, host)).collect();
        pair.check_lookups(&all);
        pair.check_nothing_leaks();
    }
    #[test]
    fn bindings_added_together_are_there_as_if_one_by_one(
        mut bindings in vec(binding(), 0..60),
        crowd in vec((0_u16..3, 0_u16..64, 0_u16..50), 0..100),
        is_sorted in any::<bool>(),
    ) {
        let crowd = crowd.into_iter().map(|(host, psid, number)| {
            let ipv4 = Ipv4Addr::new(192, 0, 2, host as u8);
            let ports = PortSet::new(PortSplit::new(0, 6).unwrap(), psid).unwrap();
            let b4 = Ipv6Addr::new(0x2001, 0xdb8, 0xb4, number, 0, 0, 0, 1);
            // The table does not know the last.
            let br = br(if number == 49 { 3 } else { number % 3 });
            (Binding::new(ipv4, ports, b4, br).unwrap(), Origin(0))
        });
        bindings.extend(crowd);
        let mut bindings: Vec<Binding> = bindings.into_iter().map(|(binding, _)| binding).collect();
        if is_sorted {
            bindings.sort_by_key(|binding| (binding.ipv4(), binding.ports().psid()));
        }
        let (mut one_by_one, mut together) = (builder(0), builder(0));
        let mut expected = Vec::new();
        for (place, binding) in bindings.iter().enumerate() {
            if let Err(refusal) = one_by_one.add(binding, Origin(1)) {
                expected.push((place, refusal));
            }
        }
        let mut refused = Vec::new();
        together.add_all(&bindings, Origin(1), |place, refusal| refused.push((place, refusal)));
        prop_assert_eq!(refused, expected);
        let rows = |builder: &Builder| {
            let mut rows: Vec<_> = builder.table().rows().collect();
            rows.sort_by_key(|row| row.id);
            rows
        };
        prop_assert_eq!(rows(&together), rows(&one_by_one));
        prop_assert_eq!(together.len(), one_by_one.len());
    }
}

#[test]
fn an_address_filled_at_once_costs_what_it_needs() {
    let split = PortSplit::new(0, 6).unwrap();
    let all = |host| {
        (0..split.sets()).map(move |psid| {
            let ports = PortSet::new(split, psid as u16).unwrap();
            let b4 = Ipv6Addr::new(0x2001, 0xdb8, 0xb4, psid as u16, 0, 0, 0, 1);
            Binding::new(Ipv4Addr::new(192, 0, 2, host), ports, b4, br(0)).unwrap()
        })
    };
    let mut builder = builder(2 << 20);
    let mut add = |host| {
        let before = builder.memory().touched_bytes;
        builder.add_all(&all(host).collect::<Vec<_>>(), Origin(1), |_, _| panic!());
        builder.memory().touched_bytes - before
    };
    // The first needs nodes.
    add(1);
    assert_eq!(add(2), 64 * 32);
}
