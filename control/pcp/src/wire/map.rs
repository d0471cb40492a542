//! The payload of MAP, the same shape in both directions (RFC 6887 s11.1).

use std::net::IpAddr;

use super::Nonce;
use super::address;
use super::field::Fields;

/// Which ports of the client are, or shall be, reached through which external ones.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MapPayload {
    /// Whose mapping it is.
    pub nonce: Nonce,
    /// The upper-layer protocol; 0 is all of them.
    pub protocol: u8,
    /// The client's port; 0 is all of them.
    pub internal_port: u16,
    /// The external port: suggested in a request, assigned in a response.
    pub external_port: u16,
    /// The external address: suggested in a request, assigned in a response.
    pub external_address: IpAddr,
}

impl MapPayload {
    /// Octets on the wire.
    pub const LENGTH: usize = 36;

    /// Reads a payload that is long enough.
    pub(super) fn read(octets: &[u8]) -> Self {
        let fields = Fields::new(octets);
        Self {
            nonce: Nonce::new(fields.array(0)),
            protocol: fields.u8(12),
            internal_port: fields.u16(16),
            external_port: fields.u16(18),
            external_address: fields.address(20),
        }
    }

    pub(super) fn octets(&self) -> [u8; Self::LENGTH] {
        let mut octets = [0; Self::LENGTH];
        octets[0..12].copy_from_slice(&self.nonce.octets());
        octets[12] = self.protocol;
        octets[16..18].copy_from_slice(&self.internal_port.to_be_bytes());
        octets[18..20].copy_from_slice(&self.external_port.to_be_bytes());
        octets[20..36].copy_from_slice(&address::to_wire(self.external_address));
        octets
    }
}
