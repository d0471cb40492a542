//! What subscribers and operators see of a running lwAFTR.

use std::fmt::Write;
use std::time::Duration;
use std::time::Instant;

use libtest_mimic::Trial;
use programs::Outcome;
use programs::run;
use programs::wait_until;

use crate::daemon::Setup;
use crate::lab::HOST;
use crate::lab::Lab;
use crate::lab::SUBSCRIBER;
use crate::network::Place;

type Scenario = (&'static str, fn(&mut Lab) -> Outcome<()>);

const SCENARIOS: &[Scenario] = &[
    ("ping_works_both_ways_by_identifier", ping),
    ("tcp_bulk_of_the_b4_arrives_unharmed_both_ways", tcp_from_b4),
    (
        "tcp_bulk_of_the_internet_arrives_unharmed_both_ways",
        tcp_from_internet,
    ),
    ("udp_datagrams_arrive_unharmed_both_ways", udp),
    (
        "an_update_storm_loses_no_packet_of_another_softwire",
        update_storm,
    ),
    (
        "a_removed_softwire_stops_at_once_and_comes_back",
        remove_and_add,
    ),
    ("sigterm_under_traffic_ends_cleanly_with_counters", sigterm),
    (
        "a_port_device_that_disappears_is_said_and_survived",
        device_disappears,
    ),
];

/// All scenarios, each in a lab of its own.
pub(crate) fn trials() -> Vec<Trial> {
    let single = SCENARIOS
        .iter()
        .map(|&(name, scenario)| Trial::test(name, move || in_lab(&Setup::default(), scenario)));
    let two = Setup {
        workers: vec![0, 1],
        queues: 2,
        ..Setup::default()
    };
    let past_two = |name: &str, scenario: fn(&mut Lab) -> Outcome<()>| {
        let two = two.clone();
        Trial::test(name.to_owned(), move || in_lab(&two, scenario))
    };
    // The kernel takes as many packets as a ring has room for, for a device that is gone too.
    let small_rings = Setup {
        frames: 64,
        ..Setup::default()
    };
    let one_side = Trial::test(
        "one_side_goes_on_without_the_device_of_the_other",
        move || in_lab(&small_rings, one_side_goes_on),
    );
    single
        .chain([
            past_two("two_workers_share_many_flows", many_flows),
            past_two("ping_works_both_ways_past_two_workers", ping_past_two),
            one_side,
        ])
        .collect()
}

/// Runs a scenario; when it fails, what the daemon printed is part of the message.
pub(crate) fn in_lab(setup: &Setup, scenario: fn(&mut Lab) -> Outcome<()>) -> Outcome<()> {
    let mut lab = Lab::open(setup)?;
    scenario(&mut lab).map_err(|failed| {
        let message = failed.message().unwrap_or_default();
        format!("{message}\nthe daemon printed:\n{}", lab.daemon.printed()).into()
    })
}

fn ping(lab: &mut Lab) -> Outcome<()> {
    lab.ping(Place::B4, HOST, 1100)?;
    lab.ping(Place::Internet, SUBSCRIBER, 1101)?;
    lab.no_drops()?;
    // IC-001: an Identifier outside the port set reaches nobody.
    lab.ping_in_vain(Place::Internet, SUBSCRIBER, 2048)?;
    counted(lab, "drop-no-softwire", 5)
}

/// From and to more and more hosts, until each worker has had some of it.
fn ping_past_two(lab: &mut Lab) -> Outcome<()> {
    for number in 1..=16 {
        let host = lab.be_host(number)?;
        lab.ping(Place::B4, &host, 1100)?;
        lab.ping(Place::Internet, SUBSCRIBER, 1101)?;
        if lab.daemon.received()?.iter().all(|received| *received > 0) {
            lab.no_drops()?;
            return counted(lab, "sent-ipv6-packets", u64::from(number) * 10);
        }
    }
    Err("one worker got all pings".into())
}

fn tcp_from_b4(lab: &mut Lab) -> Outcome<()> {
    let _server = lab.serve(Place::Internet, "tcp-serve", HOST, 80)?;
    lab.traffic(Place::B4, "tcp-send", HOST, 80, &["50"])?
        .succeed(TRANSFER)?;
    lab.no_drops()
}

fn tcp_from_internet(lab: &mut Lab) -> Outcome<()> {
    let _server = lab.serve(Place::B4, "tcp-serve", SUBSCRIBER, 2000)?;
    lab.traffic(Place::Internet, "tcp-send", SUBSCRIBER, 2000, &["50"])?
        .succeed(TRANSFER)?;
    lab.no_drops()
}

fn udp(lab: &mut Lab) -> Outcome<()> {
    let _far = lab.serve(Place::Internet, "udp-echo", HOST, 53)?;
    let _near = lab.serve(Place::B4, "udp-echo", SUBSCRIBER, 1500)?;
    lab.traffic(Place::B4, "udp-send", HOST, 53, &["2", "500"])?
        .succeed(TRANSFER)?;
    lab.traffic(Place::Internet, "udp-send", SUBSCRIBER, 1500, &["2", "500"])?
        .succeed(TRANSFER)?;
    lab.no_drops()
}

/// Several flows at once, so that the kernel's fan-out gives both queues some.
fn many_flows(lab: &mut Lab) -> Outcome<()> {
    let _tcp = lab.serve(Place::Internet, "tcp-serve", HOST, 80)?;
    let _udp = lab.serve(Place::B4, "udp-echo", SUBSCRIBER, 1500)?;
    let mut flows = vec![lab.traffic(Place::B4, "tcp-send", HOST, 80, &["10"])?];
    for number in 0..8 {
        let port = 1501 + number;
        let _echo = lab.serve(Place::B4, "udp-echo", SUBSCRIBER, port)?;
        lab.traffic(
            Place::Internet,
            "udp-send",
            SUBSCRIBER,
            port,
            &["0.5", "200"],
        )?
        .succeed(TRANSFER)?;
    }
    flows.push(lab.traffic(Place::Internet, "udp-send", SUBSCRIBER, 1500, &["2", "200"])?);
    for flow in &mut flows {
        flow.succeed(TRANSFER)?;
    }
    let received = lab.daemon.received()?;
    if received.len() != 2 || received.contains(&0) {
        return Err(format!("the workers received {received:?} packets").into());
    }
    lab.no_drops()
}

/// Softwires come and go by the thousand, on other addresses and on the subscriber's own.
fn update_storm(lab: &mut Lab) -> Outcome<()> {
    let _echo = lab.serve(Place::Internet, "udp-echo", HOST, 53)?;
    let _server = lab.serve(Place::Internet, "tcp-serve", HOST, 80)?;
    let rows = other_softwires();
    let count = rows.lines().count() - 1;
    let mut stream = lab.traffic(Place::B4, "udp-send", HOST, 53, &["8", "300"])?;
    let mut bulk = lab.traffic(Place::B4, "tcp-send", HOST, 80, &["10"])?;
    let (mut changes, started) = (0, Instant::now());
    while started.elapsed() < Duration::from_secs(7) {
        lab.daemon.change("add", &rows)?;
        counted(lab, "active-softwire-num", count as u64 + 1)?;
        lab.daemon.change("remove", &rows)?;
        counted(lab, "active-softwire-num", 1)?;
        changes += 2 * count;
    }
    stream.succeed(TRANSFER)?;
    bulk.succeed(TRANSFER)?;
    lab.no_drops()?;
    if changes < 10_000 {
        return Err(format!(
            "only {changes} changes in {:?} are no storm",
            started.elapsed()
        )
        .into());
    }
    Ok(())
}

/// The other 62 sets of the subscriber's address but one, and 5000 sets of other addresses.
fn other_softwires() -> String {
    let mut rows = String::from("ipv4,psid_offset,psid_length,psid,b4,br\n");
    let mut row = |ipv4: &str, psid: u32, b4: u32| {
        // Writing to a string cannot fail.
        let _ = writeln!(rows, "{ipv4},0,6,{psid},2001:db8:b5::{b4:x},2001:db8:af::1");
    };
    for psid in (0..64).filter(|psid| *psid != 1) {
        row(SUBSCRIBER, psid, psid + 1);
    }
    for number in 0..5000_u32 {
        let ipv4 = format!("10.{}.{}.1", number / 64 / 256, number / 64 % 256);
        row(&ipv4, number % 64, 0x100 + number);
    }
    rows
}

fn remove_and_add(lab: &mut Lab) -> Outcome<()> {
    let row =
        "ipv4,psid_offset,psid_length,psid,b4,br\n192.0.2.1,0,6,1,2001:db8:b4::1,2001:db8:af::1\n";
    lab.ping(Place::B4, HOST, 1100)?;
    lab.daemon.change("remove", row)?;
    lab.ping_in_vain(Place::B4, HOST, 1100)?;
    counted(lab, "drop-unbound-source", 5)?;
    lab.daemon.change("add", row)?;
    lab.ping(Place::B4, HOST, 1100)
}

fn sigterm(lab: &mut Lab) -> Outcome<()> {
    let _echo = lab.serve(Place::Internet, "udp-echo", HOST, 53)?;
    let _stream = lab.traffic(Place::B4, "udp-send", HOST, 53, &["10", "500"])?;
    let flowing = || {
        lab.daemon
            .counter("sent-ipv6-packets")
            .is_ok_and(|sent| sent > 100)
    };
    if !wait_until(Duration::from_secs(10), flowing) {
        return Err("no traffic flows".into());
    }
    let (status, took) = lab.daemon.terminate()?;
    if !status.success() || took > Duration::from_secs(2) {
        return Err(format!("ended with {status} after {took:?}").into());
    }
    let printed = lab.daemon.printed();
    let counters = ["sent-ipv4-packets", "sent-ipv6-packets"];
    match counters.iter().find(|name| !printed.contains(*name)) {
        Some(name) => Err(format!("{name} was not printed at the end").into()),
        None => Ok(()),
    }
}

fn device_disappears(lab: &mut Lab) -> Outcome<()> {
    lab.ping(Place::B4, HOST, 1100)?;
    run(lab
        .network
        .command(Place::Aftr, "ip")
        .args(["link", "delete", "inet0"]))?;
    // Traffic towards the lost port must not hurt either; nobody answers it.
    lab.ping_in_vain(Place::B4, HOST, 1100)?;
    let said = wait_until(Duration::from_secs(5), || {
        let printed = lab.daemon.printed();
        printed
            .lines()
            .any(|line| line.contains("net_af_packet0") && says_lost(line))
    });
    if !said {
        return Err("the daemon does not say that its port is gone".into());
    }
    if !lab.daemon.is_running() {
        return Err("the daemon ended".into());
    }
    lab.daemon.show("status")?;
    let (status, took) = lab.daemon.terminate()?;
    if status.success() && took <= Duration::from_secs(2) {
        Ok(())
    } else {
        Err(format!("ended with {status} after {took:?}").into())
    }
}

fn one_side_goes_on(lab: &mut Lab) -> Outcome<()> {
    lab.ping(Place::B4, HOST, 1100)?;
    run(lab
        .network
        .command(Place::Aftr, "ip")
        .args(["link", "delete", "inet0"]))?;
    lab.daemon.says("link is removed")?;
    // Each of ours that is on the access side: inside the softwire, the tunnel's end, the interface.
    for words in [
        "address add 192.0.0.2/29 dev softwire",
        "route add 2001:db8:ac::1 dev access",
        "neighbour add 2001:db8:ac::1 lladdr 02:00:00:00:02:01 dev access",
    ] {
        let mut ip = lab.network.command(Place::B4, "ip");
        run(ip.args(words.split_whitespace()))?;
    }
    let answered = |lab: &Lab| -> Outcome<()> {
        for address in ["192.0.0.1", "2001:db8:af::1", "2001:db8:ac::1"] {
            lab.ping(Place::B4, address, 1102)?;
        }
        Ok(())
    };
    answered(lab)?;
    let sent = lab.daemon.counter("sent-ipv4-packets")?;
    let mut flood = lab.network.command(Place::B4, "ping");
    flood.args([
        "-q", "-c", "200", "-i", "0.002", "-W", "1", "-e", "1100", HOST,
    ]);
    if let Ok(answers) = run(&mut flood) {
        return Err(format!("a ping was answered: {answers}").into());
    }
    answered(lab)?;
    lab.drops_only_for(&["drop-transmit-full"])?;
    // Nothing but what waits in the ring is neither sent nor dropped.
    let dropped = lab.daemon.counter("drop-transmit-full")?;
    let sent = lab.daemon.counter("sent-ipv4-packets")? - sent;
    if sent == 200 && (200 - 64..=200).contains(&dropped) {
        Ok(())
    } else {
        Err(format!("of {sent} packets to a device that is gone {dropped} were drops").into())
    }
}

fn says_lost(line: &str) -> bool {
    ["gone", "down", "removed", "unknown"]
        .iter()
        .any(|word| line.contains(word))
}

/// A program printed `expected`, and nothing else.
pub(crate) fn expect(printed: &str, expected: &str) -> Outcome<()> {
    if printed.trim() == expected {
        Ok(())
    } else {
        Err(format!("expected '{expected}', not '{}'", printed.trim()).into())
    }
}

/// A counter stands at exactly `expected`.
pub(crate) fn counted(lab: &Lab, name: &str, expected: u64) -> Outcome<()> {
    let counted = lab.daemon.counter(name)?;
    if counted == expected {
        Ok(())
    } else {
        Err(format!("{name}: expected {expected}, counted {counted}").into())
    }
}

/// Bound on a transfer, on a loaded machine.
pub(crate) const TRANSFER: Duration = Duration::from_secs(180);
