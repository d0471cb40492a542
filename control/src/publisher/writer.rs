//! The writing thread itself.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::time;
use std::time::Duration;

use crossbeam_channel::Receiver;
use crossbeam_channel::RecvTimeoutError;
use crossbeam_channel::Sender;
use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::path_mtu::PathMtus;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::softwire_counters::Carried;
use lwaftr_dataplane::table;
use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::table::Refusal;
use lwaftr_dataplane::table::Replace;
use lwaftr_dataplane::table::Row;
use lwaftr_dataplane::table::SoftwireId;

use super::ChangeError;
use super::job::Change;
use super::job::Job;
use super::job::Keep;
use super::job::Query;
use super::job::Reserved;
use super::job::Summary;
use super::saved::SaveError;
use super::saved::Saved;
use super::traffic::Traffic;
use crate::provisioning;
use crate::softwires::Origins;

/// The only writer of the table.
#[derive(Debug)]
pub(super) struct Writer {
    publisher: Publisher,
    saved: Option<Saved>,
    traffic: Option<Traffic>,
    inbox: Receiver<Job>,
    /// Who hands out port sets that the operator has not bound.
    reserving: Option<Sender<Reserved>>,
    /// The paths that are known to be narrow.
    paths: PathMtus,
    started: time::Instant,
    changes: u64,
    refused: u64,
}

impl Writer {
    pub(super) fn new(
        publisher: Publisher,
        saved: Option<Saved>,
        traffic: Option<Traffic>,
        inbox: Receiver<Job>,
        reserving: Option<Sender<Reserved>>,
    ) -> Self {
        Self {
            publisher,
            saved,
            traffic,
            inbox,
            reserving,
            paths: PathMtus::default(),
            started: time::Instant::now(),
            changes: 0,
            refused: 0,
        }
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self) -> Publisher {
        // While something waits for workers to let go of it, they are asked again after a pause.
        let mut clean = true;
        loop {
            let job = match (clean, self.paths.is_empty()) {
                (false, _) => self.inbox.recv_timeout(RECLAIM_AFTER),
                (true, false) => self.inbox.recv_timeout(LAPSE_AFTER),
                (true, true) => self
                    .inbox
                    .recv()
                    .map_err(|_| RecvTimeoutError::Disconnected),
            };
            self.paths.lapse(&self.publisher, self.now());
            match job {
                Ok(job) => {
                    self.carry_out(job);
                    clean = false;
                }
                Err(RecvTimeoutError::Timeout) => clean = self.publisher.reclaim(),
                Err(RecvTimeoutError::Disconnected) => return self.publisher,
            }
        }
    }

    /// The time since this thread began to work.
    fn now(&self) -> Instant {
        Instant::default() + self.started.elapsed()
    }

    /// Carries a job out.
    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Change { changes, answer } => reply(&answer, self.change(&changes)),
            Job::Get { query, answer } => reply(&answer, self.get(query)),
            Job::Dump { answer } => {
                reply(
                    &answer,
                    self.publisher.iter().map(|row| row.binding).collect(),
                );
            }
            Job::Summary { answer } => reply(&answer, self.summary()),
            Job::Leases { changes, answer } => reply(&answer, self.lease(&changes)),
            Job::Carried { sets, answer } => reply(&answer, self.carried(&sets)),
            Job::Paths { news } => {
                for one in news {
                    self.paths.hear(one, &self.publisher, self.now());
                }
            }
            Job::Load {
                builder,
                origin,
                answer,
            } => reply(&answer, self.load(*builder, origin)),
        }
    }

    fn change(&mut self, changes: &[Change]) -> Vec<Result<(), ChangeError>> {
        if let Some(traffic) = &self.traffic {
            traffic.reach(&self.publisher);
        }
        let mut answers: Vec<_> = changes
            .iter()
            .map(|change| self.change_one(change))
            .collect();
        let refused = answers.iter().filter(|answer| answer.is_err()).count() as u64;
        self.refused += refused;
        self.changes += answers.len() as u64 - refused;
        if let Some(Err(error)) = self.saved.as_mut().map(Saved::write_changes) {
            let kept = answers.iter_mut().zip(changes);
            for (answer, _) in
                kept.filter(|(answer, change)| answer.is_ok() && change.keep() == Keep::Saved)
            {
                *answer = Err(ChangeError::Save(error.clone()));
            }
        }
        answers
    }

    fn change_one(&mut self, change: &Change) -> Result<(), ChangeError> {
        let saved = match (change.keep(), &mut self.saved) {
            (Keep::UntilRestart, _) => None,
            (Keep::Saved, Some(saved)) => Some(saved),
            (Keep::Saved, None) => return Err(SaveError::NoFile.into()),
        };
        match *change {
            Change::Add { binding, .. } => {
                let origin = saved.as_ref().map_or(Origins::LIVE, |saved| saved.origin());
                let id = self.publisher.add(&binding, origin)?;
                tell(&self.reserving, Reserved::Since(binding));
                if let Some(traffic) = &mut self.traffic {
                    traffic.begin(id);
                }
                if let Some(saved) = saved {
                    saved.keep(binding);
                }
            }
            Change::Remove { ipv4, ports, .. } => {
                let held = self.publisher.get(ipv4, ports);
                if held.is_some_and(|row| row.origin == Origins::LEASE) {
                    return Err(ChangeError::Leased { ipv4, ports });
                }
                let row = self.publisher.remove(ipv4, ports)?;
                tell(&self.reserving, Reserved::NoLonger(row.binding));
                if let Some(saved) = saved {
                    saved.forget(ipv4, ports);
                }
            }
        }
        Ok(())
    }

    /// Binds and unbinds leases; returns the positions of the changes that the table refused.
    fn lease(&mut self, changes: &[table::Change]) -> Vec<usize> {
        if let Some(traffic) = &self.traffic {
            traffic.reach(&self.publisher);
        }
        let refused = provisioning::apply(&mut self.publisher, changes);
        self.refused += refused.len() as u64;
        self.changes += (changes.len() - refused.len()) as u64;
        if let Some(traffic) = &mut self.traffic {
            let rows = changes
                .iter()
                .filter(|change| !matches!(change, table::Change::Remove(..)))
                .filter_map(|change| self.publisher.get(change.ipv4(), change.ports()));
            rows.for_each(|row| traffic.begin(row.id));
        }
        refused
    }

    fn carried(&self, sets: &[(Ipv4Addr, PortSet)]) -> Vec<Option<u64>> {
        let carried = |(ipv4, ports): &(Ipv4Addr, PortSet)| {
            let row = self.publisher.get(*ipv4, *ports)?;
            let carried = self.traffic.as_ref()?.carried(row.id);
            Some(carried.down_packets + carried.up_packets)
        };
        sets.iter().map(carried).collect()
    }

    fn get(&self, query: Query) -> Vec<(Row, Option<Carried>)> {
        let table = &self.publisher;
        let rows: Vec<Row> = match query {
            Query::Port(ipv4, port) => table.owner_of(ipv4, port).into_iter().collect(),
            Query::Address(ipv4) => self.softwires_of(ipv4),
            Query::Psid(ipv4, psid) => {
                let mut rows = self.softwires_of(ipv4);
                rows.retain(|row| row.binding.ports().psid() == psid);
                rows
            }
            // The table has no way from B4s to softwires: forwarding needs none.
            Query::B4(b4) => table.iter().filter(|row| row.binding.b4() == b4).collect(),
        };
        let carried = |id| self.traffic.as_ref().map(|traffic| traffic.carried(id));
        rows.into_iter().map(|row| (row, carried(row.id))).collect()
    }

    /// All softwires of an address: any one of them tells how its ports are split.
    fn softwires_of(&self, ipv4: Ipv4Addr) -> Vec<Row> {
        let table = &self.publisher;
        let any = (0..=u16::MAX).find_map(|port| table.owner_of(ipv4, port));
        let Some(split) = any.map(|row| row.binding.ports().split()) else {
            return Vec::new();
        };
        let sets = (0..split.sets()).filter_map(|psid| PortSet::new(split, psid as u16).ok());
        sets.filter_map(|ports| table.get(ipv4, ports)).collect()
    }

    fn load(&mut self, builder: Builder, origin: Origin) -> Result<(), Refusal> {
        let there = self.numbers();
        let before = self.reserved_by(origin);
        self.publisher.load(builder, Replace::Origin(origin))?;
        for binding in before {
            tell(&self.reserving, Reserved::NoLonger(binding));
        }
        for binding in self.reserved_by(origin) {
            tell(&self.reserving, Reserved::Since(binding));
        }
        self.begin_all_but(&there);
        if let Some(saved) = &mut self.saved
            && saved.origin() == origin
        {
            saved.read_from(&self.publisher);
        }
        Ok(())
    }

    /// The bindings of an origin, when somebody hands out what is left.
    fn reserved_by(&self, origin: Origin) -> Vec<Binding> {
        let rows = self.reserving.iter().flat_map(|_| self.publisher.iter());
        rows.filter(|row| row.origin == origin)
            .map(|row| row.binding)
            .collect()
    }

    /// The numbers in use, when softwires are counted by them.
    fn numbers(&self) -> HashSet<SoftwireId> {
        match &self.traffic {
            Some(_) => self.publisher.iter().map(|row| row.id).collect(),
            None => HashSet::new(),
        }
    }

    /// Softwires that a load has brought begin at nothing; those that stayed go on.
    fn begin_all_but(&mut self, there: &HashSet<SoftwireId>) {
        let Some(traffic) = &mut self.traffic else {
            return;
        };
        traffic.reach(&self.publisher);
        let ids = self.publisher.iter().map(|row| row.id);
        ids.filter(|id| !there.contains(id))
            .for_each(|id| traffic.begin(id));
    }

    fn summary(&self) -> Summary {
        let memory = self.publisher.memory();
        Summary {
            softwires: self.publisher.len(),
            table_bytes: memory.used_bytes,
            table_touched_bytes: memory.touched_bytes,
            retired_bytes: self.publisher.retired_bytes(),
            changes: self.changes,
            refused: self.refused,
        }
    }
}

/// Tells whoever wants to know; one that has ended does not.
fn tell(reserving: &Option<Sender<Reserved>>, news: Reserved) {
    if let Some(reserving) = reserving {
        reserving.send(news).ok();
    }
}

/// Answers an asker; one that has gone does not get its answer, and that is all.
fn reply<T>(asker: &Sender<T>, answer: T) {
    asker.send(answer).ok();
}

/// Long enough for any worker to come round, short enough that retired memory does not pile up.
const RECLAIM_AFTER: Duration = Duration::from_millis(10);
/// How late it may be noticed that what is known of a path has lapsed.
const LAPSE_AFTER: Duration = Duration::from_secs(1);
