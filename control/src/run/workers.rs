//! The worker threads: each pinned to its core, polling its queues until told to stop.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::mpsc::Sender;
use std::thread;
use std::thread::JoinHandle;

use dpdk::eal::Eal;
use dpdk::lcore;
use dpdk::lcore::LcoreError;
use dpdk::lcore::RegisteredThread;
use lwaftr_dataplane::counters::Counters;
use lwaftr_dataplane::dpdk_ports::DpdkPorts;
use lwaftr_dataplane::forwarding::Forwarding;
use lwaftr_dataplane::next_hops::NextHops;
use lwaftr_dataplane::path_mtu::NewsQueue;
use lwaftr_dataplane::pipeline::Pipeline;
use lwaftr_dataplane::pipeline::Share;
use lwaftr_dataplane::softwire_counters::SoftwireCounters;
use lwaftr_dataplane::table::Parked;
use lwaftr_dataplane::worker::Idle;
use lwaftr_dataplane::worker::Worker;

use crate::run::RunError;

/// A worker thread, seen from control.
#[derive(Debug)]
pub(super) struct RunningWorker {
    /// Its core.
    pub core: u32,
    /// What it counts.
    pub counters: Arc<Counters>,
    thread: JoinHandle<()>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Workers {
    running: Vec<RunningWorker>,
    stop: Arc<AtomicBool>,
}

/// What a worker needs besides the settings that all share.
#[derive(Debug)]
pub(super) struct Equipment {
    /// Its core.
    pub core: u32,
    /// Its queues.
    pub ports: DpdkPorts,
    /// Its part of the box's means.
    pub share: Share,
    /// Its place at the table.
    pub reader: Parked,
    /// Where it counts what each softwire carries, if that is wanted.
    pub softwire_counters: Option<Arc<SoftwireCounters>>,
}

/// What workers and control tell each other.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// What workers hear of the paths to lwB4s.
    pub news: NewsQueue,
    /// Where the next hops are.
    pub next_hops: Arc<NextHops>,
}

impl Workers {
    /// Starts a thread for each; returns when all are polling.
    ///
    /// # Errors
    /// When a thread cannot have its core; those started are stopped again.
    pub(super) fn start(
        eal: &Eal,
        equipment: Vec<Equipment>,
        forwarding: &Forwarding,
        told: &Told,
        idle: Idle,
    ) -> Result<Self, RunError> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut workers = Self {
            running: Vec::new(),
            stop,
        };
        let (ready, polling) = mpsc::channel();
        let count = equipment.len();
        for one in equipment {
            workers.spawn(
                eal,
                one,
                forwarding.clone(),
                told.clone(),
                idle,
                ready.clone(),
            )?;
        }
        drop(ready);
        for _ in 0..count {
            match polling.recv() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    workers.stop();
                    return Err(error.into());
                }
                Err(_) => break,
            }
        }
        Ok(workers)
    }

    /// The workers.
    #[must_use]
    pub(super) fn running(&self) -> &[RunningWorker] {
        &self.running
    }

    /// Whether one of them has ended by itself.
    #[must_use]
    pub(super) fn any_ended(&self) -> bool {
        self.running
            .iter()
            .any(|worker| worker.thread.is_finished())
    }

    /// Stops all of them after they have drained their queues; returns their counters.
    pub(super) fn stop(self) -> Vec<Arc<Counters>> {
        self.stop.store(true, Ordering::Relaxed);
        let join = |worker: RunningWorker| {
            if worker.thread.join().is_err() {
                tracing::error!(core = worker.core, "worker ended in a panic");
            }
            worker.counters
        };
        self.running.into_iter().map(join).collect()
    }

    fn spawn(
        &mut self,
        eal: &Eal,
        equipment: Equipment,
        forwarding: Forwarding,
        told: Told,
        idle: Idle,
        ready: Sender<Result<(), LcoreError>>,
    ) -> Result<(), RunError> {
        let counters = Arc::new(Counters::default());
        let core = equipment.core;
        let (eal, stop, shared) = (eal.clone(), Arc::clone(&self.stop), Arc::clone(&counters));
        let work = move || {
            let registered =
                lcore::pin_to(core as usize).and_then(|()| RegisteredThread::register(&eal));
            let _registered = match registered {
                Ok(guard) => guard,
                Err(error) => return drop(ready.send(Err(error))),
            };
            let mut pipeline = Pipeline::new(forwarding);
            if let Some(counters) = equipment.softwire_counters {
                pipeline = pipeline.with_softwire_counters(counters);
            }
            let reader = equipment.reader.online();
            let worker = Worker::new(equipment.ports, pipeline, equipment.share, reader, shared)
                .telling(told.news)
                .following(told.next_hops);
            drop(ready.send(Ok(())));
            drop(worker.run(idle, &stop));
        };
        let thread = thread::Builder::new()
            .name(format!("worker-{core}"))
            .spawn(work)
            .map_err(RunError::Thread)?;
        self.running.push(RunningWorker {
            core,
            counters,
            thread,
        });
        Ok(())
    }
}
