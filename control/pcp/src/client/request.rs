//! The requests of a client, and which responses are about them (PC-105, PS-001 to PS-007).

use std::net::IpAddr;
use std::net::Ipv4Addr;

use super::ClientConfig;
use super::Goal;
use crate::port_set::PortRange;
use crate::wire::ALL_PROTOCOLS;
use crate::wire::MapPayload;
use crate::wire::Message;
use crate::wire::Parity;
use crate::wire::Payload;
use crate::wire::PcpOption;
use crate::wire::PortSetOption;
use crate::wire::Response;

/// How a request for all ports is spelled (s3.5 rows 1 and 2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// From internal port 1, as in RFC 7753 s5.2.
    FromOne,
    /// From internal port 0, for a server that keeps RFC 6887 to the letter (PS-042).
    FromZero,
}

/// What a response that is about the client's request says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Granted {
    /// External address and ports; the internal ones are the same, or one that was asked for.
    Usable(Ipv4Addr, PortRange),
    /// A mapping that a set of ports was not asked for (PS-011).
    NotIdentity,
}

impl ClientConfig {
    /// The request that creates and renews; with a lifetime of 0 it deletes, and suggests nothing
    /// (PC-046).
    pub(super) fn request(
        &self,
        form: Form,
        lifetime_s: u32,
        suggestion: Option<(Ipv4Addr, u16)>,
    ) -> Message {
        let (address, external_port) = suggestion
            .filter(|_| lifetime_s != 0)
            .unwrap_or((Ipv4Addr::UNSPECIFIED, 0));
        let (protocol, internal_port) = self.internal(form);
        let map = MapPayload {
            nonce: self.nonce,
            protocol,
            internal_port,
            external_port,
            external_address: IpAddr::V4(address),
        };
        let mut message = Message::request(lifetime_s, self.own, &Payload::Map(map));
        if let Goal::PortSet(ports) = self.goal {
            let option = PcpOption::PortSet(PortSetOption {
                // 65535 is all there are; 65536 does not fit (PS-040).
                size: u16::try_from(ports.count()).unwrap_or(u16::MAX),
                first_internal_port: internal_port,
                parity: Parity::Any,
            });
            // Twelve octets always fit behind a MAP.
            let pushed = message.push(&option);
            debug_assert!(pushed.is_ok());
        }
        message
    }

    /// Whether a MAP response is about the mapping of this client: same nonce, protocol and internal
    /// port. An update may name the port where the set begins instead (PS-051).
    pub(super) fn matches(&self, form: Form, map: &MapPayload, known: Option<PortRange>) -> bool {
        let (protocol, internal_port) = self.internal(form);
        let own_port = known.is_some_and(|ports| ports.first() == map.internal_port);
        map.nonce == self.nonce
            && map.protocol == protocol
            && (map.internal_port == internal_port || own_port)
    }

    /// What a success grants (PS-011, PS-019).
    pub(super) fn granted(&self, response: &Response<'_>, map: &MapPayload) -> Granted {
        let IpAddr::V4(address) = map.external_address else {
            return Granted::NotIdentity;
        };
        let option = response.options.iter().find_map(|option| match option {
            Ok(PcpOption::PortSet(set)) => Some(set),
            _ => None,
        });
        match (self.goal, option) {
            (Goal::Port { .. }, _) => {
                Granted::Usable(address, PortRange::sized(map.external_port, 1))
            }
            (Goal::PortSet(_), Some(set))
                if set.size > 0 && set.first_internal_port == map.external_port =>
            {
                Granted::Usable(address, PortRange::sized(map.external_port, set.size))
            }
            (Goal::PortSet(_), _) => Granted::NotIdentity,
        }
    }

    /// Whether there is another way to spell the request.
    pub(super) const fn spelled_otherwise(&self, form: Form) -> bool {
        match (form, self.goal) {
            (Form::FromOne, Goal::PortSet(ports)) => ports.first() <= 1,
            _ => false,
        }
    }

    const fn internal(&self, form: Form) -> (u8, u16) {
        match (self.goal, form) {
            (
                Goal::Port {
                    protocol,
                    internal_port,
                },
                _,
            ) => (protocol, internal_port),
            (Goal::PortSet(_), Form::FromZero) => (ALL_PROTOCOLS, 0),
            (Goal::PortSet(ports), Form::FromOne) => {
                let first = if ports.first() == 0 { 1 } else { ports.first() };
                (ALL_PROTOCOLS, first)
            }
        }
    }
}
