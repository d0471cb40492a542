//! The file of saved bindings: written as a whole beside itself and renamed, so that at every moment it is
//! either the old one or the new one.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::net::Ipv4Addr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::Publisher;
use thiserror::Error;

use crate::bindings_file::Format;
use crate::bindings_file::WriteError;
use crate::bindings_file::Writer;

/// The bindings that outlast a restart.
#[derive(Debug)]
pub(super) struct Saved {
    file: PathBuf,
    origin: Origin,
    /// By address and PSID, which name a softwire, since an address is split in one way only.
    bindings: BTreeMap<(Ipv4Addr, u16), Binding>,
    changed: bool,
}

impl Saved {
    /// What `publisher` has from `file`, which is known as `origin`.
    pub(super) fn new(file: PathBuf, origin: Origin, publisher: &Publisher) -> Self {
        let mut saved = Self {
            file,
            origin,
            bindings: BTreeMap::new(),
            changed: false,
        };
        saved.read_from(publisher);
        saved
    }

    pub(super) fn read_from(&mut self, publisher: &Publisher) {
        let rows = publisher.iter().filter(|row| row.origin == self.origin);
        self.bindings = rows.map(|row| (key(&row.binding), row.binding)).collect();
        self.changed = false;
    }

    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    pub(super) fn keep(&mut self, binding: Binding) {
        self.bindings.insert(key(&binding), binding);
        self.changed = true;
    }

    pub(super) fn forget(&mut self, ipv4: Ipv4Addr, ports: PortSet) {
        self.changed |= self.bindings.remove(&(ipv4, ports.psid())).is_some();
    }

    /// Writes the file if it is not what it should be. After a failure the next call tries again.
    pub(super) fn write_changes(&mut self) -> Result<(), SaveError> {
        if self.changed {
            let failed = |error: WriteError| SaveError::Write {
                file: self.file.clone(),
                error: Arc::new(error),
            };
            write(&self.file, self.bindings.values()).map_err(failed)?;
            self.changed = false;
        }
        Ok(())
    }
}

fn key(binding: &Binding) -> (Ipv4Addr, u16) {
    (binding.ipv4(), binding.ports().psid())
}

fn write<'b>(file: &Path, bindings: impl Iterator<Item = &'b Binding>) -> Result<(), WriteError> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let mut writer = Writer::begin(BufWriter::new(File::create(&beside)?), Format::Csv)?;
    for binding in bindings {
        writer.row(binding)?;
    }
    let output = writer
        .finish()?
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    output.sync_all()?;
    fs::rename(&beside, file)?;
    // The rename itself is durable only with the folder.
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

/// Why a change does not outlast a restart.
#[derive(Clone, Debug, Error)]
pub enum SaveError {
    /// No file is configured, so nothing was done.
    #[error("not done: softwire.save_file, where it would be saved, is not configured")]
    NoFile,
    /// The file cannot be written: the change is in force, but only until a restart.
    #[error("done, but not saved: {}: cannot be written: {error}", .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why not.
        error: Arc<WriteError>,
    },
}
