//! The files of a store, and what their headers say.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::OpenError;
use super::error::fault;
use crate::checkpoint::Checkpoint;
use crate::checkpoint::NAMES;
use crate::checkpoint::Reader;
use crate::disk::Disk;
use crate::disk::DiskError;
use crate::disk::DiskFile;
use crate::disk::failed;
use crate::fault::Flaw;
use crate::fault::ReadError;
use crate::journal::Segment;
use crate::journal::file_name;
use crate::journal::number_of;
use crate::sector::SECTOR;
use crate::sector::Sector;
use crate::version;

/// A file of the journal.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) octets: u64,
    /// What it was last used for.
    pub(crate) segment: Option<Segment>,
}

/// The checkpoint that counts.
#[derive(Clone)]
pub(crate) struct Chosen {
    /// Which of the two files it is in.
    pub(crate) place: usize,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) checkpoint: Checkpoint,
}

impl Chosen {
    /// A reader of its rows.
    pub(crate) fn reader(&self) -> Result<Reader, ReadError> {
        Reader::new(self.file.clone(), NAMES[self.place], self.checkpoint)
    }
}

/// The newest checkpoint that is whole as far as its header tells.
pub(crate) fn checkpoint(disk: &dyn Disk, names: &[String]) -> Result<Option<Chosen>, OpenError> {
    let mut chosen: Option<Chosen> = None;
    for (place, name) in NAMES.into_iter().enumerate() {
        if !names.iter().any(|other| other == name) {
            continue;
        }
        let file = disk.open(name).map_err(failed("open", name))?;
        let Some(checkpoint) = Checkpoint::decode(&header(&*file, name)?) else {
            continue;
        };
        check_version(name, checkpoint.version)?;
        if checkpoint.octets > file.octets().map_err(failed("look at", name))? {
            return Err(fault(name, 0, Flaw::MissingFile));
        }
        let older = chosen.as_ref().map(|other| other.checkpoint);
        if older.is_some_and(|other| other.store != checkpoint.store) {
            return Err(fault(name, 0, Flaw::OtherStore));
        }
        if older.is_none_or(|other| other.generation < checkpoint.generation) {
            chosen = Some(Chosen {
                place,
                file,
                checkpoint,
            });
        }
    }
    Ok(chosen)
}

/// All files of the journal.
pub(super) fn slots(disk: &dyn Disk, names: &[String]) -> Result<BTreeMap<usize, Slot>, OpenError> {
    let mut slots = BTreeMap::new();
    for name in names {
        let Some(number) = number_of(name).filter(|number| file_name(*number) == *name) else {
            continue;
        };
        let file = disk.open(name).map_err(failed("open", name))?;
        let segment = Segment::decode(&header(&*file, name)?);
        if let Some(segment) = segment {
            check_version(name, segment.version)?;
        }
        let slot = Slot {
            name: name.clone(),
            octets: file.octets().map_err(failed("look at", name))?,
            file,
            segment,
        };
        slots.insert(number, slot);
    }
    Ok(slots)
}

fn check_version(file: &str, version: u32) -> Result<(), OpenError> {
    if version::is_known(version) {
        return Ok(());
    }
    Err(OpenError::Version {
        file: file.to_owned(),
        version,
    })
}

fn header(file: &dyn DiskFile, name: &str) -> Result<Sector, DiskError> {
    let mut sector = [0; SECTOR];
    file.read_at(&mut sector, 0).map_err(failed("read", name))?;
    Ok(sector)
}

/// All octets of a file.
pub(crate) fn whole(file: &dyn DiskFile, name: &str) -> Result<Vec<u8>, DiskError> {
    let length = file.octets().map_err(failed("look at", name))?;
    let mut octets = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    let read = file.read_at(&mut octets, 0).map_err(failed("read", name))?;
    octets.truncate(read);
    Ok(octets)
}
