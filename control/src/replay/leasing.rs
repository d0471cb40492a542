//! The PCP server of a replay: that of the daemon, with a table that is changed at once and no store.

use std::convert::Infallible;

use dpdk::mbuf::Mbuf;
use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::wire::ethernet::Mac;
use pcp::epoch::ServerEpoch;
use pcp::instant::Instant as LeaseInstant;
use pcp::pool::PoolError;
use pcp::server::Server;

use crate::config::Config;
use crate::exception::ExceptionPath;
use crate::exception::Frame;
use crate::exception::Own;
use crate::provisioning;
use crate::provisioning::Provisioning;
use crate::roster::Loaded;

/// The server, stepped between two rounds of the worker.
#[derive(Debug)]
pub(super) struct Leasing {
    provisioning: Provisioning,
}

impl Leasing {
    /// A server without leases, whose epoch begins with the first packet; `None` when none is configured.
    /// With a roster it has lost leases, and tells those in it.
    ///
    /// # Errors
    /// When the pools contradict each other.
    pub(super) fn begin(
        config: &Config,
        own: Own,
        publisher: &Publisher,
        start: Instant,
        roster: Option<Loaded>,
    ) -> Result<Option<Self>, PoolError> {
        let Some(pcp) = &config.pcp else {
            return Ok(None);
        };
        let start = lease_instant(start);
        let book = provisioning::book(config, pcp, start)?;
        let server = Server::new(pcp.server, ServerEpoch::starting(start));
        let mut provisioning = Provisioning::new(own, pcp, server, book);
        for row in publisher.iter() {
            provisioning.reserve(&row.binding);
        }
        if let Some(Loaded { peers, damaged, .. }) = roster {
            provisioning.recover(peers, damaged == 0, start);
        }
        Ok(Some(Self { provisioning }))
    }

    /// Takes a request. Returns what is answered at once.
    pub(super) fn receive(
        &mut self,
        request: &Mbuf,
        path: &mut ExceptionPath,
        now: Instant,
    ) -> Option<Frame> {
        let (packet, from) = path.open(request)?;
        self.provisioning.receive(packet, from, lease_instant(now))
    }

    /// Ends what has run out, and carries out what was asked for. Returns the answers.
    pub(super) fn turn(
        &mut self,
        publisher: &mut Publisher,
        next_hop: Option<Mac>,
        now: Instant,
    ) -> Vec<Frame> {
        let now = lease_instant(now);
        let provisioning = &mut self.provisioning;
        provisioning.expire(now);
        let mut frames = provisioning.serve_newcomers(usize::MAX, now);
        while let Some(batch) = provisioning.take_batch() {
            let publication = batch.publication();
            let apply = |changes: Vec<_>| Ok(provisioning::apply(publisher, &changes));
            let Ok(outcome) = publication.carry_out::<Infallible>(apply);
            frames.extend(provisioning.finish(batch, outcome, now));
        }
        frames.extend(self.unasked(next_hop, now));
        frames
    }

    /// What is still due of what nobody asked for when all packets have come.
    pub(super) fn last(&mut self, next_hop: Option<Mac>, now: Instant) -> Vec<Frame> {
        self.unasked(next_hop, lease_instant(now))
    }

    fn unasked(&mut self, next_hop: Option<Mac>, now: LeaseInstant) -> Vec<Frame> {
        let provisioning = &mut self.provisioning;
        let mut frames = provisioning.due_updates(next_hop, now);
        frames.extend(provisioning.due_announcements(next_hop, usize::MAX, now));
        frames
    }
}

/// Leases run by the clock of the captures.
fn lease_instant(now: Instant) -> LeaseInstant {
    LeaseInstant::from_nanos(now.as_nanos())
}
