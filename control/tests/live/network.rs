//! The namespaces of `scripts/network` or `scripts/homes`, gone again when the scenario ends.

use std::process;
use std::process::Command;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use programs::Outcome;
use programs::run;

use crate::script;

/// A lwAFTR, an Internet, and a B4 or homes, not yet running anything.
#[derive(Debug)]
pub(crate) struct Network {
    builder: &'static str,
    name: String,
}

/// Where a program runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    B4,
    Aftr,
    Internet,
    /// The access network of homes.
    Access,
    /// The router of the home with this number, from 1.
    Home(u8),
    /// The host in the LAN of that home.
    Lan(u8),
}

impl Network {
    /// Makes the namespaces, their links, addresses and routes; with a router on the way to the B4 that
    /// carries this much there, if one is wanted.
    pub(crate) fn up(router_mtu: Option<u16>) -> Outcome<Self> {
        let router_mtu = router_mtu.map(|mtu| mtu.to_string());
        Self::build("network", router_mtu)
    }

    /// Makes so many homes, an access network, the lwAFTR's place and an Internet.
    pub(crate) fn homes(count: u8, wan_mtu: u16) -> Outcome<Self> {
        Self::build("homes", [count.to_string(), wan_mtu.to_string()])
    }

    fn build(builder: &'static str, words: impl IntoIterator<Item = String>) -> Outcome<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Exists before the script runs, so that half a network is taken down too.
        let network = Self {
            builder,
            name: format!("lwlive-{}-{number}", process::id()),
        };
        run(Command::new(script(builder))
            .args(["up", &network.name])
            .args(words))?;
        Ok(network)
    }

    /// Joins an interface of the network to one that the daemon has made, which takes its place.
    pub(crate) fn bridge(&self, ours: &str, tap: &str) -> Outcome<()> {
        let bridge = format!("{tap}-bridge");
        let ip = |words: &str| {
            let mut command = self.command(Place::Aftr, "ip");
            run(command.args(words.split_whitespace())).map(drop)
        };
        ip(&format!("link add {bridge} type bridge mcast_snooping 0"))?;
        // A bridge keeps for itself what is sent to the address of one of its ports.
        ip(&format!(
            "link set {ours} address 02:00:00:00:aa:01 master {bridge}"
        ))?;
        ip(&format!(
            "link set {tap} address 02:00:00:00:aa:02 addrgenmode none master {bridge} up"
        ))?;
        ip(&format!("link set {bridge} addrgenmode none up"))
    }

    /// A command that runs `program` at `place`.
    pub(crate) fn command(&self, place: Place, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let place = match place {
            Place::B4 => "b4".to_owned(),
            Place::Aftr => "aftr".to_owned(),
            Place::Internet => "internet".to_owned(),
            Place::Access => "access".to_owned(),
            Place::Home(number) => format!("home{number}"),
            Place::Lan(number) => format!("lan{number}"),
        };
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &format!("{}-{place}", self.name)])
            .arg(program);
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Nobody is left who could act on a failure.
        let _ = run(Command::new(script(self.builder)).args(["down", &self.name]));
    }
}

/// Whether this machine lets us make namespaces.
pub(crate) fn probe() -> Result<(), String> {
    let name = format!("lwlive-{}-probe", process::id());
    let ip = |verb| run(Command::new("ip").args(["netns", verb, &name]));
    if ip("add").is_err() {
        return Err("this machine lets nobody make network namespaces".to_owned());
    }
    ip("delete")
        .map(drop)
        .map_err(|_| format!("namespace {name} cannot be deleted"))
}

static NUMBER: AtomicU32 = AtomicU32::new(0);
