//! The options of MAP and PEER, in their order (PC-010, PC-011, PC-036; RFC 6887 s13, RFC 7220).

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddrV4;

use pcp::result_code::ResultCode;
use pcp::wire::Filter;
use pcp::wire::MapPayload;
use pcp::wire::Opcode;
use pcp::wire::PcpOption;
use pcp::wire::Refusal;
use pcp::wire::Request;

use crate::explicit::RemoteFilter;

/// The options that are processed; all others are ignored and not in the response (PC-014).
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MappingOptions<'a> {
    /// PREFER_FAILURE stands among them.
    pub(super) prefers_failure: bool,
    /// What each FILTER does, in their order.
    pub(super) filters: Vec<FilterChange>,
    /// The new description; empty takes it away.
    pub(super) description: Option<&'a str>,
    /// All of them, as the response has them.
    pub(super) processed: Vec<PcpOption<'a>>,
}

/// What a FILTER does to those that there are (PC-063).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FilterChange {
    RemoveAll,
    Add(RemoteFilter),
}

impl<'a> MappingOptions<'a> {
    pub(super) fn read(request: &Request<'a>, map: &MapPayload) -> Result<Self, Refusal> {
        let mut options = Self::default();
        for option in request.options.iter() {
            let option = option.map_err(|_| Refusal::new(ResultCode::MalformedOption))?;
            options.take(option, request, map)?;
        }
        Ok(options)
    }

    fn take(
        &mut self,
        option: PcpOption<'a>,
        request: &Request<'a>,
        map: &MapPayload,
    ) -> Result<(), Refusal> {
        let deletes = request.lifetime_s == 0;
        let is_peer = request.payload.opcode() == Opcode::Peer;
        match option {
            // A PEER is never content with another end than it suggests (PC-062, PC-070).
            PcpOption::PreferFailure if is_peer => refused(ResultCode::MalformedRequest),
            PcpOption::PreferFailure if deletes || map.external_port == 0 => {
                refused(ResultCode::MalformedOption)
            }
            PcpOption::PreferFailure => {
                self.prefers_failure = true;
                self.processed.push(option);
                Ok(())
            }
            PcpOption::Filter(_) if is_peer || deletes => refused(ResultCode::MalformedOption),
            PcpOption::Filter(filter) => {
                self.filters.push(change(&filter)?);
                self.processed.push(option);
                Ok(())
            }
            PcpOption::Description(text) if !deletes => {
                self.describe(text);
                Ok(())
            }
            // THIRD_PARTY too: on a home's LAN nobody speaks for others (PC-060).
            option if option.is_mandatory() => refused(ResultCode::UnsupportedOption),
            _ => Ok(()),
        }
    }

    /// What is no UTF-8 is as if it were not there; what is too long is cut between two characters
    /// (PD-001).
    fn describe(&mut self, text: &'a [u8]) {
        if let Ok(text) = str::from_utf8(text) {
            let text = &text[..text.floor_char_boundary(DESCRIPTION_MAX)];
            self.description = Some(text);
            self.processed.push(PcpOption::Description(text.as_bytes()));
        }
    }

    /// The filters of a mapping that had `before`, as the request leaves them.
    pub(super) fn filters(
        &self,
        before: &[RemoteFilter],
        most: usize,
    ) -> Result<Vec<RemoteFilter>, Refusal> {
        let mut filters = before.to_vec();
        for change in &self.filters {
            match change {
                FilterChange::RemoveAll => filters.clear(),
                FilterChange::Add(filter) if filters.contains(filter) => {}
                FilterChange::Add(filter) => filters.push(*filter),
            }
        }
        if filters.len() > most {
            return Err(Refusal::new(ResultCode::ExcessiveRemotePeers));
        }
        Ok(filters)
    }
}

fn refused(result: ResultCode) -> Result<(), Refusal> {
    Err(Refusal::new(result))
}

/// A filter for peers over IPv6 makes no sense before a NAT44 (PC-036).
fn change(filter: &Filter) -> Result<FilterChange, Refusal> {
    match (filter.prefix_length, filter.remote_address) {
        (0, _) => Ok(FilterChange::RemoveAll),
        (length, IpAddr::V4(address)) => {
            let prefix_length = length.saturating_sub(IPV4_AT);
            let host_bits = u32::MAX.checked_shr(prefix_length.into()).unwrap_or(0);
            let prefix = Ipv4Addr::from_bits(address.to_bits() & !host_bits);
            Ok(FilterChange::Add(RemoteFilter {
                remote: SocketAddrV4::new(prefix, filter.remote_port),
                prefix_length,
            }))
        }
        (_, IpAddr::V6(_)) => Err(Refusal::new(ResultCode::MalformedOption)),
    }
}

/// FILTER, as it would have to be said for `filter`.
pub(super) fn told(filter: &RemoteFilter) -> PcpOption<'static> {
    PcpOption::Filter(Filter {
        prefix_length: filter.prefix_length + IPV4_AT,
        remote_port: filter.remote.port(),
        remote_address: IpAddr::V4(*filter.remote.ip()),
    })
}

/// Where an IPv4 address begins in one of 128 bits (RFC 6887 s5).
const IPV4_AT: u8 = 96;

/// Octets of a description that are kept: what every server SHOULD be able to (RFC 7220 s3).
const DESCRIPTION_MAX: usize = 128;
