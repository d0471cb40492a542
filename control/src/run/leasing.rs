//! The PCP server of the running daemon: its clock, its store, and those who ask about leases.

use std::io;
use std::time::Duration;

use crossbeam_channel::Receiver;
use crossbeam_channel::TryRecvError;
use dpdk::mbuf::Mbuf;
use leases::clock::Clock;
use leases::clock::ClockEvent;
use leases::moment::Judgement;
use leases::moment::Moment;
use leases::store::Room;
use lwaftr_dataplane::wire::ethernet::Mac;
use pcp::instant::Instant;
use pcp::port_set::PortSet;
use tracing::info;
use tracing::warn;

use super::committer::Committer;
use super::committer::MOST_UNDER_WAY;
use super::committer::Order;
use super::restore::Restored;
use super::roster::RosterKeeper;
use super::under_way::Report;
use crate::config::Pcp;
use crate::exception::ExceptionPath;
use crate::exception::Frame;
use crate::exception::Own;
use crate::provisioning;
use crate::provisioning::Inquiry;
use crate::provisioning::LeaseService;
use crate::provisioning::Provisioning;
use crate::publisher::Reserved;
use crate::publisher::SoftwireService;

/// The server with everything around it.
pub(crate) struct Leasing {
    provisioning: Provisioning,
    clock: Clock,
    moment: Moment,
    committer: Committer,
    roster: RosterKeeper,
    softwires: SoftwireService,
    /// Sets whose softwires are being looked at, and where the answer comes.
    looking: Option<Look>,
    inquiries: Receiver<Inquiry>,
    reserved: Receiver<Reserved>,
    tended: Instant,
    is_tending: bool,
    /// When a batch was last handed on.
    committed: Instant,
}

/// A look at what softwires carry.
struct Look {
    sets: Vec<PortSet>,
    packets: Receiver<Vec<Option<u64>>>,
}

impl Leasing {
    /// Serves from now on, with answers from `own` addresses. `reserved` tells what the operator binds.
    ///
    /// # Errors
    /// When no thread can be started for the store.
    pub(crate) fn start(
        restored: Restored,
        own: Own,
        config: &Pcp,
        softwires: SoftwireService,
        reserved: Receiver<Reserved>,
    ) -> io::Result<(Self, LeaseService)> {
        let Restored {
            store,
            mut clock,
            book,
            server,
            lost,
        } = restored;
        let (service, inquiries) = LeaseService::new();
        let (moment, _) = clock.read();
        // The store may be full already.
        let found = Report::of(&*store, None);
        let mut provisioning = Provisioning::new(own, config, server, book);
        provisioning.keep_notes();
        if let Some(lost) = lost {
            provisioning.recover(lost.peers, lost.is_whole, moment.monotonic);
        }
        let roster = RosterKeeper::start(&config.recovery.roster, moment.monotonic)?;
        let mut leasing = Self {
            provisioning,
            roster,
            clock,
            moment,
            committer: Committer::start(store, softwires.clone(), config.quarantine)?,
            softwires,
            looking: None,
            inquiries,
            reserved,
            tended: moment.monotonic,
            is_tending: false,
            committed: Instant::default(),
        };
        leasing.hear(found);
        Ok((leasing, service))
    }

    /// Takes requests that workers have punted. Returns what is answered at once.
    pub(crate) fn receive(&mut self, requests: &[Mbuf], path: &mut ExceptionPath) -> Vec<Frame> {
        let now = self.moment.monotonic;
        let serve = |packet| {
            let (packet, from) = path.open(packet)?;
            self.provisioning.receive(packet, from, now)
        };
        requests.iter().filter_map(serve).collect()
    }

    /// Whether more requests may be taken now.
    pub(crate) fn has_room(&self) -> bool {
        self.provisioning.has_room()
    }

    /// Begins a turn: looks at the clock and at what others have done.
    pub(crate) fn begin(&mut self) -> Vec<Frame> {
        let (moment, event) = self.clock.read();
        self.moment = moment;
        if let Some(event) = event {
            log(event);
        }
        for news in self.reserved.try_iter() {
            match news {
                Reserved::Since(binding) => self.provisioning.reserve(&binding),
                Reserved::NoLonger(binding) => self.provisioning.release(&binding),
            }
        }
        // By a clock that is not believed, nothing ends.
        if moment.judgement == Judgement::Settled {
            self.provisioning.expire(moment.monotonic);
        }
        let reports: Vec<_> = self.committer.reports.try_iter().collect();
        let frames = reports.into_iter().flat_map(|report| self.hear(report));
        frames.collect()
    }

    /// Ends a turn: serves who holds nothing yet and who asks about leases, and has made durable what was
    /// decided. `room` is how many may be told what they did not ask for.
    pub(crate) fn end(&mut self, next_hop: Option<Mac>, room: usize) -> Vec<Frame> {
        let now = self.moment.monotonic;
        let mut frames = self.provisioning.serve_newcomers(NEWCOMERS, now);
        for inquiry in self.inquiries.try_iter().take(INQUIRIES) {
            self.provisioning.inquire(inquiry, now);
        }
        frames.extend(self.provisioning.due_updates(next_hop, now));
        if self.provisioning.go_on_gathering(now) {
            self.clock.restart_epoch();
        }
        let announcements = self.provisioning.due_announcements(next_hop, room, now);
        frames.extend(announcements);
        let position = self.provisioning.position();
        self.roster.turn(&mut self.provisioning, position, now);
        self.look_at_softwires(now);
        if self.is_batch_due(now)
            && let Some(batch) = self.provisioning.take_batch()
        {
            self.committed = now;
            self.committer.order(Order::Commit(batch, self.moment));
        }
        if now.since(self.tended) >= TEND_EVERY && !self.is_tending {
            self.tended = now;
            self.is_tending = true;
            self.committer.order(Order::Tend(self.moment));
        }
        frames
    }

    /// Whether to hand on what was decided. While nothing is under way that is soon; otherwise the disk is slow,
    /// and batches follow each other so that nobody waits much longer than for one sync.
    fn is_batch_due(&self, now: Instant) -> bool {
        let since = now.since(self.committed);
        match self.provisioning.under_way() {
            0 => since >= COMMIT_EVERY || self.provisioning.waiting() >= COMMIT_AT_ONCE,
            under_way => since >= OVERLAP_EVERY && under_way < MOST_UNDER_WAY,
        }
    }

    /// Ends for good: the roster hears the last.
    pub(crate) fn finish(&mut self) {
        let position = self.provisioning.position();
        self.roster.finish(&mut self.provisioning, position);
    }

    /// Lets the next batch begin at once.
    pub(crate) fn hurry(&mut self) {
        self.committed = Instant::default();
    }

    /// Waits for what is under way, but no longer than `patience`. Returns whether something came.
    pub(crate) fn wait(&mut self, patience: Duration) -> Option<Vec<Frame>> {
        let report = self.committer.reports.recv_timeout(patience).ok()?;
        Some(self.hear(report))
    }

    /// Whether answers wait for the store.
    pub(crate) const fn is_committing(&self) -> bool {
        self.provisioning.under_way() > 0
    }

    /// Sees which softwires carry packets, when that matters.
    fn look_at_softwires(&mut self, now: Instant) {
        if let Some(look) = self.looking.take() {
            match look.packets.try_recv() {
                Ok(packets) => {
                    for (set, packets) in look.sets.into_iter().zip(packets) {
                        if let Some(packets) = packets {
                            self.provisioning.see(set, packets, now);
                        }
                    }
                }
                Err(TryRecvError::Empty) => self.looking = Some(look),
                Err(TryRecvError::Disconnected) => {}
            }
            return;
        }
        let sets = self.provisioning.to_be_seen(now);
        let asked = sets.iter().filter_map(|set| {
            let ports = provisioning::ports(*set).ok()?;
            Some((set.address(), ports))
        });
        let asked: Vec<_> = asked.collect();
        if !asked.is_empty() {
            let packets = self.softwires.carried(asked);
            self.looking = packets.map(|packets| Look { sets, packets });
        }
    }

    fn hear(&mut self, report: Report) -> Vec<Frame> {
        let may_grant = report.room == Room::Open;
        match (self.provisioning.set_may_grant(may_grant), may_grant) {
            (true, false) => warn!(
                "no new leases are granted, only renewed: {}",
                report.facts.trouble.as_deref().unwrap_or("no space")
            ),
            (false, true) => info!("new leases are granted again"),
            _ => {}
        }
        self.provisioning.set_store_facts(report.facts);
        match report.batch {
            None => {
                self.is_tending = false;
                Vec::new()
            }
            Some((batch, outcome)) => {
                let now = self.moment.monotonic;
                self.provisioning.finish(batch, outcome, now)
            }
        }
    }
}

fn log(event: ClockEvent) {
    match event {
        ClockEvent::Stepped { by_ms } => warn!(
            by_ms,
            "the system's clock was set; leases go on by the clock that was not"
        ),
        ClockEvent::Settled { by_ms } => info!(by_ms, "the system's clock is believed again"),
    }
}

/// Requests for new leases that are served in a turn, so that renewals never wait for long.
const NEWCOMERS: usize = 1024;
const INQUIRIES: usize = 16;
/// Batches are no closer than this unless they are large: each costs a write to disk and the waking of
/// threads, which packets on the next core can feel.
const COMMIT_EVERY: Duration = Duration::from_micros(500);
const COMMIT_AT_ONCE: usize = 1024;
/// From batch to batch where a sync takes longer than this.
const OVERLAP_EVERY: Duration = Duration::from_millis(1);
const TEND_EVERY: Duration = Duration::from_secs(1);
