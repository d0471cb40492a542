//! A row as people and other programs read it.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use pcp::instant::Instant;
use pcp::lease::Contact;
use pcp::lease::Lease;
use pcp::lease::Path;
use pcp::port_set::PortSet;
use pcp::port_set::PortSetError;
use pcp::subscriber::Client;
use pcp::wire::Nonce;
use pcp::wire::Parity;
use serde::Deserialize;
use serde::Serialize;
use thiserror::Error;

use super::rfc3339;
use crate::moment::Moment;
use crate::row::Row;

/// One line; its instants are UTC.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    ipv4: Ipv4Addr,
    #[serde(default)]
    psid_offset: u8,
    psid_length: u8,
    psid: u16,
    /// For the reader; the set says it already.
    #[serde(default)]
    first_port: u16,
    #[serde(default)]
    last_port: u16,
    b4: Ipv6Addr,
    inner: IpAddr,
    br: Ipv6Addr,
    nonce: String,
    granted: String,
    expires: String,
    phase: Phase,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved: Option<String>,
    path: RequestPath,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listener: Option<u16>,
    contact: IpAddr,
    contact_port: u16,
    internal_port: u16,
    keeps_parity: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    Held,
    Resting,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum RequestPath {
    Tunnel,
    Plain,
    Management,
}

impl Line {
    /// The line of a row whose instants are nanoseconds since 1970.
    pub(super) fn new(row: &Row) -> Self {
        let lease = row.lease();
        let time = |instant| rfc3339::format(Moment::UNIX.utc_of(instant));
        let ports = lease.set.ports();
        let (phase, until) = match row {
            Row::Held(_) => (Phase::Held, None),
            Row::Resting { until, .. } => (Phase::Resting, Some(time(*until))),
        };
        let (path, listener) = match lease.contact.path {
            Path::Tunnel => (RequestPath::Tunnel, None),
            Path::Plain => (RequestPath::Plain, None),
            Path::Management(listener) => (RequestPath::Management, Some(listener)),
        };
        Self {
            ipv4: lease.set.address(),
            psid_offset: 0,
            psid_length: lease.set.psid_length(),
            psid: lease.set.psid(),
            first_port: ports.first(),
            last_port: ports.last(),
            b4: lease.client.outer,
            inner: lease.client.inner,
            br: lease.br,
            nonce: lease.nonce.to_string(),
            granted: time(lease.granted),
            expires: time(lease.expires),
            phase,
            until,
            moved: lease.moved.map(time),
            path,
            listener,
            contact: lease.contact.address,
            contact_port: lease.contact.port,
            internal_port: lease.internal_port,
            keeps_parity: lease.parity == Parity::Preserved,
        }
    }

    /// The row of the line.
    pub(super) fn row(&self) -> Result<Row, LineError> {
        if self.psid_offset != 0 {
            return Err(LineError::Offset {
                offset: self.psid_offset,
            });
        }
        let path = match (self.path, self.listener) {
            (RequestPath::Tunnel, None) => Path::Tunnel,
            (RequestPath::Plain, None) => Path::Plain,
            (RequestPath::Management, Some(listener)) => Path::Management(listener),
            _ => return Err(LineError::Listener),
        };
        let lease = Lease {
            client: Client {
                outer: self.b4,
                inner: self.inner,
            },
            set: PortSet::new(self.ipv4, self.psid_length, self.psid)?,
            br: self.br,
            nonce: nonce(&self.nonce)?,
            granted: instant(&self.granted)?,
            expires: instant(&self.expires)?,
            moved: self.moved.as_deref().map(instant).transpose()?,
            contact: Contact {
                path,
                address: self.contact,
                port: self.contact_port,
            },
            internal_port: self.internal_port,
            parity: if self.keeps_parity {
                Parity::Preserved
            } else {
                Parity::Any
            },
        };
        match (self.phase, &self.until) {
            (Phase::Held, None) => Ok(Row::Held(lease)),
            (Phase::Resting, Some(until)) => Ok(Row::Resting {
                lease,
                until: instant(until)?,
            }),
            _ => Err(LineError::Until),
        }
    }
}

fn instant(text: &str) -> Result<Instant, LineError> {
    let utc_ms = rfc3339::parse(text).ok_or_else(|| LineError::Time {
        text: text.to_owned(),
    })?;
    Ok(Moment::UNIX.instant_of(utc_ms))
}

fn nonce(text: &str) -> Result<Nonce, LineError> {
    let wrong = || LineError::Nonce {
        text: text.to_owned(),
    };
    let is_hex = text.len() == 24 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    let number = u128::from_str_radix(text, 16).map_err(|_| wrong())?;
    match number.to_be_bytes() {
        [_, _, _, _, octets @ ..] if is_hex => Ok(Nonce::new(octets)),
        _ => Err(wrong()),
    }
}

/// Why a line is no row.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(super) enum LineError {
    /// Numbers that name no set.
    #[error(transparent)]
    Set(#[from] PortSetError),
    /// A set that is not one run of ports.
    #[error("PSID offset {offset} is not 0")]
    Offset {
        /// The offset given.
        offset: u8,
    },
    /// Not 24 hexadecimal digits.
    #[error("nonce {text:?} is not 24 hexadecimal digits")]
    Nonce {
        /// The text given.
        text: String,
    },
    /// Not a time.
    #[error("{text:?} is no time like 2027-01-15T08:00:00.000Z")]
    Time {
        /// The text given.
        text: String,
    },
    /// Only management listeners have numbers, and they all have.
    #[error("\"listener\" goes with the path \"management\", and with no other")]
    Listener,
    /// Only a rest has an end of its own, and it always has.
    #[error("\"until\" goes with the phase \"resting\", and with no other")]
    Until,
}
