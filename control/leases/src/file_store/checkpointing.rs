//! Checkpoints: when they are begun, and what their end sets free.

use std::io;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use super::Checkpoints;
use super::FileStore;
use super::Use;
use super::job::Job;
use super::job::Over;
use crate::checkpoint::Checkpoint;
use crate::checkpoint::FIRST_BLOCK;
use crate::checkpoint::NAMES;
use crate::disk::failed;
use crate::fault::ReadError;
use crate::moment::Judgement;
use crate::survey::Chosen;
use crate::survey::Slot;
use crate::version;

/// A checkpoint on its way.
pub(super) struct Running {
    place: usize,
    work: Work,
}

enum Work {
    Thread(JoinHandle<Result<Checkpoint, ReadError>>),
    Done(Result<Checkpoint, ReadError>),
}

impl FileStore {
    /// Begins a checkpoint when the journal has grown as much as that is worth.
    pub(super) fn begin_checkpoint_if_worth_it(&mut self) {
        let closed = self.closed().len();
        let last = self.checkpoint.map_or(0, |(_, c)| c.octets);
        let journal = closed as u64 * self.options.segment_octets;
        let is_worth_it = closed >= 2 && (journal >= last / 4 || closed >= MOST_SEGMENTS);
        let is_needed = closed >= 1 && self.free_slot().is_none();
        let failed_lately = self.troubles.checkpoint.is_some()
            && self
                .checkpoint_begun
                .is_some_and(|begun| self.now.monotonic.since(begun) < RETRY);
        if (is_worth_it || is_needed) && !failed_lately {
            self.begin_checkpoint();
        }
    }

    /// Begins a checkpoint of closed segments, if there are any and none is on its way.
    pub(super) fn begin_checkpoint(&mut self) {
        if self.running.is_some() {
            return;
        }
        let mut segments = self.closed();
        segments.truncate(MOST_SEGMENTS);
        let Some(covers) = segments.last().map(|(_, end)| *end) else {
            return;
        };
        let place = self.checkpoint.map_or(0, |(place, _)| 1 - place);
        let job = Job {
            old: self.checkpoint.map(|(place, checkpoint)| Chosen {
                place,
                file: self.checkpoint_files[place].clone(),
                checkpoint,
            }),
            segments,
            new: Checkpoint {
                version: version::VERSION,
                store: self.store,
                generation: self.checkpoint.map_or(0, |(_, c)| c.generation) + 1,
                covers,
                utc_ms: 0,
                shift_ms: 0,
                epoch_s: 0,
                slots: self.slots.len() as u32,
                rows: 0,
                blocks: 0,
                octets: FIRST_BLOCK,
            },
            place,
            file: self.checkpoint_files[place].clone(),
            block_octets: self.block_octets(),
            over: self.over(),
        };
        self.checkpoint_begun = Some(self.now.monotonic);
        let work = match self.options.checkpoints {
            Checkpoints::Inline => Work::Done(job.run()),
            Checkpoints::Aside => {
                let thread = thread::Builder::new().name("checkpoint".to_owned());
                let work = move || {
                    // Of this thread only: on Linux, nobody's priority is that of a process. Where it is not
                    // allowed, packets wait for checkpoints now and then.
                    let _ = rustix::process::setpriority_process(None, BACKGROUND);
                    job.run()
                };
                match thread.spawn(work) {
                    Ok(handle) => Work::Thread(handle),
                    Err(error) => {
                        Work::Done(Err(failed("start a thread for", NAMES[place])(error).into()))
                    }
                }
            }
        };
        self.running = Some(Running { place, work });
    }

    /// Takes a checkpoint that is done.
    pub(super) fn take_checkpoint(&mut self) {
        let is_done = self
            .running
            .as_ref()
            .is_some_and(|running| match &running.work {
                Work::Thread(handle) => handle.is_finished(),
                Work::Done(_) => true,
            });
        if is_done {
            self.finish_checkpoint();
        }
    }

    /// Waits for the checkpoint that is on its way.
    pub(super) fn finish_checkpoint(&mut self) {
        let Some(Running { place, work }) = self.running.take() else {
            return;
        };
        let done = match work {
            Work::Done(done) => done,
            Work::Thread(handle) => handle.join().unwrap_or_else(|_| {
                let error = io::Error::other("its thread has ended");
                Err(failed("write", NAMES[place])(error).into())
            }),
        };
        match done {
            Ok(checkpoint) => self.install(place, checkpoint),
            Err(error) => {
                self.troubles.checkpoint = Some(error.to_string());
                if let ReadError::Fault(fault) = error {
                    self.fault = Some(fault);
                }
            }
        }
    }

    /// Octets of a block of a checkpoint.
    pub(super) fn block_octets(&self) -> usize {
        BLOCK_OCTETS.min(self.options.segment_octets as usize / 8)
    }

    /// Makes a checkpoint that is done the one that counts.
    pub(super) fn install(&mut self, place: usize, checkpoint: Checkpoint) {
        let covered: Vec<u64> = self
            .closed()
            .into_iter()
            .filter(|(_, end)| *end <= checkpoint.covers)
            .filter_map(|(slot, _)| slot.segment)
            .map(|segment| segment.number)
            .collect();
        for used in &mut self.use_of {
            if matches!(used, Use::Segment { number, .. } if covered.contains(number)) {
                *used = Use::Free;
            }
        }
        self.checkpoint = Some((place, checkpoint));
        self.troubles.checkpoint = None;
        self.fault = None;
        self.keep_space();
    }

    /// Segments that are not written to any more, in order, each with the record that it ends before.
    pub(super) fn closed(&self) -> Vec<(Slot, u64)> {
        let mut used: Vec<(u64, u64, usize)> = self
            .use_of
            .iter()
            .enumerate()
            .filter_map(|(index, used)| match used {
                Use::Free => None,
                Use::Segment { number, first } => Some((*number, *first, index)),
            })
            .collect();
        used.sort_unstable();
        let ends = used.iter().skip(1).map(|(_, first, _)| *first);
        let ends: Vec<u64> = ends.chain([self.next]).collect();
        let active = self.active.map(|active| active.slot);
        used.iter()
            .zip(ends)
            .filter(|((_, _, index), _)| Some(*index) != active)
            .map(|((_, _, index), end)| (self.slots[*index].clone(), end))
            .collect()
    }

    /// Rows that are over long enough to be left out; none while the clock is in doubt.
    fn over(&self) -> Option<Over> {
        (self.now.judgement == Judgement::Settled).then(|| Over {
            before_ms: self.now.utc_ms.saturating_sub(millis(LONG_OVER)),
            shift_ms: self.shift_ms,
            quarantine_ms: millis(self.options.quarantine),
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// How soon after one that failed another checkpoint is tried, unless a commit waits for it.
const RETRY: Duration = Duration::from_secs(10);

/// Segments in one checkpoint at most: they are in memory together.
const MOST_SEGMENTS: usize = 8;

/// Octets of a block.
const BLOCK_OCTETS: usize = 256 << 10;

/// How long a set has been free before its row is forgotten; an operator may ask who had it last.
const LONG_OVER: Duration = Duration::from_secs(3600);

/// The nice value of a checkpoint's thread: it has a tenth of a core that others want, which is enough to keep up
/// with any journal, and it never keeps the control thread from waking.
const BACKGROUND: i32 = 10;
