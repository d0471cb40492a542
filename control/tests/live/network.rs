//! The namespaces of `scripts/network`, gone again when the scenario ends.

use std::process;
use std::process::Command;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use crate::Outcome;
use crate::process::run;
use crate::script;

/// A B4, a lwAFTR and an Internet, not yet running anything.
#[derive(Debug)]
pub(crate) struct Network {
    name: String,
}

/// Where a program runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    B4,
    Aftr,
    Internet,
}

impl Network {
    /// Makes the namespaces, their links, addresses and routes; with a router on the way to the B4 that
    /// carries this much there, if one is wanted.
    pub(crate) fn up(router_mtu: Option<u16>) -> Outcome<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Exists before the script runs, so that half a network is taken down too.
        let network = Self {
            name: format!("lwlive-{}-{number}", process::id()),
        };
        let router_mtu = router_mtu.map(|mtu| mtu.to_string());
        run(Command::new(script("network"))
            .args(["up", &network.name])
            .args(router_mtu))?;
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
            Place::B4 => "b4",
            Place::Aftr => "aftr",
            Place::Internet => "internet",
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
        let _ = run(Command::new(script("network")).args(["down", &self.name]));
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
