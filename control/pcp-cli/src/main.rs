//! `pcp`: reads the command line and runs the command.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use pcp_cli::cli::Cli;
use pcp_cli::error::Error;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match pcp_cli::execute(&cli, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // `pcp announce --listen | head`: whoever read our output has seen enough.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pcp: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
