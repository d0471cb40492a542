//! The poll loop of one core: receive, process, transmit, count, report quiescence.
//!
//! A round takes at most a burst from each side and leaves nothing behind: what the device does not
//! take within a bounded number of tries is a counted drop. Between rounds the worker holds no
//! reference into the binding table, which is what the publisher waits for.

mod control;
mod exchange;
mod exit;
mod idle;
mod injected;
mod punted;
#[cfg(test)]
mod tests;

use std::iter;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::burst::BURST_MAX;
use crate::burst::Burst;
use crate::counters::Counter;
use crate::counters::Counters;
use crate::next_hops::NextHops;
use crate::packet::Packet;
use crate::path_mtu::NewsQueue;
use crate::pipeline::Detour;
use crate::pipeline::Ledger;
use crate::pipeline::Pipeline;
use crate::pipeline::Share;
use crate::pipeline::Verdict;
use crate::pipeline::Verdicts;
use crate::ports::Layout;
use crate::ports::Ports;
use crate::side::Side;
use crate::table::Reader;
use crate::wire::ethernet;
use crate::wire::ethernet::Ethernet;

use exit::Exit;
use idle::Quiet;
use injected::Injected;
use punted::Punted;

pub use idle::Idle;
pub use injected::INJECTED_MAX;

/// One poll loop with everything it owns.
#[derive(Debug)]
pub struct Worker<P: Ports> {
    ports: P,
    pipeline: Pipeline,
    detour: Detour<P::Packet>,
    /// Absent when they stay as configured.
    next_hops: Option<Arc<NextHops>>,
    reader: Reader,
    counters: Arc<Counters>,
    buffers: Buffers<P::Packet>,
}

/// Where packets are between two stages; empty between rounds, but for what waits to be injected, or for company
/// on its way up.
#[derive(Debug)]
struct Buffers<P> {
    received: Burst<P>,
    /// On a stick: the access side's share of what was received.
    access: Burst<P>,
    to_internet: Exit<P>,
    to_access: Exit<P>,
    injected: Injected<P>,
    punted: Punted<P>,
    dropped: Burst<P>,
}

impl<P: Ports> Worker<P> {
    /// A worker over these queues.
    #[must_use]
    pub fn new(
        ports: P,
        pipeline: Pipeline,
        share: Share,
        reader: Reader,
        counters: Arc<Counters>,
    ) -> Self {
        let detour = pipeline.detour(share);
        let buffers = Buffers {
            received: Burst::new(),
            access: Burst::new(),
            to_internet: Exit::new(Side::Internet),
            to_access: Exit::new(Side::Access),
            injected: Injected::new(),
            punted: Punted::new(),
            dropped: Burst::new(),
        };
        let mut worker = Self {
            ports,
            pipeline,
            detour,
            next_hops: None,
            reader,
            counters,
            buffers,
        };
        worker.open_exits();
        worker
    }

    /// The same worker, sending to wherever `next_hops` says.
    #[must_use]
    pub fn following(mut self, next_hops: Arc<NextHops>) -> Self {
        self.next_hops = Some(next_hops);
        self
    }

    /// The same worker, telling `queue` what it hears of the paths to lwB4s.
    #[must_use]
    pub fn telling(mut self, queue: NewsQueue) -> Self {
        self.detour.tell(queue);
        self
    }

    /// Polls until `stop` is set, then until the receive queues are drained (a bounded number of
    /// rounds, because the senders may go on). Gives the queues back.
    pub fn run(mut self, idle: Idle, stop: &AtomicBool) -> P {
        let mut quiet = Quiet::default();
        while !stop.load(Ordering::Relaxed) {
            if self.round() > 0 {
                quiet = Quiet::default();
            } else {
                self.rest(idle, &mut quiet);
            }
        }
        for _ in 0..DRAIN_ROUNDS {
            if self.round() == 0 {
                break;
            }
        }
        self.punt();
        self.ports
    }

    /// One round over both sides. Returns how many packets arrived.
    #[inline]
    pub fn round(&mut self) -> usize {
        self.follow_next_hops();
        let mut arrived = self.inject();
        match self.ports.layout() {
            Layout::TwoPorts => {
                for side in [Side::Internet, Side::Access] {
                    self.ports.receive(side, &mut self.buffers.received);
                    arrived += self.buffers.received.len();
                    self.process(side);
                }
            }
            Layout::OnAStick => {
                self.ports
                    .receive(Side::Internet, &mut self.buffers.received);
                arrived += self.buffers.received.len();
                self.split_sides();
                self.process(Side::Internet);
                std::mem::swap(&mut self.buffers.received, &mut self.buffers.access);
                self.process(Side::Access);
            }
        }
        for side in [Side::Internet, Side::Access] {
            if self.ports.spreads_fragments(side) {
                arrived += self.take_over(side);
            }
        }
        let is_late = arrived == 0 && self.detour.set_now(self.ports.now());
        if is_late {
            self.give_up();
        }
        if arrived > 0 || is_late || !self.buffers.punted.is_empty() {
            self.flush(arrived);
        }
        self.counters.round(arrived == 0);
        self.reader.quiescent();
        arrived
    }

    /// The queues, for those that drive a worker step by step.
    pub fn ports_mut(&mut self) -> &mut P {
        &mut self.ports
    }

    /// Packets that wait for company on their way up to control: of those received, they are neither punted nor
    /// dropped yet.
    pub fn going_up(&self) -> usize {
        self.buffers.punted.len()
    }

    /// On a stick, frames of the access VLAN and IPv6 frames of a shared VLAN are the access side's;
    /// the Internet side judges everything else.
    fn split_sides(&mut self) {
        let forwarding = self.pipeline.forwarding();
        let same_vlan = forwarding.internet.vlan == forwarding.access.vlan;
        let mut internet = Burst::new();
        for packet in self.buffers.received.drain(..) {
            let is_access = Ethernet::parse(packet.head()).is_ok_and(|frame| {
                let stripped = packet
                    .stripped_vlan()
                    .map(ethernet::vlan_id)
                    .filter(|id| *id != 0);
                if same_vlan {
                    frame.ether_type == ethernet::IPV6
                } else {
                    frame.vlan.or(stripped) == forwarding.access.vlan
                }
            });
            let share = if is_access {
                &mut self.buffers.access
            } else {
                &mut internet
            };
            share.push(packet);
        }
        self.buffers.received = internet;
    }

    /// Processes what was received on `side` and sorts it by verdict.
    #[inline]
    fn process(&mut self, side: Side) {
        if self.buffers.received.is_empty() {
            return;
        }
        self.look_at_clock();
        let packets = &self.buffers.received;
        let (frames, octets) = RECEIVED[side as usize];
        self.counters.add(frames, packets.len() as u64);
        self.counters.add(octets, exit::octets_of(packets) as u64);
        if self.ports.spreads_fragments(side) {
            self.hand_over(side);
        }
        self.decide(side);
        self.resume_if_stirred(side);
    }

    #[inline]
    fn look_at_clock(&mut self) {
        if self.detour.set_now(self.ports.now()) {
            self.give_up();
        }
    }

    #[inline]
    fn resume_if_stirred(&mut self, side: Side) {
        if self.detour.take_stirred() {
            self.resume(side);
        }
    }

    /// Sends what is in hand through the pipeline, and where it belongs.
    #[inline]
    fn decide(&mut self, side: Side) {
        if !self
            .buffers
            .punted
            .has_room_for(self.buffers.received.len())
        {
            self.punt();
        }
        let table = self.reader.table();
        let packets = &mut self.buffers.received;
        let (pipeline, detour) = (&self.pipeline, &mut self.detour);
        let mut ledger = Ledger::new(&self.counters, side);
        let verdicts = match side {
            Side::Internet => pipeline.from_internet(table, packets, detour, &mut ledger),
            Side::Access => pipeline.from_access(table, packets, detour, &mut ledger),
        };
        ledger.close();
        self.sort(&verdicts);
        self.give_away();
    }

    /// Fragments whose first has come go on, and others that had to make room for them do not.
    #[cold]
    fn resume(&mut self, side: Side) {
        loop {
            let received = &mut self.buffers.received;
            let detour = &mut self.detour;
            received.extend(iter::from_fn(|| detour.resume(side)).take(BURST_MAX));
            if received.is_empty() {
                break;
            }
            self.decide(side);
        }
        self.give_up();
    }

    /// Drops what has waited too long, or must make room.
    #[cold]
    fn give_up(&mut self) {
        let (pipeline, detour) = (&self.pipeline, &mut self.detour);
        for side in [Side::Internet, Side::Access] {
            let mut ledger = Ledger::new(&self.counters, side);
            pipeline.give_up_fragments(detour, &mut ledger);
            ledger.close();
        }
        let (ports, counters) = (&mut self.ports, &self.counters);
        let exit = &mut self.buffers.to_access;
        let mut ledger = Ledger::new(counters, Side::Access);
        pipeline.give_up_reassembly(detour, &mut ledger, |error| {
            exit.push(ports, counters, error);
        });
        ledger.close();
        let held = detour.held_ipv4_fragments() as u64;
        counters.set(Counter::HeldIpv4Fragments, held);
        let held = detour.held_ipv6_fragments() as u64;
        counters.set(Counter::HeldIpv6Fragments, held);
    }

    /// Sends packets where their verdicts say.
    #[inline]
    fn sort(&mut self, verdicts: &Verdicts) {
        let (ports, counters, buffers) = (&mut self.ports, &self.counters, &mut self.buffers);
        match verdicts.uniform() {
            Some(Verdict::Internet) => {
                let packets = buffers.received.drain(..);
                buffers.to_internet.append(ports, counters, packets);
            }
            Some(Verdict::Access) => {
                let packets = buffers.received.drain(..);
                buffers.to_access.append(ports, counters, packets);
            }
            _ => self.sort_apart(verdicts),
        }
    }

    /// The same when not all go the same way: most do as the first, in runs between the others.
    #[inline(never)]
    fn sort_apart(&mut self, verdicts: &Verdicts) {
        let (ports, counters) = (&mut self.ports, &self.counters);
        let (buffers, detour) = (&mut self.buffers, &mut self.detour);
        let exits = &mut [&mut buffers.to_internet, &mut buffers.to_access];
        let (usual, by) = match verdicts[0] {
            Verdict::Internet => (Verdict::Internet, Side::Internet as usize),
            _ => (Verdict::Access, Side::Access as usize),
        };
        let others = verdicts.other_than(usual, buffers.received.len());
        let mut packets = buffers.received.drain(..);
        let mut done = 0;
        for index in others {
            exits[by].append(ports, counters, packets.by_ref().take(index - done));
            let Some(packet) = packets.next() else {
                break;
            };
            done = index + 1;
            let (side, pieces) = match verdicts[index] {
                Verdict::Internet => (Side::Internet, 1),
                Verdict::Access => (Side::Access, 1),
                Verdict::InPieces(side, pieces) => (side, pieces),
                Verdict::Punt(class) => {
                    buffers.punted.push(class, detour.source_up(index), packet);
                    continue;
                }
                Verdict::Drop(_) | Verdict::Absorbed => {
                    buffers.dropped.push(packet);
                    continue;
                }
            };
            let tails = iter::from_fn(|| detour.next_piece(side)).take(usize::from(pieces) - 1);
            for piece in iter::once(packet).chain(tails) {
                exits[side as usize].push(ports, counters, piece);
            }
        }
        exits[by].append(ports, counters, packets);
    }

    /// Frees what goes nowhere.
    #[inline]
    fn give_away(&mut self) {
        if !self.buffers.dropped.is_empty() {
            self.ports.release(&mut self.buffers.dropped);
        }
    }

    /// Transmits what the round has made, and hands up what is for the box itself.
    #[inline]
    fn flush(&mut self, arrived: usize) {
        let Self {
            ports,
            counters,
            buffers,
            ..
        } = self;
        buffers.to_internet.flush(ports, counters);
        buffers.to_access.flush(ports, counters);
        // Last: by now the buckets of their sources are near.
        if buffers.punted.is_due(arrived) {
            self.punt();
        }
    }
}

/// Counters of received frames and their octets, indexed by `Side`.
const RECEIVED: [(Counter, Counter); 2] = [
    (Counter::RxInternetPackets, Counter::RxInternetBytes),
    (Counter::RxAccessPackets, Counter::RxAccessBytes),
];
/// Bound on the rounds after the stop: 64 bursts are more than a default receive ring holds.
const DRAIN_ROUNDS: usize = 64;
