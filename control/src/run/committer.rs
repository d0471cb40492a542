//! The thread that makes batches durable and has them published, and those that wait for the disk, so that nobody
//! else has to.
//!
//! ```text
//!  control ─ orders ─► leases ─ flushes ─► sync, sync, … ─┐
//!     ▲                 │  ▲                              │
//!     └──── reports ────┘  └────────── flushed ───────────┘
//! ```

use std::io;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Receiver;
use crossbeam_channel::SendError;
use crossbeam_channel::Sender;
use crossbeam_channel::bounded;
use crossbeam_channel::select;
use crossbeam_channel::unbounded;
use leases::moment::Moment;
use leases::store::FLUSHES;
use leases::store::Flush;
use leases::store::Flushed;
use leases::store::LeaseStore;

use super::under_way::Report;
use super::under_way::UnderWay;
use crate::provisioning::Batch;
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
        // Room for all batches that are under way, and one order to tend.
        let (orders, inbox) = bounded(MOST_UNDER_WAY + 1);
        let (reported, reports) = bounded(MOST_UNDER_WAY + 1);
        let (flushes, to_run) = unbounded();
        let (ran, flushed) = unbounded();
        for _ in 0..MOST_UNDER_WAY {
            let (to_run, ran) = (to_run.clone(), ran.clone());
            // It ends when nothing is left to run.
            thread::Builder::new()
                .name("leases-sync".to_owned())
                .spawn(move || run_all(&to_run, &ran))?;
        }
        let work = Work {
            under_way: UnderWay::new(store, softwires, quarantine),
            held: None,
            flushes,
            flushed,
            reported,
        };
        let thread = thread::Builder::new()
            .name("leases".to_owned())
            .spawn(move || work.run(&inbox))?;
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

/// Runs flushes until there will be none.
fn run_all(to_run: &Receiver<Flush>, ran: &Sender<Flushed>) {
    for flush in to_run {
        if ran.send(flush.run()).is_err() {
            return;
        }
    }
}

struct Work {
    under_way: UnderWay,
    /// A batch that waits for those under way; behind it, orders wait too.
    held: Option<(Batch, Moment)>,
    flushes: Sender<Flush>,
    flushed: Receiver<Flushed>,
    reported: Sender<Report>,
}

/// Nobody is left to work for: whoever waits asks again.
struct Stopping;

impl From<WriterGone> for Stopping {
    fn from(_: WriterGone) -> Self {
        Self
    }
}

impl<T> From<SendError<T>> for Stopping {
    fn from(_: SendError<T>) -> Self {
        Self
    }
}

impl Work {
    fn run(mut self, inbox: &Receiver<Order>) {
        while let Ok(true) = self.step(inbox) {}
        let Self {
            mut under_way,
            flushes,
            flushed,
            ..
        } = self;
        // What is under way still gets there, though nobody waits for it.
        drop(flushes);
        for flushed in flushed {
            if under_way.settle(flushed).is_err() {
                return;
            }
        }
    }

    /// Does one thing. `false` when no orders will come.
    fn step(&mut self, inbox: &Receiver<Order>) -> Result<bool, Stopping> {
        match self.held.take() {
            Some((batch, moment)) if self.under_way.must_wait(&batch) => {
                self.held = Some((batch, moment));
                let flushed = self.flushed.recv().map_err(|_| Stopping)?;
                self.under_way.settle(flushed)?;
            }
            Some((batch, moment)) => self.begin(batch, &moment)?,
            None => select! {
                recv(inbox) -> order => match order {
                    Ok(Order::Commit(batch, moment)) => self.held = Some((batch, moment)),
                    Ok(Order::Tend(moment)) => self.under_way.tend(&moment),
                    Err(_) => return Ok(false),
                },
                recv(self.flushed) -> flushed => {
                    if let Ok(flushed) = flushed {
                        self.under_way.settle(flushed)?;
                    }
                }
            },
        }
        for report in self.under_way.reports() {
            self.reported.send(report)?;
        }
        Ok(true)
    }

    fn begin(&mut self, batch: Batch, moment: &Moment) -> Result<(), Stopping> {
        if let Some(flush) = self.under_way.begin(batch, moment)? {
            self.flushes.send(flush)?;
        }
        Ok(())
    }
}

/// Batches that may be under way: as many as can wait for the disk at once.
pub(super) const MOST_UNDER_WAY: usize = FLUSHES;
