//! What was found out, in lines for people or an object for programs.

use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

use pcp::client::Grant;
use pcp::wire::Nonce;
use pcp::wire::ResponseHeader;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::cli::Format;

/// The answer to a request for a mapping, or for its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapped {
    pub(crate) server: IpAddr,
    pub(crate) nonce: Nonce,
    pub(crate) header: ResponseHeader,
    /// What is mapped now, if anything is.
    pub(crate) grant: Option<Grant>,
    pub(crate) round_trip: Duration,
}

/// Writes the answer to `map` or `delete`.
pub(crate) fn mapped(mapped: &Mapped, format: Format, output: &mut impl Write) -> io::Result<()> {
    let mut facts = header(mapped.server, &mapped.header);
    match mapped.grant {
        Some(grant) => {
            facts.add("external_address", json!(grant.address));
            facts.add("first_port", json!(grant.ports.first()));
            facts.add("last_port", json!(grant.ports.last()));
            facts.add("size", json!(grant.ports.count()));
            facts.add("first_internal_port", json!(grant.first_internal_port));
        }
        None if format == Format::Json => {
            for name in [
                "external_address",
                "first_port",
                "last_port",
                "size",
                "first_internal_port",
            ] {
                facts.add(name, Value::Null);
            }
        }
        None => {}
    }
    facts.add("nonce", json!(mapped.nonce.to_string()));
    facts.round_trip(mapped.round_trip);
    facts.write(format, output)
}

/// Writes what a server says about its epoch, asked or not.
pub(crate) fn announced(
    server: IpAddr,
    response: &ResponseHeader,
    round_trip: Option<Duration>,
    format: Format,
    output: &mut impl Write,
) -> io::Result<()> {
    let mut facts = header(server, response);
    if let Some(round_trip) = round_trip {
        facts.round_trip(round_trip);
    }
    facts.write(format, output)
}

fn header(server: IpAddr, header: &ResponseHeader) -> Facts {
    let mut facts = Facts::default();
    facts.add("server", json!(server));
    facts.add("result", json!(header.result.to_string()));
    facts.add("result_code", json!(header.result.code()));
    facts.add("lifetime_s", json!(header.lifetime_s));
    facts.add("epoch_s", json!(header.epoch_s));
    facts
}

/// Names and values, in their order.
#[derive(Default)]
struct Facts(Map<String, Value>);

impl Facts {
    fn add(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    fn round_trip(&mut self, duration: Duration) {
        let milliseconds = duration.as_micros() as f64 / 1000.0;
        self.add("round_trip_ms", json!(milliseconds));
    }

    fn write(self, format: Format, output: &mut impl Write) -> io::Result<()> {
        match format {
            Format::Json => writeln!(output, "{}", Value::Object(self.0)),
            Format::Lines => self.0.iter().try_for_each(|(name, value)| {
                let (name, unit) = split_unit(name);
                match value {
                    Value::String(text) => writeln!(output, "{name:<20} {text}"),
                    value => writeln!(output, "{name:<20} {value}{unit}"),
                }
            }),
        }
    }
}

/// The name in words, and the unit that stands behind the value.
fn split_unit(name: &str) -> (String, &'static str) {
    let (name, unit) = match (name.strip_suffix("_ms"), name.strip_suffix("_s")) {
        (Some(name), _) => (name, " ms"),
        (None, Some(name)) => (name, " s"),
        (None, None) => (name, ""),
    };
    (name.replace('_', " "), unit)
}
