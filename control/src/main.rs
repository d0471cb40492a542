//! `lwaftr`: reads the command line and runs the command.

use std::process::ExitCode;

use clap::Parser;
use lwaftr::cli::Cli;
use lwaftr::dispatch;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch::execute(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
