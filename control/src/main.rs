//! `lwaftr`: reads the command line and runs the command.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use clap::Parser;
use dpdk::heap;
use lwaftr::cli::Cli;
use lwaftr::dispatch;

fn main() -> ExitCode {
    heap::give_back();
    let cli = Cli::parse();
    match dispatch::execute(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        // `lwaftr show counters | head`: whoever read our output has seen enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    let output = error.downcast_ref::<io::Error>().map(io::Error::kind);
    let json = error
        .downcast_ref::<serde_json::Error>()
        .and_then(serde_json::Error::io_error_kind);
    output.or(json) == Some(io::ErrorKind::BrokenPipe)
}
