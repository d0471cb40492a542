//! What a benchmark prints: a table for people, one JSON object for programs.

use std::fs;

use comfy_table::CellAlignment;
use comfy_table::Table;
use comfy_table::presets;
use dpdk::clock;
use serde::Serialize;

use crate::bench::Direction;
use crate::bench::FrameMix;
use crate::bench::Options;
use crate::bench::fate::Tally;
use crate::bench::kept::Kept;
use crate::bench::measure::Measurement;

/// All figures of one run of the command.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    machine: Machine,
    floor: Floor,
    /// One row for each table, direction and frame size.
    pub runs: Vec<Run>,
    /// Live updates, when asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<Updates>,
}

#[derive(Debug, Serialize)]
struct Machine {
    cpu: String,
    kernel: String,
    tsc_hz: u64,
    hugepages: bool,
    core: u32,
    burst: usize,
    psid_length: u8,
}

/// The cheapest floor of the runs; each run also has its own.
#[derive(Debug, Default, Serialize)]
struct Floor {
    ns: f64,
}

/// One measurement.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    direction: String,
    softwires: u32,
    frame: String,
    /// Nanoseconds a packet, median.
    ns: f64,
    /// The same less the floor of this very run.
    ns_above_floor: f64,
    floor_ns: f64,
    /// Ticks of the time stamp counter a packet.
    cycles: f64,
    mpps: f64,
    /// Largest less smallest trial, as a share of the median.
    spread: f64,
    /// What became of the packets.
    packets: Tally,
    /// Beside a flood: how much bound traffic that comes at its own rate is forwarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<Kept>,
}

impl Run {
    /// The row of one measurement.
    #[must_use]
    pub(super) fn new(
        direction: Direction,
        softwires: u32,
        frame: FrameMix,
        Measurement {
            floor,
            pipeline,
            tally,
        }: &Measurement,
        bound: Option<Kept>,
    ) -> Self {
        let ns = pipeline.median_ns;
        Self {
            direction: direction.name(),
            softwires,
            frame: frame.name(),
            ns: round(ns),
            ns_above_floor: round(ns - floor.median_ns),
            floor_ns: round(floor.median_ns),
            cycles: round(ns * clock::tsc_hz() as f64 / 1e9),
            mpps: round(1e3 / ns),
            spread: round(pipeline.spread),
            packets: *tally,
            bound,
        }
    }
}

/// Live changes of the table while the worker forwards.
#[derive(Debug, Serialize)]
pub(super) struct Updates {
    /// Softwires that are forwarded to meanwhile.
    pub softwires: u32,
    /// PSID length of the addresses that change.
    pub psid_length: u8,
    /// Changes a second asked for; absent: as many as possible.
    pub asked_per_second: Option<u64>,
    /// Changes a second carried out.
    pub per_second: f64,
    /// Nanoseconds a packet without changes.
    pub quiet_ns: f64,
    /// Nanoseconds a packet during them.
    pub busy_ns: f64,
    /// Share of the forwarding rate that they cost.
    pub rate_lost: f64,
}

impl Report {
    /// A report without rows.
    #[must_use]
    pub(super) fn new(options: &Options, hugepages: bool) -> Self {
        let machine = Machine {
            cpu: first_line_of("/proc/cpuinfo", "model name"),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| String::new(), |text| text.trim().to_owned()),
            tsc_hz: clock::tsc_hz(),
            hugepages,
            core: options.core,
            burst: options.burst,
            psid_length: options.psid_length,
        };
        Self {
            machine,
            floor: Floor::default(),
            runs: Vec::new(),
            updates: Vec::new(),
        }
    }

    /// Prints the report to standard output.
    pub(super) fn print(mut self, json: bool) {
        let floors = self.runs.iter().map(|run| run.floor_ns);
        self.floor.ns = floors.min_by(f64::total_cmp).unwrap_or_default();
        if json {
            match serde_json::to_string_pretty(&self) {
                Ok(text) => println!("{text}"),
                Err(error) => eprintln!("cannot write the report: {error}"),
            }
        } else {
            self.print_tables();
        }
    }

    fn print_tables(&self) {
        let Machine {
            cpu,
            hugepages,
            core,
            burst,
            psid_length,
            ..
        } = &self.machine;
        let pages = if *hugepages {
            "hugepages"
        } else {
            "ordinary pages (slow)"
        };
        println!("{cpu}, core {core}, {pages}, burst {burst}, PSID length {psid_length}");
        let mut table = table(&[
            "direction",
            "softwires",
            "frame",
            "floor ns",
            "ns",
            "above floor",
            "cycles",
            "Mpps",
            "spread",
            "forwarded",
            "dropped",
            "held",
        ]);
        for run in &self.runs {
            table.add_row([
                run.direction.clone(),
                run.softwires.to_string(),
                run.frame.clone(),
                format!("{:.1}", run.floor_ns),
                format!("{:.1}", run.ns),
                format!("{:.1}", run.ns_above_floor),
                format!("{:.0}", run.cycles),
                format!("{:.1}", run.mpps),
                format!("{:.0} %", run.spread * 100.0),
                run.packets.share(run.packets.forwarded),
                run.packets.share(run.packets.dropped),
                run.packets.buffers_held.to_string(),
            ]);
        }
        println!("{table}");
        if self.runs.iter().any(|run| run.bound.is_some()) {
            println!("{}", self.kept_table());
        }
        if !self.updates.is_empty() {
            println!("{}", self.updates_table());
        }
    }

    fn kept_table(&self) -> Table {
        let mut table = table(&[
            "bound traffic",
            "softwires",
            "frame",
            "its Mpps",
            "alone keeps",
            "beside keeps",
        ]);
        for run in &self.runs {
            if let Some(kept) = &run.bound {
                table.add_row([
                    run.direction.clone(),
                    run.softwires.to_string(),
                    run.frame.clone(),
                    format!("{:.1}", kept.offered_mpps),
                    format!("{:.2} %", kept.alone * 100.0),
                    format!("{:.2} %", kept.beside * 100.0),
                ]);
            }
        }
        table
    }

    fn updates_table(&self) -> Table {
        let mut table = table(&[
            "softwires",
            "PSID len",
            "asked/s",
            "updates/s",
            "quiet ns",
            "busy ns",
            "lost",
        ]);
        for row in &self.updates {
            table.add_row([
                row.softwires.to_string(),
                row.psid_length.to_string(),
                row.asked_per_second
                    .map_or_else(|| "all".to_owned(), |rate| rate.to_string()),
                format!("{:.0}", row.per_second),
                format!("{:.1}", row.quiet_ns),
                format!("{:.1}", row.busy_ns),
                format!("{:.1} %", row.rate_lost * 100.0),
            ]);
        }
        table
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn first_line_of(file: &str, key: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key));
    line.and_then(|line| line.split(':').nth(1))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// To hundredths: more digits than that are noise.
pub(super) fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
