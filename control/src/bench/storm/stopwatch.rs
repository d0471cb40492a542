//! What the worker does about requests, told by what it asks of its ports.
//!
//! ```text
//!  injected ─ answers? ─► transmit them │ receive, Internet … │ receive, access ─ requests? ─► transmit the others │
//!  ├──────── runs ────────┤ lwB4s hear  ├─ runs ─┤           asks ├────────── runs ─────────┤                    ├ …
//! ```
//!
//! Between the calls the worker works: on requests and answers where the stopwatch runs, on plain traffic where it
//! does not.

use dpdk::clock;

/// What the worker works on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum About {
    /// Requests, until they have gone up.
    Requests,
    /// What control has sent.
    Answers,
}

/// Ticks that were taken for requests and for answers.
#[derive(Debug)]
pub(super) struct Stopwatch {
    since: Option<(u64, About)>,
    /// Whether requests have come that have not gone up yet.
    pub(super) has_requests: bool,
    ticks: [u64; 2],
    /// Ticks that it counts when nothing is between start and stop.
    bias: u64,
}

impl Stopwatch {
    /// One that knows what it costs itself: it runs for a few packets at a time, which are not much more.
    pub(super) fn new() -> Self {
        let mut stopwatch = Self {
            since: None,
            has_requests: false,
            ticks: [0; 2],
            bias: 0,
        };
        for _ in 0..EMPTY_RUNS {
            stopwatch.run(About::Requests);
            stopwatch.stop();
        }
        let [empty, _] = std::mem::take(&mut stopwatch.ticks);
        stopwatch.bias = empty / EMPTY_RUNS;
        stopwatch
    }

    /// What follows is about this, since `begun`.
    pub(super) fn run_since(&mut self, begun: u64, about: About) {
        self.since = Some((begun, about));
    }

    /// What follows is about this.
    pub(super) fn run(&mut self, about: About) {
        self.run_since(clock::tsc(), about);
    }

    /// What follows is neither. Returns all ticks so far of what it was about, if it has run.
    pub(super) fn stop(&mut self) -> Option<(About, u64)> {
        let (since, about) = self.since.take()?;
        let ticks = &mut self.ticks[about as usize];
        *ticks += clock::tsc().saturating_sub(since + self.bias);
        Some((about, *ticks))
    }
}

const EMPTY_RUNS: u64 = 10_000;
