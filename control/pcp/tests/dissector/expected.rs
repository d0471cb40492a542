//! What the dissector must find in a message.

use std::net::IpAddr;

use pcp::wire::MapPayload;
use pcp::wire::PeerPayload;

use crate::capture::Direction;
use crate::tshark::Fields;

/// The fields of one message, and no others.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) direction: Direction,
    fields: Fields,
    options: Vec<(u8, u16)>,
}

impl Expected {
    /// A request of the lwB4.
    pub(crate) fn request(opcode: u8, lifetime_s: u32, client: IpAddr) -> Self {
        let new = Self::message(Direction::ToServer, "192.0.0.2", opcode);
        new.with("response", 0)
            .with("requested lifetime", lifetime_s)
            .with("client", written(client))
    }

    /// A response of the lwAFTR.
    pub(crate) fn response(opcode: u8, result: u8, lifetime_s: u32, epoch_s: u32) -> Self {
        let new = Self::message(Direction::ToClient, "192.0.0.1", opcode);
        new.with("response", 1)
            .with("result", result)
            .with("lifetime", lifetime_s)
            .with("epoch", epoch_s)
    }

    fn message(direction: Direction, source: &str, opcode: u8) -> Self {
        let ports = match direction {
            Direction::ToServer => "40000,5351",
            Direction::ToClient => "5351,40000",
        };
        let new = Self {
            direction,
            fields: Fields::new(),
            options: Vec::new(),
        };
        new.with("ipv4 source", source)
            .with("ipv4 checksum", 1)
            .with("server port", ports)
            .with("version", 2)
            .with("opcode", opcode)
    }

    pub(crate) fn map(self, map: &MapPayload) -> Self {
        let external = self.external(map.external_port, map.external_address, "map");
        external
            .with("map nonce", map.nonce)
            .with("map protocol", map.protocol)
            .with("map internal port", map.internal_port)
    }

    pub(crate) fn peer(self, peer: &PeerPayload) -> Self {
        let map = &peer.map;
        let external = self.external(map.external_port, map.external_address, "peer");
        external
            .with("peer nonce", map.nonce)
            .with("peer protocol", map.protocol)
            .with("peer internal port", map.internal_port)
            .with("remote port", peer.remote_port)
            .with("remote address", written(peer.remote_address))
    }

    fn external(self, port: u16, address: IpAddr, payload: &str) -> Self {
        let (port_name, address_name) = match (payload, self.direction) {
            ("map", Direction::ToServer) => ("map suggested port", "map suggested address"),
            ("map", Direction::ToClient) => ("map assigned port", "map assigned address"),
            (_, Direction::ToServer) => ("peer suggested port", "peer suggested address"),
            (_, Direction::ToClient) => ("peer assigned port", "peer assigned address"),
        };
        self.with(port_name, port)
            .with(address_name, written(address))
    }

    pub(crate) fn set(self, size: u16, first_internal_port: u16, parity: u8) -> Self {
        let first = match self.direction {
            Direction::ToServer => "set first in request",
            Direction::ToClient => "set first in response",
        };
        self.option(130, 5)
            .with("set size", size)
            .with(first, first_internal_port)
            .with("set parity", parity)
    }

    pub(crate) fn third_party(self, address: IpAddr) -> Self {
        self.option(1, 16).with("third party", written(address))
    }

    pub(crate) fn option(mut self, code: u8, length: u16) -> Self {
        self.options.push((code, length));
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.fields.insert(name, value.to_string());
        self
    }

    /// All of it, the options in their order.
    pub(crate) fn fields(&self) -> Fields {
        let mut fields = self.fields.clone();
        let joined = |numbers: Vec<String>| numbers.join(",");
        if !self.options.is_empty() {
            let codes = self.options.iter().map(|(code, _)| code.to_string());
            let lengths = self.options.iter().map(|(_, length)| length.to_string());
            fields.insert("options", joined(codes.collect()));
            fields.insert("option lengths", joined(lengths.collect()));
        }
        fields
    }
}

/// 128 bits, as all addresses of PCP.
fn written(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_string(),
        IpAddr::V6(address) => address.to_string(),
    }
}
