//! A worker's ports in a storm: requests of lwB4s come in, their answers go out, and beside them plain
//! traffic of other softwires goes round in a mill.
//!
//! What the lwB4s do is not the worker's work, though it is done on its core. So its time is measured, and
//! can be taken out of that in which plain traffic passed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::atomic::fence;

use dpdk::clock;
use dpdk::mbuf;
use dpdk::mbuf::Mbuf;
use dpdk::mempool::Mempool;
use dpdk::ring::Consumer;
use lwaftr_dataplane::burst::BURST_MAX;
use lwaftr_dataplane::burst::Burst;
use lwaftr_dataplane::dpdk_ports::PuntRings;
use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::packet::Packet;
use lwaftr_dataplane::ports::Layout;
use lwaftr_dataplane::ports::Outgoing;
use lwaftr_dataplane::ports::Ports;
use lwaftr_dataplane::punt::PuntClass;
use lwaftr_dataplane::side::Side;

use super::clients::Board;
use super::clients::Phase;
use super::request;
use super::stopwatch::About;
use super::stopwatch::Stopwatch;
use crate::bench::mill::Mill;

/// The ports.
pub(super) struct StormPorts<'k> {
    mill: Mill<'k>,
    pool: Mempool,
    punts: PuntRings,
    injected: Consumer,
    board: Arc<Board>,
    clients: Clients,
    /// When the next request of an even rate is due.
    due_ns: u64,
    outstanding: u64,
    /// When something was last answered.
    heard_ns: u64,
    /// Ticks that the lwB4s have taken.
    own_ticks: u64,
    stopwatch: Stopwatch,
}

/// The lwB4s, by number.
struct Clients {
    asked_ns: Vec<u64>,
    holds: Vec<bool>,
    next: usize,
}

impl Clients {
    /// Whose turn it is; nobody's when all of them hold something already.
    fn turn(&mut self, phase: Phase) -> Option<u32> {
        for _ in 0..self.holds.len() {
            let number = self.next;
            self.next = (self.next + 1) % self.holds.len();
            if phase != Phase::Cold || !self.holds[number] {
                return Some(number as u32);
            }
        }
        None
    }
}

impl<'k> StormPorts<'k> {
    pub(super) fn new(
        mill: Mill<'k>,
        pool: Mempool,
        punts: PuntRings,
        injected: Consumer,
        board: Arc<Board>,
        clients: u32,
    ) -> Self {
        let clients = clients as usize;
        Self {
            mill,
            pool,
            punts,
            injected,
            board,
            clients: Clients {
                asked_ns: vec![0; clients],
                holds: vec![false; clients],
                next: 0,
            },
            due_ns: 0,
            outstanding: 0,
            heard_ns: 0,
            own_ticks: 0,
            stopwatch: Stopwatch::new(),
        }
    }

    /// Notes what the lwB4s have taken since `begun`.
    fn charge(&mut self, begun: u64) {
        // What they have written lay in control's cache: that it comes from there is theirs to wait for.
        fence(Ordering::SeqCst);
        self.own_ticks += clock::tsc().saturating_sub(begun);
        self.board
            .own_ticks
            .store(self.own_ticks, Ordering::Relaxed);
    }

    /// What follows is not about requests.
    fn stop(&mut self) {
        if let Some((about, ticks)) = self.stopwatch.stop() {
            let board = match about {
                About::Requests => &self.board.request_ticks,
                About::Answers => &self.board.answer_ticks,
            };
            board.store(ticks, Ordering::Relaxed);
        }
    }

    /// How many requests are to be sent at `now`.
    fn wanted(&mut self, now: u64) -> usize {
        let rate = self.board.rate.load(Ordering::Relaxed);
        if rate == 0 {
            if now.saturating_sub(self.heard_ns) > LOST_AFTER_NS {
                self.outstanding = 0;
                self.heard_ns = now;
            }
            return (WINDOW.saturating_sub(self.outstanding)).min(BURST_MAX as u64) as usize;
        }
        let gap = 1_000_000_000 / rate.max(1);
        // What could not be sent in time is not made up for.
        self.due_ns = self.due_ns.max(now.saturating_sub(gap * BURST_MAX as u64));
        let count = (now.saturating_sub(self.due_ns) / gap).min(BURST_MAX as u64);
        self.due_ns += count * gap;
        count as usize
    }

    fn ask(&mut self, burst: &mut Burst<Mbuf>) {
        let phase = self.board.phase();
        if phase != Phase::Silence {
            let begun = clock::tsc();
            self.ask_for(phase, burst);
            self.charge(begun);
        }
    }

    fn ask_for(&mut self, phase: Phase, burst: &mut Burst<Mbuf>) {
        let now = clock::now_ns();
        let mut asked = 0;
        let mut made = mbuf::Burst::<BURST_MAX>::new();
        let wanted = self.wanted(now).min(BURST_MAX - burst.len());
        if wanted == 0 || self.pool.allocate_burst(&mut made, wanted).is_err() {
            return;
        }
        let mut unused = mbuf::Burst::<BURST_MAX>::new();
        for mut packet in made.drain(..) {
            let Some(number) = self.clients.turn(phase) else {
                unused.push(packet);
                continue;
            };
            if let Ok(frame) = packet.append(request::LENGTH) {
                request::write(frame, number);
            }
            asked += 1;
            if phase == Phase::Phantom {
                unused.push(packet);
            } else {
                self.clients.asked_ns[number as usize] = now;
                burst.push(packet);
            }
        }
        mbuf::free_bulk(&mut unused);
        self.board.asked.fetch_add(asked, Ordering::Relaxed);
        if phase != Phase::Phantom {
            self.outstanding += asked;
        }
    }

    /// Takes what control has sent: answers, and hardly anything else.
    fn hear_all(&mut self, packets: &mut Outgoing<Mbuf>) {
        let begun = clock::tsc();
        let now = clock::now_ns();
        let mut heard = mbuf::Burst::<{ 2 * BURST_MAX }>::new();
        for packet in packets.drain(..) {
            if let Some((number, result)) = request::answer(packet.head()) {
                self.hear(number, result, now);
            }
            heard.push(packet);
        }
        mbuf::free_bulk(&mut heard);
        self.charge(begun);
    }

    fn hear(&mut self, number: u32, result: u8, now: u64) {
        let Some(asked_ns) = self.clients.asked_ns.get(number as usize) else {
            return;
        };
        self.board.took(now.saturating_sub(*asked_ns));
        self.outstanding = self.outstanding.saturating_sub(1);
        self.heard_ns = now;
        if result == 0 {
            self.clients.holds[number as usize] = true;
            self.board.served.fetch_add(1, Ordering::Relaxed);
        } else {
            self.board.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Ports for StormPorts<'_> {
    type Packet = Mbuf;

    fn layout(&self) -> Layout {
        Layout::TwoPorts
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(clock::now_ns())
    }

    fn receive(&mut self, side: Side, burst: &mut Burst<Mbuf>) {
        self.stop();
        if self.board.has_plain(side) {
            self.mill.receive(side, burst);
        }
        if side == Side::Access {
            let plain = burst.len();
            self.ask(burst);
            // Among others, a request's part of the time cannot be told.
            if plain == 0 && !burst.is_empty() {
                self.stopwatch.has_requests = true;
                self.stopwatch.run(About::Requests);
            }
        }
    }

    fn transmit(&mut self, side: Side, packets: &mut Outgoing<Mbuf>) {
        self.stop();
        // Control's packets leave in bursts of their own, so that one tells of all.
        let first = packets.first();
        if first.is_some_and(|packet| request::answer(packet.head()).is_some()) {
            self.hear_all(packets);
            self.stopwatch.run(About::Answers);
            return;
        }
        let count = packets.len() as u64;
        self.board.plain_packets.fetch_add(count, Ordering::Relaxed);
        self.mill.transmit(side, packets);
        // They go up when everything else has left.
        if self.stopwatch.has_requests {
            self.stopwatch.run(About::Requests);
        }
    }

    fn punt(&mut self, class: PuntClass, packets: &mut Burst<Mbuf>) {
        self.punts[class as usize].push_burst(packets);
    }

    fn injected(&mut self, burst: &mut Burst<Mbuf>) {
        self.stop();
        self.stopwatch.has_requests = false;
        let begun = clock::tsc();
        if self.injected.pop_burst(burst, BURST_MAX) > 0 {
            self.stopwatch.run_since(begun, About::Answers);
        }
    }

    fn release(&mut self, packets: &mut Burst<Mbuf>) {
        mbuf::free_bulk(packets);
    }
}

/// Requests that may be unanswered where as many are sent as are answered: less than may wait for the
/// store, but more than a slow disk makes wait.
const WINDOW: u64 = 12_000;
/// Octets that each lwB4 takes here, from when it first asks.
pub(super) const CLIENT_BYTES: u64 = 9;
/// When nothing was answered for so long, what is unanswered is lost.
const LOST_AFTER_NS: u64 = 100_000_000;
