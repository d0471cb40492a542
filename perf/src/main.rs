//! Benchmarks of the parts of the lwAFTR, each against a baseline in the same run.

mod random;
mod table;

use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;

/// Benchmarks of the lwAFTR and its parts.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The binding table: lookups, memory, updates and build time.
    Table(table::Options),
}

fn main() -> ExitCode {
    let What::Table(options) = Arguments::parse().what;
    match table::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lwaftr-perf: {error}");
            ExitCode::FAILURE
        }
    }
}
