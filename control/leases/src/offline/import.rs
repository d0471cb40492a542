//! A store from JSON, a lease a line.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use super::OfflineError;
use super::begin;
use super::line::Line;
use super::now;
use super::write_store;
use crate::disk::Disk;
use crate::encoding;
use crate::file_store::OpenOptions;
use crate::file_store::take;
use crate::merge::Batch;
use crate::moment::Moment;
use crate::survey::Survey;

/// Makes a store of lines as [`super::export`] writes them, and says how many sets it has; of two lines about a
/// set, the later counts. Nothing is written unless all lines are good.
///
/// # Errors
/// When there is a store already, or a line is no lease.
pub fn import(
    directory: &Path,
    options: &OpenOptions,
    lines: impl BufRead,
) -> Result<u64, OfflineError> {
    let disk = take(directory)?;
    if Survey::take(&*disk)?.is_some() {
        return Err(OfflineError::NotEmpty {
            directory: directory.display().to_string(),
        });
    }
    import_on(&disk, options, lines)
}

/// The same, where it is known that there is no store.
pub(super) fn import_on(
    disk: &Arc<dyn Disk>,
    options: &OpenOptions,
    lines: impl BufRead,
) -> Result<u64, OfflineError> {
    let mut batch = Batch::default();
    let mut octets = Vec::new();
    for (line, number) in lines.lines().zip(1..) {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |what: String| OfflineError::Line { line: number, what };
        let parsed: Line = serde_json::from_str(&line).map_err(|e| wrong(e.to_string()))?;
        let row = parsed.row().map_err(|error| wrong(error.to_string()))?;
        octets.clear();
        encoding::encode(&row, &Moment::UNIX, &mut octets);
        batch
            .add(&octets, 0)
            .map_err(|error| wrong(error.to_string()))?;
    }
    begin(&**disk, "")?;
    write_store(disk, options, &batch.sort(0), &now())
}
