//! Three namespaces with a router in the middle, gone again when the test ends.

use std::cell::RefCell;
use std::env;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::process;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use crate::Outcome;
use crate::ROLE;

/// The router on the LAN, by both of its addresses, and on the WAN.
pub(crate) const ROUTER: &str = "192.168.77.1";
pub(crate) const ROUTER_TOO: &str = "192.168.77.254";
pub(crate) const WAN: &str = "198.51.100.1";

/// Who does something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Host,
    Router,
    Stranger,
}

/// A home with a running router.
pub(crate) struct Home {
    name: String,
    router: RefCell<Option<Running>>,
}

struct Running {
    child: Child,
    printed: BufReader<ChildStdout>,
}

impl Home {
    /// Makes the namespaces and starts the router.
    pub(crate) fn up() -> Outcome<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let home = Self {
            name: format!("wl-{}-{number}", process::id()),
            router: RefCell::new(None),
        };
        home.wire()?;
        let mut command = home.ours(Place::Router, "router")?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let printed = child.stdout.take().ok_or("no output")?;
        let printed = BufReader::new(printed);
        home.router.replace(Some(Running { child, printed }));
        home.read_until("ready")?;
        Ok(home)
    }

    /// Has the router do `line`; returns what it says.
    pub(crate) fn router(&self, line: &str) -> Outcome<String> {
        if let Some(running) = self.router.borrow_mut().as_mut() {
            let input = running.child.stdin.as_mut().ok_or("no input")?;
            writeln!(input, "{line}")?;
        }
        self.read_until("done")
    }

    fn read_until(&self, last: &str) -> Outcome<String> {
        let mut running = self.router.borrow_mut();
        let running = running.as_mut().ok_or("no router")?;
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if running.printed.read_line(&mut line)? == 0 {
                return Err(format!("the router has ended: {said}").into());
            }
            if line.trim() == last {
                return Ok(said);
            }
            said.push_str(&line);
        }
    }

    /// What `natpmpc` prints on the host, whether it is content or not.
    pub(crate) fn natpmpc(&self, words: &[&str]) -> Outcome<String> {
        let mut command = self.command(Place::Host, "natpmpc");
        let output = command.args(words).output()?;
        let printed = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&printed).into_owned())
    }

    /// What `pcp` prints; an error when it fails.
    pub(crate) fn pcp(&self, place: Place, words: &[&str]) -> Outcome<String> {
        let output = self.ours(place, "pcp")?.args(words).output()?;
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed).into_owned();
        if output.status.success() {
            return Ok(printed);
        }
        Err(printed.into())
    }

    /// Starts `pcp` on the host.
    pub(crate) fn start_pcp(&self, words: &[&str]) -> Outcome<Child> {
        let mut command = self.ours(Place::Host, "pcp")?;
        Ok(command.args(words).stdout(Stdio::piped()).spawn()?)
    }

    /// This program, as something else.
    fn ours(&self, place: Place, role: &str) -> Outcome<Command> {
        let mut command = self.command(place, env::current_exe()?);
        command.env(ROLE, role);
        Ok(command)
    }

    fn command(&self, place: Place, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(place)]);
        command.arg(program);
        command
    }

    fn namespace(&self, place: Place) -> String {
        let place = match place {
            Place::Host => "host",
            Place::Router => "router",
            Place::Stranger => "stranger",
        };
        format!("{}-{place}", self.name)
    }

    fn wire(&self) -> Outcome<()> {
        for place in PLACES {
            ip(&format!("netns add {}", self.namespace(place)))?;
        }
        for (place, ours, address, router) in [
            (
                Place::Host,
                "lan0",
                "192.168.77.2/24",
                &[ROUTER, ROUTER_TOO][..],
            ),
            (Place::Stranger, "wan0", "198.51.100.2/24", &[WAN]),
        ] {
            let (router_at, at) = (self.namespace(Place::Router), self.namespace(place));
            ip(&format!(
                "link add {ours} netns {router_at} type veth peer name eth0 netns {at}"
            ))?;
            for address in router {
                ip(&format!(
                    "-n {router_at} address add {address}/24 dev {ours}"
                ))?;
            }
            ip(&format!("-n {router_at} link set {ours} up"))?;
            ip(&format!("-n {at} address add {address} dev eth0"))?;
            ip(&format!("-n {at} link set eth0 up"))?;
            let gateway = router[0];
            ip(&format!("-n {at} route add default via {gateway}"))?;
        }
        Ok(())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Nobody is left who could act on a failure.
        if let Some(mut running) = self.router.take() {
            drop(running.child.kill());
            drop(running.child.wait());
        }
        for place in PLACES {
            drop(ip(&format!("netns delete {}", self.namespace(place))));
        }
    }
}

fn ip(words: &str) -> Outcome<()> {
    let output = Command::new("ip").args(words.split_whitespace()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("ip {words}: {said}").into())
}

const PLACES: [Place; 3] = [Place::Host, Place::Router, Place::Stranger];

static NUMBER: AtomicU32 = AtomicU32::new(0);
