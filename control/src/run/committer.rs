//! The thread that makes batches durable and has them published: it waits for the disk, so that nobody else
//! has to.

use std::io;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use crossbeam_channel::bounded;
use leases::moment::Moment;
use leases::row::Row;
use leases::store::LeaseStore;
use leases::store::Room;
use tracing::warn;

use crate::provisioning::Batch;
use crate::provisioning::Outcome;
use crate::provisioning::StoreFacts;
use crate::publisher::SoftwireService;
use crate::publisher::WriterGone;

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Order {
    /// Make it durable, and publish it.
    Commit(Batch, Moment),
    /// Do what is due.
    Tend(Moment),
}

/// What has been done.
#[derive(Debug)]
pub(super) struct Report {
    /// The batch, unless nothing but time has passed.
    pub(super) batch: Option<(Batch, Outcome)>,
    /// Whether new leases may be granted.
    pub(super) room: Room,
    /// How it stands with the store.
    pub(super) facts: StoreFacts,
}

impl Report {
    /// What has been done, and how it stands with the store now.
    pub(super) fn of(store: &dyn LeaseStore, batch: Option<(Batch, Outcome)>) -> Self {
        Self {
            batch,
            room: store.room(),
            facts: facts(store),
        }
    }
}

/// Both ends of the way to the thread.
#[derive(Debug)]
pub(super) struct Committer {
    orders: Option<Sender<Order>>,
    pub(super) reports: Receiver<Report>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// Starts the thread over `store`, where sets rest for `quarantine`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(
        store: Box<dyn LeaseStore>,
        softwires: SoftwireService,
        quarantine: Duration,
    ) -> io::Result<Self> {
        // One batch is under way at a time, and the store is tended while none is.
        let (orders, inbox) = bounded(2);
        let (reported, reports) = bounded(2);
        let work = Work {
            store,
            softwires,
            quarantine,
            is_failing: false,
        };
        let thread = thread::Builder::new()
            .name("leases".to_owned())
            .spawn(move || work.run(&inbox, &reported))?;
        Ok(Self {
            orders: Some(orders),
            reports,
            thread: Some(thread),
        })
    }

    /// Tells the thread. `false` when it has ended.
    pub(super) fn order(&self, order: Order) -> bool {
        let orders = self.orders.as_ref();
        orders.is_some_and(|orders| orders.send(order).is_ok())
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the lease store ended in a panic");
        }
    }
}

struct Work {
    store: Box<dyn LeaseStore>,
    softwires: SoftwireService,
    quarantine: Duration,
    is_failing: bool,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Order>, reported: &Sender<Report>) {
        while let Ok(order) = inbox.recv() {
            let batch = match order {
                Order::Tend(moment) => {
                    self.store.tend(&moment);
                    None
                }
                Order::Commit(batch, moment) => match self.commit(&batch, &moment) {
                    Ok(outcome) => Some((batch, outcome)),
                    // The daemon is stopping; whoever waits asks again.
                    Err(WriterGone) => return,
                },
            };
            let report = Report::of(&*self.store, batch);
            if reported.send(report).is_err() {
                return;
            }
        }
    }

    fn commit(&mut self, batch: &Batch, moment: &Moment) -> Result<Outcome, WriterGone> {
        let row = |effect| Row::after(effect, self.quarantine, moment.monotonic);
        let rows: Vec<_> = batch.to_store().map(row).collect();
        let is_durable = rows.is_empty() || self.store(&rows, moment);
        if is_durable {
            let publication = batch.publication();
            return publication.carry_out(|changes| self.softwires.lease(changes));
        }
        let publication = batch.publication_of_failure();
        publication.carry_out(|changes| self.softwires.lease(changes))?;
        Ok(Outcome::Failed)
    }

    /// Whether the rows are durable. The first of several failures is logged, and when they have ended.
    fn store(&mut self, rows: &[Row], moment: &Moment) -> bool {
        let failure = self.store.commit(rows, moment).err();
        match &failure {
            Some(error) if !self.is_failing => warn!("leases cannot be made durable: {error}"),
            None if self.is_failing => tracing::info!("leases are durable again"),
            _ => {}
        }
        self.is_failing = failure.is_some();
        failure.is_none()
    }
}

fn facts(store: &dyn LeaseStore) -> StoreFacts {
    let status = store.status();
    StoreFacts {
        commits: status.commits,
        rows: status.rows,
        journal_bytes: status.journal_octets,
        checkpoint_bytes: status.checkpoint_octets,
        checkpoint_rows: status.checkpoint_rows,
        checkpoint_age_s: status.checkpoint_age.map(|age| age.as_secs()),
        trouble: status.trouble,
    }
}
