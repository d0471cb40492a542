//! `lwaftr-perf table`: what the binding table costs and how fast it is.

mod lookups;
mod population;
mod report;
mod updates;

use std::time::Instant;

use clap::Args;
use thiserror::Error;

use lwaftr_dataplane::binding::BindingError;
use lwaftr_dataplane::port_set::PortSetError;
use lwaftr_dataplane::table::Builder;
use lwaftr_dataplane::table::Origin;
use lwaftr_dataplane::table::Publisher;
use lwaftr_dataplane::table::Refusal;
use lwaftr_dataplane::table::ReserveError;
use lwaftr_dataplane::table::TooManyBrs;
use lwaftr_dataplane::table::TooManyReaders;

use lookups::Questions;
use population::Population;
use population::brs;
use report::Report;

/// What to measure.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Softwires in the table, as 1000, 100k or 10m; several with commas
    #[arg(long, value_delimiter = ',', value_parser = count, default_value = "1k,100k,1m,10m")]
    softwires: Vec<usize>,
    /// PSID length of every address
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(0..=16))]
    psid_length: u8,
    /// One PSID on each of as many addresses, scattered over the whole address space
    #[arg(long)]
    scattered: bool,
    /// Keys looked up in one round, at least; more when there are more softwires
    #[arg(long, default_value = "4m", value_parser = count)]
    keys: usize,
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Leave the hash table out, which takes longer to build than all the rest
    #[arg(long)]
    no_baseline: bool,
    /// Measure only the cost of memory, for the table's four reference populations
    #[arg(long, conflicts_with = "updates")]
    memory: bool,
    /// Measure only updates through the publisher, at these PSID lengths, while a worker looks up
    #[arg(long, value_delimiter = ',')]
    updates: Vec<u8>,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// What can go wrong in a benchmark.
#[derive(Debug, Error)]
pub(crate) enum PerfError {
    #[error(transparent)]
    Binding(#[from] BindingError),
    #[error(transparent)]
    Brs(#[from] TooManyBrs),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("of {asked} keys, all bound, {found} were found")]
    Missed { asked: usize, found: usize },
    #[error(transparent)]
    Ports(#[from] PortSetError),
    #[error(transparent)]
    Readers(#[from] TooManyReaders),
    #[error(transparent)]
    Refusal(#[from] Refusal),
    #[error(transparent)]
    Reserve(#[from] ReserveError),
    #[error(
        "{softwires} softwires with PSID length {psid_length} need more addresses than there are"
    )]
    TooMany { softwires: usize, psid_length: u8 },
}

/// Measures, and prints what was measured.
pub(crate) fn run(options: &Options) -> Result<(), PerfError> {
    let mut report = Report::default();
    if options.memory {
        for population in Population::references() {
            report.tables.push(memory_only(population)?);
        }
    } else if options.updates.is_empty() {
        for &softwires in &options.softwires {
            let population = Population::new(softwires, options.psid_length, options.scattered);
            report.tables.push(measure(options, population)?);
        }
    } else {
        let softwires = options.softwires.first().copied().unwrap_or(1_000_000);
        for &psid_length in &options.updates {
            let population = Population::new(softwires, psid_length, options.scattered);
            report.updates.push(updates::measure(population)?);
        }
    }
    report.print(options.json)?;
    Ok(())
}

fn measure(options: &Options, population: Population) -> Result<report::Table, PerfError> {
    let mut row = report::Table::of(population);
    let publisher = build(population, &mut row)?;
    let questions = Questions::new(population, options.keys)?;
    row.in_bursts = Some(lookups::in_bursts(&publisher, &questions, options.rounds)?);
    row.singly = Some(lookups::singly(&publisher, &questions, options.rounds)?);
    drop(publisher);
    if !options.no_baseline {
        row.in_hashbrown = Some(lookups::in_hashbrown(
            population,
            &questions,
            options.rounds,
        )?);
    }
    Ok(row)
}

fn memory_only(population: Population) -> Result<report::Table, PerfError> {
    let mut row = report::Table::of(population);
    build(population, &mut row)?;
    Ok(row)
}

fn build(population: Population, row: &mut report::Table) -> Result<Publisher, PerfError> {
    let mut builder = Builder::new(brs()?)?;
    let rows: Vec<_> = population.bindings().collect::<Result<_, _>>()?;
    let since = Instant::now();
    for binding in &rows {
        builder.add(binding, Origin(0))?;
    }
    row.build_seconds = since.elapsed().as_secs_f64();
    row.bytes_per_softwire = builder.memory().used_bytes as f64 / rows.len() as f64;
    Ok(Publisher::new(builder))
}

/// A number with `k` or `m` behind it.
fn count(text: &str) -> Result<usize, String> {
    let lower = text.to_ascii_lowercase();
    let (digits, unit) = match lower.strip_suffix('k') {
        Some(digits) => (digits, 1_000),
        None => lower
            .strip_suffix('m')
            .map_or((lower.as_str(), 1), |digits| (digits, 1_000_000)),
    };
    let number: usize = digits
        .parse()
        .map_err(|_| format!("not a number like 1000, 100k or 1m: {text}"))?;
    if number == 0 {
        return Err("at least 1 is needed".to_owned());
    }
    Ok(number * unit)
}
