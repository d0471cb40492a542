//! A store as JSON, a lease a line.

use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

use super::OfflineError;
use super::line::Line;
use super::no_store;
use super::read_rows;
use super::take_existing;
use crate::survey::Survey;

/// Writes the last row of every set, ended or not, and says how many there are.
///
/// # Errors
/// When there is no store, it is in use or damaged, or `out` does not take the lines.
pub fn export(directory: &Path, out: impl Write) -> Result<u64, OfflineError> {
    let disk = take_existing(directory)?;
    let mut survey = Survey::take(&*disk)?.ok_or_else(|| no_store(directory))?;
    let mut out = BufWriter::new(out);
    let mut lines = 0;
    read_rows(&mut survey, |row| {
        let line = serde_json::to_string(&Line::new(&row)).map_err(std::io::Error::from)?;
        writeln!(out, "{line}")?;
        lines += 1;
        Ok(())
    })?;
    out.flush()?;
    Ok(lines)
}
