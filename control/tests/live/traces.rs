//! What tools that look for the way see of the lwAFTR, and what those are told who get no further
//! (IC-010, IC-013, IC-019, RFC 7596 s6.2).

use libtest_mimic::Trial;
use programs::Outcome;
use programs::run;

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
    let standard = Setup::default;
    let narrow = Setup {
        internet_mtu: 1400,
        mss_clamp: "0",
        inner_mtu: 1500,
        ..standard()
    };
    let two = Setup {
        workers: vec![0, 1],
        queues: 2,
        ..standard()
    };
    vec![
        trial(
            "traceroute_from_the_b4_shows_one_hop",
            standard(),
            from_the_b4,
        ),
        trial(
            "traceroute_from_the_internet_shows_one_hop",
            standard(),
            from_the_internet,
        ),
        trial(
            "traceroute_of_both_sides_shows_one_hop_past_two_workers",
            two,
            past_two_workers,
        ),
        trial("tracepath_finds_both_path_mtus", narrow, path_mtus),
        trial(
            "an_unbound_port_is_unreachable_from_the_internet",
            standard(),
            unbound_port,
        ),
        trial(
            "an_unbound_b4_fails_the_ingress_policy",
            standard(),
            unbound_b4,
        ),
    ]
}

fn from_the_b4(lab: &mut Lab) -> Outcome<()> {
    let hops = [SOFTWIRE_END, HOST];
    shows(&traceroute(lab, Place::B4, &[HOST])?, &hops)?;
    shows(&traceroute(lab, Place::B4, &["-I", HOST])?, &hops)?;
    shows(
        &traceroute(lab, Place::B4, &["-T", "-p", "80", HOST])?,
        &hops,
    )?;
    three_probes_expired(lab)
}

fn from_the_internet(lab: &mut Lab) -> Outcome<()> {
    let hops = [INTERNET_END, SUBSCRIBER];
    let bound = ["-U", "-p", "2000", SUBSCRIBER];
    shows(&traceroute(lab, Place::Internet, &bound)?, &hops)?;
    shows(
        &traceroute(lab, Place::Internet, &["-I", SUBSCRIBER])?,
        &hops,
    )?;
    let bound = ["-T", "-p", "2000", SUBSCRIBER];
    shows(&traceroute(lab, Place::Internet, &bound)?, &hops)?;
    three_probes_expired(lab)
}

/// To and from more and more hosts, until each worker has told somebody that it is a hop.
fn past_two_workers(lab: &mut Lab) -> Outcome<()> {
    for number in 1..=16 {
        let host = lab.be_host(number)?;
        shows(
            &traceroute(lab, Place::B4, &[&host])?,
            &[SOFTWIRE_END, &host],
        )?;
        let bound = ["-U", "-p", "2000", SUBSCRIBER];
        shows(
            &traceroute(lab, Place::Internet, &bound)?,
            &[INTERNET_END, SUBSCRIBER],
        )?;
        lab.drops_only_for(&["drop-ttl-expired"])?;
        counted(lab, "drop-ttl-expired", u64::from(number) * 2)?;
        counted(lab, "out-icmpv4-error-packets", u64::from(number) * 2)?;
        if lab.daemon.dropped()?.iter().all(|dropped| *dropped > 0) {
            return Ok(());
        }
    }
    Err("one worker got all probes".into())
}

fn path_mtus(lab: &mut Lab) -> Outcome<()> {
    for (place, address, end, mtu) in [
        (Place::B4, HOST, SOFTWIRE_END, 1400),
        (Place::Internet, SUBSCRIBER, INTERNET_END, 1460),
    ] {
        let mut command = lab.network.command(place, "tracepath");
        let path = run(command.args(["-n", "-m", "5", "-p", "1800", address]))?;
        let told = format!("pmtu {mtu}");
        let narrows = |line: &str| line.contains(end) && line.contains(&told);
        let resume = format!("Resume: pmtu {mtu} hops 2 back 2");
        if !path.lines().any(narrows) || !path.contains(&resume) {
            return Err(format!("expected {mtu} said by {end}, two hops away:\n{path}").into());
        }
    }
    lab.drops_only_for(&["drop-ttl-expired", "drop-dont-fragment"])
}

fn unbound_port(lab: &mut Lab) -> Outcome<()> {
    for (address, port) in [(SUBSCRIBER, 1023), (SUBSCRIBER, 2048), ("192.0.2.77", 1500)] {
        let told = lab
            .traffic(Place::Internet, "udp-refused", address, port, &["10"])?
            .succeed(TRANSFER)?;
        expect(&told, "EHOSTUNREACH: 3/1 from 203.0.113.1, 0")?;
    }
    lab.drops_only_for(&["drop-no-softwire"])?;
    counted(lab, "out-icmpv4-error-packets", 3)
}

fn unbound_b4(lab: &mut Lab) -> Outcome<()> {
    let other = "2001:db8:b4::2";
    run(lab
        .network
        .command(Place::B4, "ip")
        .args(["address", "add", other, "dev", "access", "nodad"]))?;
    // An address that is nobody's, a port that is nobody's, and what is another lwB4's.
    for (ipv4, port) in [("192.0.2.99", 1500), (SUBSCRIBER, 2048), (SUBSCRIBER, 1500)] {
        let told = lab
            .traffic(Place::B4, "tunnel-refused", ipv4, port, &[other, BR])?
            .succeed(TRANSFER)?;
        expect(&told, &format!("EACCES: 1/5 from {BR}, 0"))?;
    }
    lab.drops_only_for(&["drop-unbound-source", "drop-wrong-b4"])?;
    counted(lab, "out-icmpv6-error-packets", 3)
}

/// The addresses that traceroute shows, one probe each.
fn traceroute(lab: &Lab, place: Place, method: &[&str]) -> Outcome<Vec<String>> {
    let mut command = lab.network.command(place, "unshare");
    // With -I the Identifier is the number of the process: it must be one of the port set.
    command
        .args(["--pid", "--fork", "--mount-proc", "sh", "-c"])
        .args([
            r#"echo 1099 >/proc/sys/kernel/ns_last_pid; "$@"; exit $?"#,
            "sh",
        ])
        .args(["traceroute", "-n", "-q", "1", "-N", "1", "-m", "4"])
        .args(method);
    let printed = run(&mut command)?;
    let hop = |line: &str| {
        let mut words = line.split_whitespace();
        words.next()?.parse::<u8>().ok()?;
        words.next().map(str::to_owned)
    };
    Ok(printed.lines().filter_map(hop).collect())
}

fn shows(hops: &[String], expected: &[&str]) -> Outcome<()> {
    if hops == expected {
        Ok(())
    } else {
        Err(format!("traceroute shows {hops:?}, not {expected:?}").into())
    }
}

fn three_probes_expired(lab: &Lab) -> Outcome<()> {
    lab.drops_only_for(&["drop-ttl-expired"])?;
    counted(lab, "drop-ttl-expired", 3)?;
    counted(lab, "out-icmpv4-error-packets", 3)
}

/// The lwAFTR as the subscriber sees it.
const SOFTWIRE_END: &str = "192.0.0.1";
/// The lwAFTR as the Internet sees it.
const INTERNET_END: &str = "203.0.113.1";
/// The tunnel's end.
const BR: &str = "2001:db8:af::1";
