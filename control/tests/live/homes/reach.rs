//! Who reaches whom: LAN hosts the Internet, the Internet what a LAN host has opened, homes each other.

use std::env;
use std::fs;
use std::net::SocketAddrV4;
use std::time::Duration;

use programs::Outcome;
use programs::Process;
use programs::run;
use programs::wait_until;
use serde_json::Value;

use super::Scenario;
use super::village::HOST;
use super::village::LAN_HOST;
use super::village::Village;
use super::village::seen;
use crate::network::Place;
use crate::pcp;

pub(super) const SCENARIOS: &[Scenario] = &[
    ("homes_a_lan_host_is_seen_as_a_port_of_the_set", outwards),
    ("homes_ping_traceroute_and_passive_ftp", ping_and_traceroute),
    ("homes_move_a_gigabyte_each_way", gigabyte),
    ("homes_a_port_opened_by_pcp_is_reached", inwards),
    (
        "nt_010_homes_that_share_an_address_reach_each_other",
        hairpin,
    ),
    ("nt_020_homes_use_up_their_ports_and_go_on", exhaustion),
];

fn outwards(village: &mut Village) -> Outcome<()> {
    let _server = village.serve(Place::Internet, "seen.py", &["serve", HOST, "80"])?;
    let sets = [village.home(1).bound()?, village.home(2).bound()?];
    for (number, set) in [1, 2].into_iter().zip(&sets) {
        let seen = village.seen(Place::Lan(number), HOST, 80)?;
        if !set.contains(seen) {
            return Err(
                format!("home {number} was seen as {seen}, which is not of {set:?}").into(),
            );
        }
    }
    if sets[0].address != sets[1].address || sets[0].first == sets[1].first {
        return Err(format!("the homes do not share an address: {sets:?}").into());
    }
    let _streams = village.serve(Place::Internet, "traffic.py", &["tcp-serve", HOST, "8000"])?;
    let mut sender = village.script(
        Place::Lan(1),
        "traffic.py",
        &["tcp-send", HOST, "8000", "20"],
    )?;
    sender.succeed(LONG)?;
    Ok(())
}

/// On XDP sockets: with packet sockets the driver's kernel puts fragments together.
pub(super) fn fragments(village: &mut Village) -> Outcome<()> {
    let _echo = village.serve(Place::Internet, "traffic.py", &["udp-echo", HOST, "7"])?;
    // The kernel's fragments of 4000 octets, and packets of 1500 that the access network cannot carry whole.
    for size in ["1472", "4000"] {
        let words = ["udp-whole", HOST, "7", size, "20"];
        village
            .script(Place::Lan(1), "traffic.py", &words)?
            .succeed(LONG)?;
    }
    same_fragments(village)
}

/// Fragments did travel, both ways: a driver or a kernel on the way may put them together.
fn same_fragments(village: &Village) -> Outcome<()> {
    for counter in ["ipv6-fragments-reassembled", "sent-ipv6-fragments"] {
        if village.daemon.moved(counter)? == 0 {
            return Err(format!("{counter} did not move").into());
        }
    }
    Ok(())
}

fn gigabyte(village: &mut Village) -> Outcome<()> {
    let _streams = village.serve(Place::Internet, "traffic.py", &["tcp-serve", HOST, "8000"])?;
    let words = ["tcp-send", HOST, "8000", "1024"];
    village
        .script(Place::Lan(1), "traffic.py", &words)?
        .succeed(2 * LONG)
        .map(drop)
}

fn ping_and_traceroute(village: &mut Village) -> Outcome<()> {
    village.run(
        Place::Lan(1),
        "ping",
        &["-q", "-c", "5", "-i", "0.1", "-w", "20", HOST],
    )?;
    // The lwAFTR's own address inside the softwire, from the router (TN-046).
    village.run(
        Place::Home(1),
        "ping",
        &["-q", "-c", "3", "-i", "0.1", "-w", "20", "192.0.0.1"],
    )?;
    let trace = village.run(
        Place::Lan(1),
        "traceroute",
        &["-n", "-q", "1", "-w", "3", HOST],
    )?;
    let hops = trace.lines().skip(1).count();
    if hops != 3 || !trace.contains("192.168.1.1") || !trace.contains("192.0.0.1 ") {
        return Err(format!("not the router, the lwAFTR and the host:\n{trace}").into());
    }
    passive_ftp(village)
}

/// A file back and forth. Each goes over a connection of its own, to a port that the server names inside the
/// first one (RFC 959 s4.1.2, RFC 2428 s3), which nobody on the way reads. The server takes it from the
/// address of the first connection only (NT-002).
fn passive_ftp(village: &Village) -> Outcome<()> {
    let folder = village.folder().join("ftp");
    fs::create_dir_all(&folder)?;
    let file: Vec<u8> = (0..2_000_000_u32).flat_map(u32::to_be_bytes).collect();
    fs::write(folder.join("there"), &file)?;
    let config = village.folder().join("vsftpd.conf");
    let root = folder.display();
    fs::write(&config, format!("{VSFTPD}anon_root={root}\n"))?;
    let mut command = village.command(Place::Internet, "vsftpd");
    let _server = Process::start(command.arg(&config), village.folder(), "vsftpd")?;
    let url = |name: &str| format!("ftp://{HOST}/{name}");
    let (there, back) = (url("there"), url("back"));
    let got = village.folder().join("got");
    let path = got.to_string_lossy();
    // EPSV and PASV; vsftpd says nothing when it is ready.
    for how in ["--ftp-pasv", "--disable-epsv"] {
        let words = [
            "-sS",
            "--retry",
            "20",
            "--retry-delay",
            "1",
            "--retry-connrefused",
        ];
        let words = [&words[..], &[how, "-o", &*path, &there]].concat();
        village.run(Place::Lan(1), "curl", &words)?;
        if fs::read(&got)? != file {
            return Err(format!("what came by {how} is not what was sent").into());
        }
        fs::remove_file(&got)?;
    }
    let source = folder.join("there");
    let source = source.to_string_lossy();
    village.run(Place::Lan(1), "curl", &["-sS", "-T", &*source, &back])?;
    if fs::read(folder.join("back"))? != file {
        return Err("what came back is not what was sent".into());
    }
    Ok(())
}

/// Opens a port of a home for its LAN host's TCP port 80; gives what the Internet has to ask.
fn open(village: &Village, number: u8) -> Outcome<SocketAddrV4> {
    let mut command = village.command(Place::Lan(number), env::current_exe()?);
    command
        .env(pcp::COMMAND, "1")
        .args(["map", "--json", "--server", "192.168.1.1"])
        .args(["--protocol", "tcp", "--internal-port", "80"]);
    let answer: Value = serde_json::from_str(&run(&mut command)?)?;
    let (address, port) = (&answer["external_address"], &answer["first_port"]);
    seen(&format!("{} {port}", address.as_str().unwrap_or_default()))
}

fn inwards(village: &mut Village) -> Outcome<()> {
    let mut server = village.serve(Place::Lan(1), "seen.py", &["once", LAN_HOST, "80", "hello"])?;
    let opened = open(village, 1)?;
    if !village.home(1).bound()?.contains(opened) {
        return Err(format!("{opened} was opened, which is not of the home's set").into());
    }
    let (address, port) = (opened.ip().to_string(), opened.port().to_string());
    let mut asking = village.script(Place::Internet, "seen.py", &["ask", &address, &port])?;
    let asked = asking.succeed(LONG)?;
    if asked.trim() != "hello" {
        return Err(format!("the LAN host did not say hello but: {asked}").into());
    }
    let printed = server.succeed(LONG)?;
    if !printed.contains("203.0.113.10 ") {
        return Err(format!("the LAN host saw another client than it had: {printed}").into());
    }
    Ok(())
}

fn hairpin(village: &mut Village) -> Outcome<()> {
    let _server = village.serve(Place::Lan(2), "seen.py", &["serve", LAN_HOST, "80"])?;
    let opened = open(village, 2)?;
    let set = village.home(1).bound()?;
    // Through the lwAFTR, from another home of the same address (C-11), and from the LAN itself.
    let (address, port) = (opened.ip().to_string(), opened.port());
    let from_outside = village.seen(Place::Lan(1), &address, port)?;
    if !set.contains(from_outside) {
        return Err(format!("home 1 was seen by home 2 as {from_outside}, not of {set:?}").into());
    }
    let from_inside = village.seen(Place::Lan(2), &address, port)?;
    if !village.home(2).bound()?.contains(from_inside) {
        return Err(format!("home 2 was seen by itself as {from_inside}").into());
    }
    Ok(())
}

/// A set of 256 ports, of which some are kept for PCP, and 300 connections.
fn exhaustion(village: &mut Village) -> Outcome<()> {
    let _server = village.serve(Place::Internet, "seen.py", &["serve", HOST, "80"])?;
    let mut many = village.script(Place::Lan(1), "seen.py", &["many", HOST, "80", "300"])?;
    many.wait_for("opened", LONG)?;
    let printed = many.printed();
    let opened: u32 = printed
        .split_whitespace()
        .skip_while(|word| *word != "opened")
        .nth(1)
        .and_then(|count| count.parse().ok())
        .unwrap_or_default();
    if !(200..=256).contains(&opened) {
        return Err(format!("of 300 connections through 256 ports: {printed}").into());
    }
    // Those that are open still work; one host's hunger is not another home's.
    village.seen(Place::Lan(2), HOST, 80)?;
    many.terminate()?;
    many.succeed(LONG)?;
    // Connections that both ends closed leave their ports after the closing timer.
    let again = wait_until(LONG, || village.seen(Place::Lan(1), HOST, 80).is_ok());
    if again {
        return Ok(());
    }
    Err("no connection opens after the others closed".into())
}

/// An anonymous server without privileges to drop.
const VSFTPD: &str = "listen=YES
listen_address=203.0.113.10
background=NO
run_as_launching_user=YES
seccomp_sandbox=NO
anonymous_enable=YES
no_anon_password=YES
write_enable=YES
anon_upload_enable=YES
allow_writeable_chroot=YES
";
const LONG: Duration = Duration::from_secs(120);
