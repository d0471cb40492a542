//! The softwires of a configuration: its own bindings and those of its files, as one binding table.
//!
//! This is where bindings meet each other and our own addresses; a conflict is one line that names the
//! file and line of the binding that does not fit.

mod origins;
mod own;

use std::fs;
use std::io;
use std::net::Ipv6Addr;
use std::path::Path;
use std::path::PathBuf;

use lwaftr_dataplane::table::BrSet;
use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::Refusal;
use lwaftr_dataplane::table::ReserveError;
use lwaftr_dataplane::table::TooManyBrs;
use thiserror::Error;

pub use origins::Origins;
pub use origins::TooManyOrigins;
pub use own::OwnAddress;
pub use own::OwnAddresses;

use crate::bindings_file;
use crate::bindings_file::BindingsFileError;
use crate::bindings_file::Progress;
use crate::bindings_file::Row;
use crate::config::Config;
use crate::placement::Placement;

/// A binding table, ready to be published, and what later changes to it must respect.
#[derive(Debug)]
pub struct Softwires {
    /// The table.
    pub builder: Builder,
    /// Where its bindings came from.
    pub origins: Origins,
    /// Addresses that no subscriber may have.
    pub own: OwnAddresses,
    /// The BR addresses.
    pub br: BrSet,
    /// The files read, each with its number of bindings.
    pub files: Vec<(PathBuf, usize)>,
    /// Where the table is, and those that replace it go.
    pub placement: Placement,
}

impl Softwires {
    /// Reads all bindings of `config`; `progress` hears of each file some times a second.
    ///
    /// # Errors
    /// The first file that cannot be read, or the first binding that does not fit.
    pub fn read(
        config: &Config,
        progress: impl FnMut(&Path, Progress),
    ) -> Result<Self, SoftwiresError> {
        Self::read_placed(config, Placement::ANYWHERE, progress)
    }

    /// As [`Softwires::read`], into a table that workers are near to.
    ///
    /// # Errors
    /// As there; a place that cannot be had is none.
    pub fn read_placed(
        config: &Config,
        placement: Placement,
        mut progress: impl FnMut(&Path, Progress),
    ) -> Result<Self, SoftwiresError> {
        let mut sources = vec![(config.file.clone(), config.softwire.bindings.clone())];
        for file in files(config)? {
            let rows = bindings_file::read(&file, |at| progress(&file, at))?;
            sources.push((file, rows));
        }
        let named = sources
            .iter()
            .flat_map(|(_, rows)| rows.iter().map(|row| row.binding.br()));
        let addresses = config.br_addresses(named);
        let own = OwnAddresses::new(config, &addresses);
        let br = BrSet::new(addresses)?;
        let mut builder = Builder::new(br.clone())?;
        let placement = placement.apply(&builder);
        let mut origins = Origins::new(&config.file);
        for (file, rows) in &sources {
            let origin = origins.of_file(file)?;
            add(&mut builder, &own, file, rows, origin)?;
        }
        let files = sources
            .into_iter()
            .skip(1)
            .map(|(file, rows)| (file, rows.len()))
            .collect();
        Ok(Self {
            builder,
            origins,
            own,
            br,
            files,
            placement,
        })
    }
}

/// Adds the rows of `file` to a table.
///
/// # Errors
/// The first row that does not fit.
pub fn add(
    builder: &mut Builder,
    own: &OwnAddresses,
    file: &Path,
    rows: &[Row],
    origin: Origin,
) -> Result<(), SoftwiresError> {
    for &Row { binding, line } in rows {
        let conflict = |conflict| SoftwiresError::Conflict {
            file: file.to_owned(),
            line,
            conflict,
        };
        own.admit(&binding)
            .map_err(|error| conflict(Conflict::Own(error)))?;
        builder
            .add(&binding, origin)
            .map_err(|refusal| conflict(Conflict::Table(refusal)))?;
    }
    Ok(())
}

/// The configured files that there are, each once; the saved bindings' may be missing.
fn files(config: &Config) -> Result<Vec<PathBuf>, SoftwiresError> {
    let mut files = config.softwire.binding_files.clone();
    if let Some(saved) = &config.softwire.save_file
        && !files.contains(saved)
    {
        let there = fs::exists(saved);
        let there = there.map_err(|error| SoftwiresError::Saved {
            file: saved.clone(),
            error,
        })?;
        files.extend(there.then(|| saved.clone()));
    }
    Ok(files)
}

/// Why the softwires of a configuration make no table.
#[derive(Debug, Error)]
pub enum SoftwiresError {
    /// A file is not one of bindings.
    #[error(transparent)]
    File(#[from] BindingsFileError),
    /// Whether the file of saved bindings exists cannot be told.
    #[error("{}: cannot be read: {error}", .file.display())]
    Saved {
        /// The file.
        file: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A binding does not fit.
    #[error("{}:{line}: {conflict}", .file.display())]
    Conflict {
        /// The file it is in.
        file: PathBuf,
        /// Its line.
        line: u32,
        /// What it conflicts with.
        conflict: Conflict,
    },
    /// Too many BR addresses.
    #[error(transparent)]
    Brs(#[from] TooManyBrs),
    /// Too many files.
    #[error(transparent)]
    Origins(#[from] TooManyOrigins),
    /// No address space for the table.
    #[error(transparent)]
    Reserve(#[from] ReserveError),
}

/// What a binding conflicts with.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Conflict {
    /// An address of our own.
    #[error(transparent)]
    Own(OwnAddress),
    /// The bindings that are there.
    #[error(transparent)]
    Table(Refusal),
}

/// The BR addresses of a set, in order.
#[must_use]
pub fn br_addresses(br: &BrSet) -> Vec<Ipv6Addr> {
    br.iter().collect()
}

#[cfg(test)]
mod tests;
