//! The thread that writes the roster behind the answers, and what it is fed with.
//!
//! ```text
//!  provisioning ─ changes, once a second ─┐
//!               ─ all leases, by pages ───┴─► notes ─► thread: file, or file.next and rename
//! ```
//!
//! Invariant: a mark goes behind all that was noted before the lease store came to its position, so that a
//! roster lacks no lwB4 of a store that it says was there. When the thread does not keep up, notes wait;
//! nobody waits for it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Receiver;
use crossbeam_channel::RecvTimeoutError;
use crossbeam_channel::Sender;
use crossbeam_channel::bounded;
use leases::position::Position;
use pcp::instant::Instant;
use tracing::info;
use tracing::warn;

use crate::provisioning::Place;
use crate::provisioning::Provisioning;
use crate::roster::Mark;
use crate::roster::Peer;
use crate::roster::Roster;

/// Control's end.
#[derive(Debug)]
pub(super) struct RosterKeeper {
    notes: Option<Sender<Note>>,
    thread: Option<JoinHandle<()>>,
    has_failed: Arc<AtomicBool>,
    /// How far the roster has been written anew, while it is.
    rewriting: Option<Place>,
    /// Peers added since that was begun.
    added: usize,
    fed: Instant,
    /// Not before then is all written anew because it could not be before.
    again: Instant,
}

/// What the thread is told.
#[derive(Debug)]
enum Note {
    /// These are new.
    Add(Vec<Peer>),
    /// All comes now.
    Begin,
    /// Some of all.
    Some(Vec<Peer>),
    /// That was all.
    End,
    /// The store is there.
    Mark(Mark),
}

impl RosterKeeper {
    /// Keeps a roster at `path`; whatever is there stays until all has been written.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(path: &Path, now: Instant) -> io::Result<Self> {
        let (notes, inbox) = bounded(WAITING);
        let has_failed = Arc::new(AtomicBool::new(false));
        let work = Work {
            roster: Roster::new(path),
            name: path.display().to_string(),
            has_failed: Arc::clone(&has_failed),
            is_failing: false,
        };
        let thread = thread::Builder::new()
            .name("roster".to_owned())
            .spawn(move || work.run(&inbox))?;
        let mut keeper = Self {
            notes: Some(notes),
            thread: Some(thread),
            has_failed,
            rewriting: None,
            added: 0,
            fed: now,
            again: now,
        };
        keeper.begin();
        Ok(keeper)
    }

    /// Feeds the thread: what has happened, about once a second or when that is much, and of all there is some at a time.
    pub(super) fn turn(
        &mut self,
        provisioning: &mut Provisioning,
        position: Option<Position>,
        now: Instant,
    ) {
        if self.has_failed.swap(false, Ordering::Relaxed) {
            (self.rewriting, self.again) = (None, now + TRY_AGAIN);
            self.added = usize::MAX;
        }
        self.go_on(provisioning);
        let is_due = now.since(self.fed) >= FEED_EVERY || provisioning.noted() >= FEED_AT_ONCE;
        if !is_due || self.waiting() > WAITING / 2 {
            return;
        }
        self.fed = now;
        self.feed(provisioning, position);
        let (held, _) = provisioning.book().counts();
        if self.rewriting.is_none() && self.added > held.max(WORTH_IT) && now >= self.again {
            self.begin();
        }
    }

    /// Tells the last that has happened.
    pub(super) fn finish(&mut self, provisioning: &mut Provisioning, position: Option<Position>) {
        self.feed(provisioning, position);
    }

    fn begin(&mut self) {
        if self.tell(Note::Begin) {
            (self.rewriting, self.added) = (Some(Place::START), 0);
        }
    }

    fn go_on(&mut self, provisioning: &Provisioning) {
        let Some(place) = self.rewriting else {
            return;
        };
        if self.waiting() > WAITING / 2 {
            return;
        }
        let (peers, next) = provisioning.peers_from(place);
        let is_told = self.tell(Note::Some(peers));
        self.rewriting = next.filter(|_| is_told);
        if next.is_none() {
            self.tell(Note::End);
        }
    }

    fn feed(&mut self, provisioning: &mut Provisioning, position: Option<Position>) {
        let peers = provisioning.take_notes();
        self.added = self.added.saturating_add(peers.len());
        if !peers.is_empty() {
            self.tell(Note::Add(peers));
        }
        // A mark of what nobody has said yet would be one of another store.
        if let Some(position) = position {
            self.tell(Note::Mark(Mark {
                position,
                is_recovering: provisioning.is_recovering(),
            }));
        }
    }

    fn waiting(&self) -> usize {
        self.notes.as_ref().map_or(0, Sender::len)
    }

    /// `false` when the thread does not take it.
    fn tell(&self, note: Note) -> bool {
        let notes = self.notes.as_ref();
        notes.is_some_and(|notes| notes.try_send(note).is_ok())
    }
}

impl Drop for RosterKeeper {
    fn drop(&mut self) {
        self.notes = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the roster ended in a panic");
        }
    }
}

struct Work {
    roster: Roster,
    name: String,
    has_failed: Arc<AtomicBool>,
    is_failing: bool,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Note>) {
        loop {
            let done = match inbox.recv_timeout(SYNC_EVERY) {
                Ok(note) => self.take(&note),
                Err(RecvTimeoutError::Timeout) => self.roster.sync(),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            self.judge(done);
        }
        let done = self.roster.sync();
        self.judge(done);
    }

    fn take(&mut self, note: &Note) -> io::Result<()> {
        match note {
            Note::Add(peers) => self.roster.add(peers),
            Note::Begin => self.roster.begin(),
            Note::Some(peers) => self.roster.rewrite(peers),
            Note::End => self.roster.replace(),
            Note::Mark(mark) => self.roster.mark(*mark),
        }
    }

    /// The first of several failures is logged, and when they have ended.
    fn judge(&mut self, done: io::Result<()>) {
        match done {
            Err(error) => {
                if !self.is_failing {
                    let name = &self.name;
                    warn!(
                        "the roster {name} cannot be written: {error}; lwB4s that are missing in it are not \
                         told when leases are lost"
                    );
                }
                self.is_failing = true;
                self.has_failed.store(true, Ordering::Relaxed);
            }
            Ok(()) if self.is_failing && self.roster.is_kept() => {
                info!("the roster {} is written again", self.name);
                self.is_failing = false;
            }
            Ok(()) => {}
        }
    }
}

/// Notes that may wait.
const WAITING: usize = 64;
const FEED_EVERY: Duration = Duration::from_secs(1);
/// In a storm that second would fill, and copy again and again, tens of megabytes.
const FEED_AT_ONCE: usize = 8192;
/// What a power failure may cost the roster.
const SYNC_EVERY: Duration = Duration::from_secs(10);
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// Additions, in records of 32 octets, below which a roster is not written anew.
const WORTH_IT: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioning::tests::CONFIG;
    use crate::provisioning::tests::provisioning;
    use crate::roster;

    /// What a roster is marked with when the store has said this.
    fn marked(position: Option<Position>) -> Option<Mark> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roster");
        let mut provisioning = provisioning(CONFIG);
        let mut keeper = RosterKeeper::start(&path, Instant::default()).unwrap();
        for second in 1..5 {
            keeper.turn(&mut provisioning, position, Instant::from_secs(second));
        }
        keeper.finish(&mut provisioning, position);
        drop(keeper);
        roster::glance(&path).mark
    }

    /// A daemon that is killed before that would take its own store for another one at the next start.
    #[test]
    fn t_18_a_store_that_has_not_spoken_yet_leaves_no_mark() {
        let position = Position {
            store: 7,
            record: 9,
        };
        assert_eq!(marked(None), None);
        assert_eq!(
            marked(Some(position)).map(|mark| mark.position),
            Some(position)
        );
    }
}
