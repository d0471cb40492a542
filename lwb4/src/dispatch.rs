//! Which part of the program does what the command line says.

use std::env;
use std::io;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use operator::table;
use serde_json::Value;

use crate::api::Client;
use crate::api::Request;
use crate::api::Topic;
use crate::cli::Cli;
use crate::cli::Command;
use crate::cli::HookArgs;
use crate::cli::Outcome;
use crate::cli::SwarmArgs;
use crate::config::Config;
use crate::dhcpv6::hook;
use crate::run;
use crate::swarm;
use crate::swarm::SwarmConfig;

/// Runs the command.
///
/// # Errors
/// When it did not work; the text is for people.
pub fn execute(cli: &Cli) -> Outcome {
    match &cli.command {
        Command::Run(args) => {
            let mut config = Config::read(&args.config)?;
            if let Some(socket) = &args.socket {
                config.socket.clone_from(socket);
            }
            Ok(run::run(&config)?)
        }
        Command::Check(args) => print(&Config::read(&args.config)?.summary(), cli.json),
        Command::Status(args) => show(&args.socket, Topic::Status, cli.json),
        Command::Mappings(args) => show(&args.socket, Topic::Mappings, cli.json),
        Command::Counters(args) => show(&args.socket, Topic::Counters, cli.json),
        Command::Dhcp6Hook(args) => tell(args),
        Command::Swarm(args) => Ok(swarm::run(&swarm_config(args), cli.json)?),
    }
}

fn swarm_config(args: &SwarmArgs) -> SwarmConfig {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    SwarmConfig {
        count: args.count,
        remote: args.remote,
        prefix: args.prefix.0,
        prefix_length: args.prefix.1,
        each: args.each,
        per_second: args.per_second,
        lifetime_s: args.lifetime,
        talk: args.talk.map(seconds),
        until_bound: args.until_bound,
        patience: args.seconds.map(seconds),
    }
}

/// Nothing is said when it went well: a script's output is nobody's.
fn tell(args: &HookArgs) -> Outcome {
    let message = if args.words.is_empty() {
        // A variable that is no text is none of those that are looked for.
        let variables = env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        hook::from_environment(args.state.as_deref(), variables)?
    } else {
        hook::from_words(&args.words)?
    };
    let value = serde_json::to_value(&message)?;
    Client::connect(&args.socket)?.call(&Request::Learned(value))?;
    Ok(())
}

fn show(socket: &Path, topic: Topic, json: bool) -> Outcome {
    print(&Client::connect(socket)?.call(&Request::Show(topic))?, json)
}

fn print(value: &Value, json: bool) -> Outcome {
    let mut output = io::stdout();
    if json {
        writeln!(output, "{value:#}")?;
    } else if value.as_array().is_some_and(Vec::is_empty) {
        writeln!(output, "none")?;
    } else {
        writeln!(output, "{}", table::table_of(value))?;
    }
    Ok(())
}
