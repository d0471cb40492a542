//! `lwaftr softwire`.

use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::path::absolute;

use lwaftr_dataplane::binding::Binding;
use operator::table;
use serde_json::Value;
use serde_json::json;
use thiserror::Error;

use super::connection::Client;
use super::connection::ClientError;
use super::many;
use super::many::Action;
use super::many::ManyError;
use crate::api::message::Answer;
use crate::api::message::BindingFields;
use crate::api::message::PortsFields;
use crate::api::message::QueryFields;
use crate::api::message::RequestLine;
use crate::bindings_file::Format;
use crate::bindings_file::Progress;
use crate::bindings_file::WriteError;
use crate::bindings_file::Writer;
use crate::check::ReadingBar;
use crate::cli::AddArgs;
use crate::cli::DumpArgs;
use crate::cli::FormatArg;
use crate::cli::GetArgs;
use crate::cli::Outcome;
use crate::cli::RemoveArgs;
use crate::cli::SoftwireArgs;
use crate::cli::SoftwireCommand;

/// Carries a `softwire` command out.
///
/// # Errors
/// The daemon's refusal, or why it cannot be asked.
pub fn softwire(args: &SoftwireArgs, json: bool) -> Outcome {
    let client = Client::connect(&args.socket)?;
    match &args.command {
        SoftwireCommand::Add(add) => match &add.file {
            Some(file) => change_many(client, file, Action::Add, add.save, json),
            None => change_one(client, &add_request(add)?, "added", json),
        },
        SoftwireCommand::Remove(remove) => match &remove.file {
            Some(file) => change_many(client, file, Action::Remove, remove.save, json),
            None => change_one(client, &remove_request(remove)?, "removed", json),
        },
        SoftwireCommand::Get(get) => find(client, get, json),
        SoftwireCommand::Load(load) => reload(client, &load.file, json),
        SoftwireCommand::Dump(dump) => list(client, dump, json),
    }
}

fn change_one(mut client: Client, request: &RequestLine, done: &str, json: bool) -> Outcome {
    client.call(request, |_| Ok(()))?;
    say(
        json,
        &json!({ "done": 1, "refused": 0 }),
        &format!("{done} 1 softwire"),
    )
}

fn change_many(client: Client, file: &Path, action: Action, save: bool, json: bool) -> Outcome {
    let tally = many::change(client, file, action, save, |line, message| {
        eprintln!("{}:{line}: {message}", file.display());
    })?;
    let done = match action {
        Action::Add => "added",
        Action::Remove => "removed",
    };
    say(
        json,
        &serde_json::to_value(tally)?,
        &format!("{done} {} softwires", tally.done),
    )?;
    if tally.refused > 0 {
        return Err(ManyError::Refused {
            done: tally.done,
            refused: tally.refused,
        }
        .into());
    }
    Ok(())
}

fn add_request(args: &AddArgs) -> Result<RequestLine, ArgumentError> {
    let ports = ports(args.ipv4, args.psid_offset, args.psid_length, args.psid)?;
    let PortsFields {
        ipv4,
        psid_offset,
        psid_length,
        psid,
    } = ports;
    let b4 = args.b4.ok_or(ArgumentError::Missing("--b4"))?;
    let br = args.br.ok_or(ArgumentError::Missing("--br"))?;
    let add = Some(BindingFields {
        ipv4,
        psid_offset,
        psid_length,
        psid,
        b4,
        br,
    });
    Ok(RequestLine {
        add,
        save: args.save,
        ..RequestLine::default()
    })
}

fn remove_request(args: &RemoveArgs) -> Result<RequestLine, ArgumentError> {
    let remove = Some(ports(
        args.ipv4,
        args.psid_offset,
        args.psid_length,
        args.psid,
    )?);
    Ok(RequestLine {
        remove,
        save: args.save,
        ..RequestLine::default()
    })
}

/// The port set of flags: only a whole address has no PSID.
fn ports(
    ipv4: Option<Ipv4Addr>,
    psid_offset: u8,
    psid_length: Option<u8>,
    psid: Option<u16>,
) -> Result<PortsFields, ArgumentError> {
    let ipv4 = ipv4.ok_or(ArgumentError::Missing("--ipv4"))?;
    let psid_length = psid_length.ok_or(ArgumentError::Missing("--psid-length"))?;
    let psid = match psid {
        None if psid_length > 0 => return Err(ArgumentError::Missing("--psid")),
        psid => psid.unwrap_or(0),
    };
    Ok(PortsFields {
        ipv4,
        psid_offset,
        psid_length,
        psid,
    })
}

fn find(mut client: Client, args: &GetArgs, json: bool) -> Outcome {
    let get = QueryFields {
        ipv4: args.ipv4,
        port: args.port,
        psid: args.psid,
        b4: args.b4,
    };
    let mut rows = Vec::new();
    client.call(
        &RequestLine {
            get: Some(get),
            ..RequestLine::default()
        },
        |answer| {
            if let Answer::Row(row) = answer {
                rows.push(serde_json::to_value(row).map_err(ClientError::Protocol)?);
            }
            Ok(())
        },
    )?;
    if rows.is_empty() {
        return Err(ArgumentError::NoneFound.into());
    }
    let rows = Value::Array(rows);
    say(json, &rows, &table::table_of(&rows).to_string())
}

fn reload(mut client: Client, file: &Path, json: bool) -> Outcome {
    // The daemon reads the file itself, and its folder is another.
    let request = RequestLine {
        load: Some(absolute(file)?),
        ..RequestLine::default()
    };
    let bar = ReadingBar::default();
    let loaded = client.call(&request, |answer| {
        if let Answer::Progress(at) = answer {
            let progress = Progress {
                rows: at.rows,
                bytes: at.bytes,
                total_bytes: at.total_bytes,
            };
            bar.show(file, progress);
        }
        Ok(())
    });
    drop(bar);
    let loaded = loaded?;
    let count = loaded["softwires"].as_u64().unwrap_or_default();
    say(
        json,
        &loaded,
        &format!("loaded {count} softwires from {}", file.display()),
    )
}

fn list(mut client: Client, args: &DumpArgs, json: bool) -> Outcome {
    let format = match args.format {
        FormatArg::Csv if !json => Format::Csv,
        _ => Format::Json,
    };
    let mut writer = Writer::begin(BufWriter::new(io::stdout().lock()), format)?;
    client.call(
        &RequestLine {
            dump: true,
            ..RequestLine::default()
        },
        |answer| {
            let Answer::Row(row) = answer else {
                return Ok(());
            };
            let binding = Binding::try_from(row.binding)
                .map_err(|error| ClientError::Refused(error.to_string()))?;
            writer.row(&binding).map_err(|error| match error {
                WriteError::Output(error) => ClientError::Io(error),
                other => ClientError::Refused(other.to_string()),
            })
        },
    )?;
    writer.finish()?;
    Ok(())
}

/// The result on stdout, for programs or for people.
fn say(json: bool, value: &Value, text: &str) -> Outcome {
    let mut output = io::stdout().lock();
    if json {
        writeln!(output, "{value:#}")?;
    } else {
        writeln!(output, "{text}")?;
    }
    Ok(())
}

/// What the flags of a command leave open.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
enum ArgumentError {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("no softwire was found")]
    NoneFound,
}
