//! What outlives a restart: the secret that nonces are derived from, the port that requests leave from, and
//! the sets that were held (conformance list, s10.1 BOUND; C-03, PC-039).
//!
//! A small TOML file, readable by its owner only, because the secret is in it, and replaced as a whole: a power
//! cut leaves the old one or the new one. A file that cannot be read is as good as none.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use pcp::port_set::PortRange;
use rustix::rand::GetRandomFlags;
use rustix::rand::getrandom;
use serde::Deserialize;
use serde::Serialize;
use thiserror::Error;

use super::nonce::DeviceSecret;
use crate::external::ExternalSet;

/// What there is to remember of a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remembered {
    /// The lwAFTR.
    pub remote: Ipv6Addr,
    /// The PCP server.
    pub server: IpAddr,
    /// The port that requests left from: updates come to it (PC-145).
    pub client_port: u16,
    /// The sets held.
    pub sets: Vec<ExternalSet>,
    /// The server's epoch when they were granted, in seconds.
    pub epoch_s: Option<u32>,
}

/// The file, and what is in it.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    secret: DeviceSecret,
    remembered: Option<Remembered>,
}

impl Memory {
    /// Reads the file at `path`. Without it, the secret is that of the device's `identity`, so that it comes
    /// out the same again; without that either it is random, and what a lost file leads to is that the lwAFTR
    /// refuses for the rest of the lease. The second part of the answer is what to warn of.
    ///
    /// # Errors
    /// When there is no randomness either.
    pub fn open(
        path: &Path,
        identity: Option<&[u8]>,
    ) -> Result<(Self, Option<MemoryError>), MemoryError> {
        let (known, warning) = match read(path) {
            Ok(known) => (known, None),
            Err(error) => (None, Some(error)),
        };
        let (secret, remembered) = match known {
            Some((secret, remembered)) => (secret, remembered),
            None => (new_secret(identity)?, None),
        };
        let memory = Self {
            path: path.to_owned(),
            secret,
            remembered,
        };
        Ok((memory, warning))
    }

    /// What nonces are derived from.
    #[must_use]
    pub const fn secret(&self) -> DeviceSecret {
        self.secret
    }

    /// What the last run had.
    #[must_use]
    pub const fn remembered(&self) -> Option<&Remembered> {
        self.remembered.as_ref()
    }

    /// Writes it down.
    ///
    /// # Errors
    /// When that fails; the file is then what it was.
    pub fn remember(&mut self, remembered: Remembered) -> Result<(), MemoryError> {
        if self.remembered.as_ref() == Some(&remembered) {
            return Ok(());
        }
        let text = toml::to_string(&Stored::new(self.secret, &remembered))
            .map_err(|error| MemoryError::Format(error.to_string()))?;
        write(&self.path, &text).map_err(|error| MemoryError::Write {
            path: self.path.clone(),
            error,
        })?;
        self.remembered = Some(remembered);
        Ok(())
    }
}

fn new_secret(identity: Option<&[u8]>) -> Result<DeviceSecret, MemoryError> {
    if let Some(identity) = identity.filter(|identity| !identity.is_empty()) {
        return Ok(DeviceSecret::of_identity(identity));
    }
    let mut octets = [0; 32];
    // 256 octets at most come all at once (getrandom(2)).
    getrandom(&mut octets, GetRandomFlags::empty())
        .map_err(|error| MemoryError::Random(error.into()))?;
    Ok(DeviceSecret::new(octets))
}

fn read(path: &Path) -> Result<Option<(DeviceSecret, Option<Remembered>)>, MemoryError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let path = path.to_owned();
            return Err(MemoryError::Read { path, error });
        }
    };
    let unreadable = |reason: String| MemoryError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let stored: Stored = toml::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    if stored.version != VERSION {
        return Err(unreadable(format!("version {}", stored.version)));
    }
    let secret = stored
        .secret()
        .ok_or_else(|| unreadable("secret".to_owned()))?;
    Ok(Some((secret, stored.remembered())))
}

/// The new file beside the old one, on disk, then in its place, and that on disk too.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".lwb4-")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    File::open(folder)?.sync_all()
}

/// The file's content.
#[derive(Deserialize, Serialize)]
struct Stored {
    version: u32,
    secret: String,
    remote: Option<Ipv6Addr>,
    server: Option<IpAddr>,
    client_port: Option<u16>,
    epoch_s: Option<u32>,
    #[serde(default)]
    sets: Vec<StoredSet>,
}

#[derive(Deserialize, Serialize)]
struct StoredSet {
    address: Ipv4Addr,
    first_port: u16,
    last_port: u16,
}

impl Stored {
    fn new(secret: DeviceSecret, remembered: &Remembered) -> Self {
        let digits = secret.octets().iter().map(|octet| format!("{octet:02x}"));
        let sets = remembered.sets.iter().filter_map(|set| {
            Some(StoredSet {
                address: set.address(),
                first_port: set.nth(0)?,
                last_port: set.nth(set.count() - 1)?,
            })
        });
        Self {
            version: VERSION,
            secret: digits.collect(),
            remote: Some(remembered.remote),
            server: Some(remembered.server),
            client_port: Some(remembered.client_port),
            epoch_s: remembered.epoch_s,
            sets: sets.collect(),
        }
    }

    fn secret(&self) -> Option<DeviceSecret> {
        let (pairs, []) = self.secret.as_bytes().as_chunks::<2>() else {
            return None;
        };
        let mut octets = [0; 32];
        if pairs.len() != octets.len() {
            return None;
        }
        for (octet, pair) in octets.iter_mut().zip(pairs) {
            for digit in pair {
                *octet = *octet << 4 | char::from(*digit).to_digit(16)? as u8;
            }
        }
        Some(DeviceSecret::new(octets))
    }

    fn remembered(&self) -> Option<Remembered> {
        let sets = self.sets.iter().filter_map(|set| {
            let ports = PortRange::new(set.first_port, set.last_port)?;
            Some(ExternalSet::run(set.address, ports))
        });
        Some(Remembered {
            remote: self.remote?,
            server: self.server?,
            client_port: self.client_port?,
            sets: sets.collect(),
            epoch_s: self.epoch_s,
        })
    }
}

/// Why something is not remembered.
#[derive(Debug, Error)]
pub enum MemoryError {
    /// The file is there and cannot be read.
    #[error("reading {path}: {error}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is not what we write.
    #[error("{path} is not understood and will be written anew: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It cannot be written.
    #[error("writing {path}: {error}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What is to be written cannot be spelled.
    #[error("spelling what is to be remembered: {0}")]
    Format(String),
    /// The system has no random numbers.
    #[error("getting random numbers: {0}")]
    Random(io::Error),
}

/// Files of another version are not read.
const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn remembered() -> Remembered {
        let ports = PortRange::new(26624, 28671).unwrap();
        Remembered {
            remote: Ipv6Addr::LOCALHOST,
            server: IpAddr::V4(Ipv4Addr::new(192, 0, 0, 1)),
            client_port: 40000,
            sets: vec![ExternalSet::run(Ipv4Addr::new(192, 0, 2, 5), ports)],
            epoch_s: Some(42),
        }
    }

    #[test]
    fn c_03_what_is_remembered_is_there_after_a_restart_for_nobody_else_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provisioning.toml");
        let (mut memory, warning) = Memory::open(&path, None).unwrap();
        assert!(warning.is_none() && memory.remembered().is_none());
        memory.remember(remembered()).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (again, warning) = Memory::open(&path, None).unwrap();
        assert!(warning.is_none());
        assert_eq!(again.remembered(), Some(&remembered()));
        assert_eq!(again.secret(), memory.secret());
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left lying about");
    }

    #[test]
    fn c_03_the_secret_of_an_identity_survives_the_loss_of_either() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provisioning.toml");
        let (mut memory, _) = Memory::open(&path, Some(b"machine")).unwrap();
        let secret = memory.secret();
        memory.remember(remembered()).unwrap();
        for identity in [None, Some(&b"another"[..])] {
            let (again, _) = Memory::open(&path, identity).unwrap();
            assert_eq!(again.secret(), secret, "the file has it");
        }
        fs::remove_file(&path).unwrap();
        let (again, _) = Memory::open(&path, Some(b"machine")).unwrap();
        assert_eq!(again.secret(), secret, "the identity has it");
    }

    #[test]
    fn without_file_and_identity_every_device_has_another_secret() {
        let path = Path::new("/nonexistent/provisioning.toml");
        let (one, warning) = Memory::open(path, None).unwrap();
        let (two, _) = Memory::open(path, Some(b"")).unwrap();
        assert!(warning.is_none());
        assert_ne!(one.secret(), two.secret());
    }

    #[test]
    fn a_file_that_is_not_understood_is_warned_of_and_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provisioning.toml");
        let short = "version = 1\nsecret = \"00\"\n";
        for text in [
            "",
            "version = 1",
            "\u{0}\u{0}",
            "version = 2\nsecret = \"\"\n",
            short,
        ] {
            fs::write(&path, text).unwrap();
            let (mut memory, warning) = Memory::open(&path, Some(b"machine")).unwrap();
            let warning = warning.unwrap().to_string();
            assert!(warning.contains("provisioning.toml"), "{warning}");
            assert!(memory.remembered().is_none());
            memory.remember(remembered()).unwrap();
            let (again, warning) = Memory::open(&path, None).unwrap();
            assert!(warning.is_none());
            assert_eq!(again.secret(), memory.secret());
        }
    }

    #[test]
    fn what_cannot_be_written_leaves_the_file_as_it_was_and_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("missing");
        let path = place.join("provisioning.toml");
        let (mut memory, _) = Memory::open(&path, None).unwrap();
        assert!(matches!(
            memory.remember(remembered()),
            Err(MemoryError::Write { .. })
        ));
        fs::create_dir(&place).unwrap();
        memory.remember(remembered()).unwrap();
        assert!(path.exists());
    }
}
