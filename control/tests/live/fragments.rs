//! Fragments made and put together by real kernels, on either side of the softwire (FR-001, FR-011,
//! FR-013).
//!
//! Over net_tap or net_af_xdp: the kernel puts IPv4 fragments together itself for a packet socket that
//! is part of a fan-out, as those of net_af_packet are.

use libtest_mimic::Trial;
use programs::Outcome;

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
        ..xdp.clone()
    };
    let little_room = Setup {
        reassembly: Some(10),
        ..Setup::default()
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
            "fragmented_datagrams_arrive_whole_both_ways_past_two_workers",
            two,
            past_two_workers,
        ),
        trial(
            "the_operator_is_warned_before_pieces_find_no_room",
            little_room,
            little_room_is_said,
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
    // Each datagram crosses once each way.
    crossed_each_way(lab, 16, 16)
}

/// Fragments have no ports to spread them: they come from more and more hosts, until each worker has had
/// some, and some were another's than the one they came to. The kernel chooses a queue of net_tap by a hash
/// that takes the next header in: of an IPv4 datagram in a tunnel, the fragments that need fragments outside
/// go to one worker and the last, which needs none, may go to another.
fn past_two_workers(lab: &mut Lab) -> Outcome<()> {
    let _near = lab.serve(Place::B4, "udp-echo", SUBSCRIBER, 1500)?;
    let mut had_fragments = [false; 2];
    for number in 1..=16 {
        let before = lab.daemon.received()?;
        lab.be_host(number)?;
        let all = &["4000", "8"];
        lab.traffic(Place::Internet, "udp-whole", SUBSCRIBER, 1500, all)?
            .succeed(TRANSFER)?;
        let after = lab.daemon.received()?;
        for (worker, had) in had_fragments.iter_mut().enumerate() {
            *had |= after[worker] > before[worker];
        }
        if had_fragments == [true; 2] && lab.daemon.counter("handed-over-packets")? > 0 {
            return crossed_each_way(lab, u64::from(number) * 8, 0);
        }
    }
    Err("one worker got all fragments, or none was handed over".into())
}

/// Nine packets that stay incomplete, where ten may (FR-010).
fn little_room_is_said(lab: &mut Lab) -> Outcome<()> {
    lab.traffic(Place::B4, "tunnel-pieces", BR, 0, &["1", "9"])?
        .succeed(TRANSFER)?;
    lab.daemon
        .says("9 IPv6 fragments wait at a worker that has room for 10")?;
    if !lab.daemon.printed().contains("access.reassembly") {
        return Err("the daemon does not say which setting it is".into());
    }
    lab.no_drops()?;
    counted(lab, "held-ipv6-fragments", 9)
}

/// So many datagrams of 4000 octets and of 8000 went through each way, whole: 3 IPv4 fragments or 6, of
/// which 2 or 5 go in two outside.
fn crossed_each_way(lab: &Lab, of_4000: u64, of_8000: u64) -> Outcome<()> {
    lab.no_drops()?;
    let fragments = of_4000 * 3 + of_8000 * 6;
    let too_large = of_4000 * 2 + of_8000 * 5;
    for (name, expected) in [
        ("rcvd-ipv4-packets", fragments),
        ("fragmented-ipv6-packets", too_large),
        ("sent-ipv6-fragments", too_large * 2),
        ("reassembled-ipv6-packets", too_large),
        ("sent-ipv4-packets", fragments),
        ("held-ipv4-fragments", 0),
        ("held-ipv6-fragments", 0),
    ] {
        counted(lab, name, expected)?;
    }
    Ok(())
}

/// The tunnel's end.
const BR: &str = "2001:db8:af::1";
