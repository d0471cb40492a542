//! Some homes and their lwAFTR, running.

use std::ffi::OsStr;
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Failed;
use programs::Outcome;
use programs::Process;
use programs::run;
use tempfile::TempDir;

use super::home::Home;
use crate::daemon::Daemon;
use crate::daemon::Driver;
use crate::daemon::Provisioned;
use crate::daemon::Setup;
use crate::network::Network;
use crate::network::Place;
use crate::script;

/// Everything a scenario needs. Fields drop in this order: processes before the network.
#[derive(Debug)]
pub(super) struct Village {
    pub(super) homes: Vec<Home>,
    pub(super) daemon: Daemon,
    pub(super) network: Network,
    setup: Setup,
    folder: TempDir,
}

/// The Internet host.
pub(super) const HOST: &str = "203.0.113.10";
/// The LAN host of each home, in its own network.
pub(super) const LAN_HOST: &str = "192.168.1.10";

impl Village {
    /// Sets everything up and waits until each home has ports.
    pub(super) fn open(homes: u8, driver: Driver) -> Outcome<Self> {
        Self::of(homes, driver, POOL)
    }

    /// The same with these pools; with a home that has no lwB4 where there are none.
    pub(super) fn of(homes: u8, driver: Driver, pools: &str) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let network = Network::homes(homes.max(1), 1500)?;
        let setup = Setup {
            driver,
            provisioned: Provisioned::Pcp(pools.to_owned()),
            ..Setup::default()
        };
        let daemon = Daemon::start(&network, folder.path(), &setup)?;
        let started = (1..=homes).map(|number| Home::start(&network, folder.path(), number));
        let village = Self {
            homes: started.collect::<Outcome<_>>()?,
            daemon,
            network,
            setup,
            folder,
        };
        for home in &village.homes {
            home.bound()?;
        }
        Ok(village)
    }

    /// The home with this number, from 1.
    pub(super) fn home(&self, number: u8) -> &Home {
        &self.homes[usize::from(number) - 1]
    }

    /// Starts the lwB4 of this home again, after its end.
    pub(super) fn start_home(&mut self, number: u8) -> Outcome<()> {
        let home = Home::start(&self.network, self.folder.path(), number)?;
        self.homes[usize::from(number) - 1] = home;
        Ok(())
    }

    /// Starts another lwAFTR where the one before has ended.
    pub(super) fn start_again(&mut self) -> Outcome<()> {
        self.daemon = Daemon::start(&self.network, self.folder.path(), &self.setup)?;
        Ok(())
    }

    /// Where the daemons have their files.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a program of `scripts` at `place`.
    pub(super) fn script(&self, place: Place, name: &str, words: &[&str]) -> Outcome<Process> {
        let mut command = self.network.command(place, script(name));
        let log = format!("{name}-{place:?}-{}", words.join("-").replace('/', "_"));
        Process::start(command.args(words), self.folder.path(), &log)
    }

    /// Starts a server of `scripts` and waits until it serves.
    pub(super) fn serve(&self, place: Place, name: &str, words: &[&str]) -> Outcome<Process> {
        let mut server = self.script(place, name, words)?;
        server.wait_for("ready", READY)?;
        Ok(server)
    }

    /// Whom a server at `address` sees when `place` asks it.
    pub(super) fn seen(&self, place: Place, address: &str, port: u16) -> Outcome<SocketAddrV4> {
        let mut command = self.network.command(place, script("seen.py"));
        seen(&run(command.args(["ask", address, &port.to_string()]))?)
    }

    /// Runs a short command at `place`; gives what it prints.
    pub(super) fn run(&self, place: Place, program: &str, words: &[&str]) -> Outcome<String> {
        run(self.network.command(place, program).args(words))
    }

    /// A command that runs at `place`.
    pub(super) fn command(&self, place: Place, program: impl AsRef<OsStr>) -> Command {
        self.network.command(place, program)
    }

    /// A failure, with what the daemons have said.
    pub(super) fn explained(&self, failed: Failed) -> Failed {
        let mut text = failed.message().unwrap_or_default().to_owned();
        for home in &self.homes {
            text += &format!("\nhome {}:\n{}", home.number, home.printed());
        }
        text += &format!("\nlwAFTR:\n{}", self.daemon.printed());
        text.into()
    }
}

/// An address and a port as `scripts/seen.py` prints them.
pub(super) fn seen(line: &str) -> Outcome<SocketAddrV4> {
    let address = line.trim().replace(' ', ":");
    let parsed = address.parse();
    parsed.map_err(|_| format!("no address and port: {line}").into())
}

/// One address, so that homes share it.
const POOL: &str = r#"
[[pool]]
name = "residential"
prefix = "192.0.2.1/32"
psid_length = 8
br = "2001:db8:af::1"
clients = ["2001:db8::/32"]

[pcp]
subscriber_prefix_length = 64

[leases]
path = "leases"
"#;
const READY: Duration = Duration::from_secs(10);
