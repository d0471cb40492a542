//! Requests and answers: one JSON object a line.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::binding::BindingError;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSetError;
use lwaftr_dataplane::port_set::PortSplit;
use serde::Deserialize;
use serde::Serialize;
use thiserror::Error;

use crate::provisioning::LeaseFacts;
use crate::publisher::Change;
use crate::publisher::Keep;
use crate::publisher::Query;

/// Version of the protocol. It grows when a client of the version before would be misled.
pub const VERSION: u32 = 1;

/// What the daemon says first.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Hello {
    /// Version of the program.
    pub lwaftr: String,
    /// Version of the protocol.
    pub api: u32,
}

/// A binding in JSON.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BindingFields {
    /// The IPv4 address.
    pub ipv4: Ipv4Addr,
    /// PSID offset.
    #[serde(default)]
    pub psid_offset: u8,
    /// PSID length.
    pub psid_length: u8,
    /// PSID.
    #[serde(default)]
    pub psid: u16,
    /// The lwB4.
    pub b4: Ipv6Addr,
    /// The BR address.
    pub br: Ipv6Addr,
}

impl From<&Binding> for BindingFields {
    fn from(binding: &Binding) -> Self {
        let ports = binding.ports();
        Self {
            ipv4: binding.ipv4(),
            psid_offset: ports.split().offset(),
            psid_length: ports.split().length(),
            psid: ports.psid(),
            b4: binding.b4(),
            br: binding.br(),
        }
    }
}

impl TryFrom<BindingFields> for Binding {
    type Error = RequestError;

    fn try_from(fields: BindingFields) -> Result<Self, RequestError> {
        let ports = port_set(fields.psid_offset, fields.psid_length, fields.psid)?;
        Ok(Self::new(fields.ipv4, ports, fields.b4, fields.br)?)
    }
}

/// A port set in JSON.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PortsFields {
    /// The IPv4 address.
    pub ipv4: Ipv4Addr,
    /// PSID offset.
    #[serde(default)]
    pub psid_offset: u8,
    /// PSID length.
    pub psid_length: u8,
    /// PSID.
    #[serde(default)]
    pub psid: u16,
}

/// What softwires are looked up by.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct QueryFields {
    /// The IPv4 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<Ipv4Addr>,
    /// A port of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// A PSID of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psid: Option<u16>,
    /// The lwB4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b4: Option<Ipv6Addr>,
}

/// A port of an address in JSON.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PortFields {
    /// The IPv4 address.
    pub ipv4: Ipv4Addr,
    /// The port.
    pub port: u16,
}

/// Whose leases are listed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LeasesFields {
    /// The subscriber with this address; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b4: Option<Ipv6Addr>,
}

/// A line from a client: `id` comes back with each answer, and exactly one other member says what to do.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RequestLine {
    /// The client's own number for the request.
    pub id: u64,
    /// Add a binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<BindingFields>,
    /// Remove a binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<PortsFields>,
    /// Whether that shall outlast a restart.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub save: bool,
    /// Look softwires up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub get: Option<QueryFields>,
    /// Load a file again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<PathBuf>,
    /// List all softwires.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dump: bool,
    /// Show something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<Topic>,
    /// Whose lease has a port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<PortFields>,
    /// List leases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leases: Option<LeasesFields>,
    /// Take the lease away that has a port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke: Option<PortFields>,
    /// Tell all who have leases that the epoch begins anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub announce: bool,
}

/// What can be shown.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// The daemon as a whole.
    Status,
    /// Its poll loops.
    Workers,
    /// Its devices.
    Ports,
    /// Its counters.
    Counters,
    /// Its drop reasons.
    Drops,
    /// How many softwires there are.
    Softwires,
    /// Its configuration.
    Config,
    /// Its PCP server.
    Pcp,
    /// Its pools of port sets.
    Pools,
    /// The neighbours it sends to.
    Neighbours,
}

/// What a valid request asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Request {
    /// A change to one softwire.
    Change(Change),
    /// Softwires to look up.
    Get(Query),
    /// A file to load again.
    Load(PathBuf),
    /// All softwires.
    Dump,
    /// Something to show.
    Show(Topic),
    /// Whose lease has a port.
    Who(PortFields),
    /// Leases, those of one subscriber or all.
    Leases(Option<Ipv6Addr>),
    /// The lease of a port to take away.
    Revoke(PortFields),
    /// Everybody to be told that the epoch begins anew.
    Announce,
}

impl TryFrom<RequestLine> for Request {
    type Error = RequestError;

    fn try_from(line: RequestLine) -> Result<Self, RequestError> {
        let keep = if line.save {
            Keep::Saved
        } else {
            Keep::UntilRestart
        };
        let RequestLine {
            id: _,
            add,
            remove,
            save,
            get,
            load,
            dump,
            show,
            who,
            leases,
            revoke,
            announce,
        } = line;
        let changes = [add.is_some(), remove.is_some()];
        let others = [
            get.is_some(),
            load.is_some(),
            dump,
            show.is_some(),
            who.is_some(),
            leases.is_some(),
            revoke.is_some(),
            announce,
        ];
        let members = changes.iter().chain(&others).filter(|is_there| **is_there);
        if members.count() != 1 || (save && changes == [false, false]) {
            return Err(RequestError::NotOne);
        }
        let add = add.map(|fields| {
            let binding = fields.try_into()?;
            Ok(Self::Change(Change::Add { binding, keep }))
        });
        let remove = remove.map(|fields| {
            let ports = port_set(fields.psid_offset, fields.psid_length, fields.psid)?;
            let ipv4 = fields.ipv4;
            Ok(Self::Change(Change::Remove { ipv4, ports, keep }))
        });
        let load = load.map(|file| match file.is_absolute() {
            true => Ok(Self::Load(file)),
            false => Err(RequestError::Relative(file)),
        });
        add.or(remove)
            .or(get.map(|fields| query(fields).map(Self::Get)))
            .or(load)
            .or(dump.then_some(Ok(Self::Dump)))
            .or(show.map(|topic| Ok(Self::Show(topic))))
            .or(who.map(|port| Ok(Self::Who(port))))
            .or(leases.map(|whose| Ok(Self::Leases(whose.b4))))
            .or(revoke.map(|port| Ok(Self::Revoke(port))))
            .or(announce.then_some(Ok(Self::Announce)))
            .unwrap_or(Err(RequestError::NotOne))
    }
}

fn port_set(offset: u8, length: u8, psid: u16) -> Result<PortSet, RequestError> {
    Ok(PortSet::new(PortSplit::new(offset, length)?, psid)?)
}

fn query(fields: QueryFields) -> Result<Query, RequestError> {
    match fields {
        QueryFields {
            ipv4: Some(ipv4),
            port: None,
            psid: None,
            b4: None,
        } => Ok(Query::Address(ipv4)),
        QueryFields {
            ipv4: Some(ipv4),
            port: Some(port),
            psid: None,
            b4: None,
        } => Ok(Query::Port(ipv4, port)),
        QueryFields {
            ipv4: Some(ipv4),
            port: None,
            psid: Some(psid),
            b4: None,
        } => Ok(Query::Psid(ipv4, psid)),
        QueryFields {
            ipv4: None,
            port: None,
            psid: None,
            b4: Some(b4),
        } => Ok(Query::B4(b4)),
        _ => Err(RequestError::Query),
    }
}

/// Why a line is no request.
#[derive(Debug, Error)]
pub enum RequestError {
    /// Not JSON, or not of this shape.
    #[error("not a request: {0}")]
    Shape(#[from] serde_json::Error),
    /// Nothing to do, or too much.
    #[error(
        "not a request: expected exactly one of add, remove, get, load, dump, show, who, leases, revoke, announce; save goes with add and remove"
    )]
    NotOne,
    /// A lookup by nothing, or by too much.
    #[error("expected ipv4, ipv4 and port, ipv4 and psid, or b4")]
    Query,
    /// A path that would mean another file to the daemon.
    #[error("{}: expected an absolute path", .0.display())]
    Relative(PathBuf),
    /// An impossible port set.
    #[error(transparent)]
    PortSet(#[from] PortSetError),
    /// An impossible binding.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// A line without end.
    #[error("a line is longer than {0} octets")]
    TooLong(usize),
}

/// A line from the daemon: `id` of the request and one other member. A request has any number of `row`
/// and `progress` lines, then one `ok` or `error`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AnswerLine {
    /// The request's number; absent when its line could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// What it came to.
    #[serde(flatten)]
    pub answer: Answer,
}

/// What a request came to.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Done; what was asked for.
    Ok(serde_json::Value),
    /// Refused.
    Error(String),
    /// A softwire, of several.
    Row(RowFields),
    /// A lease, of several.
    Lease(LeaseFacts),
    /// How far the request is.
    Progress(ProgressFields),
}

/// A softwire in an answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RowFields {
    /// Its binding.
    #[serde(flatten)]
    pub binding: BindingFields,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// What it has carried, when the daemon counts that.
    #[serde(default, skip_serializing_if = "Option::is_none", flatten)]
    pub carried: Option<CarriedFields>,
}

/// What a softwire has carried since it exists; octets are of its IPv4 packets.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CarriedFields {
    /// Packets to the lwB4.
    pub down_packets: u64,
    /// Their octets.
    pub down_bytes: u64,
    /// Packets from the lwB4.
    pub up_packets: u64,
    /// Their octets.
    pub up_bytes: u64,
}

/// How far the reading of a file is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProgressFields {
    /// Rows read.
    pub rows: u64,
    /// Octets read.
    pub bytes: u64,
    /// Octets in the file.
    pub total_bytes: u64,
}
