//! The PCP server for the LAN, as hosts on a LAN find it: real sockets, network namespaces, and clients that
//! others wrote.
//!
//! ```text
//!   host ══ lan0 ─ router ─ wan0 ══ stranger
//! ```
//!
//! `natpmpc` speaks NAT-PMP. Of those that speak PCP Debian has none (`upnpc` of libminiupnpc does not, the
//! client of libpcpnatpmp is not packaged), so the command `pcp` of this project asks. Needs root and what
//! `scripts/setup` installs; what is missing is a failure. `cargo test` leaves these tests out;
//! `scripts/test` names them.

mod home;
mod router;

use std::env;
use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;
use libtest_mimic::Arguments;
use libtest_mimic::Failed;
use libtest_mimic::Trial;

use self::home::Home;
use self::home::Place;

/// What a step gives: anything that can be printed can go wrong.
type Outcome<T> = Result<T, Failed>;

/// Tells a process of ours what it is instead of a test.
const ROLE: &str = "LWB4_LAN_PCP_ROLE";

fn main() -> ExitCode {
    match env::var(ROLE).as_deref() {
        Ok("router") => return router::serve(),
        Ok("pcp") => return command(),
        _ => {}
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = vec![
        Trial::test("np_001_natpmpc_hears_that_nat_pmp_is_not_spoken", nat_pmp),
        Trial::test("pc_033_pcp_maps_refreshes_and_deletes_a_port", mapping),
        Trial::test("pc_105_the_address_that_was_asked_answers", answers),
        Trial::test("pc_001_the_wan_finds_nobody", wan),
        Trial::test("pc_142_px_001_another_public_address_is_heard", change),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// `pcp`, with our arguments.
fn command() -> ExitCode {
    let cli = pcp_cli::cli::Cli::parse();
    match pcp_cli::execute(&cli, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pcp: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// It gives up at once, and knows why.
fn nat_pmp() -> Outcome<()> {
    let home = Home::up()?;
    let printed = home.natpmpc(&["-g", home::ROUTER, "-a", "0", "8080", "tcp", "3600"])?;
    expect(&printed, "initnatpmp() returned 0 (SUCCESS)")?;
    expect(&printed, "sendpublicaddressrequest returned 2 (SUCCESS)")?;
    expect(&printed, "readnatpmpresponseorretry returned")?;
    expect(&printed, "FAILED")
}

fn mapping() -> Outcome<()> {
    let home = Home::up()?;
    let port = ["--protocol", "tcp", "--internal-port", "8080"];
    let nonce = ["--nonce", "303132333435363738396162"];
    let target = |verb| [&[verb, "--server", home::ROUTER], &port[..], &nonce].concat();
    let first = home.pcp(Place::Host, &target("map"))?;
    expect(&first, "192.0.2.5")?;
    let again = home.pcp(Place::Host, &target("map"))?;
    expect(&again, "192.0.2.5")?;
    home.pcp(Place::Host, &target("delete"))?;
    home.pcp(Place::Host, &target("delete"))?;
    let listed = home.router("list")?;
    expect(&listed, "mappings: 0")
}

/// `pcp` hears only the address that it asks.
fn answers() -> Outcome<()> {
    let home = Home::up()?;
    for address in [home::ROUTER, home::ROUTER_TOO] {
        let heard = home.pcp(Place::Host, &["announce", "--server", address])?;
        expect(&heard, address)?;
    }
    Ok(())
}

fn wan() -> Outcome<()> {
    let home = Home::up()?;
    for address in [home::WAN, home::ROUTER] {
        let words = ["announce", "--timeout", "1", "--server", address];
        if let Ok(heard) = home.pcp(Place::Stranger, &words) {
            return Err(format!("a stranger hears {heard}").into());
        }
    }
    let listed = home.router("list")?;
    expect(&listed, "heard: 0")
}

fn change() -> Outcome<()> {
    let home = Home::up()?;
    let port = ["--protocol", "udp", "--internal-port", "5000"];
    home.pcp(
        Place::Host,
        &[&["map", "--server", home::ROUTER], &port[..]].concat(),
    )?;
    let listener = home.start_pcp(&[
        "announce",
        "--listen",
        "--interface",
        "eth0",
        "--timeout",
        "10",
        "--server",
        home::ROUTER,
    ])?;
    thread::sleep(Duration::from_millis(300));
    home.router("change")?;
    let heard = listener.wait_with_output()?;
    let printed = String::from_utf8_lossy(&heard.stdout).into_owned();
    expect(&printed, home::ROUTER)?;
    expect(&home.router("list")?, "192.0.2.6")
}

fn expect(text: &str, part: &str) -> Outcome<()> {
    if text.contains(part) {
        return Ok(());
    }
    Err(format!("no '{part}' in:\n{text}").into())
}
