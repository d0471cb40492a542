//! Reading everything, and saying what is there.

use std::path::Path;

use super::OfflineError;
use super::no_store;
use super::read_rows;
use super::take_existing;
use crate::disk::Disk;
use crate::fault::Fault;
use crate::file_store::Ending;
use crate::row::Row;
use crate::survey::LastCommit;
use crate::survey::OpenError;
use crate::survey::Survey;
use crate::version;

/// What is in a store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// The version of its format.
    pub version: u32,
    /// The clocks of the last commit.
    pub last: Option<LastCommit>,
    /// How the last run ended.
    pub ending: Ending,
    /// Rows of the checkpoint.
    pub checkpoint_rows: u64,
    /// Records since.
    pub records: u64,
    /// Sets whose last row is a lease, ended or not.
    pub held: u64,
    /// Sets whose last row is a rest, ended or not.
    pub resting: u64,
    /// The first thing that is wrong; counts go as far as this.
    pub fault: Option<Fault>,
}

/// Reads all of a store, and changes nothing.
///
/// # Errors
/// When there is no store, it is in use, or this program cannot read it. That it is damaged is a report.
pub fn check(directory: &Path) -> Result<Report, OfflineError> {
    let disk = take_existing(directory)?;
    check_on(&*disk)?.ok_or_else(|| no_store(directory))
}

/// The same, on any disk; `None` where there is no store.
pub(super) fn check_on(disk: &dyn Disk) -> Result<Option<Report>, OfflineError> {
    let mut report = Report {
        version: version::VERSION,
        last: None,
        ending: Ending::Whole,
        checkpoint_rows: 0,
        records: 0,
        held: 0,
        resting: 0,
        fault: None,
    };
    let mut survey = match Survey::take(disk) {
        Ok(Some(survey)) => survey,
        Ok(None) => return Ok(None),
        Err(OpenError::Corrupt(fault)) => {
            report.fault = Some(fault);
            return Ok(Some(report));
        }
        Err(error) => return Err(error.into()),
    };
    report.version = survey.older_version().unwrap_or(version::VERSION);
    report.last = survey.last;
    report.records = survey.records;
    report.checkpoint_rows = survey.checkpoint.as_ref().map_or(0, |c| c.checkpoint.rows);
    if survey.is_torn {
        report.ending = Ending::Torn;
    }
    let read = read_rows(&mut survey, |row| {
        match row {
            Row::Held(_) => report.held += 1,
            Row::Resting { .. } => report.resting += 1,
        }
        Ok(())
    });
    match read {
        Ok(()) => {}
        Err(OfflineError::Open(OpenError::Corrupt(fault))) => report.fault = Some(fault),
        Err(error) => return Err(error),
    }
    Ok(Some(report))
}
