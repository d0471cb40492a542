//! Path MTU discovery by real kernels through the softwire (FR-002, FR-018, IC-007).
//!
//! Nobody clamps, and every host's link takes 1500 octets: without the ICMP errors no stream gets
//! through, and a stream that does has been told the right number.

use libtest_mimic::Trial;
use programs::Outcome;

use crate::daemon::Setup;
use crate::lab::HOST;
use crate::lab::Lab;
use crate::lab::SUBSCRIBER;
use crate::network::Place;
use crate::scenarios::TRANSFER;
use crate::scenarios::counted;
use crate::scenarios::expect;
use crate::scenarios::in_lab;

/// All of them.
pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, setup: Setup, scenario: fn(&mut Lab) -> Outcome<()>| {
        Trial::test(name.to_owned(), move || in_lab(&setup, scenario))
    };
    let unclamped = Setup {
        mss_clamp: "0",
        inner_mtu: 1500,
        ..Setup::default()
    };
    let narrow = Setup {
        internet_mtu: 1400,
        ..unclamped.clone()
    };
    let two = Setup {
        workers: vec![0, 1],
        queues: 2,
        ..narrow.clone()
    };
    let routed = Setup {
        router_mtu: Some(1400),
        ..unclamped.clone()
    };
    let two_routed = Setup {
        workers: vec![0, 1],
        queues: 2,
        ..routed.clone()
    };
    vec![
        trial(
            "path_mtu_of_the_tunnel_is_found_from_the_internet",
            unclamped,
            downstream,
        ),
        trial(
            "path_mtu_of_the_internet_is_found_from_the_b4",
            narrow,
            upstream,
        ),
        trial(
            "path_mtus_are_found_both_ways_past_two_workers",
            two,
            both_ways,
        ),
        trial(
            "path_mtu_behind_a_router_is_learned_and_passed_on",
            routed,
            behind_a_router,
        ),
        trial(
            "path_mtu_behind_a_router_is_known_to_two_workers",
            two_routed,
            behind_a_router,
        ),
    ]
}

fn downstream(lab: &mut Lab) -> Outcome<()> {
    streams_from_the_internet(lab)?;
    learned(lab, Place::Internet, SUBSCRIBER, 1460)?;
    // What the B4 sends was never too big; it came in pieces, as its kernel fragments outside.
    lab.daemon.moved("reassembled-ipv6-packets")?;
    let told = refused(lab, Place::Internet, SUBSCRIBER, 2001)?;
    expect(&told, "EMSGSIZE: 3/4 from 203.0.113.1, 1460")?;
    every_drop_was_told(lab)
}

fn upstream(lab: &mut Lab) -> Outcome<()> {
    streams_from_the_b4(lab)?;
    learned(lab, Place::B4, HOST, 1400)?;
    let told = refused(lab, Place::B4, HOST, 81)?;
    expect(&told, "EMSGSIZE: 3/4 from 192.0.0.1, 1400")?;
    // What may be fragmented leaves in two pieces (FR-018); the answers are fragmented outside.
    let _echo = lab.serve(Place::Internet, "udp-echo", HOST, 53)?;
    lab.traffic(Place::B4, "udp-whole", HOST, 53, &["1472", "8"])?
        .succeed(TRANSFER)?;
    counted(lab, "fragmented-ipv4-packets", 8)?;
    counted(lab, "sent-ipv4-fragments", 16)?;
    counted(lab, "fragmented-ipv6-packets", 8)?;
    every_drop_was_told(lab)
}

fn both_ways(lab: &mut Lab) -> Outcome<()> {
    streams_from_the_internet(lab)?;
    streams_from_the_b4(lab)?;
    learned(lab, Place::Internet, SUBSCRIBER, 1460)?;
    learned(lab, Place::B4, HOST, 1400)?;
    every_drop_was_told(lab)
}

/// A router of the access network cannot carry what the lwAFTR sends at first.
fn behind_a_router(lab: &mut Lab) -> Outcome<()> {
    streams_from_the_internet(lab)?;
    lab.daemon.moved("heard-icmpv6-errors")?;
    learned(lab, Place::Internet, SUBSCRIBER, 1360)?;
    let told = refused(lab, Place::Internet, SUBSCRIBER, 2001)?;
    expect(&told, "EMSGSIZE: 3/4 from 203.0.113.1, 1360")?;
    // What may be fragmented outside now is, to what the router carries: it complains no more.
    let heard = lab.daemon.counter("heard-icmpv6-errors")?;
    let datagrams = datagrams_of_flows(lab)?;
    counted(lab, "fragmented-ipv6-packets", datagrams)?;
    counted(lab, "sent-ipv6-fragments", 2 * datagrams)?;
    counted(lab, "heard-icmpv6-errors", heard)?;
    lab.drops_only_for(&["drop-dont-fragment"])
}

/// Datagrams of 1500 octets with DF=0 from the Internet, in flows, until each worker has had packets and
/// so must know the path; gives how many there were.
fn datagrams_of_flows(lab: &Lab) -> Outcome<u64> {
    let mut sent = 0;
    for port in 1500..1532 {
        let _echo = lab.serve(Place::B4, "udp-echo", SUBSCRIBER, port)?;
        lab.traffic(
            Place::Internet,
            "udp-whole",
            SUBSCRIBER,
            port,
            &["1472", "8"],
        )?
        .succeed(TRANSFER)?;
        sent += 8;
        if !lab.daemon.received()?.contains(&0) {
            return Ok(sent);
        }
    }
    Err("one worker got all packets".into())
}

/// A connection from the Internet: 5 MiB there, 5 MiB back, digests compared.
fn streams_from_the_internet(lab: &Lab) -> Outcome<()> {
    let _server = lab.serve(Place::B4, "tcp-serve", SUBSCRIBER, 2000)?;
    lab.traffic(Place::Internet, "tcp-send", SUBSCRIBER, 2000, &["5"])?
        .succeed(TRANSFER)
        .map(drop)
}

/// The same from the B4.
fn streams_from_the_b4(lab: &Lab) -> Outcome<()> {
    let _server = lab.serve(Place::Internet, "tcp-serve", HOST, 80)?;
    lab.traffic(Place::B4, "tcp-send", HOST, 80, &["5"])?
        .succeed(TRANSFER)
        .map(drop)
}

/// Which ICMP error a datagram of 1500 octets with DF=1 is answered with.
fn refused(lab: &Lab, place: Place, address: &str, port: u16) -> Outcome<String> {
    lab.traffic(place, "udp-refused", address, port, &["1472"])?
        .succeed(TRANSFER)
}

fn learned(lab: &Lab, place: Place, address: &str, expected: u16) -> Outcome<()> {
    match lab.path_mtu(place, address)? {
        mtu if mtu == expected => Ok(()),
        mtu => Err(format!("{place:?} has learned {mtu} to {address}, not {expected}").into()),
    }
}

/// Packets were dropped as too big for DF=1 and for nothing else; an error tells of each, or the limit
/// kept it back.
fn every_drop_was_told(lab: &Lab) -> Outcome<()> {
    lab.drops_only_for(&["drop-dont-fragment"])?;
    let dropped = lab.daemon.counter("drop-dont-fragment")?;
    let sent = lab.daemon.moved("out-icmpv4-error-packets")?;
    let limited = lab.daemon.counter("icmp-errors-limited")?;
    if sent + limited == dropped {
        Ok(())
    } else {
        Err(format!("{dropped} were too big, {sent} errors sent, {limited} held back").into())
    }
}
