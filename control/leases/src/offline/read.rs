//! The rows of a store, for whoever holds them against something else.

use std::path::Path;
use std::time::Duration;

use pcp::instant::Instant;

use super::OfflineError;
use super::no_store;
use super::now;
use super::read_rows;
use super::take_existing;
use crate::row::Row;
use crate::survey::Survey;

/// Gives `sink` what every row of a store means now, where sets rest for `quarantine`, and says when that is.
/// Nothing is changed.
///
/// # Errors
/// When there is no store, it is in use or damaged.
pub fn read(
    directory: &Path,
    quarantine: Duration,
    mut sink: impl FnMut(Row),
) -> Result<Instant, OfflineError> {
    let disk = take_existing(directory)?;
    let mut survey = Survey::take(&*disk)?.ok_or_else(|| no_store(directory))?;
    let now = now().monotonic;
    read_rows(&mut survey, |row| {
        row.at(now, quarantine).into_iter().for_each(&mut sink);
        Ok(())
    })?;
    Ok(now)
}
