//! The thread that alone writes the binding table.
//!
//! ```text
//!  connection ──┐                      ┌─ copy, swap ──► table ◄── workers
//!  connection ──┼─ Job ─► channel ─► writer
//!  replay …   ──┘            answer ◄──┴─ reclaim when quiet
//! ```
//!
//! Jobs are carried out in the order of their arrival and answered each on its own channel. Files are
//! read and new tables built on the asking thread; here they are only swapped in.

mod job;
mod saved;
mod traffic;
mod writer;

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::thread::JoinHandle;

use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use crossbeam_channel::bounded;
use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::path_mtu::News;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::softwire_counters::Carried;
use lwaftr_dataplane::table;
use lwaftr_dataplane::table::BrSet;
use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::table::Refusal;
use lwaftr_dataplane::table::ReserveError;
use thiserror::Error;

use crate::bindings_file;
use crate::bindings_file::Progress;
use crate::bindings_file::Row;
use crate::placement::Placement;
use crate::softwires;
use crate::softwires::Conflict;
use crate::softwires::Origins;
use crate::softwires::OwnAddress;
use crate::softwires::OwnAddresses;
use crate::softwires::Softwires;
use crate::softwires::SoftwiresError;
use crate::softwires::TooManyOrigins;

pub use job::Change;
pub use job::Found;
pub use job::Keep;
pub use job::Query;
pub use job::Reserved;
pub use job::Summary;
pub use saved::SaveError;
pub use traffic::Traffic;

use job::Job;
use writer::Writer;

/// A way to the writing thread, for as many threads as want one.
#[derive(Clone, Debug)]
pub struct SoftwireService {
    jobs: Sender<Job>,
    rules: Arc<Rules>,
}

/// What every new binding is held against.
#[derive(Debug)]
struct Rules {
    own: OwnAddresses,
    br: BrSet,
    origins: Mutex<Origins>,
    placement: Placement,
}

impl SoftwireService {
    /// Starts the thread that owns `publisher`. `softwires` are those that it was made of, without their
    /// builder; `save_file` is where bindings are kept over restarts; `traffic` is there when workers count
    /// what each softwire carries; `reserving` hears of bindings that come and go, but for leases.
    ///
    /// The thread ends when the last service is dropped; then it gives the publisher back.
    ///
    /// # Errors
    /// When no thread can be started, or the saved bindings cannot be told.
    pub fn start(
        publisher: Publisher,
        known: Known,
        save_file: Option<PathBuf>,
        traffic: Option<Traffic>,
        reserving: Option<Sender<Reserved>>,
    ) -> io::Result<(Self, JoinHandle<Publisher>)> {
        let (jobs, inbox) = bounded(QUEUE);
        let rules = Arc::new(Rules {
            own: known.own,
            br: known.br,
            origins: Mutex::new(known.origins),
            placement: known.placement,
        });
        let service = Self { jobs, rules };
        let saved = save_file.map(|file| {
            let origin = service.origin_of(&file).unwrap_or(Origins::LIVE);
            saved::Saved::new(file, origin, &publisher)
        });
        let writer = Writer::new(publisher, saved, traffic, inbox, reserving);
        let thread = thread::Builder::new()
            .name("publisher".to_owned())
            .spawn(|| writer.run())?;
        Ok((service, thread))
    }

    /// Carries out `changes` in their order; each is judged by itself.
    ///
    /// # Errors
    /// When the writing thread has ended.
    pub fn change(
        &self,
        mut changes: Vec<Change>,
    ) -> Result<Vec<Result<(), ChangeError>>, WriterGone> {
        let refused: Vec<_> = changes.iter().map(|change| self.refused(change)).collect();
        let mut refused_in_order = refused.iter();
        changes.retain(|_| refused_in_order.next().is_some_and(Option::is_none));
        let answers = self.ask(|answer| Job::Change { changes, answer })?;
        let mut answers = answers.into_iter();
        let answer = |refused: Option<OwnAddress>| match refused {
            Some(address) => Err(ChangeError::Own(address)),
            None => answers.next().unwrap_or(Ok(())),
        };
        Ok(refused.into_iter().map(answer).collect())
    }

    /// Binds and unbinds leases; returns the positions of the changes that the table refused.
    ///
    /// # Errors
    /// When the writing thread has ended.
    pub fn lease(&self, changes: Vec<table::Change>) -> Result<Vec<usize>, WriterGone> {
        self.ask(|answer| Job::Leases { changes, answer })
    }

    /// Asks how many packets softwires have carried, and does not wait: the answer comes in its own time.
    /// `None` when the writing thread has more to do than it can take, or has ended.
    #[must_use]
    pub fn carried(&self, sets: Vec<(Ipv4Addr, PortSet)>) -> Option<Receiver<Vec<Option<u64>>>> {
        let (answer, answered) = bounded(1);
        self.jobs.try_send(Job::Carried { sets, answer }).ok()?;
        Some(answered)
    }

    /// The softwires that answer `query`.
    ///
    /// # Errors
    /// When the writing thread has ended.
    pub fn get(&self, query: Query) -> Result<Vec<Found>, WriterGone> {
        let rows = self.ask(|answer| Job::Get { query, answer })?;
        Ok(rows
            .into_iter()
            .map(|(row, carried)| self.found(&row, carried))
            .collect())
    }

    /// All bindings, as of one moment.
    ///
    /// # Errors
    /// When the writing thread has ended.
    pub fn dump(&self) -> Result<Vec<Binding>, WriterGone> {
        self.ask(|answer| Job::Dump { answer })
    }

    /// What there is in all.
    ///
    /// # Errors
    /// When the writing thread has ended.
    pub fn summary(&self) -> Result<Summary, WriterGone> {
        self.ask(|answer| Job::Summary { answer })
    }

    /// Lets the softwires know what workers have heard of their paths (IC-007). Waits for nobody: while
    /// the writing thread has more to do than it can take, news are lost, and will come again.
    pub fn hear(&self, news: Vec<News>) {
        // A thread that has ended has no use for them.
        let _ = self.jobs.try_send(Job::Paths { news });
    }

    /// Replaces the bindings that came from `file` by those that it holds now, at once or not at all;
    /// tells how many those are. Reading and checking take place on the calling thread.
    ///
    /// # Errors
    /// The first fault of the file or the first conflict, which leave everything as it was.
    pub fn load(&self, file: &Path, progress: impl FnMut(Progress)) -> Result<usize, LoadError> {
        let rows = bindings_file::read(file, progress).map_err(SoftwiresError::from)?;
        let origin = self.origin_of(file)?;
        let mut builder = Builder::new(self.rules.br.clone())?;
        // Granted or refused at start, and reported then.
        let _ = self.rules.placement.apply(&builder);
        softwires::add(&mut builder, &self.rules.own, file, &rows, origin)?;
        let builder = Box::new(builder);
        let loaded = self.ask(|answer| Job::Load {
            builder,
            origin,
            answer,
        })?;
        match loaded {
            Ok(()) => Ok(rows.len()),
            Err(refusal) => Err(self.conflict(file, &rows, refusal)?),
        }
    }

    /// A conflict of a file with bindings of other origins, in the words of the file. The table met it the
    /// other way round: the bindings that stay were added to the file's.
    fn conflict(
        &self,
        file: &Path,
        rows: &[Row],
        refusal: Refusal,
    ) -> Result<LoadError, WriterGone> {
        let (line, refusal) = match refusal {
            Refusal::Overlap { ipv4, ports, .. } => {
                let psid = ports.psid();
                let same =
                    |row: &&Row| (row.binding.ipv4(), row.binding.ports().psid()) == (ipv4, psid);
                let line = rows.iter().find(same).map(|row| row.line);
                let stays = self.ask(|answer| Job::Get {
                    query: Query::Psid(ipv4, psid),
                    answer,
                })?;
                let stays = stays.first().map(|(row, _)| (row.binding, row.origin));
                let refusal = stays.map_or(refusal, |(holder, origin)| Refusal::Overlap {
                    ipv4,
                    ports,
                    holder,
                    origin,
                });
                (line, refusal)
            }
            Refusal::Split {
                ipv4,
                given,
                present,
            } => {
                let line = rows
                    .iter()
                    .find(|row| row.binding.ipv4() == ipv4)
                    .map(|row| row.line);
                (
                    line,
                    Refusal::Split {
                        ipv4,
                        given: present,
                        present: given,
                    },
                )
            }
            _ => (None, refusal),
        };
        let Some(line) = line else {
            return Ok(LoadError::Refused(refusal));
        };
        let (file, conflict) = (file.to_owned(), Conflict::Table(refusal));
        Ok(SoftwiresError::Conflict {
            file,
            line,
            conflict,
        }
        .into())
    }

    fn refused(&self, change: &Change) -> Option<OwnAddress> {
        match change {
            Change::Add { binding, .. } => self.rules.own.admit(binding).err(),
            Change::Remove { .. } => None,
        }
    }

    fn found(&self, row: &table::Row, carried: Option<Carried>) -> Found {
        let origins = self
            .rules
            .origins
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Found {
            binding: row.binding,
            origin: origins.name(row.origin),
            carried,
        }
    }

    fn origin_of(&self, file: &Path) -> Result<Origin, TooManyOrigins> {
        let mut origins = self
            .rules
            .origins
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        origins.of_file(file)
    }

    fn ask<T>(&self, job: impl FnOnce(Sender<T>) -> Job) -> Result<T, WriterGone> {
        let (answer, answered) = bounded(1);
        self.jobs.send(job(answer)).map_err(|_| WriterGone)?;
        answered.recv().map_err(|_| WriterGone)
    }
}

/// What is known of the bindings that the daemon started with, apart from their table.
#[derive(Clone, Debug)]
pub struct Known {
    /// Where bindings came from.
    pub origins: Origins,
    /// Addresses that no subscriber may have.
    pub own: OwnAddresses,
    /// The BR addresses.
    pub br: BrSet,
    /// Where tables go that replace it.
    pub placement: Placement,
}

impl Softwires {
    /// Parts the table to publish from what is known of it.
    #[must_use]
    pub fn into_parts(self) -> (Builder, Known) {
        let Self {
            builder,
            origins,
            own,
            br,
            placement,
            ..
        } = self;
        let known = Known {
            origins,
            own,
            br,
            placement,
        };
        (builder, known)
    }
}

/// Why a change was refused.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// A subscriber would get one of our own addresses.
    #[error(transparent)]
    Own(OwnAddress),
    /// It does not fit the bindings that are there.
    #[error(transparent)]
    Table(#[from] Refusal),
    /// Its ports are leased: they are not the operator's to unbind.
    #[error("{ports} of {ipv4} are leased: \"lwaftr lease revoke\" takes them back")]
    Leased {
        /// The address.
        ipv4: Ipv4Addr,
        /// The ports.
        ports: PortSet,
    },
    /// It cannot be made to outlast a restart.
    #[error(transparent)]
    Save(#[from] SaveError),
}

/// Why a file was not loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file is at fault, or a binding in it.
    #[error(transparent)]
    Softwires(#[from] SoftwiresError),
    /// The table cannot take it.
    #[error(transparent)]
    Refused(Refusal),
    /// Too many files.
    #[error(transparent)]
    Origins(#[from] TooManyOrigins),
    /// No address space for a second table.
    #[error(transparent)]
    Reserve(#[from] ReserveError),
    /// The daemon is stopping.
    #[error(transparent)]
    Gone(#[from] WriterGone),
}

/// The writing thread has ended.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the daemon is stopping")]
pub struct WriterGone;

/// Jobs that may wait. Each asker waits for its answer, so more than askers there never are.
const QUEUE: usize = 64;

#[cfg(test)]
mod tests;
