//! Files of bindings: CSV, and the RFC 7951 JSON of ietf-softwire-br (RFC 8676).
//!
//! Both are read row by row into valid bindings; a fault names file, line, column and value. Whether
//! the bindings agree with each other is the table's question, which [`Row::line`] lets it ask in the
//! operator's words. Readers say now and then how far they are, for a progress bar.

mod csv;
mod entry;
mod error;
mod field;
mod json;

mod scalar;
mod write;

use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::binding::BindingError;

pub use error::BindingsFileError;
pub use error::RowFault;
pub use write::WriteError;
pub use write::Writer;

/// A binding and where it stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Row {
    /// The binding.
    pub binding: Binding,
    /// Its line in the file, counted from 1.
    pub line: u32,
}

impl Row {
    /// The column that a binding's fault is about.
    #[must_use]
    pub fn column_of(error: &BindingError) -> &'static str {
        match error {
            BindingError::Ipv4(_) => "ipv4",
            BindingError::B4(_) | BindingError::SameEnds(_) => "b4",
            BindingError::Br(_) => "br",
        }
    }
}

/// How a file of bindings is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// One line a binding, under the header [`COLUMNS`].
    Csv,
    /// RFC 7951 JSON of ietf-softwire-br.
    Json,
}

impl Format {
    /// The format that the name of a file tells: `.json` is JSON, everything else CSV.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        if file
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            Self::Json
        } else {
            Self::Csv
        }
    }
}

/// How far the reading of a file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// Rows read.
    pub rows: u64,
    /// Octets read.
    pub bytes: u64,
    /// Octets in the file.
    pub total_bytes: u64,
}

/// Takes each row with the octets read so far.
type Step<'s> = dyn FnMut(Row, u64) + 's;

/// Reads all bindings of `file`, in its order; `progress` is called some times a second at most.
///
/// # Errors
/// The first fault of the file.
pub fn read(
    file: &Path,
    mut progress: impl FnMut(Progress),
) -> Result<Vec<Row>, BindingsFileError> {
    let unreadable = |error| BindingsFileError::unreadable(file, error);
    let open = File::open(file).map_err(unreadable)?;
    let total_bytes = open.metadata().map_err(unreadable)?.len();
    let mut rows = Vec::new();
    let mut step = |row: Row, bytes: u64| {
        rows.push(row);
        if rows.len().is_multiple_of(PROGRESS_ROWS) {
            progress(Progress {
                rows: rows.len() as u64,
                bytes,
                total_bytes,
            });
        }
    };
    match Format::of(file) {
        Format::Csv => csv::read(BufReader::with_capacity(READ_BUFFER, open), &mut step),
        Format::Json => json::read(open, &mut step),
    }
    .map_err(|error| error.in_file(file))?;
    progress(Progress {
        rows: rows.len() as u64,
        bytes: total_bytes,
        total_bytes,
    });
    Ok(rows)
}

/// Reads bindings from a stream of the given format, called `name` in errors, and hands each to `take`
/// as soon as it is read.
///
/// # Errors
/// The first fault of the stream; what came before it has been handed over.
pub fn stream(
    input: impl BufRead,
    format: Format,
    name: &Path,
    mut take: impl FnMut(Row),
) -> Result<(), BindingsFileError> {
    let mut step = |row: Row, _: u64| take(row);
    match format {
        Format::Csv => csv::read(input, &mut step),
        Format::Json => json::read(input, &mut step),
    }
    .map_err(|error| error.in_file(name))
}

/// The header of a CSV file of bindings.
pub const COLUMNS: [&str; 6] = ["ipv4", "psid_offset", "psid_length", "psid", "b4", "br"];
/// About a hundredth of a second's reading.
const PROGRESS_ROWS: usize = 1 << 15;
const READ_BUFFER: usize = 1 << 18;

#[cfg(test)]
mod tests;
