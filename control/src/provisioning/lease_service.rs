//! A way to the leases for threads that may wait: connections of operators.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use crossbeam_channel::bounded;
use thiserror::Error;

use super::Inquiry;
use super::LeaseFacts;
use super::LeasePage;
use super::NotDone;
use super::PcpFacts;
use super::PoolFacts;

/// Asks the thread that keeps the leases.
#[derive(Clone, Debug)]
pub struct LeaseService {
    inquiries: Sender<Inquiry>,
}

impl LeaseService {
    /// A service, and where its inquiries arrive.
    #[must_use]
    pub fn new() -> (Self, Receiver<Inquiry>) {
        let (inquiries, inbox) = bounded(QUEUE);
        (Self { inquiries }, inbox)
    }

    /// What the PCP server has done.
    ///
    /// # Errors
    /// When the daemon is stopping.
    pub fn pcp(&self) -> Result<PcpFacts, LeaseError> {
        self.ask(Inquiry::Pcp)
    }

    /// How full the pools are.
    ///
    /// # Errors
    /// When the daemon is stopping.
    pub fn pools(&self) -> Result<Vec<PoolFacts>, LeaseError> {
        self.ask(Inquiry::Pools)
    }

    /// Some leases, from a place on. A lease that comes or goes meanwhile may be missed.
    ///
    /// # Errors
    /// When the daemon is stopping.
    pub fn page(&self, from: usize) -> Result<LeasePage, LeaseError> {
        self.ask(|answer| Inquiry::Page(from, answer))
    }

    /// Who holds a port.
    ///
    /// # Errors
    /// When nobody does.
    pub fn holder(&self, ipv4: Ipv4Addr, port: u16) -> Result<LeaseFacts, LeaseError> {
        self.ask(|answer| Inquiry::Holder(ipv4, port, answer))?
            .ok_or(LeaseError::NotLeased(ipv4, port))
    }

    /// What the subscriber at an address holds, and what rests for it.
    ///
    /// # Errors
    /// When the daemon is stopping.
    pub fn subscriber(&self, b4: Ipv6Addr) -> Result<Vec<LeaseFacts>, LeaseError> {
        self.ask(|answer| Inquiry::Subscriber(b4, answer))
    }

    /// Takes the lease away that has a port, and says what it was when that is durable and its packets
    /// are forwarded no longer.
    ///
    /// # Errors
    /// When nobody holds the port, or the store cannot take it.
    pub fn revoke(&self, ipv4: Ipv4Addr, port: u16) -> Result<LeaseFacts, LeaseError> {
        let (done, is_done) = bounded(1);
        let found = self
            .ask(|found| Inquiry::Revoke(ipv4, port, found, done))?
            .ok_or(LeaseError::NotLeased(ipv4, port))?;
        is_done.recv().map_err(|_| LeaseError::Stopping)??;
        Ok(found)
    }

    /// Tells all who have leases that the epoch begins anew, so that they ask again; says how many are
    /// told, in their turn.
    ///
    /// # Errors
    /// When the daemon is stopping.
    pub fn announce(&self) -> Result<usize, LeaseError> {
        self.ask(Inquiry::Announce)
    }

    fn ask<T>(&self, inquiry: impl FnOnce(Sender<T>) -> Inquiry) -> Result<T, LeaseError> {
        let (answer, answered) = bounded(1);
        self.inquiries
            .send(inquiry(answer))
            .map_err(|_| LeaseError::Stopping)?;
        answered.recv().map_err(|_| LeaseError::Stopping)
    }
}

/// Why an operator gets no answer.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum LeaseError {
    /// Nobody holds the port by PCP.
    #[error("port {1} of {0} is not leased")]
    NotLeased(Ipv4Addr, u16),
    /// It could not be done for good.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// The thread that keeps the leases has ended.
    #[error("the daemon is stopping")]
    Stopping,
}

/// Inquiries that may wait; each asker waits for its answer.
const QUEUE: usize = 64;
