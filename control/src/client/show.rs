//! `lwaftr show`.

use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::thread;
use std::time::Duration;

use operator::table;
use serde_json::Value;

use super::connection::Client;
use super::lease;
use super::print;
use crate::api::message::RequestLine;
use crate::api::message::Topic;
use crate::cli::Outcome;
use crate::cli::ShowArgs;
use crate::cli::TopicArg;

/// Asks the daemon and prints what it says, again and again if that is wanted.
///
/// # Errors
/// When the daemon cannot be asked.
pub fn show(args: &ShowArgs, json: bool) -> Outcome {
    let Some(topic) = topic(args.topic) else {
        return lease::list(&args.socket, json);
    };
    let mut client = Client::connect(&args.socket)?;
    let request = RequestLine {
        show: Some(topic),
        ..RequestLine::default()
    };
    let mut output = io::stdout();
    loop {
        let value = client.call(&request, |_| Ok(()))?;
        if args.watch && !json && output.is_terminal() {
            output.write_all(CLEAR.as_bytes())?;
        }
        print(&mut output, &value, args, json)?;
        output.flush()?;
        if !args.watch {
            return Ok(());
        }
        thread::sleep(WATCH_EVERY);
    }
}

fn print(output: &mut impl Write, value: &Value, args: &ShowArgs, json: bool) -> Outcome {
    let drops = value.as_object().filter(|_| args.topic == TopicArg::Drops);
    if json && args.watch {
        writeln!(output, "{value}")?;
    } else if json {
        writeln!(output, "{value:#}")?;
    } else if drops.is_some_and(serde_json::Map::is_empty) {
        writeln!(output, "nothing was dropped")?;
    } else if let Some(drops) = drops {
        writeln!(output, "{}", print::table_of_drops(drops))?;
    } else {
        let is_wide = args.topic == TopicArg::Pools;
        let shown = if is_wide {
            table::blocks_of(value)
        } else {
            table::table_of(value)
        };
        writeln!(output, "{shown}")?;
    }
    Ok(())
}

/// What is asked for; leases come one by one.
fn topic(topic: TopicArg) -> Option<Topic> {
    Some(match topic {
        TopicArg::Status => Topic::Status,
        TopicArg::Workers => Topic::Workers,
        TopicArg::Ports => Topic::Ports,
        TopicArg::Counters => Topic::Counters,
        TopicArg::Drops => Topic::Drops,
        TopicArg::Softwires => Topic::Softwires,
        TopicArg::Leases => return None,
        TopicArg::Pools => Topic::Pools,
        TopicArg::Pcp => Topic::Pcp,
        TopicArg::Neighbours => Topic::Neighbours,
        TopicArg::Config => Topic::Config,
    })
}

/// Clears a terminal and goes to its upper left corner (ECMA-48 ED and CUP).
const CLEAR: &str = "\x1b[2J\x1b[H";
const WATCH_EVERY: Duration = Duration::from_secs(1);
