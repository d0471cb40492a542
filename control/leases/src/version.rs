//! Versions of the format: what is written, and how rows of older files become rows of today.
//!
//! Invariant: everything but rows is the same in all versions so far. A version that changes more than rows
//! changes the reading here and nowhere else.

use std::borrow::Cow;

use crate::encoding::RowError;

/// The version that is written.
pub(crate) const VERSION: u32 = 1;

/// Whether files of a version can be read.
pub(crate) const fn is_known(version: u32) -> bool {
    version == VERSION || (cfg!(test) && version == TEST)
}

/// Rows of a version that is known, in today's form.
pub(crate) fn upgraded(rows: &[u8], version: u32) -> Result<Cow<'_, [u8]>, RowError> {
    match version {
        #[cfg(test)]
        TEST => tests::upgraded(rows).map(Cow::Owned),
        _ => Ok(Cow::Borrowed(rows)),
    }
}

/// A version that only tests know, with times in seconds: there is no older one yet to test the way with.
const TEST: u32 = 0;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::encoding;

    /// Rows with times in milliseconds from rows with times in seconds.
    pub(crate) fn upgraded(rows: &[u8]) -> Result<Vec<u8>, RowError> {
        let mut out = rows.to_vec();
        let mut at = 0;
        while at < out.len() {
            let length = encoding::first(&out[at..])?.len();
            encoding::map_times(&mut out[at..], |seconds| seconds * 1000);
            at += length;
        }
        Ok(out)
    }
}
