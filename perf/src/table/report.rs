//! What was measured, as a table for people or JSON for programs.

use comfy_table::Table as Printed;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use serde::Serialize;

use super::PerfError;
use super::population::Population;

/// Everything measured in one run.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) tables: Vec<Table>,
    pub(super) updates: Vec<Updates>,
}

/// One population: its cost, and nanoseconds a lookup.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    pub(super) softwires: usize,
    pub(super) psid_length: u8,
    pub(super) layout: &'static str,
    pub(super) bytes_per_softwire: f64,
    pub(super) build_seconds: f64,
    pub(super) in_bursts: Option<Median>,
    pub(super) singly: Option<Median>,
    pub(super) in_hashbrown: Option<Median>,
}

/// One PSID length: updates a second, and what they do to a worker's lookups.
#[derive(Debug, Serialize)]
pub(super) struct Updates {
    pub(super) softwires: usize,
    pub(super) psid_length: u8,
    pub(super) replaced_per_second: Median,
    pub(super) removed_and_added_per_second: Median,
    pub(super) lookup_ns_alone: Median,
    pub(super) lookup_ns_meanwhile: Median,
}

/// A median of rounds, and how far they lie apart.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Median {
    pub(super) median: f64,
    /// Largest minus smallest, as a part of the median.
    pub(super) spread: f64,
}

impl Median {
    /// Of at least one round.
    pub(super) fn of(mut rounds: Vec<f64>) -> Self {
        rounds.sort_by(f64::total_cmp);
        let median = rounds[rounds.len() / 2];
        let spread = (rounds[rounds.len() - 1] - rounds[0]) / median;
        Self { median, spread }
    }
}

impl Table {
    pub(super) const fn of(population: Population) -> Self {
        Self {
            softwires: population.softwires,
            psid_length: population.psid_length,
            layout: population.layout(),
            bytes_per_softwire: 0.0,
            build_seconds: 0.0,
            in_bursts: None,
            singly: None,
            in_hashbrown: None,
        }
    }
}

impl Report {
    pub(super) fn print(&self, json: bool) -> Result<(), PerfError> {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        if !self.tables.is_empty() {
            println!("{}", self.tables_printed());
        }
        if !self.updates.is_empty() {
            println!("{}", self.updates_printed());
        }
        Ok(())
    }

    fn tables_printed(&self) -> Printed {
        let mut printed = Printed::new();
        printed.load_style(UTF8_FULL_CONDENSED).set_header([
            "softwires",
            "k",
            "layout",
            "B/softwire",
            "build s",
            "burst ns",
            "one by one ns",
            "hashbrown ns",
        ]);
        for row in &self.tables {
            printed.add_row([
                row.softwires.to_string(),
                row.psid_length.to_string(),
                row.layout.to_owned(),
                format!("{:.1}", row.bytes_per_softwire),
                format!("{:.2}", row.build_seconds),
                timing(row.in_bursts),
                timing(row.singly),
                timing(row.in_hashbrown),
            ]);
        }
        printed
    }

    fn updates_printed(&self) -> Printed {
        let mut printed = Printed::new();
        printed.load_style(UTF8_FULL_CONDENSED).set_header([
            "softwires",
            "k",
            "replaced/s",
            "removed + added/s",
            "worker's lookup ns, alone",
            "meanwhile",
        ]);
        for row in &self.updates {
            printed.add_row([
                row.softwires.to_string(),
                row.psid_length.to_string(),
                rounded(row.replaced_per_second),
                rounded(row.removed_and_added_per_second),
                timing(Some(row.lookup_ns_alone)),
                timing(Some(row.lookup_ns_meanwhile)),
            ]);
        }
        printed
    }
}

fn timing(timing: Option<Median>) -> String {
    timing.map_or_else(
        || "-".to_owned(),
        |Median { median, spread }| format!("{median:.2} ±{:.0} %", spread * 50.0),
    )
}

fn rounded(Median { median, spread }: Median) -> String {
    format!("{median:.0} ±{:.0} %", spread * 50.0)
}
