//! A MAP or PEER request with everything about it that a decision needs.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddrV4;

use pcp::instant::Instant;
use pcp::result_code::ResultCode;
use pcp::server::LifetimeLimits;
use pcp::wire::CLIENT_PORT;
use pcp::wire::MapPayload;
use pcp::wire::PeerPayload;
use pcp::wire::Refusal;
use pcp::wire::Request;
use pcp::wire::SERVER_PORT;

use super::Contact;
use super::contact;
use super::options::MappingOptions;
use crate::explicit::MappingKey;

/// Who asks, for what, when.
#[derive(Clone, Debug)]
pub(super) struct Asked<'a> {
    pub(super) contact: Contact,
    pub(super) lifetime_s: u32,
    pub(super) map: MapPayload,
    /// The peer of a PEER.
    pub(super) remote: Option<SocketAddrV4>,
    pub(super) options: MappingOptions<'a>,
    /// When the ports that there are now are no longer ours, if that is known.
    pub(super) set_expires: Option<Instant>,
    pub(super) now: Instant,
}

/// When it is, and how long it may last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) set_expires: Option<Instant>,
    pub(super) now: Instant,
}

impl<'a> Asked<'a> {
    pub(super) fn map(
        request: &Request<'a>,
        map: MapPayload,
        contact: Contact,
        moment: Moment,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            contact,
            lifetime_s: request.lifetime_s,
            map,
            remote: None,
            options: MappingOptions::read(request, &map)?,
            set_expires: moment.set_expires,
            now: moment.now,
        })
    }

    /// PEER names one port of one protocol, and a peer that can be (PC-070, PC-071).
    pub(super) fn peer(
        request: &Request<'a>,
        peer: PeerPayload,
        contact: Contact,
        moment: Moment,
    ) -> Result<Self, Refusal> {
        let asked = Self::map(request, peer.map, contact, moment)?;
        let is_whole =
            peer.map.protocol != 0 && peer.map.internal_port != 0 && peer.remote_port != 0;
        match peer.remote_address {
            IpAddr::V4(address)
                if is_whole && contact::is_a_host(address) && !address.is_loopback() =>
            {
                let remote = SocketAddrV4::new(address, peer.remote_port);
                Ok(Self {
                    remote: Some(remote),
                    ..asked
                })
            }
            IpAddr::V4(_) | IpAddr::V6(_) => Err(Refusal::new(ResultCode::MalformedRequest)),
        }
    }

    pub(super) const fn deletes(&self) -> bool {
        self.lifetime_s == 0
    }

    pub(super) fn host(&self) -> Ipv4Addr {
        *self.contact.client.ip()
    }

    /// What the request is about; for a MAP of port 0, many mappings and none.
    pub(super) fn key(&self) -> MappingKey {
        MappingKey {
            protocol: self.map.protocol,
            internal: SocketAddrV4::new(self.host(), self.map.internal_port),
            remote: self.remote,
        }
    }

    /// Seconds that a mapping gets: never more than its ports have left (PC-043, PX-001).
    pub(super) fn granted_s(&self, limits: &LifetimeLimits) -> Result<u32, Refusal> {
        let left = self.set_expires.map(|expires| {
            let seconds = expires.since(self.now).as_secs();
            u32::try_from(seconds).unwrap_or(u32::MAX)
        });
        match limits.grant_s(self.lifetime_s, left) {
            0 => Err(Refusal::new(ResultCode::NetworkFailure)),
            seconds => Ok(seconds),
        }
    }

    /// The external end that it would like, 0 where it does not care; `None` for one that no NAT44 has.
    pub(super) fn suggestion(&self) -> Option<SocketAddrV4> {
        let port = self.map.external_port;
        match self.map.external_address {
            IpAddr::V4(address) => Some(SocketAddrV4::new(address, port)),
            IpAddr::V6(address) if address.is_unspecified() => {
                Some(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port))
            }
            IpAddr::V6(_) => None,
        }
    }

    /// The suggestion for the NAT. What cannot be had never hurts (PC-039, PC-040).
    pub(super) fn wish(&self) -> SocketAddrV4 {
        self.suggestion()
            .filter(|end| !is_of_pcp(self.map.protocol, end.port()))
            .unwrap_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))
    }
}

/// Whether `end` is what `suggestion` says, as far as that says something.
pub(super) fn is_met(suggestion: SocketAddrV4, end: SocketAddrV4) -> bool {
    let same_address = suggestion.ip().is_unspecified() || suggestion.ip() == end.ip();
    let same_port = suggestion.port() == 0 || suggestion.port() == end.port();
    same_address && same_port
}

/// The two ports that no client gets: whoever had them would be heard as a PCP server, or hear what is
/// said to others (PC-040, C-04).
pub(super) const fn is_of_pcp(protocol: u8, port: u16) -> bool {
    protocol == UDP && (port == CLIENT_PORT || port == SERVER_PORT)
}

const UDP: u8 = 17;
