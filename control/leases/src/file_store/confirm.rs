//! Making what was read as durable as it seems, before there are effects of it.
//!
//! A process may have been killed between writing and syncing. Worse, a sync may have failed: the system has
//! given up what was not written then and still shows it to whoever reads. So what only the last steps of a
//! run can have written is written once more: the records that no later one says were durable, and the headers
//! in front of them.

use crate::checkpoint::NAMES;
use crate::disk::Disk;
use crate::disk::DiskError;
use crate::disk::DiskFile;
use crate::disk::failed;
use crate::sector::SECTOR;
use crate::survey::Survey;

/// Makes durable what a survey has found, journal files of `segment_octets` that nobody knew of included.
pub(super) fn confirm(
    disk: &dyn Disk,
    survey: &Survey,
    segment_octets: u64,
) -> Result<(), DiskError> {
    let active = survey.live.last();
    for (number, slot) in &survey.slots {
        let name = &slot.name;
        if *number >= survey.known_slots && slot.octets >= segment_octets {
            // It counts from now on.
            slot.file
                .reserve(slot.octets)
                .map_err(failed("reserve space for", name))?;
        }
        if Some(number) == active {
            again(&*slot.file, name, 0, SECTOR)?;
            if let Some((_, at)) = survey.unproven.front() {
                again(&*slot.file, name, *at, survey.tail_at - at)?;
            }
        }
        slot.file.sync().map_err(failed("sync", name))?;
    }
    if let Some(chosen) = &survey.checkpoint {
        let name = NAMES[chosen.place];
        again(&*chosen.file, name, 0, SECTOR)?;
        chosen.file.sync().map_err(failed("sync", name))?;
    }
    disk.sync_names()
        .map_err(failed("make durable", "the names of files"))
}

/// Writes what is there.
fn again(file: &dyn DiskFile, name: &str, at: usize, length: usize) -> Result<(), DiskError> {
    let mut octets = vec![0; length];
    file.read_at(&mut octets, at as u64)
        .map_err(failed("read", name))?;
    file.write_at(&octets, at as u64)
        .map_err(failed("write", name))
}
