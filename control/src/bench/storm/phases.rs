//! What happens in a storm, one after the other, and what is measured of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use dpdk::clock;
use lwaftr_dataplane::counters::Counters;
use lwaftr_dataplane::drop_reason::DropReason;

use super::BenchError;
use super::StormOptions;
use super::clients::Board;
use super::clients::Phase;
use super::clients::Plain;
use super::failed;
use super::report;
use super::report::Figures;
use crate::provisioning::LeaseService;
use crate::publisher::SoftwireService;

/// Says what is to be asked, and looks at the clock.
pub(super) struct Director {
    pub(super) board: Arc<Board>,
    pub(super) counters: Arc<Counters>,
    pub(super) service: LeaseService,
    pub(super) softwires: SoftwireService,
    pub(super) options: StormOptions,
    pub(super) already: u64,
    /// Octets of memory before there were leases.
    pub(super) before: u64,
}

/// What went on for a while.
#[derive(Clone, Copy, Debug)]
struct Window {
    seconds: f64,
    asked: u64,
    served: u64,
    plain: u64,
    /// Seconds that lwB4s took on the worker's core.
    own_s: f64,
    /// Seconds that requests took of the worker's time.
    request_s: f64,
    /// Seconds that answers took of it.
    answer_s: f64,
}

impl Window {
    /// Seconds that the worker had.
    fn worker_s(&self) -> f64 {
        self.seconds - self.own_s
    }

    fn served_per_second(&self) -> f64 {
        self.served as f64 / self.seconds
    }

    fn plain_per_second(&self) -> f64 {
        self.plain as f64 / self.seconds
    }

    fn plain_per_worker_second(&self) -> f64 {
        self.plain as f64 / self.worker_s()
    }
}

/// Plain traffic beside requests.
#[derive(Clone, Copy, Debug)]
struct Beside {
    served_per_second: f64,
    /// Packets a second while requests are only made.
    alone: f64,
    /// Packets a second while they are served.
    mixed: f64,
    /// How much of the one the other is.
    keeps: f64,
    /// The same of the seconds that the worker had.
    worker_keeps: f64,
    /// Packets that found no softwire.
    lost: u64,
}

impl Director {
    pub(super) fn direct(self) -> Result<Figures, BenchError> {
        let cold_s = self.cold()?;
        let granted = u64::from(self.options.leases) - self.already.min(self.options.leases.into());
        let held = self.service.pcp().map_err(failed)?.held;
        let table = self
            .softwires
            .summary()
            .map_err(failed)?
            .table_touched_bytes;
        let others = self.before + table + self.board.worker_bytes.load(Ordering::Relaxed);
        let memory = || report::resident_bytes().saturating_sub(others) as f64;
        let memory_cold = memory();
        let renewal = self.window(Phase::Renewal, 0, Plain::Nothing);
        let saturation = renewal.served_per_second();
        let half = (saturation / 2.0) as u64;
        let at_half = self.window(Phase::Renewal, half, Plain::Nothing);
        let (p50_ms, p99_ms) = (self.board.within_ms(0.5), self.board.within_ms(0.99));
        let overload = self.window(Phase::Renewal, (saturation * 3.0) as u64, Plain::Nothing);
        let beside = (saturation as u64 / 2).min(BESIDE);
        let of_worker = self.window(Phase::Renewal, beside, Plain::Down);
        let beside = self.beside(beside);
        self.board.set_phase(Phase::Silence);
        thread::sleep(REST);
        let each = |memory: f64| memory / (held as f64).max(1.0);
        let per_served = |seconds: f64| seconds / of_worker.served as f64 * 1e9;
        Ok(Figures {
            held: held as u64,
            granted,
            cold_s,
            grants_per_second: granted as f64 / cold_s,
            refreshes_per_second: saturation,
            half_per_second: at_half.served_per_second(),
            p50_ms,
            p99_ms,
            overload_asked_per_second: overload.asked as f64 / overload.seconds,
            overload_share: overload.served_per_second() / saturation,
            beside_per_second: beside.served_per_second,
            plain_alone_mpps: beside.alone / 1e6,
            plain_beside_mpps: beside.mixed / 1e6,
            plain_rate_lost: 1.0 - beside.keeps,
            plain_rate_lost_to_worker: 1.0 - beside.worker_keeps,
            request_share: (of_worker.request_s + of_worker.answer_s) / of_worker.worker_s(),
            request_ns: per_served(of_worker.request_s),
            answer_ns: per_served(of_worker.answer_s),
            plain_packets_lost: beside.lost,
            memory_each: each(memory()),
            memory_each_cold: each(memory_cold),
            commits: self
                .service
                .pcp()
                .map_err(failed)?
                .store
                .map_or(0, |store| store.commits),
        })
    }

    /// What plain traffic both ways loses to so many requests a second. By short turns with and without them,
    /// of which the middle one counts: what else the machine does is alike in neighbouring turns.
    fn beside(&self, rate: u64) -> Beside {
        let lost = || self.counters.dropped(DropReason::NoSoftwire);
        let lost_before = lost();
        let length = self.options.phase / TURNS_IN_PHASE;
        let turn = |phase| self.window_of(phase, rate, Plain::BothWays, length);
        let turns: Vec<_> = (0..TURNS)
            .map(|_| (turn(Phase::Phantom), turn(Phase::Renewal)))
            .collect();
        let middle = |value: &dyn Fn(&Window, &Window) -> f64| {
            let values = turns.iter().map(|(alone, mixed)| value(alone, mixed));
            let mut values: Vec<_> = values.collect();
            values.sort_unstable_by(f64::total_cmp);
            values[TURNS / 2]
        };
        Beside {
            served_per_second: middle(&|_, mixed| mixed.served_per_second()),
            alone: middle(&|alone, _| alone.plain_per_second()),
            mixed: middle(&|_, mixed| mixed.plain_per_second()),
            keeps: middle(&|alone, mixed| mixed.plain_per_second() / alone.plain_per_second()),
            worker_keeps: middle(&|alone, mixed| {
                mixed.plain_per_worker_second() / alone.plain_per_worker_second()
            }),
            lost: lost() - lost_before,
        }
    }

    /// Has everybody ask who holds nothing; tells how long it took until all do.
    fn cold(&self) -> Result<f64, BenchError> {
        let wanted = u64::from(self.options.leases);
        let begun = Instant::now();
        self.board.set_phase(Phase::Cold);
        // Those who hold a lease of an earlier storm hear so, and do not ask again.
        while self.board.served.load(Ordering::Relaxed) < wanted {
            thread::sleep(Duration::from_millis(1));
            if begun.elapsed() > PATIENCE {
                let served = self.board.served.load(Ordering::Relaxed);
                let refused = self.board.refused.load(Ordering::Relaxed);
                return Err(failed(format!(
                    "{served} of {wanted} lwB4s have a set, {refused} were refused"
                )));
            }
        }
        Ok(begun.elapsed().as_secs_f64())
    }

    fn window(&self, phase: Phase, rate: u64, plain: Plain) -> Window {
        self.window_of(phase, rate, plain, self.options.phase)
    }

    fn window_of(&self, phase: Phase, rate: u64, plain: Plain, length: Duration) -> Window {
        self.board.rate.store(rate, Ordering::Relaxed);
        self.board.set_plain(plain);
        self.board.set_phase(phase);
        thread::sleep(SETTLE);
        // What was asked in the phase before has been answered by now.
        self.board.forget();
        let read = || {
            [
                &self.board.asked,
                &self.board.served,
                &self.board.plain_packets,
                &self.board.own_ticks,
                &self.board.request_ticks,
                &self.board.answer_ticks,
            ]
            .map(|count| count.load(Ordering::Relaxed))
        };
        let (begun, before) = (Instant::now(), read());
        thread::sleep(length);
        let (seconds, after) = (begun.elapsed().as_secs_f64(), read());
        Window {
            seconds,
            asked: after[0] - before[0],
            served: after[1] - before[1],
            plain: after[2] - before[2],
            own_s: (after[3] - before[3]) as f64 / clock::tsc_hz() as f64,
            request_s: (after[4] - before[4]) as f64 / clock::tsc_hz() as f64,
            answer_s: (after[5] - before[5]) as f64 / clock::tsc_hz() as f64,
        }
    }
}

/// From the beginning of a phase to what is measured of it.
const SETTLE: Duration = Duration::from_millis(200);
/// Until what was begun is done.
const REST: Duration = Duration::from_secs(2);
/// Turns with and without requests.
const TURNS: usize = 15;
/// How many of them last as long as another phase.
const TURNS_IN_PHASE: u32 = 8;
/// Requests a second beside plain traffic.
const BESIDE: u64 = 300_000;
const PATIENCE: Duration = Duration::from_secs(120);
