//! Publishing under loom, the model checker: the real table, publisher and readers, in every order of
//! their memory accesses that the C11 model allows, up to five preemptions an execution.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test -p lwaftr-dataplane --test loom_publish --release
//! ```
//!
//! Checked: no reader sees an entry half written, reused or from a table that has ended; what it found stays
//! the same until it reports; a change is seen whole; and what readers have let go does come back.
//!
//! Not covered: more than one worker thread at a time beside the publisher (each has a line of its own, and
//! workers share nothing they write), dense nodes and indexed blocks (they would need thousands of modelled
//! words; the oracle and stress tests have them), memory that changes its use between node and entry (in
//! the model these do not share bytes), waiting when limbo is full (it is timed), and loads that are
//! reordered in ways that loom does not model, for `Relaxed` ones that is.
#![cfg(loom)]
#![allow(clippy::unwrap_used)] // In a test, also outside its functions, to panic is to fail.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use loom::thread;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSplit;
use lwaftr_dataplane::table::BrSet;
use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Key;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::table::Reader;
use lwaftr_dataplane::table::Replace;

const BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const ONE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const TWO: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(5);
    builder.max_branches = 100_000;
    builder.check(model);
}

/// Room for a handful of nodes and entries: loom pays for every word.
fn builder() -> Builder {
    Builder::with_bytes(BrSet::new([BR]).unwrap(), 28 * 32).unwrap()
}

fn b4(number: u8) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xb4, 0, 0, 0, 0, number.into())
}

/// The origin repeats the B4's number, so that a mixture of two entries shows.
fn whole(ipv4: Ipv4Addr, number: u8) -> (Binding, Origin) {
    let binding = Binding::new(ipv4, PortSet::WHOLE, b4(number), BR).unwrap();
    (binding, Origin(number.into()))
}

fn half(ipv4: Ipv4Addr, psid: u16, number: u8) -> (Binding, Origin) {
    let ports = PortSet::new(PortSplit::new(0, 1).unwrap(), psid).unwrap();
    (
        Binding::new(ipv4, ports, b4(number), BR).unwrap(),
        Origin(number.into()),
    )
}

/// A publisher of `rows`.
fn publisher(rows: &[(Binding, Origin)]) -> Publisher {
    let mut builder = builder();
    for (binding, origin) in rows {
        builder.add(binding, *origin).unwrap();
    }
    Publisher::new(builder)
}

/// Looks `port` up and checks that what is found is one entry and stays it; its number.
fn look(reader: &Reader, ipv4: Ipv4Addr, port: u16) -> Option<u8> {
    let hit = reader.table().lookup(Key::of_port(ipv4, port))?;
    let first = hit.b4()[15];
    assert_eq!(
        hit.origin(),
        Origin(first.into()),
        "a mixture of two entries"
    );
    thread::yield_now();
    assert_eq!(hit.b4()[15], first, "an entry changed in a reader's hands");
    Some(first)
}

#[test]
fn a_replaced_entry_is_reused_only_after_its_readers_have_reported() {
    explore(|| {
        let mut publisher = publisher(&[whole(ONE, 1)]);
        let parked = publisher.reader().unwrap();
        let worker = thread::spawn(move || {
            let mut reader = parked.online();
            let mut newest = 0;
            for _ in 0..2 {
                let seen = look(&reader, ONE, 80).unwrap();
                assert!(seen >= newest, "an old state came back");
                newest = seen;
                reader.quiescent();
            }
        });
        // The third change may have to reuse what the first retired.
        for number in 2..=4 {
            let (binding, origin) = whole(ONE, number);
            publisher.replace(&binding, origin).unwrap();
            publisher.reclaim();
        }
        worker.join().unwrap();
        assert!(publisher.reclaim(), "nobody reads any more");
    });
}

#[test]
fn a_removed_and_reused_entry_is_never_seen_under_the_old_address() {
    explore(|| {
        let mut publisher = publisher(&[whole(ONE, 1)]);
        let parked = publisher.reader().unwrap();
        let worker = thread::spawn(move || {
            let mut reader = parked.online();
            let one = look(&reader, ONE, 80);
            assert!(matches!(one, None | Some(1)), "found {one:?}");
            reader.quiescent();
            let two = look(&reader, TWO, 80);
            assert!(matches!(two, None | Some(2)), "found {two:?}");
        });
        publisher.remove(ONE, PortSet::WHOLE).unwrap();
        publisher.reclaim();
        let (binding, origin) = whole(TWO, 2);
        publisher.add(&binding, origin).unwrap();
        publisher.reclaim();
        worker.join().unwrap();
    });
}

#[test]
fn a_second_port_set_reshapes_the_block_in_one_step() {
    explore(|| {
        let mut publisher = publisher(&[half(ONE, 0, 1)]);
        let parked = publisher.reader().unwrap();
        let worker = thread::spawn(move || {
            let reader = parked.online();
            let (upper, lower) = (look(&reader, ONE, 0x8000), look(&reader, ONE, 0));
            assert!(matches!(upper, None | Some(2)), "found {upper:?}");
            assert_eq!(lower, Some(1), "a softwire that nobody touched was lost");
        });
        let (binding, origin) = half(ONE, 1, 2);
        publisher.add(&binding, origin).unwrap();
        publisher.reclaim();
        worker.join().unwrap();
    });
}

#[test]
fn a_parked_worker_holds_nobody_up_and_comes_back_to_what_is_there() {
    explore(|| {
        let mut publisher = publisher(&[whole(ONE, 1)]);
        let parked = publisher.reader().unwrap();
        let worker = thread::spawn(move || {
            let mut reader = parked.online();
            let before = look(&reader, ONE, 80).unwrap();
            reader.parked_while(thread::yield_now);
            let after = look(&reader, ONE, 80).unwrap();
            assert!(after >= before, "an old state came back");
        });
        for number in 2..=3 {
            let (binding, origin) = whole(ONE, number);
            publisher.replace(&binding, origin).unwrap();
            publisher.reclaim();
        }
        worker.join().unwrap();
    });
}

#[test]
fn a_table_ends_only_after_its_readers_have_reported() {
    explore(|| {
        let mut publisher = publisher(&[whole(ONE, 1)]);
        let parked = publisher.reader().unwrap();
        let worker = thread::spawn(move || {
            let mut reader = parked.online();
            for _ in 0..2 {
                let table = reader.table();
                let hit = table.lookup(Key::of_port(ONE, 80)).unwrap();
                let number = hit.b4()[15];
                assert!(matches!(number, 1 | 2));
                thread::yield_now();
                assert_eq!(hit.b4()[15], number, "an entry changed in a reader's hands");
                reader.quiescent();
            }
        });
        let mut next = builder();
        let (binding, origin) = whole(ONE, 2);
        next.add(&binding, origin).unwrap();
        publisher.load(next, Replace::All).unwrap();
        publisher.reclaim();
        worker.join().unwrap();
        assert!(publisher.reclaim(), "nobody reads any more");
    });
}

#[test]
fn a_worker_may_outlive_the_publisher() {
    explore(|| {
        let mut publisher = publisher(&[whole(ONE, 1)]);
        let parked = publisher.reader().unwrap();
        let worker = thread::spawn(move || {
            let reader = parked.online();
            assert!(matches!(look(&reader, ONE, 80), Some(1 | 2)));
        });
        let mut next = builder();
        let (binding, origin) = whole(ONE, 2);
        next.add(&binding, origin).unwrap();
        publisher.load(next, Replace::All).unwrap();
        drop(publisher);
        worker.join().unwrap();
    });
}
