//! Where bindings came from: the running system, the configuration, or a file.

use std::path::Path;
use std::path::PathBuf;

use lwaftr_dataplane::table::Origin;
use thiserror::Error;

/// The numbers of origins.
#[derive(Clone, Debug)]
pub struct Origins {
    /// From number 1 on: the configuration, then files as they came.
    files: Vec<PathBuf>,
}

impl Origins {
    /// Bindings that were added one by one while the daemon ran.
    pub const LIVE: Origin = Origin(0);
    /// Bindings that stand in the configuration itself.
    pub const CONFIG: Origin = Origin(1);

    /// Leases of the PCP server.
    pub const LEASE: Origin = Origin(u16::MAX);

    /// The origins of a daemon with this configuration.
    #[must_use]
    pub fn new(config: &Path) -> Self {
        Self {
            files: vec![identity(config)],
        }
    }

    /// The number of a file, a new one if need be. However a file's path is written, it is one file.
    ///
    /// # Errors
    /// When all numbers are taken.
    pub fn of_file(&mut self, file: &Path) -> Result<Origin, TooManyOrigins> {
        let file = identity(file);
        let known = self.files.iter().position(|known| *known == file);
        let position = known.unwrap_or_else(|| {
            self.files.push(file);
            self.files.len() - 1
        });
        let number = u16::try_from(position + 1).map(Origin);
        let number = number.ok().filter(|number| *number != Self::LEASE);
        number.ok_or(TooManyOrigins(position))
    }

    /// What an origin is called.
    #[must_use]
    pub fn name(&self, origin: Origin) -> String {
        if origin == Self::LEASE {
            return "lease".to_owned();
        }
        let file = usize::from(origin.0)
            .checked_sub(1)
            .and_then(|position| self.files.get(position));
        file.map_or_else(|| "live".to_owned(), |file| file.display().to_string())
    }
}

/// More files than origins can be numbered.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("bindings came from {0} files, more than can be told apart")]
pub struct TooManyOrigins(usize);

/// The path by which a file is known: without links and dots, or absolute at least.
fn identity(file: &Path) -> PathBuf {
    file.canonicalize()
        .or_else(|_| std::path::absolute(file))
        .unwrap_or_else(|_| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beyond_the_last_number_are_refused() {
        let mut origins = Origins {
            files: vec![PathBuf::from("/a"); usize::from(u16::MAX) - 1],
        };
        assert_eq!(
            origins.of_file(Path::new("/b")),
            Err(TooManyOrigins(usize::from(u16::MAX) - 1))
        );
        assert_eq!(origins.of_file(Path::new("/a")), Ok(Origin(1)));
    }
}
