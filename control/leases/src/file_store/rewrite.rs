//! A checkpoint from what the daemon has in memory, in the place of files that went bad.
//!
//! Files that were good when they were opened can be found damaged when they are merged. The book still has
//! all that they held, so that nothing is lost as long as it is written down before the daemon ends.

use super::FileStore;
use crate::checkpoint::Checkpoint;
use crate::checkpoint::FIRST_BLOCK;
use crate::checkpoint::NAMES;
use crate::checkpoint::Writer;
use crate::encoding;
use crate::fault::Fault;
use crate::fault::Flaw;
use crate::fault::ReadError;
use crate::merge::Batch;
use crate::moment::Moment;
use crate::row::Row;
use crate::survey::OpenError;
use crate::version;

impl FileStore {
    /// Puts `rows`, which are all there are, in the place of everything that was stored. The caller waits for
    /// it, some tenths of a second for a million rows; until it is done, what was stored counts. Nothing may be on
    /// its way.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn rewrite(
        &mut self,
        rows: impl Iterator<Item = Row>,
        moment: &Moment,
    ) -> Result<(), OpenError> {
        self.observe(moment);
        self.finish_checkpoint();
        self.close_segment()?;
        // It may have begun one of its own, of what went bad.
        self.finish_checkpoint();
        let place = self.checkpoint.map_or(0, |(place, _)| 1 - place);
        let checkpoint = self.write_all(rows, moment, place)?;
        self.install(place, checkpoint);
        Ok(())
    }

    fn write_all(
        &self,
        rows: impl Iterator<Item = Row>,
        moment: &Moment,
        place: usize,
    ) -> Result<Checkpoint, ReadError> {
        let mut batch = Batch::default();
        let mut octets = Vec::new();
        for row in rows {
            octets.clear();
            encoding::encode(&row, moment, &mut octets);
            batch.add(&octets, self.shift_ms).map_err(|_| Fault {
                file: NAMES[place].to_owned(),
                at: 0,
                flaw: Flaw::BadRow,
            })?;
        }
        let new = Checkpoint {
            version: version::VERSION,
            store: self.store,
            generation: self.checkpoint.map_or(0, |(_, c)| c.generation) + 1,
            covers: self.next,
            utc_ms: moment.utc_ms,
            shift_ms: self.shift_ms,
            epoch_s: moment.epoch_s,
            slots: self.slots.len() as u32,
            rows: 0,
            blocks: 0,
            octets: FIRST_BLOCK,
        };
        let file = self.checkpoint_files[place].clone();
        let mut writer = Writer::begin(file, NAMES[place], new, self.block_octets())?;
        batch
            .sort(self.shift_ms)
            .merge(None, |row| Ok::<(), ReadError>(writer.add(row)?))?;
        Ok(writer.finish()?)
    }
}
