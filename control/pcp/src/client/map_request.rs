//! One MAP request with all that its sender may want to say, for whoever asks once and does not stay to
//! renew: people, scripts, other systems (RFC 6887 s11.2, RFC 7753 s4.3).
//!
//! Invariant: what is encoded keeps the rules of a client, and nothing that a server must refuse leaves.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use thiserror::Error;

use crate::port_set::PortRange;
use crate::wire::ALL_PROTOCOLS;
use crate::wire::MapPayload;
use crate::wire::Message;
use crate::wire::MessageFull;
use crate::wire::Nonce;
use crate::wire::Parity;
use crate::wire::Payload;
use crate::wire::PcpOption;
use crate::wire::PortSetOption;
use crate::wire::Response;

/// What is asked for, and for whom.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MapRequest {
    /// Who knows it may refresh and delete.
    pub nonce: Nonce,
    /// The internal ports.
    pub internal: Internal,
    /// Seconds; 0 deletes.
    pub lifetime_s: u32,
    /// The external address and port that would be liked best.
    pub suggestion: Option<(IpAddr, u16)>,
    /// Whether anything else will do as well.
    pub otherwise: Otherwise,
    /// Whose mapping it is, if not the sender's.
    pub third_party: Option<ThirdParty>,
}

/// Which ports of the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Internal {
    /// Every port and protocol: a whole address or nothing (RFC 6887 s11.1).
    Everything,
    /// As many as may be had of these; protocol 0 is all of them, as for an lwB4.
    Set {
        /// The protocol.
        protocol: u8,
        /// Where the set may lie.
        ports: PortRange,
    },
    /// As many as may be had of all, spelled for a server that keeps RFC 6887 to the letter (PS-042).
    SetFromZero,
    /// One port.
    Port {
        /// The protocol, not 0.
        protocol: u8,
        /// The port.
        port: u16,
    },
}

/// What to do about a suggestion that cannot be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Otherwise {
    /// Map something else.
    AnythingElse,
    /// Map nothing: PREFER_FAILURE (RFC 6887 s13.2).
    Nothing,
}

/// The host that somebody speaks for (RFC 6887 s13.1, RFC 7843).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ThirdParty {
    /// Its address.
    pub address: IpAddr,
    /// The end of its softwire, where its address is the same as everybody's (TI-003).
    pub softwire: Option<Ipv6Addr>,
}

/// What a success gives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Grant {
    /// The external address.
    pub address: IpAddr,
    /// The external ports.
    pub ports: PortRange,
    /// The internal port that the first of them belongs to.
    pub first_internal_port: u16,
}

impl MapRequest {
    /// The request as a message of the client at `own`.
    ///
    /// # Errors
    /// When a server would have to refuse it.
    pub fn encode(&self, own: IpAddr) -> Result<Message, MapRequestError> {
        let (protocol, internal_port) = self.internal.spelled();
        let port_set = self.internal.port_set();
        if protocol == ALL_PROTOCOLS && internal_port != 0 && port_set.is_none() {
            return Err(MapRequestError::OnePortOfAllProtocols {
                port: internal_port,
            });
        }
        // A delete suggests nothing (PC-046).
        let (external_address, external_port) = self
            .suggestion
            .filter(|_| self.lifetime_s != 0)
            .unwrap_or((IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        let nothing_else = self.otherwise == Otherwise::Nothing;
        if nothing_else && (port_set.is_some() || external_port == 0) {
            return Err(MapRequestError::PreferFailure);
        }
        let map = MapPayload {
            nonce: self.nonce,
            protocol,
            internal_port,
            external_port,
            external_address,
        };
        let softwire = self.third_party.and_then(|host| host.softwire);
        let id = softwire.map(|softwire| softwire.octets());
        let options = [
            self.third_party
                .map(|host| PcpOption::ThirdParty(host.address)),
            id.as_ref().map(|id| PcpOption::ThirdPartyId(id)),
            nothing_else.then_some(PcpOption::PreferFailure),
            port_set.map(PcpOption::PortSet),
        ];
        let mut message = Message::request(self.lifetime_s, own, &Payload::Map(map));
        for option in options.iter().flatten() {
            message.push(option)?;
        }
        Ok(message)
    }

    /// The same request for a server that refuses the usual spelling of all ports as malformed; `None`
    /// when there is no other (PS-042).
    #[must_use]
    pub const fn spelled_otherwise(&self) -> Option<Self> {
        match self.internal {
            Internal::Set {
                protocol: ALL_PROTOCOLS,
                ports,
            } if ports.first() <= 1 && ports.last() == u16::MAX => Some(Self {
                internal: Internal::SetFromZero,
                ..*self
            }),
            _ => None,
        }
    }

    /// Whether a response is about this request: same nonce, protocol, internal port and host (PC-105,
    /// PC-061).
    #[must_use]
    pub fn is_answered_by(&self, response: &Response<'_>) -> bool {
        let Payload::Map(map) = response.payload else {
            return false;
        };
        let host = response.options.iter().find_map(|option| match option {
            Ok(PcpOption::ThirdParty(host)) => Some(host),
            _ => None,
        });
        map.nonce == self.nonce
            && (map.protocol, map.internal_port) == self.internal.spelled()
            && host == self.third_party.map(|host| host.address.to_canonical())
    }

    /// What a success with a lifetime gives; without PORT_SET it is one port (PS-010), or all of them
    /// where all were asked for.
    #[must_use]
    pub fn grant(&self, response: &Response<'_>) -> Option<Grant> {
        let Payload::Map(map) = response.payload else {
            return None;
        };
        let set = response.options.iter().find_map(|option| match option {
            Ok(PcpOption::PortSet(set)) if set.size > 0 => Some(set),
            _ => None,
        });
        let (ports, first_internal_port) = match (self.internal, set) {
            (Internal::Everything, _) => (PortRange::ALL, 0),
            (_, Some(set)) => (
                PortRange::sized(map.external_port, set.size),
                set.first_internal_port,
            ),
            (_, None) => (PortRange::sized(map.external_port, 1), map.internal_port),
        };
        Some(Grant {
            address: map.external_address,
            ports,
            first_internal_port,
        })
    }
}

impl Internal {
    /// Protocol and internal port on the wire.
    const fn spelled(self) -> (u8, u16) {
        match self {
            Self::Everything | Self::SetFromZero => (ALL_PROTOCOLS, 0),
            // Port 0 cannot be named; sets that begin there are told from 1 on (PS-040).
            Self::Set { protocol, ports } if ports.first() == 0 => (protocol, 1),
            Self::Set { protocol, ports } => (protocol, ports.first()),
            Self::Port { protocol, port } => (protocol, port),
        }
    }

    /// PORT_SET; none for a single port (PS-005).
    fn port_set(self) -> Option<PortSetOption> {
        let (_, first_internal_port) = self.spelled();
        let size = match self {
            Self::Everything | Self::Port { .. } => return None,
            Self::SetFromZero => u16::MAX,
            Self::Set { ports, .. } => ports.last() - first_internal_port.min(ports.last()) + 1,
        };
        (size > 1).then_some(PortSetOption {
            size,
            first_internal_port,
            parity: Parity::Any,
        })
    }
}

/// Why a request does not leave.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum MapRequestError {
    /// RFC 6887 s11.3 has no such mapping.
    #[error("port {port} of all protocols is no mapping without a set of more than one port")]
    OnePortOfAllProtocols {
        /// The port.
        port: u16,
    },
    /// PREFER_FAILURE goes with one suggested port and no set (PS-006, PC-062).
    #[error("to prefer failure takes a suggested port, and neither a set nor a delete")]
    PreferFailure,
    /// There is no room for the options.
    #[error(transparent)]
    Full(#[from] MessageFull),
}
