//! What can be wrong with a file of bindings.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use lwaftr_dataplane::binding::BindingError;
use lwaftr_dataplane::port_set::PortSetError;
use thiserror::Error;

use super::COLUMNS;
use super::Row;

/// A file that cannot be read as bindings.
#[derive(Debug, Error)]
pub enum BindingsFileError {
    /// The file itself cannot be read.
    #[error("{}: cannot be read: {error}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A place in it is wrong.
    #[error("{}:{line}: {fault}", .file.display())]
    Row {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong there.
        fault: RowFault,
    },
}

impl BindingsFileError {
    pub(super) fn unreadable(file: &Path, error: io::Error) -> Self {
        Self::Unreadable {
            file: file.to_owned(),
            error,
        }
    }
}

/// What is wrong in a row.
#[derive(Debug, Error)]
pub enum RowFault {
    /// The first line is not the header.
    #[error("\"{found}\" found, expected the header {}", COLUMNS.join(","))]
    Header {
        /// The first line.
        found: String,
    },
    /// The row has too few or too many columns.
    #[error("{found} columns found, expected the {} of {}", COLUMNS.len(), COLUMNS.join(","))]
    Columns {
        /// Columns in the row.
        found: usize,
    },
    /// A value of the wrong form.
    #[error("{column}: \"{found}\" found, expected {expected}")]
    Value {
        /// The column, or the path of the JSON member.
        column: String,
        /// The value.
        found: String,
        /// What to write instead.
        expected: &'static str,
    },
    /// A member that must be there.
    #[error("{column}: missing")]
    Missing {
        /// The path of the JSON member.
        column: String,
    },
    /// A member that nobody reads.
    #[error("{column}: unknown member, expected one of {expected}")]
    Unknown {
        /// The path of the JSON member.
        column: String,
        /// The members that may stand there.
        expected: &'static str,
    },
    /// Numbers that name no port set.
    #[error("{column}: {error}")]
    PortSet {
        /// The column, or the path of the JSON member.
        column: String,
        /// Why not.
        error: PortSetError,
    },
    /// Addresses that form no binding.
    #[error("{column}: {error}")]
    Binding {
        /// The column, or the path of the JSON member.
        column: String,
        /// Why not.
        error: BindingError,
    },
    /// The text is not CSV or not JSON of this shape.
    #[error("{0}")]
    Syntax(String),
}

impl RowFault {
    pub(super) fn binding(error: BindingError) -> Self {
        Self::Binding {
            column: Row::column_of(&error).to_owned(),
            error,
        }
    }

    pub(super) fn port_set(error: PortSetError) -> Self {
        let column = match error {
            PortSetError::Psid { .. } => "psid",
            PortSetError::Split { .. } => "psid_length",
        };
        Self::PortSet {
            column: column.to_owned(),
            error,
        }
    }
}

/// A fault before it is known which file it is in.
#[derive(Debug)]
pub(super) enum ReadError {
    Unreadable(io::Error),
    Row { line: u64, fault: RowFault },
}

impl ReadError {
    pub(super) fn in_file(self, file: &Path) -> BindingsFileError {
        let file = file.to_owned();
        match self {
            Self::Unreadable(error) => BindingsFileError::Unreadable { file, error },
            Self::Row { line, fault } => BindingsFileError::Row { file, line, fault },
        }
    }
}
