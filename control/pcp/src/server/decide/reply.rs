//! Success responses: what was asked, copied, and what was given (PC-014, PC-033, PS-019).

use std::net::IpAddr;

use super::question::Question;
use crate::instant::Instant;
use crate::lease::Lease;
use crate::lease::Path;
use crate::port_set::PortSet;
use crate::result_code::ResultCode;
use crate::server::Server;
use crate::wire::ALL_PROTOCOLS;
use crate::wire::MapPayload;
use crate::wire::Message;
use crate::wire::MessageFull;
use crate::wire::Opcode;
use crate::wire::Parity;
use crate::wire::Payload;
use crate::wire::PcpOption;
use crate::wire::PortSetOption;
use crate::wire::Refusal;
use crate::wire::ResponseHeader;

/// The set that the client has for `lifetime_s`.
pub(super) fn granted(
    question: &Question<'_>,
    set: PortSet,
    lifetime_s: u32,
    epoch_s: u32,
) -> Result<Message, Refusal> {
    let option = question.port_set();
    let external = (set.address().into(), external_port(set, option.is_some()));
    let described = option.and_then(|option| described(set, option.parity));
    mapped(question, lifetime_s, external, described, epoch_s)
}

/// Nothing is left of what the request named; its external values come back as they were (PC-046).
pub(super) fn deleted(
    question: &Question<'_>,
    option: Option<PortSetOption>,
    epoch_s: u32,
) -> Result<Message, Refusal> {
    let external = (question.map.external_address, question.map.external_port);
    mapped(question, 0, external, option, epoch_s)
}

/// The request's mapping with its external values and the options that were processed.
pub(super) fn mapped(
    question: &Question<'_>,
    lifetime_s: u32,
    external: (IpAddr, u16),
    port_set: Option<PortSetOption>,
    epoch_s: u32,
) -> Result<Message, Refusal> {
    let map = MapPayload {
        external_address: external.0,
        external_port: external.1,
        ..question.map
    };
    let third_party = question.options.third_party.map(PcpOption::ThirdParty);
    let id = question.options.third_party_id.map(PcpOption::ThirdPartyId);
    let options = [third_party, id, port_set.map(PcpOption::PortSet)];
    // The client must leave room for the answer (PC-016).
    message(map, lifetime_s, epoch_s, &options)
        .map_err(|_| Refusal::new(ResultCode::MalformedRequest))
}

impl Server {
    /// The unsolicited response that tells a client what has become of its lease (PC-145). It carries
    /// PORT_SET, for nothing else describes a set (C-09), and what a third party knows it by.
    ///
    /// # Errors
    /// Never with what a lease holds: its options fit.
    pub fn mapping_update(&self, lease: &Lease, now: Instant) -> Result<Message, MessageFull> {
        let whole_address_asked = lease.set.is_whole() && lease.internal_port == 0;
        let port_set = if whole_address_asked {
            None
        } else {
            described(lease.set, lease.parity)
        };
        let map = MapPayload {
            nonce: lease.nonce,
            protocol: ALL_PROTOCOLS,
            internal_port: lease.internal_port,
            external_port: external_port(lease.set, !whole_address_asked),
            external_address: lease.set.address().into(),
        };
        let outer = lease.client.outer.octets();
        let (third_party, id) = match (lease.contact.path, lease.client.inner) {
            (Path::Tunnel | Path::Plain, _) => (None, None),
            (Path::Management(_), inner) if inner == IpAddr::V6(lease.client.outer) => {
                (Some(PcpOption::ThirdParty(inner)), None)
            }
            (Path::Management(_), inner) => (
                Some(PcpOption::ThirdParty(inner)),
                Some(PcpOption::ThirdPartyId(&outer)),
            ),
        };
        let options = [third_party, id, port_set.map(PcpOption::PortSet)];
        message(map, lease.remaining_s(now), self.epoch_s(now), &options)
    }
}

fn message(
    map: MapPayload,
    lifetime_s: u32,
    epoch_s: u32,
    options: &[Option<PcpOption<'_>>],
) -> Result<Message, MessageFull> {
    let header = ResponseHeader {
        opcode: Opcode::Map,
        result: ResultCode::Success,
        lifetime_s,
        epoch_s,
    };
    let mut message = Message::response(&header, &Payload::Map(map));
    for option in options.iter().flatten() {
        message.push(option)?;
    }
    Ok(message)
}

/// The port where the external set begins; a whole address without PORT_SET has none to name.
const fn external_port(set: PortSet, as_set: bool) -> u16 {
    if as_set {
        set.spelled().first()
    } else {
        set.ports().first()
    }
}

/// PORT_SET for `set`; none for a single port (PS-017).
fn described(set: PortSet, parity: Parity) -> Option<PortSetOption> {
    let ports = set.spelled();
    let size = u16::try_from(ports.count()).ok()?;
    (size > 1).then_some(PortSetOption {
        size,
        first_internal_port: ports.first(),
        parity,
    })
}

/// The lifetime of what ends only when the operator says so (PC-035).
pub(super) const FOR_EVER_S: u32 = u32::MAX;
