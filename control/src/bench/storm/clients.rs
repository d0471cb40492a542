//! The lwB4s of a storm: who has asked, who was answered, and how long that took.
//!
//! The worker's thread writes, the director's thread reads and says what to do next; each value is one
//! atomic word, so that neither waits for the other.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use lwaftr_dataplane::side::Side;

/// What the director and the worker tell each other.
#[derive(Debug)]
pub(super) struct Board {
    /// Requests a second; 0 for as many as are answered.
    pub(super) rate: AtomicU64,
    /// What is asked.
    phase: AtomicU32,
    /// What plain traffic passes at the same time.
    plain: AtomicU32,
    /// Requests sent.
    pub(super) asked: AtomicU64,
    /// Answers of success.
    pub(super) served: AtomicU64,
    /// Other answers.
    pub(super) refused: AtomicU64,
    /// Packets of plain traffic that came back.
    pub(super) plain_packets: AtomicU64,
    /// Ticks that lwB4s took on the worker's core, to ask and to hear.
    pub(super) own_ticks: AtomicU64,
    /// Ticks that the worker took for requests, and for nothing else.
    pub(super) request_ticks: AtomicU64,
    /// Ticks that it took for answers.
    pub(super) answer_ticks: AtomicU64,
    /// Octets of memory of the worker and of the lwB4s, which leases have no part in.
    pub(super) worker_bytes: AtomicU64,
    latencies: Vec<AtomicU32>,
}

/// What is asked, and of whom.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// Nothing.
    Silence,
    /// Those who hold nothing ask, until all hold something.
    Cold,
    /// All ask again and again.
    Renewal,
    /// Requests are made and thrown away: what they cost without the worker.
    Phantom,
}

/// Traffic of other softwires.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Plain {
    /// None.
    Nothing,
    /// From the Internet, so that what comes from the access side is about requests only.
    Down,
    /// As much from lwB4s, in the same bursts as requests.
    BothWays,
}

impl Board {
    pub(super) fn new() -> Self {
        Self {
            rate: AtomicU64::new(0),
            phase: AtomicU32::new(Phase::Silence as u32),
            plain: AtomicU32::new(Plain::Nothing as u32),
            asked: AtomicU64::new(0),
            served: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            plain_packets: AtomicU64::new(0),
            own_ticks: AtomicU64::new(0),
            request_ticks: AtomicU64::new(0),
            answer_ticks: AtomicU64::new(0),
            worker_bytes: AtomicU64::new(0),
            latencies: (0..SLOTS).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u32, Ordering::Release);
    }

    pub(super) fn phase(&self) -> Phase {
        let phase = self.phase.load(Ordering::Acquire);
        let all = [Phase::Silence, Phase::Cold, Phase::Renewal, Phase::Phantom];
        let named = all.into_iter().find(|known| *known as u32 == phase);
        named.unwrap_or(Phase::Silence)
    }

    pub(super) fn set_plain(&self, plain: Plain) {
        self.plain.store(plain as u32, Ordering::Relaxed);
    }

    /// Whether plain traffic arrives on a side.
    pub(super) fn has_plain(&self, side: Side) -> bool {
        let plain = self.plain.load(Ordering::Relaxed);
        match side {
            Side::Internet => plain != Plain::Nothing as u32,
            Side::Access => plain == Plain::BothWays as u32,
        }
    }

    /// Notes how long an answer took.
    pub(super) fn took(&self, nanos: u64) {
        let slot = (nanos / SLOT_NS).min(SLOTS as u64 - 1) as usize;
        self.latencies[slot].fetch_add(1, Ordering::Relaxed);
    }

    /// Forgets how long answers took.
    pub(super) fn forget(&self) {
        for slot in &self.latencies {
            slot.store(0, Ordering::Relaxed);
        }
    }

    /// Milliseconds within which a share of the answers came; the end of the scale when it was more.
    pub(super) fn within_ms(&self, share: f64) -> f64 {
        let counts = self.latencies.iter();
        let counts: Vec<u64> = counts
            .map(|slot| slot.load(Ordering::Relaxed).into())
            .collect();
        let wanted = (counts.iter().sum::<u64>() as f64 * share).ceil() as u64;
        let mut sum = 0;
        let slot = counts.iter().position(|count| {
            sum += count;
            sum >= wanted
        });
        (slot.unwrap_or(SLOTS - 1) + 1) as f64 * SLOT_NS as f64 / 1e6
    }
}

const SLOT_NS: u64 = 10_000;
/// A fifth of a second.
const SLOTS: usize = 20_000;
