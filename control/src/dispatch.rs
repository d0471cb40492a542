//! Which part of the program carries out a command.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::bench;
use crate::check;
use crate::cli::Cli;
use crate::cli::Command;
use crate::cli::LeaseCommand;
use crate::cli::Outcome;
use crate::client;
use crate::config::Config;
use crate::config::Purpose;
use crate::lease_store;
use crate::replay;
use crate::run;

/// Carries the command out.
///
/// # Errors
/// What went wrong, a line each, ready for stderr.
pub fn execute(cli: &Cli) -> Outcome {
    match &cli.command {
        Command::Check(args) => check::execute(args, cli.json),
        Command::Run(args) => {
            let mut config = Config::read(&args.config, Purpose::Run)?;
            if let Some(socket) = &args.socket {
                config.socket.clone_from(socket);
            }
            start_log(&config);
            Ok(run::run(&config)?)
        }
        Command::Replay(args) => {
            let config = Config::read(&args.config, Purpose::Replay)?;
            Ok(replay::run(
                &config,
                &args.files(),
                args.roster.as_deref(),
                args.counters.as_deref(),
                args.seed,
            )?)
        }
        Command::Bench(args) if args.storm => {
            let folder = tempfile::tempdir()?;
            let store = args.store.clone();
            let store = store.unwrap_or_else(|| folder.path().join("leases"));
            Ok(bench::storm::run(&args.storm_options(store, cli.json))?)
        }
        Command::Bench(args) => Ok(bench::run(&args.options(cli.json))?),
        Command::Show(args) => client::show(args, cli.json),
        Command::Softwire(args) => client::softwire(args, cli.json),
        Command::Lease(args) => match &args.command {
            LeaseCommand::Who(args) => client::who(args, cli.json),
            LeaseCommand::Revoke(args) => client::revoke(args, cli.json),
            LeaseCommand::Announce(args) => client::announce(args, cli.json),
            LeaseCommand::Check(args) => lease_store::check(args, cli.json),
            LeaseCommand::Export(args) => lease_store::export(args),
            LeaseCommand::Import(args) => lease_store::import(args, cli.json),
            LeaseCommand::Restore(args) => lease_store::restore(args, cli.json),
        },
    }
}

/// The daemon's log goes to standard error, where a service manager picks it up with its own time.
fn start_log(config: &Config) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::from_level(config.log_level).into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}
