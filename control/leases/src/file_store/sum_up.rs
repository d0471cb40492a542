//! Everything in one checkpoint, and in today's format.

use std::io;

use super::FileStore;
use crate::checkpoint::NAMES;
use crate::disk::failed;
use crate::survey::OpenError;

impl FileStore {
    /// Writes everything in today's format, after a copy was made of how it was.
    pub(super) fn migrate(&mut self, version: u32) -> Result<String, OpenError> {
        let folder = format!("backup-format-{version}-{}", self.now.utc_ms);
        self.disk
            .copy_to(&folder)
            .map_err(failed("copy the store to", &folder))?;
        self.sum_up()?;
        Ok(folder)
    }

    /// Brings everything into one checkpoint, so that the next start is short.
    ///
    /// # Errors
    /// When the checkpoint cannot be made; nothing is lost then.
    pub fn sum_up(&mut self) -> Result<(), OpenError> {
        self.finish_checkpoint();
        self.close_segment()?;
        while !self.closed().is_empty() {
            self.begin_checkpoint();
            self.finish_checkpoint();
            if let Some(trouble) = self.troubles.checkpoint.take() {
                return Err(failed("write", NAMES[0])(io::Error::other(trouble)).into());
            }
        }
        Ok(())
    }
}
