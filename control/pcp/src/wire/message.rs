//! A message being written: header, payload, options, one after the other.

use std::ops::Deref;

use thiserror::Error;

use super::MAX_LENGTH;
use super::Payload;
use super::PcpOption;
use super::RequestHeader;
use super::ResponseHeader;
use super::option;

/// The octets of one message, ready to be a UDP payload: a multiple of four, from 24 to 1100. They are on the
/// heap: most messages are far shorter than the longest, and are handed on several times.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message(Vec<u8>);

impl Message {
    /// A request without options so far. The payload decides the opcode.
    #[must_use]
    pub fn request(lifetime_s: u32, client: std::net::IpAddr, payload: &Payload) -> Self {
        let header = RequestHeader {
            opcode: payload.opcode(),
            lifetime_s,
            client,
        };
        Self::begin(&header.octets(), payload)
    }

    /// A response without options so far. The payload decides the opcode.
    #[must_use]
    pub fn response(header: &ResponseHeader, payload: &Payload) -> Self {
        let header = ResponseHeader {
            opcode: payload.opcode(),
            ..*header
        };
        Self::begin(&header.octets(), payload)
    }

    /// Appends an option with its padding.
    ///
    /// # Errors
    /// When the message would be longer than 1100 octets (PC-016); it is then as it was.
    pub fn push(&mut self, option: &PcpOption<'_>) -> Result<(), MessageFull> {
        option::write(option, &mut self.0)
    }

    /// The octets to send.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Takes octets that already keep the rules of a message.
    pub(super) fn from_octets(octets: Vec<u8>) -> Self {
        debug_assert!(octets.len() <= MAX_LENGTH);
        debug_assert!(octets.len().is_multiple_of(4) && octets.len() >= super::HEADER_LENGTH);
        Self(octets)
    }

    fn begin(header: &[u8], payload: &Payload) -> Self {
        let mut octets = Vec::with_capacity(USUAL_LENGTH);
        octets.extend(header.iter().copied());
        match payload {
            Payload::Announce => {}
            Payload::Map(map) => octets.extend(map.octets()),
            Payload::Peer(peer) => octets.extend(peer.octets()),
        }
        Self(octets)
    }
}

impl Deref for Message {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// What MAP with a port set or a third party takes.
const USUAL_LENGTH: usize = 96;

/// An option that found no room.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("option {code} with {length} octets of data makes the message longer than 1100 octets")]
pub struct MessageFull {
    /// The option's code.
    pub code: u8,
    /// Octets of its data.
    pub length: usize,
}
