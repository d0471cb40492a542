//! What can be wrong with a configuration: each fault is one line that names file, line, key, what was
//! found and what was expected.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use lwaftr_dataplane::binding::BindingError;
use lwaftr_dataplane::port_set::PortSetError;
use pcp::pool::PoolError;
use thiserror::Error;

/// A fault and where it stands.
#[derive(Debug, Error)]
#[error("{place}{fault}", place = Place(self))]
pub struct ConfigError {
    /// The file, as the operator named it.
    pub file: PathBuf,
    /// Line in the file, counted from 1; absent when the fault is the whole file's.
    pub line: Option<usize>,
    /// Dotted path of the key, with positions in lists counted from 0; empty above the first key.
    pub key: String,
    /// What is wrong there.
    pub fault: Fault,
}

/// All independent faults of a configuration, in the order of their lines.
#[derive(Debug)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    pub(super) fn new(mut errors: Vec<ConfigError>) -> Self {
        errors.sort_by_key(|error| error.line);
        Self(errors)
    }

    /// The faults.
    #[must_use]
    pub fn as_slice(&self) -> &[ConfigError] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// What is wrong at a key.
#[derive(Debug, Error)]
pub enum Fault {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The text is not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A key that nobody reads.
    #[error("unknown key, expected one of: {}", .known.join(", "))]
    Unknown {
        /// The keys that may stand there.
        known: Vec<&'static str>,
    },
    /// A key of the product that this version does not act upon yet.
    #[error("{0} is not supported by this version")]
    Unsupported(&'static str),
    /// A key that must be there.
    #[error("missing, expected {expected}")]
    Missing {
        /// What to put there.
        expected: &'static str,
    },
    /// A value of the wrong kind or form.
    #[error("{found} found, expected {expected}")]
    Unexpected {
        /// The value, as written.
        found: String,
        /// What to write instead.
        expected: &'static str,
    },
    /// A number outside its range.
    #[error("{found} is out of range, expected {min} to {max}")]
    OutOfRange {
        /// The number, as written.
        found: String,
        /// Smallest number allowed.
        min: u64,
        /// Largest number allowed.
        max: u64,
    },
    /// A PSID that its PSID length cannot number.
    #[error("{psid} is out of range for psid_length {length} (0–{max})", max = (1_u32 << length) - 1)]
    Psid {
        /// The PSID given.
        psid: u16,
        /// The PSID length.
        length: u8,
    },
    /// The port set is impossible.
    #[error(transparent)]
    PortSet(#[from] PortSetError),
    /// The binding is impossible.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// The pools cannot be as they are.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// A key that has no meaning without another.
    #[error("needs {0}")]
    Needs(&'static str),
    /// A value that a list already has.
    #[error("{found} is there already, expected each once")]
    Repeated {
        /// The value.
        found: String,
    },
    /// A next hop outside the interface's own network.
    #[error("{next_hop} is outside {network}, the network of this interface")]
    NextHopOutside {
        /// The next hop.
        next_hop: IpAddr,
        /// The interface's network, as written.
        network: String,
    },
    /// The next hop is ourselves.
    #[error("{0} is this interface's own address, expected a neighbour's")]
    NextHopIsOurs(IpAddr),
    /// Two devices of one name but different arguments.
    #[error(
        "\"{found}\" has the name of \"{other}\" but other arguments, expected the same device or another name"
    )]
    DeviceClash {
        /// The device here.
        found: String,
        /// The device of the other side.
        other: String,
    },
    /// An EAL argument that the daemon builds itself.
    #[error(
        "{argument} is built from {instead}, expected only arguments that the other keys do not make"
    )]
    EalConflict {
        /// The argument.
        argument: String,
        /// The key that it comes from.
        instead: &'static str,
    },
    /// A pool that descriptors, caches and bursts alone would empty.
    #[error(
        "{found} buffers are too few, expected at least {needed} for these descriptors, caches and bursts"
    )]
    PoolTooSmall {
        /// Buffers asked for.
        found: u32,
        /// Buffers needed.
        needed: u32,
    },
}

/// `file:line: key: `, as far as known.
struct Place<'e>(&'e ConfigError);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConfigError {
            file, line, key, ..
        } = self.0;
        write!(f, "{}:", file.display())?;
        if let Some(line) = line {
            write!(f, "{line}:")?;
        }
        f.write_str(" ")?;
        if key.is_empty() {
            Ok(())
        } else {
            write!(f, "{key}: ")
        }
    }
}
