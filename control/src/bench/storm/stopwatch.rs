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

/// Ticks that were taken for requests.
#[derive(Debug, Default)]
pub(super) struct Stopwatch {
    since: Option<u64>,
    /// Whether requests have come that have not gone up yet.
    pub(super) has_requests: bool,
    ticks: u64,
}

impl Stopwatch {
    /// What follows is about requests, since `begun`.
    pub(super) fn run_since(&mut self, begun: u64) {
        self.since = Some(begun);
    }

    /// What follows is about requests.
    pub(super) fn run(&mut self) {
        self.run_since(clock::tsc());
    }

    /// What follows is not. Returns all ticks so far, if it has run.
    pub(super) fn stop(&mut self) -> Option<u64> {
        let since = self.since.take()?;
        self.ticks += clock::tsc().saturating_sub(since);
        Some(self.ticks)
    }
}
