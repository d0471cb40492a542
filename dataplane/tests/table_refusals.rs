//! What the table refuses, with what it says, and that a refusal leaves everything as it was.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used)] // In a test, also outside its functions, to panic is to fail.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSplit;
use lwaftr_dataplane::table::BrSet;
use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Change;
use lwaftr_dataplane::table::Key;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::PathMtu;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::table::Refusal;
use lwaftr_dataplane::table::RefusedRow;
use lwaftr_dataplane::table::Replace;
use lwaftr_dataplane::table::Row;

const BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xaf, 0, 0, 0, 0, 1);
const SHARED: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

fn builder() -> Builder {
    Builder::new(BrSet::new([BR]).unwrap()).unwrap()
}

fn ports(offset: u8, length: u8, psid: u16) -> PortSet {
    PortSet::new(PortSplit::new(offset, length).unwrap(), psid).unwrap()
}

fn b4(number: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xb4, number, 0, 0, 0, 1)
}

fn bind(ipv4: Ipv4Addr, ports: PortSet, number: u16) -> Binding {
    Binding::new(ipv4, ports, b4(number), BR).unwrap()
}

/// A table with PSID 3 of `SHARED`, k = 6, bound to lwB4 number 1 by origin 5.
fn table() -> Publisher {
    let mut builder = builder();
    builder
        .add(&bind(SHARED, ports(0, 6, 3), 1), Origin(5))
        .unwrap();
    Publisher::new(builder)
}

/// What `change` is refused for; the table must be the same before and after.
fn refused(change: impl FnOnce(&mut Publisher) -> Refusal) -> Refusal {
    let mut publisher = table();
    let before: Vec<Row> = publisher.iter().collect();
    let memory = publisher.memory();
    let refusal = change(&mut publisher);
    assert_eq!(publisher.iter().collect::<Vec<_>>(), before);
    assert_eq!(publisher.memory(), memory);
    refusal
}

#[test]
fn lw_009_ports_that_are_bound_are_refused_and_their_holder_is_named() {
    let taken = ports(0, 6, 3);
    let refusal = refused(|publisher| {
        publisher
            .add(&bind(SHARED, taken, 2), Origin(0))
            .unwrap_err()
    });
    let holder = bind(SHARED, taken, 1);
    let origin = Origin(5);
    let (ipv4, ports) = (SHARED, taken);
    assert_eq!(
        refusal,
        Refusal::Overlap {
            ipv4,
            ports,
            holder,
            origin
        }
    );
    assert_eq!(
        refusal.to_string(),
        "198.51.100.1 a=0 k=6 psid=3 is bound already, to B4 2001:db8:b4:1::1"
    );
}

#[test]
fn lw_009_the_same_binding_twice_is_an_overlap_too() {
    let again = bind(SHARED, ports(0, 6, 3), 1);
    let refusal = refused(|publisher| publisher.add(&again, Origin(5)).unwrap_err());
    assert!(matches!(refusal, Refusal::Overlap { holder, .. } if holder == again));
}

#[test]
fn lw_007_one_lwb4_may_have_several_port_sets() {
    let mut publisher = table();
    publisher
        .add(&bind(SHARED, ports(0, 6, 4), 1), Origin(0))
        .unwrap();
    publisher
        .add(&bind(OTHER, PortSet::WHOLE, 1), Origin(0))
        .unwrap();
    assert_eq!(publisher.len(), 3);
}

#[test]
fn gm_001_another_split_of_the_same_address_is_refused_even_where_ports_are_free() {
    for other in [
        ports(0, 7, 100),
        ports(1, 6, 9),
        ports(0, 5, 20),
        PortSet::WHOLE,
    ] {
        let refusal = refused(|publisher| {
            publisher
                .add(&bind(SHARED, other, 2), Origin(0))
                .unwrap_err()
        });
        let present = ports(0, 6, 3).split();
        let given = other.split();
        assert_eq!(
            refusal,
            Refusal::Split {
                ipv4: SHARED,
                given,
                present
            }
        );
    }
}

#[test]
fn gm_001_an_address_that_is_free_again_may_be_split_anew() {
    let mut publisher = table();
    publisher.remove(SHARED, ports(0, 6, 3)).unwrap();
    publisher
        .add(&bind(SHARED, ports(4, 8, 200), 2), Origin(0))
        .unwrap();
    assert_eq!(
        publisher.iter().next().unwrap().binding.ports(),
        ports(4, 8, 200)
    );
}

#[test]
fn gm_003_a_whole_address_owns_every_port_and_what_has_none_whatever_offset_it_was_given() {
    let mut publisher = table();
    publisher
        .add(&bind(OTHER, ports(6, 0, 0), 2), Origin(0))
        .unwrap();
    let table = publisher.table();
    for key in [0, 80, 1023, 1024, u16::MAX].map(|port| Key::of_port(OTHER, port)) {
        assert_eq!(table.lookup(key).unwrap().b4(), b4(2).octets());
    }
    assert_eq!(
        table.lookup(Key::portless(OTHER)).unwrap().b4(),
        b4(2).octets()
    );
    assert!(table.lookup(Key::portless(SHARED)).is_none());
    assert!(publisher.remove(OTHER, PortSet::WHOLE).is_ok());
}

#[test]
fn a_br_address_that_is_not_ours_is_refused() {
    let stranger = b4(99);
    let binding = Binding::new(OTHER, PortSet::WHOLE, b4(1), stranger).unwrap();
    let refusal = refused(|publisher| publisher.add(&binding, Origin(0)).unwrap_err());
    assert_eq!(refusal, Refusal::UnknownBr(stranger));
}

#[test]
fn what_is_not_bound_cannot_be_removed_replaced_or_given_an_mtu() {
    let (ipv4, free) = (SHARED, ports(0, 6, 4));
    let absent = Refusal::Absent { ipv4, ports: free };
    assert_eq!(refused(|p| p.remove(ipv4, free).unwrap_err()), absent);
    assert_eq!(
        refused(|p| p.replace(&bind(ipv4, free, 2), Origin(0)).unwrap_err()),
        absent
    );
    assert_eq!(
        refused(|p| p.set_path_mtu(ipv4, free, PathMtu(1)).unwrap_err()),
        absent
    );
    // The same ports under another split are not this softwire.
    let half = ports(0, 7, 6);
    let absent = Refusal::Absent { ipv4, ports: half };
    assert_eq!(refused(|p| p.remove(ipv4, half).unwrap_err()), absent);
}

#[test]
fn a_batch_is_refused_whole_and_the_first_conflicting_row_is_named() {
    let mut publisher = table();
    let before: Vec<_> = publisher.iter().collect();
    let changes = [
        Change::Add(bind(OTHER, PortSet::WHOLE, 2), Origin(0)),
        Change::Remove(SHARED, ports(0, 6, 3)),
        Change::Add(bind(SHARED, ports(0, 4, 1), 3), Origin(0)),
        Change::Add(bind(SHARED, ports(0, 4, 1), 4), Origin(0)),
    ];
    let RefusedRow { row, refusal } = publisher.apply(&changes).unwrap_err();
    assert_eq!(row, 3);
    assert!(
        matches!(refusal, Refusal::Overlap { holder, .. } if holder == bind(SHARED, ports(0, 4, 1), 3))
    );
    assert_eq!(publisher.iter().collect::<Vec<_>>(), before);
    publisher.apply(&changes[..3]).unwrap();
    let bound: Vec<_> = publisher.iter().map(|row| row.binding).collect();
    assert_eq!(
        bound,
        [
            bind(SHARED, ports(0, 4, 1), 3),
            bind(OTHER, PortSet::WHOLE, 2)
        ]
    );
}

#[test]
fn a_load_that_conflicts_with_what_stays_changes_nothing() {
    let mut publisher = table();
    let before: Vec<_> = publisher.iter().collect();
    let mut rows = builder();
    rows.add(&bind(OTHER, PortSet::WHOLE, 2), Origin(6))
        .unwrap();
    rows.add(&bind(SHARED, ports(0, 6, 3), 2), Origin(6))
        .unwrap();
    let refusal = publisher
        .load(rows, Replace::Origin(Origin(6)))
        .unwrap_err();
    assert!(matches!(refusal, Refusal::Overlap { .. }), "{refusal}");
    assert_eq!(publisher.iter().collect::<Vec<_>>(), before);
}

#[test]
fn a_load_keeps_the_number_and_path_mtu_of_whoever_keeps_ports_and_b4() {
    let mut publisher = table();
    publisher
        .add(&bind(OTHER, PortSet::WHOLE, 2), Origin(5))
        .unwrap();
    publisher
        .set_path_mtu(OTHER, PortSet::WHOLE, PathMtu(7))
        .unwrap();
    let kept = publisher.get(OTHER, PortSet::WHOLE).unwrap();
    let gone = publisher.get(SHARED, ports(0, 6, 3)).unwrap();
    let mut rows = builder();
    rows.add(&bind(SHARED, ports(0, 6, 3), 9), Origin(5))
        .unwrap();
    rows.add(&bind(OTHER, PortSet::WHOLE, 2), Origin(5))
        .unwrap();
    assert_eq!(publisher.load(rows, Replace::Origin(Origin(5))), Ok(2));
    assert_eq!(publisher.get(OTHER, PortSet::WHOLE), Some(kept));
    let new = publisher.get(SHARED, ports(0, 6, 3)).unwrap();
    assert_ne!(new.id, gone.id, "another subscriber's counters");
    assert_eq!(new.path_mtu, PathMtu::default());
}

#[test]
fn a_full_table_refuses_more_but_still_lets_go() {
    let bytes = 270_000 + (2 << 20);
    let brs = BrSet::new([BR]).unwrap();
    let mut publisher = Publisher::new(Builder::with_bytes(brs, bytes).unwrap());
    let address = |n: u32| Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 0).to_bits() + (n << 8));
    let (count, refusal) = (0..)
        .find_map(|n| {
            let added = publisher.add(&bind(address(n), PortSet::WHOLE, 1), Origin(0));
            added.err().map(|refusal| (n, refusal))
        })
        .unwrap();
    assert!(matches!(refusal, Refusal::Full { softwires, .. } if softwires == count as usize));
    assert!(count > 100, "full after {count}");
    for n in 0..count {
        publisher.remove(address(n), PortSet::WHOLE).unwrap();
    }
    assert!(publisher.is_empty());
}
