//! Fragments made and put together by real kernels, on either side of the softwire (FR-001, FR-011,
//! FR-013).
//!
//! Over net_tap or net_af_xdp: the kernel puts IPv4 fragments together itself for a packet socket that
//! is part of a fan-out, as those of net_af_packet are.

use libtest_mimic::Trial;

use crate::Outcome;
use crate::daemon::Driver;
use crate::daemon::Setup;
use crate::lab::HOST;
use crate::lab::Lab;
use crate::lab::SUBSCRIBER;
use crate::network::Place;
use crate::scenarios::TRANSFER;
use crate::scenarios::counted;
use crate::scenarios::in_lab;

/// All of them.
pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, setup: Setup, scenario: fn(&mut Lab) -> Outcome<()>| {
        Trial::test(name.to_owned(), move || in_lab(&setup, scenario))
    };
    let tap = Setup {
        driver: Driver::Tap,
        mss_clamp: "0",
        inner_mtu: 1500,
        ..Setup::default()
    };
    let xdp = Setup {
        driver: Driver::AfXdp,
        ..tap.clone()
    };
    let last_first = Setup {
        last_first: Some(1280),
        ..tap.clone()
    };
    let two = Setup {
        workers: vec![0, 1],
        ..tap.clone()
    };
    vec![
        trial(
            "fragmented_datagrams_arrive_whole_both_ways_over_tap",
            tap.clone(),
            whole,
        ),
        trial(
            "fragmented_datagrams_arrive_whole_both_ways_over_xdp",
            xdp,
            whole,
        ),
        trial(
            "fragmented_datagrams_arrive_whole_past_two_workers",
            two,
            whole,
        ),
        trial(
            "shuffled_fragments_arrive_as_whole_datagrams",
            tap,
            shuffled,
        ),
        trial(
            "tunnel_fragments_that_come_last_first_are_put_together",
            last_first,
            shuffled,
        ),
    ]
}

fn whole(lab: &mut Lab) -> Outcome<()> {
    exchange(lab, "udp-whole")
}

fn shuffled(lab: &mut Lab) -> Outcome<()> {
    exchange(lab, "udp-shuffled")
}

/// Datagrams of two sizes, eight at once, from either side; all of them come back.
fn exchange(lab: &Lab, how: &str) -> Outcome<()> {
    let _far = lab.serve(Place::Internet, "udp-echo", HOST, 53)?;
    let _near = lab.serve(Place::B4, "udp-echo", SUBSCRIBER, 1500)?;
    for size in ["4000", "8000"] {
        lab.traffic(Place::Internet, how, SUBSCRIBER, 1500, &[size, "8"])?
            .succeed(TRANSFER)?;
        lab.traffic(Place::B4, how, HOST, 53, &[size, "8"])?
            .succeed(TRANSFER)?;
    }
    lab.no_drops()?;
    // Each datagram crosses once each way: 3 IPv4 fragments or 6, of which 2 or 5 need two outside.
    let datagrams = 16;
    for (name, expected) in [
        ("rcvd-ipv4-packets", datagrams * (3 + 6)),
        ("fragmented-ipv6-packets", datagrams * (2 + 5)),
        ("sent-ipv6-fragments", datagrams * (2 + 5) * 2),
        ("reassembled-ipv6-packets", datagrams * (2 + 5)),
        ("sent-ipv4-packets", datagrams * (3 + 6)),
        ("held-ipv4-fragments", 0),
        ("held-ipv6-fragments", 0),
    ] {
        counted(lab, name, expected)?;
    }
    Ok(())
}
