//! The payload of PEER: that of MAP and the remote peer (RFC 6887 s12.1).

use std::net::IpAddr;

use super::MapPayload;
use super::address;
use super::field::Fields;

/// A mapping and the one peer that it is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PeerPayload {
    /// The fields that PEER shares with MAP.
    pub map: MapPayload,
    /// The peer's port.
    pub remote_port: u16,
    /// The peer's address.
    pub remote_address: IpAddr,
}

impl PeerPayload {
    /// Octets on the wire.
    pub const LENGTH: usize = 56;

    /// Reads a payload that is long enough.
    pub(super) fn read(octets: &[u8]) -> Self {
        let fields = Fields::new(octets);
        Self {
            map: MapPayload::read(octets),
            remote_port: fields.u16(36),
            remote_address: fields.address(40),
        }
    }

    pub(super) fn octets(&self) -> [u8; Self::LENGTH] {
        let mut octets = [0; Self::LENGTH];
        octets[0..MapPayload::LENGTH].copy_from_slice(&self.map.octets());
        octets[36..38].copy_from_slice(&self.remote_port.to_be_bytes());
        octets[40..56].copy_from_slice(&address::to_wire(self.remote_address));
        octets
    }
}
