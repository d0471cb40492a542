//! Real threads on the real table: workers look up without pause while the publisher changes it without
//! pause. Whatever a worker finds must be one whole entry that belongs to the key, until it reports.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used)] // In a test, also outside its functions, to panic is to fail.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSplit;
use lwaftr_dataplane::table::BrSet;
use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Key;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::table::Reader;
use lwaftr_dataplane::table::Refusal;
use lwaftr_dataplane::table::Replace;
use lwaftr_dataplane::table::Softwire;

const BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1);
/// PSID lengths of the addresses in turn: whole, inline and indexed blocks.
const LENGTHS: [u8; 4] = [0, 4, 6, 9];
const ADDRESSES: u32 = 120;

/// A repeatable sequence (Marsaglia's xorshift), one for each thread.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) as u32) % end
    }
}

/// Half of the addresses lie in one /24, half in /24s of their own.
fn address(number: u32) -> Ipv4Addr {
    if number.is_multiple_of(2) {
        Ipv4Addr::from_bits(Ipv4Addr::new(198, 51, 100, 0).to_bits() + number)
    } else {
        Ipv4Addr::from_bits(Ipv4Addr::new(100, 64, 0, 1).to_bits() + (number << 13))
    }
}

fn length(number: u32) -> u8 {
    LENGTHS[(number / 2) as usize % LENGTHS.len()]
}

/// The B4's address says whose it is, and at which change; the end repeats that, so that halves of two
/// entries are no entry.
fn binding(number: u32, psid: u16, change: u16) -> Binding {
    let ports = PortSet::new(PortSplit::new(0, length(number)).unwrap(), psid).unwrap();
    let seal = number as u16 ^ psid ^ change;
    let b4 = Ipv6Addr::new(0x2001, 0xdb8, number as u16, psid, change, 0, seal, 1);
    Binding::new(address(number), ports, b4, BR).unwrap()
}

fn check(softwire: &Softwire, number: u32, psid: u16) {
    let [_, _, owner, set, change, _, seal, _] = Ipv6Addr::from(softwire.b4()).segments();
    assert_eq!(
        (u32::from(owner), set),
        (number, psid),
        "a softwire of another key"
    );
    assert_eq!(seal, owner ^ set ^ change, "a mixture of two entries");
    assert_eq!(softwire.psid(), psid);
}

fn work(mut reader: Reader, seed: u64, stop: &AtomicBool, hits_seen: &AtomicU64) {
    let mut random = Random(seed);
    let mut rounds = 0_u32;
    while !stop.load(Ordering::Relaxed) {
        let mut asked = [(0, 0); 32];
        let mut keys = [Key::SKIP; 32];
        for (asked, key) in asked.iter_mut().zip(&mut keys) {
            let number = random.below(ADDRESSES);
            let port = random.below(1 << 16);
            *asked = (number, (port >> (16 - u32::from(length(number)))) as u16);
            *key = Key::of_port(address(number), port as u16);
        }
        let mut hits = [None; 32];
        reader.table().lookup_burst(&keys, &mut hits);
        for _ in 0..2 {
            for (hit, (number, psid)) in hits.iter().zip(asked) {
                hit.iter()
                    .for_each(|softwire| check(softwire, number, psid));
            }
        }
        hits_seen.fetch_add(hits.iter().flatten().count() as u64, Ordering::Relaxed);
        reader.quiescent();
        rounds += 1;
        if rounds.is_multiple_of(64) {
            reader.parked_while(thread::yield_now);
        }
    }
}

fn builder() -> Builder {
    Builder::new(BrSet::new([BR]).unwrap())
        .unwrap()
        .with_dense_allowance(4 << 10)
}

/// Changes softwires at random until `until`, and now and then all of them at once.
fn churn(publisher: &mut Publisher, until: Instant) -> u64 {
    let mut random = Random(7);
    let mut done = 0;
    let mut change = 0_u16;
    while Instant::now() < until {
        for _ in 0..200 {
            change = change.wrapping_add(1);
            let number = random.below(ADDRESSES);
            let psid = random.below(1 << length(number)) as u16;
            let binding = binding(number, psid, change);
            let result = match random.below(3) {
                0 => publisher.add(&binding, Origin(0)).map(drop),
                1 => publisher.replace(&binding, Origin(1)).map(drop),
                _ => publisher.remove(binding.ipv4(), binding.ports()).map(drop),
            };
            match result {
                Ok(()) => done += 1,
                Err(Refusal::Overlap { .. } | Refusal::Absent { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        if random.below(50) == 0 {
            publisher.load(reloaded(change), Replace::All).unwrap();
        }
    }
    done
}

fn reloaded(change: u16) -> Builder {
    let mut builder = builder();
    for number in 0..ADDRESSES {
        for psid in (0..1_u32 << length(number)).step_by(3) {
            builder
                .add(&binding(number, psid as u16, change), Origin(2))
                .unwrap();
        }
    }
    builder
}

#[test]
fn workers_find_whole_entries_of_their_keys_while_the_table_changes() {
    let mut publisher = Publisher::new(reloaded(0));
    let (stop, hits_seen) = (AtomicBool::new(false), AtomicU64::new(0));
    let readers: Vec<_> = (0..2)
        .map(|_| publisher.reader().unwrap().online())
        .collect();
    let changes = thread::scope(|scope| {
        for (seed, reader) in (1..).zip(readers) {
            let (stop, hits_seen) = (&stop, &hits_seen);
            scope.spawn(move || work(reader, seed * 0x9e37_79b9, stop, hits_seen));
        }
        let changes = churn(&mut publisher, Instant::now() + Duration::from_secs(2));
        stop.store(true, Ordering::Relaxed);
        changes
    });
    assert!(changes > 1_000, "only {changes} changes were made");
    assert!(
        hits_seen.load(Ordering::Relaxed) > 10_000,
        "hardly a lookup hit"
    );
    let rows: Vec<_> = publisher.iter().collect();
    for row in rows {
        publisher
            .remove(row.binding.ipv4(), row.binding.ports())
            .unwrap();
    }
    assert!(
        publisher.reclaim(),
        "all readers are gone, so nothing may wait"
    );
    assert_eq!(publisher.memory().used_bytes, builder().memory().used_bytes);
}

#[test]
fn a_worker_that_never_reports_makes_changes_wait_and_then_fail_and_reporting_ends_it() {
    let patience = Duration::from_millis(20);
    let mut publisher = Publisher::new(reloaded(0)).with_patience(patience);
    let mut reader = publisher.reader().unwrap().online();
    let mut change = 0;
    let refusal = loop {
        change += 1;
        assert!(change < 60_000, "retired memory has no bound");
        if let Err(refusal) = publisher.replace(&binding(4, 0, change), Origin(0)) {
            break refusal;
        }
    };
    let Refusal::ReadersStalled {
        retired_bytes,
        waited,
    } = refusal
    else {
        panic!("{refusal}");
    };
    assert!(retired_bytes < 16 << 20 && waited >= patience, "{refusal}");
    let before = publisher.get(address(4), binding(4, 0, 0).ports()).unwrap();
    assert_eq!(
        before.binding,
        binding(4, 0, change - 1),
        "a refused change was made"
    );
    assert!(matches!(
        publisher.replace(&binding(4, 0, change), Origin(0)),
        Err(Refusal::ReadersStalled { .. })
    ));
    reader.quiescent();
    publisher
        .replace(&binding(4, 0, change), Origin(0))
        .unwrap();
}

#[test]
fn a_parked_worker_makes_nobody_wait() {
    let mut publisher = Publisher::new(reloaded(0)).with_patience(Duration::ZERO);
    let parked = publisher.reader().unwrap().online().park();
    for change in 1..60_000 {
        publisher
            .replace(&binding(4, 0, change), Origin(0))
            .unwrap();
    }
    let reader = parked.online();
    let hit = reader.table().lookup(Key::of_port(address(4), 0)).unwrap();
    check(hit, 4, 0);
}
