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
    /// Makes the namespaces, their links, addresses and routes.
    pub(crate) fn up() -> Outcome<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Exists before the script runs, so that half a network is taken down too.
        let network = Self {
            name: format!("lwlive-{}-{number}", process::id()),
        };
        run(Command::new(script("network")).args(["up", &network.name]))?;
        Ok(network)
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
