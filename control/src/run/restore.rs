//! What the last run promised: the leases of the store, in the book and in the table before the first packet
//! is forwarded (s10.2 of the conformance list).
//!
//! A lease that pools, bindings or BR addresses no longer allow is not dropped silently: its lwB4 relies on
//! it. The daemon does not start, and says how many there are.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;

use leases::clock::Clock;
use leases::clock::SystemTime;
use leases::disk::Disk;
use leases::file_store;
use leases::file_store::Ending;
use leases::file_store::FileStore;
use leases::file_store::OpenError;
use leases::file_store::OpenOptions;
use leases::file_store::Opened;
use leases::refill::Refill;
use leases::row::Row;
use leases::store::LeaseStore;
use lwaftr_dataplane::table::Builder;
use pcp::book::Book;
use pcp::lease::Lease;
use pcp::pool::PoolError;
use pcp::server::Server;
use thiserror::Error;
use tracing::info;
use tracing::warn;

use super::lost;
use super::lost::Lost;
use crate::config::Config;
use crate::config::Pcp;
use crate::provisioning;
use crate::provisioning::misfits;
use crate::provisioning::misfits::Misfit;
use crate::provisioning::misfits::Misfits;
use crate::roster::Loss;

/// A server that goes on where the last run ended.
pub(crate) struct Restored {
    pub(crate) store: Box<dyn LeaseStore>,
    pub(crate) clock: Clock,
    pub(crate) book: Book,
    pub(crate) server: Server,
    /// Whom to tell, if leases were lost.
    pub(crate) lost: Option<Lost>,
}

/// Takes the directory of the store.
///
/// # Errors
/// When another process has it, or the system refuses it.
pub(crate) fn disk(config: &Config) -> Result<Arc<dyn Disk>, RestoreError> {
    let path = &config.leases.path;
    file_store::take(path).map_err(|error| RestoreError::Open {
        path: path.clone(),
        error,
    })
}

/// Opens the store on its disk, and enters its leases into a book and into the table that is being built.
///
/// # Errors
/// When the store cannot be read, or what it promised cannot be kept.
pub(crate) fn restore(
    disk: Arc<dyn Disk>,
    config: &Config,
    pcp: &Pcp,
    builder: &mut Builder,
) -> Result<Restored, RestoreError> {
    let path = &config.leases.path;
    let (_, start) = Clock::start(SystemTime::default(), None);
    let mut book = provisioning::book(config, pcp, start.monotonic)?;
    let mut not_in_book = Vec::new();
    let mut clock = None;
    let known = lost::look(&pcp.recovery.roster);
    let loss = Cell::new(None);
    let options = OpenOptions {
        quarantine: pcp.quarantine,
        ..OpenOptions::default()
    };
    let expected = file_store::expected_rows(&*disk);
    let mut refill = Refill::new(&mut book, expected, |row, error| {
        // Nobody relies on a set that rests; where it has gone to other uses, nobody misses it.
        if let Row::Held(lease) = row {
            not_in_book.push((lease, error));
        }
    });
    let opened = FileStore::open_on(
        disk,
        &options,
        |last| {
            let (mut started, mut moment) = Clock::start(SystemTime::default(), last);
            loss.set(Loss::judge(&known, last));
            if loss.get().is_some_and(Loss::restarts_epoch) {
                started.restart_epoch();
                moment.epoch_s = 0;
            }
            clock = Some(started);
            moment
        },
        |row| {
            refill.add(match loss.get() {
                Some(loss) if loss.rests_leases() => lost::at_rest(row, pcp.quarantine),
                _ => row,
            });
        },
    );
    drop(refill);
    let mut opened = opened.map_err(|error| RestoreError::Open {
        path: path.clone(),
        error,
    })?;
    let mut misfits = Misfits::default();
    for (lease, error) in not_in_book {
        misfits.add(lease, error.into());
    }
    // In the order of the table, which the store's is not: each address is built once.
    misfits::bind_all(book.leases_by_address(), builder, &mut misfits);
    if let Some((lease, why)) = misfits.examples().first() {
        return Err(RestoreError::Misfits {
            path: path.clone(),
            count: misfits.count(),
            lease: Box::new(*lease),
            why: *why,
        });
    }
    let clock = clock.unwrap_or_else(|| Clock::start(SystemTime::default(), None).0);
    report(&opened, &book);
    let loss = loss.get();
    if loss.is_some_and(Loss::rests_leases) {
        lost::store_resting(&mut opened.store, &book, &opened.moment);
    }
    Ok(Restored {
        lost: Lost::find(loss, opened.last.is_none(), &pcp.recovery),
        server: Server::new(pcp.server, clock.epoch()),
        store: Box::new(opened.store),
        clock,
        book,
    })
}

fn report(opened: &Opened, book: &Book) {
    let (held, resting) = book.counts();
    match opened.last {
        None => info!("a new lease store is made"),
        Some(_) => info!(held, resting, "leases are restored"),
    }
    if opened.ending == Ending::Torn {
        warn!("the last run ended within a commit, which nobody was told of");
    }
    if let Some(backup) = &opened.backup {
        info!(
            backup,
            "the lease store had an older format, and was copied before it was rewritten"
        );
    }
}

/// Why the leases of the last run are not there.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// The store cannot be had.
    #[error("{}: {error}", path.display())]
    Open {
        /// The store.
        path: PathBuf,
        /// Why not.
        error: OpenError,
    },
    /// The configuration contradicts what was promised.
    #[error(
        "{}: {count} live leases do not fit the configuration, the first that of {} for {}: {why}; \
         bring their pools back until they have ended",
        path.display(), .lease.set, .lease.client.outer
    )]
    Misfits {
        /// The store.
        path: PathBuf,
        /// How many.
        count: usize,
        /// The first of them.
        lease: Box<Lease>,
        /// Why it does not fit.
        why: Misfit,
    },
    /// The pools contradict each other.
    #[error(transparent)]
    Pools(#[from] PoolError),
}
