//! The first 24 octets of every message (RFC 6887 s7.1, s7.2).

use std::net::IpAddr;

use super::HEADER_LENGTH;
use super::Opcode;
use super::RESPONSE_BIT;
use super::VERSION;
use super::address;
use super::field::Fields;
use crate::result_code::ResultCode;

/// What a request's header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RequestHeader {
    /// What the request is about.
    pub opcode: Opcode,
    /// Seconds asked for; 0 deletes.
    pub lifetime_s: u32,
    /// The client's own address, as it sees it.
    pub client: IpAddr,
}

impl RequestHeader {
    /// Reads the header of a message that has one.
    pub(super) fn read(octets: &[u8]) -> Self {
        let fields = Fields::new(octets);
        Self {
            opcode: Opcode::from_octet(fields.u8(1)),
            lifetime_s: fields.u32(4),
            client: fields.address(8),
        }
    }

    pub(super) fn octets(&self) -> [u8; HEADER_LENGTH] {
        let mut octets = [0; HEADER_LENGTH];
        octets[0] = VERSION;
        octets[1] = self.opcode.code();
        octets[4..8].copy_from_slice(&self.lifetime_s.to_be_bytes());
        octets[8..24].copy_from_slice(&address::to_wire(self.client));
        octets
    }
}

/// What a response's header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ResponseHeader {
    /// What the response is about.
    pub opcode: Opcode,
    /// What became of the request.
    pub result: ResultCode,
    /// Seconds that the mapping lives, or that the error lasts.
    pub lifetime_s: u32,
    /// Seconds since the server last lost state (RFC 6887 s8.5).
    pub epoch_s: u32,
}

impl ResponseHeader {
    /// Reads the header of a message that has one.
    pub(super) fn read(octets: &[u8]) -> Self {
        let fields = Fields::new(octets);
        Self {
            opcode: Opcode::from_octet(fields.u8(1)),
            result: ResultCode::from(fields.u8(3)),
            lifetime_s: fields.u32(4),
            epoch_s: fields.u32(8),
        }
    }

    pub(super) fn octets(&self) -> [u8; HEADER_LENGTH] {
        let mut octets = [0; HEADER_LENGTH];
        octets[0] = VERSION;
        octets[1] = self.opcode.code() | RESPONSE_BIT;
        octets[3] = self.result.code();
        octets[4..8].copy_from_slice(&self.lifetime_s.to_be_bytes());
        octets[8..12].copy_from_slice(&self.epoch_s.to_be_bytes());
        octets
    }
}
