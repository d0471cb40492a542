//! A MAP request with everything about it that a decision needs.

use std::net::IpAddr;
use std::net::Ipv6Addr;

use super::super::Arrival;
use super::super::Packet;
use super::super::Wanted;
use super::options::MapOptions;
use crate::instant::Instant;
use crate::lease::Contact;
use crate::port_set::PortRange;
use crate::port_set::PortSet;
use crate::result_code::ResultCode;
use crate::subscriber::Client;
use crate::wire::MapPayload;
use crate::wire::PortSetOption;
use crate::wire::Refusal;
use crate::wire::Request;

/// Who asks, for what, when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) client: Client,
    pub(super) arrival: Arrival,
    pub(super) contact: Contact,
    pub(super) lifetime_s: u32,
    pub(super) map: MapPayload,
    pub(super) options: MapOptions<'a>,
    pub(super) now: Instant,
}

impl<'a> Question<'a> {
    pub(super) fn new(
        request: &Request<'a>,
        map: MapPayload,
        packet: &Packet<'_>,
        now: Instant,
    ) -> Result<Self, Refusal> {
        let options = MapOptions::read(request, &map, packet.arrival)?;
        Ok(Self {
            client: client(packet.arrival, request.client, &options)?,
            arrival: packet.arrival,
            contact: Contact {
                path: packet.arrival.path(),
                address: packet.source,
                port: packet.port,
            },
            lifetime_s: request.lifetime_s,
            map,
            options,
            now,
        })
    }

    /// PORT_SET, unless it asks for one port and so for nothing special (PS-017). A request that deletes
    /// may give a size of 0.
    pub(super) fn port_set(&self) -> Option<PortSetOption> {
        self.options.port_set.filter(|set| set.size != 1)
    }

    /// What a request for all protocols asks for (s3.5 rows 1 to 5).
    pub(super) fn wanted(&self) -> Result<Wanted, Refusal> {
        match (self.port_set(), self.map.internal_port) {
            // Port 0 is "all ports"; port 1 is where those that a set can have begin.
            (Some(set), port) => Ok(Wanted::Inside(PortRange::sized(port.max(1), set.size))),
            (None, 0) => Ok(Wanted::WholeAddress),
            (None, _) => Err(Refusal::new(ResultCode::MalformedRequest)),
        }
    }

    pub(super) const fn deletes(&self) -> bool {
        self.lifetime_s == 0
    }

    /// The external address and port that the request suggests; all zeros suggest nothing.
    pub(super) fn suggestion(&self) -> Option<(std::net::Ipv4Addr, u16)> {
        match self.map.external_address {
            IpAddr::V4(address) if !address.is_unspecified() => {
                Some((address, self.map.external_port))
            }
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        }
    }
}

impl Wanted {
    /// Whether a request for this is about `set`, if its client holds that (PS-021; rows 4 and 10).
    pub(super) const fn concerns(&self, set: PortSet) -> bool {
        match self {
            Self::Inside(ports) => ports.meets(set.spelled()),
            Self::WholeAddress => set.is_whole(),
        }
    }
}

/// Whose mapping the request is about (PS-052, TI-003, DH-050).
fn client(arrival: Arrival, inner: IpAddr, options: &MapOptions<'_>) -> Result<Client, Refusal> {
    let refused = |result| Err(Refusal::new(result));
    match (arrival, inner) {
        (Arrival::Tunnel { outer, .. }, inner) => Ok(Client { outer, inner }),
        (Arrival::Plain { .. }, IpAddr::V6(outer)) => Ok(Client { outer, inner }),
        (Arrival::Plain { .. }, IpAddr::V4(_)) => refused(ResultCode::NotAuthorized),
        (Arrival::Management(_), _) => match (options.third_party, options.third_party_id) {
            (None, Some(_)) => refused(ResultCode::ThirdPartyMissingOption),
            (Some(inner), Some(id)) => match <[u8; 16]>::try_from(id) {
                Ok(outer) => Ok(Client {
                    outer: Ipv6Addr::from(outer),
                    inner,
                }),
                Err(_) => refused(ResultCode::UnsupportedThirdPartyIdLength),
            },
            (Some(IpAddr::V6(outer)), None) => Ok(Client {
                outer,
                inner: IpAddr::V6(outer),
            }),
            // 192.0.0.2 is everybody, and the sender itself has no softwire.
            (Some(IpAddr::V4(_)) | None, None) => refused(ResultCode::NotAuthorized),
        },
    }
}
