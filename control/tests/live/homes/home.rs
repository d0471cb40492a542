//! One home: its router with the lwB4, and its LAN host.

use std::env;
use std::fs;
use std::net::SocketAddrV4;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use programs::Outcome;
use programs::Process;
use programs::run;
use programs::wait_until;
use serde_json::Value;

use super::COMMAND;
use crate::network::Network;
use crate::network::Place;

/// A running lwB4.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) number: u8,
    process: Process,
    folder: PathBuf,
}

/// What `lwb4 status` says of a set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Held {
    pub(super) address: String,
    pub(super) first: u16,
    pub(super) last: u16,
}

impl Held {
    /// Whether this is one of its ports.
    pub(super) fn contains(&self, seen: SocketAddrV4) -> bool {
        let ports = self.first..=self.last;
        seen.ip().to_string() == self.address && ports.contains(&seen.port())
    }
}

impl Home {
    /// Starts the lwB4 of the home with this number.
    pub(super) fn start(network: &Network, folder: &Path, number: u8) -> Outcome<Self> {
        let folder = folder.join(format!("home{number}"));
        fs::create_dir_all(&folder)?;
        let config = folder.join("lwb4.toml");
        fs::write(&config, CONFIGURATION)?;
        let mut command = network.command(Place::Home(number), env::current_exe()?);
        command.env(COMMAND, "1").args(["run", "-c"]).arg(&config);
        let process = Process::start(&mut command, &folder, "lwb4")?;
        Ok(Self {
            number,
            process,
            folder,
        })
    }

    /// Waits until it has ports; gives them.
    pub(super) fn bound(&self) -> Outcome<Held> {
        self.becomes("bound", |status| status["state"] == "bound")?;
        let status = self.ask("status")?;
        let set = &status["sets"][0];
        let text = set.as_str().unwrap_or_default();
        let parsed = text.split_once(' ').and_then(|(address, ports)| {
            let (first, last) = ports.split_once('-')?;
            Some(Held {
                address: address.to_owned(),
                first: first.parse().ok()?,
                last: last.parse().ok()?,
            })
        });
        parsed.ok_or_else(|| format!("no set of ports in {status}").into())
    }

    /// Waits until `lwb4 status` is as it should be.
    pub(super) fn becomes(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Outcome<()> {
        let became = wait_until(PATIENCE, || {
            self.ask("status").is_ok_and(|status| is_so(&status))
        });
        if became {
            return Ok(());
        }
        let status = self.ask("status").unwrap_or_default();
        let (number, printed) = (self.number, self.process.printed());
        Err(format!("home {number} did not become {what}: {status}\n{printed}").into())
    }

    /// What `lwb4 status|mappings|counters` says.
    pub(super) fn ask(&self, topic: &str) -> Outcome<Value> {
        let socket = self.folder.join("lwb4.sock");
        let mut command = Command::new(env::current_exe()?);
        command
            .env(COMMAND, "1")
            .args([topic, "--json", "--socket"])
            .arg(socket);
        Ok(serde_json::from_str(&run(&mut command)?)?)
    }

    /// What the lwB4 has printed.
    pub(super) fn printed(&self) -> String {
        self.process.printed()
    }

    /// Ends it with SIGTERM, which gives its ports back.
    pub(super) fn terminate(&mut self) -> Outcome<()> {
        self.process.terminate()?;
        let status = self.process.wait(PATIENCE)?;
        if status.success() {
            return Ok(());
        }
        Err(format!("lwb4 ended with {status}:\n{}", self.printed()).into())
    }

    /// Ends it with SIGKILL, so that nobody is told.
    pub(super) fn kill(&mut self) -> Outcome<()> {
        self.process.kill()
    }
}

const CONFIGURATION: &str = r#"
[tunnel]
remote = "2001:db8:af::1"
wan = "wan"

[pcp]
memory = "memory.toml"

[nat.timers]
tcp_closing_s = 5

[lan]
interfaces = ["lan"]

[api]
socket = "lwb4.sock"

[log]
level = "debug"
"#;
const PATIENCE: Duration = Duration::from_secs(30);
