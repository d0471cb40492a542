//! Rings between workers, for fragments that a device spreads over them.
//!
//! Where the device hashes addresses only, all fragments of a datagram meet the same worker by
//! themselves and nothing of this is needed. Where it does not, a worker hands a fragment to the one
//! that all of them are handed to:
//!
//! ```text
//!  queue 0 ─► worker 0 ──┐   ┌─► decides what hashes to 0
//!                        ├─►─┤
//!  queue 1 ─► worker 1 ──┘   └─► decides what hashes to 1
//! ```

use dpdk::eal::Eal;
use dpdk::mbuf;
use dpdk::mbuf::Mbuf;
use dpdk::ring;
use dpdk::ring::Consumer;
use dpdk::ring::Producer;
use dpdk::ring::RingError;

use crate::burst::BURST_MAX;
use crate::burst::Burst;
use crate::ports::HandedOver;
use crate::side::Side;

/// One worker's part of the exchange.
#[derive(Debug)]
pub struct Exchange {
    number: usize,
    /// To every worker, this one included, for each side.
    to: Vec<[Producer; 2]>,
    from: [Consumer; 2],
    /// The sides whose device spreads fragments.
    spreads: [bool; 2],
}

impl Exchange {
    /// The parts of `workers` workers, over rings for `ring` fragments; `spreads` says for each side whether its device needs them.
    ///
    /// # Errors
    /// When a ring cannot be had.
    pub fn between(
        eal: &Eal,
        workers: usize,
        ring: u32,
        spreads: [bool; 2],
    ) -> Result<Vec<Self>, RingError> {
        let (mut to, mut from) = (Vec::new(), Vec::new());
        for number in 0..workers {
            let (internet, internet_end) =
                ring::bounded(eal, &format!("fragments-down-{number}"), ring)?;
            let (access, access_end) = ring::bounded(eal, &format!("fragments-up-{number}"), ring)?;
            to.push([internet, access]);
            from.push([internet_end, access_end]);
        }
        let part = |(number, from)| Self {
            number,
            to: to.clone(),
            from,
            spreads,
        };
        Ok(from.into_iter().enumerate().map(part).collect())
    }

    /// Whether fragments that arrive on `side` may be another worker's.
    pub(crate) fn spreads(&self, side: Side) -> bool {
        self.spreads[side as usize]
    }

    /// Gives a fragment to the worker that `hash` belongs to.
    pub(crate) fn hand_over(&self, side: Side, hash: u64, packet: Mbuf) -> HandedOver<Mbuf> {
        let owner = (hash % self.to.len() as u64) as usize;
        if owner == self.number {
            return HandedOver::Own(packet);
        }
        let mut one = mbuf::Burst::<1>::new();
        one.push(packet);
        self.to[owner][side as usize].push_burst(&mut one);
        match one.pop() {
            None => HandedOver::Gone,
            Some(packet) => HandedOver::Refused(packet),
        }
    }

    /// Appends what others have handed to this worker.
    pub(crate) fn take_over(&mut self, side: Side, burst: &mut Burst<Mbuf>) {
        let room = BURST_MAX - burst.len();
        self.from[side as usize].pop_burst(burst, room);
    }
}
