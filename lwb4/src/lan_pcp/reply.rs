//! What clients hear: the request's fields, what was given, and the options that were processed (PC-014,
//! PC-033, PC-145).

use std::net::IpAddr;
use std::net::SocketAddrV4;

use pcp::instant::Instant;
use pcp::result_code::ResultCode;
use pcp::wire::MapPayload;
use pcp::wire::Message;
use pcp::wire::Opcode;
use pcp::wire::Payload;
use pcp::wire::PcpOption;
use pcp::wire::PeerPayload;
use pcp::wire::ResponseHeader;

use super::asked::Asked;
use super::mapping::Mapping;
use super::mapping::Notice;
use super::options;

/// The mapping that the request is about.
pub(super) fn mapped(asked: &Asked<'_>, mapping: &Mapping, epoch_s: u32) -> Message {
    let map = MapPayload {
        external_port: mapping.external.port(),
        external_address: IpAddr::V4(*mapping.external.ip()),
        ..asked.map
    };
    let header = success(mapping.remaining_s(asked.now), epoch_s);
    message(&header, map, asked.remote, &asked.options.processed)
}

/// There is no mapping, and nothing is wrong with that; the external values come back as they were
/// (PC-046).
pub(super) fn nothing(asked: &Asked<'_>, epoch_s: u32) -> Message {
    let header = success(0, epoch_s);
    message(&header, asked.map, asked.remote, &asked.options.processed)
}

/// What nobody asked for: FILTERs are in it, what is optional is not.
pub(super) fn update(notice: &Notice, epoch_s: u32, now: Instant) -> Message {
    let mapping = &notice.mapping;
    let map = MapPayload {
        nonce: mapping.nonce,
        protocol: mapping.key.protocol,
        internal_port: mapping.key.internal.port(),
        external_port: mapping.external.port(),
        external_address: IpAddr::V4(*mapping.external.ip()),
    };
    let lifetime_s = notice.result.error_lifetime_s();
    let header = ResponseHeader {
        result: notice.result,
        ..success(lifetime_s.unwrap_or(mapping.remaining_s(now)), epoch_s)
    };
    let filters: Vec<_> = mapping.filters.iter().map(options::told).collect();
    message(&header, map, mapping.key.remote, &filters)
}

const fn success(lifetime_s: u32, epoch_s: u32) -> ResponseHeader {
    ResponseHeader {
        opcode: Opcode::Map,
        result: ResultCode::Success,
        lifetime_s,
        epoch_s,
    }
}

/// Options come back no longer than they came, so they fit again; of an update those that do not are left
/// out.
fn message(
    header: &ResponseHeader,
    map: MapPayload,
    remote: Option<SocketAddrV4>,
    options: &[PcpOption<'_>],
) -> Message {
    let payload = match remote {
        None => Payload::Map(map),
        Some(remote) => Payload::Peer(PeerPayload {
            map,
            remote_port: remote.port(),
            remote_address: IpAddr::V4(*remote.ip()),
        }),
    };
    let mut message = Message::response(header, &payload);
    for option in options {
        if message.push(option).is_err() {
            break;
        }
    }
    message
}
