//! Which part of the program carries out a command.

use thiserror::Error;

use crate::check;
use crate::cli::Cli;
use crate::cli::Command;
use crate::cli::Outcome;

/// Carries the command out.
///
/// # Errors
/// What went wrong, a line each, ready for stderr.
pub fn execute(cli: &Cli) -> Outcome {
    match &cli.command {
        Command::Check(args) => check::execute(args, cli.json),
        Command::Run(_) => Err(NotBuilt("run").into()),
        Command::Replay(_) => Err(NotBuilt("replay").into()),
        Command::Bench(_) => Err(NotBuilt("bench").into()),
        Command::Show(_) => Err(NotBuilt("show").into()),
        Command::Softwire(_) => Err(NotBuilt("softwire").into()),
    }
}

/// A command that this build does not have.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{0} is not built yet")]
pub struct NotBuilt(&'static str);
