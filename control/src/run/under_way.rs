//! Batches between the book and those who wait for them: made durable one behind the other, then published in that
//! order.
//!
//! ```text
//!  begin ─► append ─► flush (elsewhere) ─► settle ─► published ─► report
//!              │                              │           │
//!              └──────── failed ◄─────────────┘           └─ refused: those behind are not published
//! ```
//!
//! Invariant: a batch is published when it and all before it are durable, and not when one that it may rest on was
//! spoiled; one that rests on none clears that up, because all before it have been heard of by then.

use std::collections::VecDeque;
use std::time::Duration;

use leases::moment::Moment;
use leases::row::Row;
use leases::store::CommitError;
use leases::store::Flush;
use leases::store::Flushed;
use leases::store::LeaseStore;
use leases::store::Room;
use leases::store::Turn;
use tracing::info;
use tracing::warn;

use crate::provisioning::Batch;
use crate::provisioning::Outcome;
use crate::provisioning::StoreFacts;
use crate::publisher::SoftwireService;
use crate::publisher::WriterGone;

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

/// The batches, and what they go through.
pub(super) struct UnderWay {
    store: Box<dyn LeaseStore>,
    softwires: SoftwireService,
    quarantine: Duration,
    /// In order, each with the append that it needs to be durable.
    batches: VecDeque<(Batch, Turn)>,
    is_spoiled: bool,
    is_failing: bool,
    reports: VecDeque<Report>,
}

impl UnderWay {
    /// No batches yet, over `store`, where sets rest for `quarantine`.
    pub(super) fn new(
        store: Box<dyn LeaseStore>,
        softwires: SoftwireService,
        quarantine: Duration,
    ) -> Self {
        Self {
            store,
            softwires,
            quarantine,
            batches: VecDeque::new(),
            is_spoiled: false,
            is_failing: false,
            reports: VecDeque::new(),
        }
    }

    /// Whether a batch would hold up those that are under way; when they have settled, it would not.
    pub(super) fn must_wait(&self, batch: &Batch) -> bool {
        self.store.must_wait(batch.to_store().count())
    }

    /// Takes a batch in, and tells what has to be run for it.
    pub(super) fn begin(
        &mut self,
        batch: Batch,
        moment: &Moment,
    ) -> Result<Option<Flush>, WriterGone> {
        self.is_spoiled &= batch.rests_on_others();
        if self.is_spoiled {
            self.give_up(batch, Outcome::Failed)?;
            return Ok(None);
        }
        let row = |effect| Row::after(effect, self.quarantine, moment.monotonic);
        let rows: Vec<_> = batch.to_store().map(row).collect();
        let last = self.batches.back().map(|(_, turn)| *turn);
        let mut turn = last.unwrap_or_else(|| self.store.durable());
        let mut flush = None;
        if !rows.is_empty() {
            match self.store.append(&rows, moment) {
                Ok(appended) => {
                    turn = appended.turn();
                    flush = Some(appended);
                }
                Err(error) => {
                    self.publish_durable()?;
                    self.batches.push_back((batch, turn));
                    self.fail(&error)?;
                    return Ok(None);
                }
            }
        }
        self.batches.push_back((batch, turn));
        self.publish_durable()?;
        Ok(flush)
    }

    /// Hears how a flush went.
    pub(super) fn settle(&mut self, flushed: Flushed) -> Result<(), WriterGone> {
        let failure = self.store.settle(flushed).err();
        self.publish_durable()?;
        match failure {
            Some(error) => self.fail(&error),
            None => Ok(()),
        }
    }

    /// Does what is due.
    pub(super) fn tend(&mut self, moment: &Moment) {
        self.store.tend(moment);
        self.reports.push_back(Report::of(&*self.store, None));
    }

    /// What has been done since this was last asked.
    pub(super) fn reports(&mut self) -> impl Iterator<Item = Report> {
        self.reports.drain(..)
    }

    fn publish_durable(&mut self) -> Result<(), WriterGone> {
        let durable = self.store.durable();
        while self.batches.front().is_some_and(|(_, at)| *at <= durable)
            && let Some((batch, _)) = self.batches.pop_front()
        {
            if std::mem::take(&mut self.is_failing) {
                info!("leases are durable again");
            }
            let publication = batch.publication();
            let outcome = publication.carry_out(|changes| self.softwires.lease(changes))?;
            let is_spoiled = batch.is_spoiled_by(&outcome);
            self.report(batch, outcome);
            if is_spoiled {
                self.give_up_all(&Outcome::Unpublished)?;
            }
        }
        Ok(())
    }

    /// What is not durable will not be. The first of several failures is logged.
    fn fail(&mut self, error: &CommitError) -> Result<(), WriterGone> {
        if !std::mem::replace(&mut self.is_failing, true) {
            warn!("leases cannot be made durable: {error}");
        }
        self.give_up_all(&Outcome::Failed)
    }

    fn give_up_all(&mut self, outcome: &Outcome) -> Result<(), WriterGone> {
        self.is_spoiled = true;
        while let Some((batch, _)) = self.batches.pop_front() {
            self.give_up(batch, outcome.clone())?;
        }
        Ok(())
    }

    fn give_up(&mut self, batch: Batch, outcome: Outcome) -> Result<(), WriterGone> {
        let publication = batch.publication_of_failure();
        publication.carry_out(|changes| self.softwires.lease(changes))?;
        self.report(batch, outcome);
        Ok(())
    }

    fn report(&mut self, batch: Batch, outcome: Outcome) {
        let report = Report::of(&*self.store, Some((batch, outcome)));
        self.reports.push_back(report);
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
        position: status.position,
        checkpoint_age_s: status.checkpoint_age.map(|age| age.as_secs()),
        trouble: status.trouble,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering;

    use leases::disk::Disk;
    use leases::disk::DiskFile;
    use leases::disk::RealDisk;
    use leases::file_store::FileStore;
    use leases::file_store::OpenOptions;
    use leases::moment::Judgement;
    use lwaftr_dataplane::binding::Binding;
    use lwaftr_dataplane::table::Publisher;
    use tempfile::TempDir;

    use super::*;
    use crate::config::Config;
    use crate::config::Purpose;
    use crate::provisioning::Provisioning;
    use crate::provisioning::tests;
    use crate::publisher::Change;
    use crate::publisher::Keep;
    use crate::softwires::Softwires;

    /// A disk that can be told to fail.
    struct Fickle {
        disk: RealDisk,
        fails: Arc<AtomicBool>,
    }

    struct FickleFile {
        file: Arc<dyn DiskFile>,
        fails: Arc<AtomicBool>,
    }

    impl Disk for Fickle {
        fn list(&self) -> std::io::Result<Vec<String>> {
            self.disk.list()
        }

        fn open(&self, name: &str) -> std::io::Result<Arc<dyn DiskFile>> {
            Ok(Arc::new(FickleFile {
                file: self.disk.open(name)?,
                fails: Arc::clone(&self.fails),
            }))
        }

        fn sync_names(&self) -> std::io::Result<()> {
            self.disk.sync_names()
        }

        fn remove(&self, name: &str) -> std::io::Result<()> {
            self.disk.remove(name)
        }

        fn copy_to(&self, folder: &str) -> std::io::Result<()> {
            self.disk.copy_to(folder)
        }

        fn move_to(&self, folder: &str) -> std::io::Result<()> {
            self.disk.move_to(folder)
        }
    }

    impl DiskFile for FickleFile {
        fn octets(&self) -> std::io::Result<u64> {
            self.file.octets()
        }

        fn read_at(&self, buffer: &mut [u8], at: u64) -> std::io::Result<usize> {
            self.file.read_at(buffer, at)
        }

        fn write_at(&self, octets: &[u8], at: u64) -> std::io::Result<()> {
            self.file.write_at(octets, at)
        }

        fn sync(&self) -> std::io::Result<()> {
            if self.fails.load(Ordering::Relaxed) {
                return Err(std::io::Error::other("bad sector"));
            }
            self.file.sync()
        }

        fn reserve(&self, octets: u64) -> std::io::Result<()> {
            self.file.reserve(octets)
        }
    }

    /// Everything from the server to the table.
    struct Bench {
        provisioning: Provisioning,
        under_way: UnderWay,
        softwires: SoftwireService,
        fails: Arc<AtomicBool>,
        _folder: TempDir,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let fails = Arc::new(AtomicBool::new(false));
            let disk = Fickle {
                disk: RealDisk::take(folder.path()).unwrap(),
                fails: Arc::clone(&fails),
            };
            let options = OpenOptions {
                segment_octets: 64 << 10,
                ..OpenOptions::default()
            };
            let opened = FileStore::open_on(Arc::new(disk), &options, |_| moment(), |_| {});
            let text = tests::CONFIG;
            let config = Config::parse(Path::new("x"), text, Purpose::Replay).unwrap();
            let (builder, known) = Softwires::read(&config, |_, _| ()).unwrap().into_parts();
            let publisher = Publisher::new(builder);
            let (softwires, _) =
                SoftwireService::start(publisher, known, None, None, None).unwrap();
            let store = Box::new(opened.unwrap().store);
            Self {
                provisioning: tests::provisioning(text),
                under_way: UnderWay::new(store, softwires.clone(), Duration::from_secs(120)),
                softwires,
                fails,
                _folder: folder,
            }
        }

        /// Lets a home ask for a set, and takes the batch in.
        fn ask(&mut self, home: u16) -> Option<Flush> {
            let now = tests::start();
            tests::say(&mut self.provisioning, &tests::map(home, 1, 600), now);
            let batch = self.provisioning.take_batch().unwrap();
            self.under_way.begin(batch, &moment()).unwrap()
        }

        fn run(&mut self, flush: Option<Flush>) {
            self.under_way.settle(flush.unwrap().run()).unwrap();
        }

        /// What was told since the last time; the server hears of it.
        fn outcomes(&mut self) -> Vec<Outcome> {
            let mut outcomes = Vec::new();
            for report in self.under_way.reports() {
                let (batch, outcome) = report.batch.unwrap();
                outcomes.push(outcome.clone());
                self.provisioning.finish(batch, outcome, tests::start());
            }
            outcomes
        }

        fn bound(&self) -> usize {
            self.softwires.summary().unwrap().softwires
        }
    }

    fn moment() -> Moment {
        Moment {
            monotonic: tests::start(),
            utc_ms: 1_800_000_000_000,
            epoch_s: 0,
            judgement: Judgement::Settled,
        }
    }

    #[test]
    fn batches_are_published_in_order_when_they_and_all_before_them_are_durable() {
        let mut bench = Bench::new();
        let [first, second, third] = [1, 2, 3].map(|home| bench.ask(home));
        assert_eq!((bench.outcomes(), bench.bound()), (vec![], 0));
        // It began behind both.
        bench.run(second);
        assert_eq!(
            (bench.outcomes(), bench.bound()),
            (vec![Outcome::Done; 2], 2)
        );
        bench.run(first);
        assert_eq!((bench.outcomes(), bench.bound()), (vec![], 2));
        bench.run(third);
        assert_eq!((bench.outcomes(), bench.bound()), (vec![Outcome::Done], 3));
    }

    #[test]
    fn pc_012_when_a_sync_fails_so_does_all_that_may_rest_on_it() {
        let mut bench = Bench::new();
        let first = bench.ask(1);
        let flushes = [bench.ask(2), bench.ask(3)];
        bench.run(first);
        bench.fails.store(true, Ordering::Relaxed);
        let [second, third] = flushes;
        bench.run(second);
        bench.fails.store(false, Ordering::Relaxed);
        // Taken before anybody heard of the failure.
        assert!(bench.ask(4).is_none());
        let told = [
            Outcome::Done,
            Outcome::Failed,
            Outcome::Failed,
            Outcome::Failed,
        ];
        assert_eq!((bench.outcomes(), bench.bound()), (told.to_vec(), 1));
        // Too late.
        bench.run(third);
        assert_eq!((bench.outcomes(), bench.bound()), (vec![], 1));
        let again = bench.ask(2);
        bench.run(again);
        assert_eq!((bench.outcomes(), bench.bound()), (vec![Outcome::Done], 2));
    }

    #[test]
    fn what_may_rest_on_what_the_table_refuses_is_not_published() {
        let mut bench = Bench::new();
        let [first, second] = [1, 2].map(|home| bench.ask(home));
        // The operator was quicker: PSID 1 is what the first home got.
        let theirs: Binding = tests::binding(1, "2001:db8:ffff::1".parse().unwrap());
        let change = Change::Add {
            binding: theirs,
            keep: Keep::UntilRestart,
        };
        let answers = bench.softwires.change(vec![change]).unwrap();
        assert!(answers[0].is_ok(), "{answers:?}");
        bench.run(first);
        let third = bench.ask(3);
        assert!(third.is_none());
        let told = [
            Outcome::Refused(vec![0]),
            Outcome::Unpublished,
            Outcome::Failed,
        ];
        assert_eq!((bench.outcomes(), bench.bound()), (told.to_vec(), 1));
        bench.run(second);
        assert_eq!(bench.outcomes(), []);
        // What is durable of it is corrected.
        let corrected = bench.ask(4);
        bench.run(corrected);
        assert_eq!((bench.outcomes(), bench.bound()), (vec![Outcome::Done], 2));
    }
}
