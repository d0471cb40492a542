//! What a storm prints.

use std::fmt;
use std::fmt::Display;
use std::fmt::Formatter;
use std::fs;

use comfy_table::Table;
use comfy_table::presets;
use serde::Serialize;

use super::StormOptions;

/// All figures of a storm; rates a second, memory in octets.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    /// Leases after the cold start.
    pub(super) held: u64,
    /// Of these, granted in this run.
    pub(super) granted: u64,
    /// Seconds until everybody had one.
    pub(super) cold_s: f64,
    /// Durable grants.
    pub(super) grants_per_second: f64,
    /// Durable refreshes, as many as can be.
    pub(super) refreshes_per_second: f64,
    /// Refreshes at half of that.
    pub(super) half_per_second: f64,
    /// Milliseconds within which half of those were answered.
    pub(super) p50_ms: f64,
    /// Milliseconds for 99 of a hundred.
    pub(super) p99_ms: f64,
    /// Requests at three times as many as can be served.
    pub(super) overload_asked_per_second: f64,
    /// Share of the best rate that is still served then.
    pub(super) overload_share: f64,
    /// Refreshes beside plain traffic.
    pub(super) beside_per_second: f64,
    /// Plain packets while requests are only made, in millions.
    pub(super) plain_alone_mpps: f64,
    /// Plain packets while they are served.
    pub(super) plain_beside_mpps: f64,
    /// What that costs, with what the lwB4s do on the worker's core to hear.
    pub(super) plain_rate_lost: f64,
    /// What it costs when the time of the lwB4s is taken out of both.
    pub(super) plain_rate_lost_to_worker: f64,
    /// Share of the worker's time, without that of the lwB4s, that requests and answers take; so much of its
    /// rate plain traffic loses to them on a core that it has for itself.
    pub(super) request_share: f64,
    /// Nanoseconds that a request takes of the worker's time.
    pub(super) request_ns: f64,
    /// Nanoseconds that its answer takes of it.
    pub(super) answer_ns: f64,
    /// Plain packets that found no softwire meanwhile.
    pub(super) plain_packets_lost: u64,
    /// Octets of memory a lease, besides the table, when all is quiet again.
    pub(super) memory_each: f64,
    /// The same after the cold start, while the first checkpoints are made.
    pub(super) memory_each_cold: f64,
    /// Group commits.
    pub(super) commits: u64,
}

/// Figures and what was seen around them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    pub(super) figures: Figures,
    #[serde(flatten)]
    pub(super) restart: Restart,
    /// Why packets were dropped.
    pub(super) drops: Vec<(&'static str, u64)>,
}

/// How the leases of an earlier storm came back.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Restart {
    /// How many there were.
    pub(super) restored: u64,
    /// Seconds from opening the store to a table that has them.
    pub(super) restore_s: f64,
}

impl Restart {
    /// Prints this alone, with the octets of memory that the leases take besides the table.
    pub(super) fn print(self, memory: u64, is_json: bool) {
        let memory_each = memory as f64 / (self.restored as f64).max(1.0);
        if is_json {
            let Self {
                restored,
                restore_s,
            } = self;
            let all = serde_json::json!({"restored": restored, "restore_s": restore_s, "memory_each": memory_each});
            println!("{all}");
        } else {
            println!("{self}; memory a lease {memory_each:.0} octets");
        }
    }
}

impl Display for Restart {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:.2} s", self.restored, self.restore_s)
    }
}

impl Report {
    pub(super) fn print(&self, options: &StormOptions) {
        if options.json {
            println!("{}", serde_json::json!(self));
            return;
        }
        println!(
            "worker and lwB4s on core {}, control, lease store and publisher on core {}; every sync {} ms \
             longer than the disk takes\n",
            options.core,
            options.control_core,
            options.sync_delay.as_secs_f64() * 1e3
        );
        println!("{}", self.table());
    }

    fn table(&self) -> Table {
        let figures = &self.figures;
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut row = |name: &str, value: String| {
            table.add_row([name.to_owned(), value]);
        };
        row("restored at start", self.restart.to_string());
        row(
            "all lwB4s served from cold",
            format!("{} in {:.2} s", figures.held, figures.cold_s),
        );
        row("durable grants", rate(figures.grants_per_second));
        row("durable refreshes", rate(figures.refreshes_per_second));
        row("at half of that", rate(figures.half_per_second));
        row(
            "  answered within",
            format!(
                "{:.2} ms (50 %), {:.2} ms (99 %)",
                figures.p50_ms, figures.p99_ms
            ),
        );
        row(
            "asked three times as much",
            rate(figures.overload_asked_per_second),
        );
        row(
            "  still served of the best",
            format!("{:.0} %", figures.overload_share * 100.0),
        );
        row("beside plain traffic", rate(figures.beside_per_second));
        row(
            "  which keeps of its rate",
            format!(
                "{:.1} %; {:.1} % with what lwB4s do on its core ({:.2} of {:.2} Mpps), {} packets lost",
                (1.0 - figures.plain_rate_lost_to_worker) * 100.0,
                (1.0 - figures.plain_rate_lost) * 100.0,
                figures.plain_beside_mpps,
                figures.plain_alone_mpps,
                figures.plain_packets_lost
            ),
        );
        row(
            "  a request costs the worker",
            format!(
                "{:.0} ns and its answer {:.0} ns, {:.1} % of its time",
                figures.request_ns,
                figures.answer_ns,
                figures.request_share * 100.0
            ),
        );
        row(
            "memory a lease",
            format!(
                "{:.0} octets, {:.0} after the cold start",
                figures.memory_each, figures.memory_each_cold
            ),
        );
        row("group commits", figures.commits.to_string());
        for (name, count) in &self.drops {
            row(name, count.to_string());
        }
        table
    }
}

/// Octets that this process has in memory; 0 where that cannot be told.
pub(super) fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

fn rate(per_second: f64) -> String {
    format!("{per_second:.0}/s")
}
