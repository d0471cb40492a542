//! The customer's end: this program again, in its namespace, as a client that prints what it does.

use std::env;
use std::io;
use std::net::Ipv6Addr;
use std::net::UdpSocket;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant as Clock;

use lwb4::dhcpv6::Lasting;
use lwb4::dhcpv6::choice::Choice;
use lwb4::dhcpv6::choice::ChoiceConfig;
use lwb4::dhcpv6::client::Action;
use lwb4::dhcpv6::client::Client;
use lwb4::dhcpv6::client::ClientConfig;
use lwb4::dhcpv6::client::Goal;
use lwb4::dhcpv6::client::Provision;
use lwb4::dhcpv6::message::Duid;
use lwb4::dhcpv6::socket::Socket;
use lwb4::dns::Aftr;
use lwb4::dns::Ask;
use pcp::instant::Instant;
use programs::Outcome;
use programs::Process;

use crate::link::End;
use crate::link::Link;

/// The environment variable that makes this program a client, and says what of.
pub(crate) const WANTED: &str = "LWB4_TEST_DHCPV6_WANTED";

/// Starts a client of `wan`.
pub(crate) fn start(link: &Link, folder: &Path, wanted: &str) -> Outcome<Process> {
    let mut command = link.command(End::Cpe, env::current_exe()?);
    Process::start_with_input(command.env(WANTED, wanted), folder, "cpe")
}

/// Is a client until nothing is left to do.
pub(crate) fn run(wanted: &str) -> ExitCode {
    let goal = match wanted {
        "address" => Goal::Address,
        "prefix" => Goal::Prefix(56),
        "both" => Goal::AddressAndPrefix(56),
        _ => Goal::Options,
    };
    match serve(goal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(goal: Goal) -> Result<(), Box<dyn std::error::Error>> {
    let socket = Socket::open("wan")?;
    let began = Clock::now();
    let now = || Instant::from_nanos(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
    // Even enough for timers, and the same in every run.
    let mut state = 1_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state
    };
    let config = ClientConfig {
        duid: Duid::from_uuid([7; 16]),
        iaid: 1,
        goal,
    };
    let mut client = Client::new(config, now(), &mut random);
    let closed = input_closes();
    let mut room = [0; 2048];
    loop {
        if closed.try_recv().is_ok() {
            println!("releasing");
            client.release(now(), &mut random);
        }
        while let Some(octets) = socket.receive(&mut room)? {
            client.receive(octets, now(), &mut random);
        }
        while let Some(action) = client.poll(now(), &mut random) {
            if report(&socket, action, now()) {
                return Ok(());
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Acts and prints; returns whether it is over.
fn report(socket: &Socket, action: Action, now: Instant) -> bool {
    let at = Duration::from_nanos(now.as_nanos()).as_secs_f64();
    match action {
        Action::Send(octets) => {
            let outcome = socket.send(&octets);
            println!("{at:.2} sent {} {outcome:?}", octets[0]);
        }
        Action::Provided(provision) => {
            println!("{at:.2} {}", describe(&provision, now));
            resolve(&provision, now);
        }
        Action::Released => {
            println!("{at:.2} released");
            return true;
        }
        other => println!("{at:.2} {other:?}"),
    }
    false
}

/// One line with all that a scenario looks for.
fn describe(provision: &Provision, now: Instant) -> String {
    let prefixes: Vec<_> = provision.prefixes.iter().collect();
    let mut active: Vec<_> = prefixes
        .iter()
        .map(|lease| Lasting {
            value: lease.value,
            until: lease.until,
        })
        .collect();
    let of_link = "2001:db8:aa::/64".parse().ok();
    active.extend(of_link.map(|value| Lasting {
        value,
        until: Instant::from_nanos(u64::MAX),
    }));
    let choice = Choice::new(&ChoiceConfig::default(), &provision.learned, &active);
    let left = choice.until.map(|until| now.seconds_until(until));
    let addresses: Vec<_> = provision
        .addresses
        .iter()
        .map(|lease| lease.value)
        .collect();
    let prefixes: Vec<_> = prefixes
        .iter()
        .map(|lease| lease.value.to_string())
        .collect();
    let dns = provision
        .learned
        .dns_servers
        .as_ref()
        .map(|known| &known.value);
    let mechanism = choice.mechanism;
    format!("provided {addresses:?} {prefixes:?} dns {dns:?} for {left:?} s: {mechanism:?}")
}

/// Asks the resolver that was learned for the AFTR's name, if there is one.
fn resolve(provision: &Provision, now: Instant) {
    let (Some(name), Some(servers)) =
        (&provision.learned.aftr_name, &provision.learned.dns_servers)
    else {
        return;
    };
    let mut aftr = Aftr::new(name.value.clone(), servers.value.clone(), now);
    let Some(Ask::Send { server, octets }) = aftr.poll(now, &mut || 0x1234 << 48) else {
        return;
    };
    let answer = ask(server, &octets);
    let outcome = answer.map(|octets| aftr.receive(server, &octets, now));
    println!("resolved {} {:?} {outcome:?}", aftr.name(), aftr.address());
}

fn ask(server: Ipv6Addr, octets: &[u8]) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.connect((server, 53))?;
    socket.send(octets)?;
    let mut room = [0; 1500];
    let length = socket.recv(&mut room)?;
    Ok(room[..length].to_vec())
}

/// Tells when the standard input has ended.
fn input_closes() -> mpsc::Receiver<()> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        // Nobody listens any more if the client has ended first.
        let _ = tell.send(());
    });
    told
}
