//! `lwb4`: reads the command line and runs the command.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use lwb4::cli::Cli;
use lwb4::dispatch;

fn main() -> ExitCode {
    match dispatch::execute(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // `lwb4 mappings | head`: whoever read our output has seen enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<io::Error>().map(io::Error::kind) == Some(io::ErrorKind::BrokenPipe)
}
