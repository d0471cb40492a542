//! A request as a server reads it, in the order of RFC 6887 s8.2.

use std::net::IpAddr;

use thiserror::Error;

use super::HEADER_LENGTH;
use super::MAX_LENGTH;
use super::Message;
use super::MessageFull;
use super::Opcode;
use super::Options;
use super::Payload;
use super::RESPONSE_BIT;
use super::Refusal;
use super::RequestHeader;
use super::VERSION;
use super::option::OptionError;
use crate::result_code::ResultCode;

/// A request whose lengths are right, whose client is its sender and whose opcode is enabled. What its
/// options say is checked as they are read.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Seconds asked for; 0 deletes.
    pub lifetime_s: u32,
    /// The client's address, inside the tunnel.
    pub client: IpAddr,
    /// What the opcode carries.
    pub payload: Payload,
    /// What follows it.
    pub options: Options<'a>,
}

/// Opcodes that a server takes beside ANNOUNCE (PC-030).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Enabled {
    /// MAP: the lwAFTR.
    Map,
    /// PEER: a server whose operator lets nobody in.
    Peer,
    /// MAP and PEER: a server before a NAT.
    MapAndPeer,
}

impl<'a> Request<'a> {
    /// Reads the UDP payload of a packet from `source`.
    ///
    /// # Errors
    /// The first of PC-002 to PC-010 that the request breaks; [`RequestError::treatment`] says what
    /// is done about it.
    pub fn parse(octets: &'a [u8], source: IpAddr, enabled: Enabled) -> Result<Self, RequestError> {
        let length = octets.len();
        let &[version, second, ..] = octets else {
            return Err(RequestError::TooShort { length });
        };
        if second & RESPONSE_BIT != 0 {
            return Err(RequestError::IsResponse);
        }
        if version != VERSION {
            return Err(RequestError::Version { version });
        }
        if length < HEADER_LENGTH {
            return Err(RequestError::TooShort { length });
        }
        let header = RequestHeader::read(octets);
        let payload_length = match Payload::length(header.opcode) {
            Some(length) if enabled.takes(header.opcode) => length,
            _ => 0,
        };
        if length > MAX_LENGTH
            || !length.is_multiple_of(4)
            || length < HEADER_LENGTH + payload_length
        {
            return Err(RequestError::Length { length });
        }
        if header.client != source.to_canonical() {
            return Err(RequestError::AddressMismatch {
                client: header.client,
                sender: source,
            });
        }
        if !enabled.takes(header.opcode) {
            return Err(RequestError::Opcode(header.opcode));
        }
        let (payload, rest) = Payload::read(header.opcode, &octets[HEADER_LENGTH..])
            .ok_or(RequestError::Opcode(header.opcode))?;
        Ok(Self {
            lifetime_s: header.lifetime_s,
            client: header.client,
            payload,
            options: Options::parse(rest)?,
        })
    }

    /// The same, with what is done about an error done: `None` for silence.
    ///
    /// # Errors
    /// The response that the rules PC-004 to PC-010 demand.
    pub fn receive(
        octets: &'a [u8],
        source: IpAddr,
        enabled: Enabled,
    ) -> Result<Option<Self>, Refusal> {
        match Self::parse(octets, source, enabled) {
            Ok(request) => Ok(Some(request)),
            Err(error) => match error.treatment() {
                Treatment::Drop => Ok(None),
                Treatment::Refuse(result) => Err(Refusal::new(result)),
            },
        }
    }

    /// The request as octets, all its options included, reserved fields and padding zero.
    ///
    /// # Errors
    /// When the options do not fit, which those of a parsed request do.
    pub fn encode(&self) -> Result<Message, MessageFull> {
        let mut message = Message::request(self.lifetime_s, self.client, &self.payload);
        for (code, data) in self.options.raw() {
            message.push(&super::PcpOption::Unknown { code, data })?;
        }
        Ok(message)
    }
}

impl Enabled {
    const fn takes(self, opcode: Opcode) -> bool {
        match opcode {
            Opcode::Announce => true,
            Opcode::Map => matches!(self, Self::Map | Self::MapAndPeer),
            Opcode::Peer => matches!(self, Self::Peer | Self::MapAndPeer),
            Opcode::Other(_) => false,
        }
    }
}

/// Why a request is not read.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum RequestError {
    /// Not even a header (PC-002, PC-005).
    #[error("{length} octets are too few for a request")]
    TooShort {
        /// Octets received.
        length: usize,
    },
    /// The R bit is set (PC-003).
    #[error("a response where a request is expected")]
    IsResponse,
    /// Not version 2 (PC-004).
    #[error("version {version} is not supported")]
    Version {
        /// The version received.
        version: u8,
    },
    /// Longer than 1100 octets, no multiple of four, or too short for the opcode (PC-007).
    #[error("{length} octets are no length for this request")]
    Length {
        /// Octets received.
        length: usize,
    },
    /// The client's address is not the packet's source (PC-008).
    #[error("the client says {client}, the packet {sender}")]
    AddressMismatch {
        /// The address in the request.
        client: IpAddr,
        /// The address in the packet.
        sender: IpAddr,
    },
    /// An opcode that is unknown or disabled (PC-009).
    #[error("{0} is not supported")]
    Opcode(Opcode),
    /// An option that cannot be read (PC-010, PC-011).
    #[error(transparent)]
    Option(#[from] OptionError),
}

impl RequestError {
    /// What the rules PC-002 to PC-011 do about it.
    #[must_use]
    pub const fn treatment(&self) -> Treatment {
        match self {
            Self::TooShort { .. } | Self::IsResponse => Treatment::Drop,
            Self::Version { .. } => Treatment::Refuse(ResultCode::UnsupportedVersion),
            Self::Length { .. } => Treatment::Refuse(ResultCode::MalformedRequest),
            Self::AddressMismatch { .. } => Treatment::Refuse(ResultCode::AddressMismatch),
            Self::Opcode(_) => Treatment::Refuse(ResultCode::UnsupportedOpcode),
            Self::Option(_) => Treatment::Refuse(ResultCode::MalformedOption),
        }
    }
}

/// What becomes of a request that cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Treatment {
    /// Nobody hears anything.
    Drop,
    /// An error response with this code.
    Refuse(ResultCode),
}
