//! A response as a client reads it (RFC 6887 s8.3; PC-105).

use thiserror::Error;

use super::HEADER_LENGTH;
use super::MAX_LENGTH;
use super::Message;
use super::MessageFull;
use super::Opcode;
use super::Options;
use super::Payload;
use super::RESPONSE_BIT;
use super::ResponseHeader;
use super::VERSION;
use super::field::Fields;
use super::option::OptionError;
use crate::result_code::ResultCode;

/// A response whose lengths are right and whose opcode is understood.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// Result, lifetime and epoch.
    pub header: ResponseHeader,
    /// What the opcode carries.
    pub payload: Payload,
    /// What follows it.
    pub options: Options<'a>,
}

impl<'a> Response<'a> {
    /// Reads a UDP payload.
    ///
    /// # Errors
    /// When it is no response of version 2 that PC-105 lets a client look at. One that says the
    /// version is not supported is told apart first, whatever else is wrong with it.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ResponseError> {
        let length = octets.len();
        if length < 4 {
            return Err(ResponseError::Length { length });
        }
        let fields = Fields::new(octets);
        if fields.u8(1) & RESPONSE_BIT == 0 {
            return Err(ResponseError::IsRequest);
        }
        // NAT-PMP has 16 bits of result, whose low octet stands where PCP has its own (NP-001).
        if ResultCode::from(fields.u8(3)) == ResultCode::UnsupportedVersion {
            return Err(ResponseError::UnsupportedVersion {
                supported: fields.u8(0),
                lifetime_s: if length < 8 || fields.u8(0) != VERSION {
                    0
                } else {
                    fields.u32(4)
                },
            });
        }
        if fields.u8(0) != VERSION {
            return Err(ResponseError::Version {
                version: fields.u8(0),
            });
        }
        if !(HEADER_LENGTH..=MAX_LENGTH).contains(&length) || !length.is_multiple_of(4) {
            return Err(ResponseError::Length { length });
        }
        let header = ResponseHeader::read(octets);
        if Payload::length(header.opcode).is_none() {
            return Err(ResponseError::Opcode(header.opcode));
        }
        let (payload, rest) = Payload::read(header.opcode, &octets[HEADER_LENGTH..])
            .ok_or(ResponseError::Length { length })?;
        Ok(Self {
            header,
            payload,
            options: Options::parse(rest)?,
        })
    }

    /// The response as octets, all its options included, reserved fields and padding zero.
    ///
    /// # Errors
    /// When the options do not fit, which those of a parsed response do.
    pub fn encode(&self) -> Result<Message, MessageFull> {
        let mut message = Message::response(&self.header, &self.payload);
        for (code, data) in self.options.raw() {
            message.push(&super::PcpOption::Unknown { code, data })?;
        }
        Ok(message)
    }
}

/// Why a client does not read a response.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ResponseError {
    /// Too short, too long, or no multiple of four.
    #[error("{length} octets are no length for a response")]
    Length {
        /// Octets received.
        length: usize,
    },
    /// The R bit is clear.
    #[error("a request where a response is expected")]
    IsRequest,
    /// The server does not speak our version (PC-109).
    #[error("the server does not speak version 2, but {supported}")]
    UnsupportedVersion {
        /// The version of the answer; 0 is NAT-PMP.
        supported: u8,
        /// Seconds that the server says; 0 where it cannot say.
        lifetime_s: u32,
    },
    /// Another version, without saying why.
    #[error("version {version} is not spoken here")]
    Version {
        /// The version received.
        version: u8,
    },
    /// An opcode that nobody asked with.
    #[error("{0} is not understood")]
    Opcode(Opcode),
    /// Options that cannot be told apart.
    #[error(transparent)]
    Option(#[from] OptionError),
}
