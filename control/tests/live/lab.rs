//! A whole set-up: network, daemon, B4, and hosts with something to say.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use programs::Outcome;
use programs::Process;
use programs::run;
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::daemon::Driver;
use crate::daemon::Provisioned;
use crate::daemon::Setup;
use crate::network::Network;
use crate::network::Place;
use crate::refusals::refusal;
use crate::script;

/// Everything a scenario needs, running. Fields drop in this order: processes before the network.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) daemon: Daemon,
    _b4: Process,
    pub(crate) network: Network,
    setup: Setup,
    folder: TempDir,
}

/// The Internet host.
pub(crate) const HOST: &str = "203.0.113.10";
/// The subscriber's shared address; ports 1024 to 2047 of it are the B4's.
pub(crate) const SUBSCRIBER: &str = "192.0.2.1";

impl Lab {
    /// Sets everything up.
    pub(crate) fn open(setup: &Setup) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let network = Network::up(setup.router_mtu)?;
        let daemon = Daemon::start(&network, folder.path(), setup)?;
        if setup.driver == Driver::Tap {
            network.bridge("inet0", "tap0")?;
            network.bridge("access0", "tap1")?;
        }
        if setup.provisioned == Provisioned::Static {
            keep_to_ports(&network, 1024, 2047)?;
        }
        let mut tunnel = network.command(Place::B4, script("b4.py"));
        tunnel.args([
            "--b4",
            "2001:db8:b4::1",
            "--br",
            "2001:db8:af::1",
            "--mtu",
            &setup.inner_mtu.to_string(),
        ]);
        if setup.provisioned == Provisioned::Static {
            tunnel.args(["--ipv4", SUBSCRIBER]);
        }
        if let Some(mtu) = setup.last_first {
            tunnel.args(["--last-first", &mtu.to_string()]);
        }
        let mut b4 = Process::start(&mut tunnel, folder.path(), "b4")?;
        b4.wait_for("ready", READY)?;
        Ok(Self {
            daemon,
            _b4: b4,
            network,
            setup: setup.clone(),
            folder,
        })
    }

    /// Where the daemon has its files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts another daemon where the one before has ended.
    pub(crate) fn start_again(&mut self) -> Outcome<()> {
        self.daemon = Daemon::start(&self.network, self.folder.path(), &self.setup)?;
        Ok(())
    }

    /// The same, as something that the daemon is expected to refuse in a line with all `words`.
    pub(crate) fn refuses_to_start(&self, provisioned: Provisioned, words: &[&str]) -> Outcome<()> {
        let setup = Setup {
            provisioned,
            ..self.setup.clone()
        };
        refusal(&self.network, self.folder.path(), &setup, words)
    }

    /// The B4's host uses a port set from now on, as its own and as its NAT's.
    pub(crate) fn use_ports(&self, address: &str, first: u16, last: u16) -> Outcome<()> {
        let ip = |arguments: &str| {
            let mut command = self.network.command(Place::B4, "ip");
            run(command.args(arguments.split(' '))).map(drop)
        };
        ip(&format!("address replace {address}/32 dev softwire"))?;
        ip(&format!("route replace default dev softwire src {address}"))?;
        keep_to_ports(&self.network, first, last)
    }

    /// The Internet host has another address from now on, from which it speaks to the subscriber; fragments,
    /// pings and probes of several hosts come to several queues.
    pub(crate) fn be_host(&self, number: u8) -> Outcome<String> {
        let address = format!("203.0.113.{}", 100 + number);
        for words in [
            format!("address add {address}/24 dev inet"),
            format!("route replace 192.0.2.0/24 via 203.0.113.1 src {address}"),
        ] {
            let mut ip = self.network.command(Place::Internet, "ip");
            run(ip.args(words.split_whitespace()))?;
        }
        Ok(address)
    }

    /// Starts a program of `scripts` at `place`.
    pub(crate) fn script(&self, place: Place, name: &str, arguments: &[&str]) -> Outcome<Process> {
        let mut command = self.network.command(place, script(name));
        Process::start(command.args(arguments), self.folder.path(), name)
    }

    /// Starts a server of `scripts/traffic.py` and waits until it serves.
    pub(crate) fn serve(
        &self,
        place: Place,
        kind: &str,
        address: &str,
        port: u16,
    ) -> Outcome<Process> {
        let mut server = self.traffic(place, kind, address, port, &[])?;
        server.wait_for("ready", READY)?;
        Ok(server)
    }

    /// Starts a program of `scripts/traffic.py`.
    pub(crate) fn traffic(
        &self,
        place: Place,
        kind: &str,
        address: &str,
        port: u16,
        more: &[&str],
    ) -> Outcome<Process> {
        let mut command = self.network.command(place, script("traffic.py"));
        command.args([kind, address, &port.to_string()]).args(more);
        Process::start(
            &mut command,
            self.folder.path(),
            &format!("{kind}-{place:?}-{port}"),
        )
    }

    /// Pings with a given Identifier until five requests are answered.
    pub(crate) fn ping(&self, place: Place, address: &str, identifier: u16) -> Outcome<()> {
        // Only with a deadline does ping fail when some of the answers are missing.
        run(self
            .ping_command(place, address, identifier)
            .args(["-w", "20"]))
        .map(drop)
    }

    /// Pings with a given Identifier; none of the five requests may be answered.
    pub(crate) fn ping_in_vain(&self, place: Place, address: &str, identifier: u16) -> Outcome<()> {
        match run(&mut self.ping_command(place, address, identifier)) {
            Err(_) => Ok(()),
            Ok(answers) => Err(format!("a ping was answered: {answers}").into()),
        }
    }

    fn ping_command(&self, place: Place, address: &str, identifier: u16) -> Command {
        let mut ping = self.network.command(place, "ping");
        let identifier = identifier.to_string();
        ping.args([
            "-q",
            "-c",
            "5",
            "-i",
            "0.1",
            "-W",
            "2",
            "-e",
            &identifier,
            address,
        ]);
        ping
    }

    /// What a host has learned of the largest packet that the path to `address` takes.
    pub(crate) fn path_mtu(&self, place: Place, address: &str) -> Outcome<u16> {
        let route = run(self
            .network
            .command(place, "ip")
            .args(["route", "get", address]))?;
        let mut words = route.split_whitespace().skip_while(|word| *word != "mtu");
        words
            .nth(1)
            .and_then(|mtu| mtu.parse().ok())
            .ok_or_else(|| format!("no path MTU was learned: {route}").into())
    }

    /// No packet of the hosts was dropped, for any reason.
    pub(crate) fn no_drops(&self) -> Outcome<()> {
        self.drops_only_for(&[])
    }

    /// Packets of the hosts were dropped for each of these reasons, and for no other.
    pub(crate) fn drops_only_for(&self, reasons: &[&str]) -> Outcome<()> {
        let mut drops = self.daemon.drops()?;
        drops.retain(|(name, _)| name != KERNEL_TALK);
        let unexpected = drops
            .iter()
            .any(|(name, _)| !reasons.contains(&name.as_str()));
        if drops.len() == reasons.len() && !unexpected {
            Ok(())
        } else {
            Err(format!("expected drops for {reasons:?} only, counted {drops:?}").into())
        }
    }
}

/// What the B4's host sends comes from these ports.
fn keep_to_ports(network: &Network, first: u16, last: u16) -> Outcome<()> {
    let range = format!("net.ipv4.ip_local_port_range={first} {last}");
    let mut command = network.command(Place::B4, "sysctl");
    run(command.args(["-q", "-w", &range])).map(drop)
}

/// The B4's kernel reports the multicast groups it joins (RFC 3810 s5.2.14), at random times, to
/// ff02::16, which no sysctl stops; a packet of a host that went there would be missed by the host.
const KERNEL_TALK: &str = "drop-ipv6-not-for-us";
const READY: Duration = Duration::from_secs(10);
