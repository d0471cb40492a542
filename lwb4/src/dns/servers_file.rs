//! The resolvers that were learned, for dnsmasq: a file for its option `servers-file`, which it reads again
//! on SIGHUP. The proxy then asks them over IPv6 and never from the shared IPv4 address (LW-028, LW-037).

use std::fmt::Write;
use std::fs;
use std::io;
use std::net::Ipv6Addr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitStatus;

use thiserror::Error;

/// Where the resolvers go, and what is run then.
#[derive(Debug)]
pub struct ServersFile {
    path: PathBuf,
    /// A program and its arguments, such as `pkill -HUP dnsmasq`; empty for none.
    reload: Vec<String>,
    /// The interface of link-local resolvers.
    interface: String,
}

impl ServersFile {
    /// A file that may not exist yet, in a folder that does.
    #[must_use]
    pub const fn new(path: PathBuf, reload: Vec<String>, interface: String) -> Self {
        Self {
            path,
            reload,
            interface,
        }
    }

    /// Writes the resolvers, whole or not at all, and has them read; does neither if the file has them.
    /// Returns whether it was written.
    ///
    /// # Errors
    /// When the file cannot be written, or the program fails.
    pub fn update(&self, servers: &[Ipv6Addr]) -> Result<bool, ServersFileError> {
        let lines = lines(servers, &self.interface);
        if fs::read_to_string(&self.path).is_ok_and(|present| present == lines) {
            return Ok(false);
        }
        replace(&self.path, &lines).map_err(|error| ServersFileError::Write {
            path: self.path.clone(),
            error,
        })?;
        self.run().map(|()| true)
    }

    fn run(&self) -> Result<(), ServersFileError> {
        let Some((program, arguments)) = self.reload.split_first() else {
            return Ok(());
        };
        let program = program.clone();
        match Command::new(&program).args(arguments).status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(ServersFileError::Reload { program, status }),
            Err(error) => Err(ServersFileError::Run { program, error }),
        }
    }
}

/// `server=` for each; link-local ones with their interface, without which they lead nowhere.
fn lines(servers: &[Ipv6Addr], interface: &str) -> String {
    let mut lines = String::from("# Resolvers learned by DHCPv6; rewritten when they change.\n");
    for server in servers {
        let scope = if server.is_unicast_link_local() {
            ["%", interface]
        } else {
            ["", ""]
        };
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "server={server}{}", scope.concat());
    }
    lines
}

/// Readers see the file before or after, never half of it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}

/// Why the resolvers were not handed over.
#[derive(Debug, Error)]
pub enum ServersFileError {
    /// The file cannot be written.
    #[error("{path}: {error}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The program cannot be run.
    #[error("{program}: {error}")]
    Run {
        /// The program.
        program: String,
        /// What the system says.
        error: io::Error,
    },
    /// The program failed.
    #[error("{program}: {status}")]
    Reload {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers() -> [Ipv6Addr; 2] {
        ["2001:db8::53".parse().unwrap(), "fe80::1".parse().unwrap()]
    }

    #[test]
    fn lw_028_resolvers_are_written_for_dnsmasq() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("servers");
        let file = ServersFile::new(path.clone(), vec![], "wan".to_owned());
        assert!(file.update(&servers()).unwrap());
        let written = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = written.lines().skip(1).collect();
        assert_eq!(lines, ["server=2001:db8::53", "server=fe80::1%wan"]);
        assert!(!file.update(&servers()).unwrap(), "nothing has changed");
        assert!(file.update(&[]).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_command_runs_when_something_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told");
        let reload = ["sh", "-c", "echo x >> \"$0\"", told.to_str().unwrap()];
        let reload = reload.map(str::to_owned).to_vec();
        let file = ServersFile::new(folder.path().join("servers"), reload, "wan".to_owned());
        file.update(&servers()).unwrap();
        file.update(&servers()).unwrap();
        assert_eq!(fs::read_to_string(told).unwrap(), "x\n");
        let fails = ServersFile::new(
            folder.path().join("b"),
            vec!["false".to_owned()],
            String::new(),
        );
        assert!(matches!(
            fails.update(&[]),
            Err(ServersFileError::Reload { .. })
        ));
    }
}
