//! What can be wrong with a configuration: each fault is one line that names file, line, key, what was
//! found and what was expected.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

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
    /// The faults, put in the order of their lines.
    #[must_use]
    pub fn new(mut errors: Vec<ConfigError>) -> Self {
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

impl Error for ConfigErrors {}

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
    /// A key that has no meaning without another.
    #[error("needs {0}")]
    Needs(&'static str),
    /// A value that a list already has.
    #[error("{found} is there already, expected each once")]
    Repeated {
        /// The value.
        found: String,
    },
    /// A value that a rule of the program does not allow.
    #[error("{0}")]
    Impossible(Box<dyn Error + Send + Sync>),
}

impl Fault {
    /// The fault that a rule of the program has found.
    pub fn impossible(rule: impl Error + Send + Sync + 'static) -> Self {
        Self::Impossible(Box::new(rule))
    }
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
