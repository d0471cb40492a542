//! What the PCP server has done, by opcode, result and pool.

use std::collections::BTreeMap;

use pcp::result_code::ResultCode;
use pcp::server::Cause;
use pcp::server::Effect;
use pcp::wire::Opcode;
use serde::Serialize;

/// Numbers since start.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Statistics {
    /// Requests by opcode.
    pub requests: BTreeMap<String, u64>,
    /// Responses by result.
    pub results: BTreeMap<String, u64>,
    /// Packets that get no answer: not PCP, or not to be answered (PC-002 to PC-005).
    pub silent: u64,
    /// New requests given up because renewals kept the server busy (PC-006).
    pub overload: u64,
    /// Mapping Updates sent (PC-145).
    pub updates: u64,
    /// Announcements sent that nobody asked for (PC-142).
    pub announcements: u64,
    /// Requests for new leases refused because somebody who has not come back yet may have had the set
    /// (FO-011).
    pub refused_in_grace: u64,
    /// Changes that were taken back because the store or the table did not take them.
    pub undone: u64,
    /// What became of leases.
    pub leases: LeaseEvents,
}

/// What became of leases, in one pool or in all.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct LeaseEvents {
    /// Sets that got a holder.
    pub granted: u64,
    /// Leases that were made longer.
    pub refreshed: u64,
    /// Leases taken over by another nonce (C-03).
    pub replaced: u64,
    /// Leases that followed their lwB4 to another address (FO-003).
    pub migrated: u64,
    /// Sets given back.
    pub released: u64,
    /// Leases that ran out.
    pub expired: u64,
    /// Leases that the operator took away.
    pub revoked: u64,
}

impl LeaseEvents {
    /// Counts what has been done.
    pub(super) fn count(&mut self, effect: &Effect) {
        let counter = match effect {
            Effect::Grant(_) => &mut self.granted,
            Effect::Refresh { .. } => &mut self.refreshed,
            Effect::Replace { .. } => &mut self.replaced,
            Effect::Migrate { .. } => &mut self.migrated,
            Effect::Release { cause, .. } => match cause {
                Cause::Deleted => &mut self.released,
                Cause::Expired => &mut self.expired,
                Cause::Revoked => &mut self.revoked,
            },
        };
        *counter += 1;
    }
}

/// Counts by number, so that nothing is named while packets wait.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    requests: [u64; OPCODES],
    results: [u64; RESULTS],
    pub(super) silent: u64,
    pub(super) overload: u64,
    pub(super) updates: u64,
    pub(super) announcements: u64,
    pub(super) refused_in_grace: u64,
    pub(super) undone: u64,
    pub(super) leases: LeaseEvents,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            requests: [0; OPCODES],
            results: [0; RESULTS],
            silent: 0,
            overload: 0,
            updates: 0,
            announcements: 0,
            refused_in_grace: 0,
            undone: 0,
            leases: LeaseEvents::default(),
        }
    }
}

impl Tally {
    /// Counts an answer that leaves: its octets, of which there are 24 at least.
    pub(super) fn answer(&mut self, message: &[u8]) {
        if let [_, opcode, _, result, ..] = *message {
            self.requests[usize::from(opcode & 0x7f)] += 1;
            self.results[usize::from(result)] += 1;
        }
    }

    /// The counts with their names; what never happened is left out.
    pub(super) fn named(&self) -> Statistics {
        let requests = self.requests.iter().enumerate();
        let requests = requests
            .filter(|(_, count)| **count > 0)
            .map(|(code, count)| (Opcode::from_octet(code as u8).to_string(), *count));
        let results = self.results.iter().enumerate();
        let results = results
            .filter(|(_, count)| **count > 0)
            .map(|(code, count)| {
                let name = ResultCode::from(code as u8).to_string();
                (name, *count)
            });
        Statistics {
            requests: requests.collect(),
            results: results.collect(),
            silent: self.silent,
            overload: self.overload,
            updates: self.updates,
            announcements: self.announcements,
            refused_in_grace: self.refused_in_grace,
            undone: self.undone,
            leases: self.leases,
        }
    }
}

/// Seven bits.
const OPCODES: usize = 128;
/// Eight bits.
const RESULTS: usize = 256;
