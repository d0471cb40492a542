//! `lwaftr lease who|revoke|announce` and `lwaftr show leases`.

use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

use operator::table;
use serde_json::Value;
use thiserror::Error;

use super::connection::Client;
use super::connection::ClientError;
use crate::api::message::Answer;
use crate::api::message::LeasesFields;
use crate::api::message::PortFields;
use crate::api::message::RequestLine;
use crate::cli::AnnounceArgs;
use crate::cli::Outcome;
use crate::cli::RevokeArgs;
use crate::cli::WhoArgs;
use crate::provisioning::LeaseFacts;

/// Says who holds a port, or what a subscriber holds.
///
/// # Errors
/// When nobody does, or the daemon cannot be asked.
pub fn who(args: &WhoArgs, json: bool) -> Outcome {
    let mut client = Client::connect(&args.socket)?;
    if let (Some(ipv4), Some(port)) = (args.ipv4, args.port) {
        let request = RequestLine {
            who: Some(PortFields { ipv4, port }),
            ..RequestLine::default()
        };
        return say(json, &client.call(&request, |_| Ok(()))?);
    }
    let request = RequestLine {
        leases: Some(LeasesFields { b4: args.b4 }),
        ..RequestLine::default()
    };
    let mut leases = Vec::new();
    client.call(&request, |answer| {
        if let Answer::Lease(lease) = answer {
            leases.push(serde_json::to_value(lease).map_err(ClientError::Protocol)?);
        }
        Ok(())
    })?;
    if leases.is_empty() {
        return Err(NoneFound.into());
    }
    say(json, &Value::Array(leases))
}

/// Takes a lease away.
///
/// # Errors
/// When there is none, or the daemon cannot be asked.
pub fn revoke(args: &RevokeArgs, json: bool) -> Outcome {
    let mut client = Client::connect(&args.socket)?;
    let (ipv4, port) = (args.ipv4, args.port);
    let request = RequestLine {
        revoke: Some(PortFields { ipv4, port }),
        ..RequestLine::default()
    };
    let revoked = client.call(&request, |_| Ok(()))?;
    if json {
        return say(json, &revoked);
    }
    let text = |name: &str| match &revoked[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    println!(
        "revoked ports {} to {} of {} from {}",
        text("first_port"),
        text("last_port"),
        text("ipv4"),
        text("b4")
    );
    Ok(())
}

/// Has everybody ask again.
///
/// # Errors
/// When the daemon cannot be asked.
pub fn announce(args: &AnnounceArgs, json: bool) -> Outcome {
    let mut client = Client::connect(&args.socket)?;
    let request = RequestLine {
        announce: true,
        ..RequestLine::default()
    };
    let told = client.call(&request, |_| Ok(()))?;
    if json {
        return say(json, &told);
    }
    println!(
        "{} lwB4s are told in their turn; \"lwaftr show pcp\" says how far that is",
        told["lwb4s"]
    );
    Ok(())
}

/// Prints all leases as they come: there may be millions.
///
/// # Errors
/// The daemon's refusal, or why it cannot be asked.
pub(super) fn list(socket: &Path, json: bool) -> Outcome {
    let mut client = Client::connect(socket)?;
    let mut output = BufWriter::new(io::stdout().lock());
    let mut count = 0_u64;
    let request = RequestLine {
        leases: Some(LeasesFields::default()),
        ..RequestLine::default()
    };
    client.call(&request, |answer| {
        let Answer::Lease(lease) = answer else {
            return Ok(());
        };
        if json {
            output.write_all(if count == 0 { b"[\n" } else { b",\n" })?;
            serde_json::to_writer(&mut output, &lease).map_err(ClientError::Protocol)?;
        } else {
            if count == 0 {
                writeln!(output, "{HEADER}")?;
            }
            writeln!(output, "{}", line(&lease))?;
        }
        count += 1;
        Ok(())
    })?;
    match (json, count) {
        (true, 0) => writeln!(output, "[]")?,
        (true, _) => writeln!(output, "\n]")?,
        (false, 0) => writeln!(output, "no leases")?,
        (false, _) => {}
    }
    output.flush()?;
    Ok(())
}

/// A lease in 80 columns, unless its addresses are of the longest kind.
fn line(lease: &LeaseFacts) -> String {
    format!(
        "{:<15} {:>5} {:>5}  {:<8} {:>7}  {}",
        lease.ipv4, lease.first_port, lease.last_port, lease.state, lease.remaining_s, lease.b4
    )
}

fn say(json: bool, value: &Value) -> Outcome {
    let mut output = io::stdout().lock();
    if json {
        writeln!(output, "{value:#}")?;
    } else {
        writeln!(output, "{}", table::blocks_of(value))?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("no lease was found")]
struct NoneFound;

const HEADER: &str = "ipv4            first  last  state    seconds  b4";
