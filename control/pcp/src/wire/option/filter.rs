//! FILTER: which remote peers may use a mapping (RFC 6887 s13.3).

use std::net::IpAddr;

use super::super::address;
use super::super::field::Fields;
use super::OptionError;

/// A prefix of remote addresses and a remote port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Filter {
    /// Bits of the 128-bit address that count; 0 removes all filters.
    pub prefix_length: u8,
    /// The remote port; 0 is any.
    pub remote_port: u16,
    /// The remote prefix.
    pub remote_address: IpAddr,
}

impl Filter {
    /// Octets of data.
    pub const LENGTH: usize = 20;

    /// Reads 20 octets. IPv4 has prefix lengths from 96 (the text; erratum 3891 would have 97), and 0
    /// goes with no port and no address (PC-063).
    pub(super) fn read(data: &[u8]) -> Result<Self, OptionError> {
        let fields = Fields::new(data);
        let filter = Self {
            prefix_length: fields.u8(1),
            remote_port: fields.u16(2),
            remote_address: fields.address(4),
        };
        let right = match (filter.prefix_length, filter.remote_address) {
            (0, address) => filter.remote_port == 0 && address.is_unspecified(),
            (length, IpAddr::V4(_)) => (96..=128).contains(&length),
            (length, IpAddr::V6(_)) => length <= 128,
        };
        if right {
            Ok(filter)
        } else {
            Err(OptionError::Filter {
                prefix_length: filter.prefix_length,
                address: filter.remote_address,
            })
        }
    }

    pub(super) fn octets(&self) -> [u8; Self::LENGTH] {
        let mut octets = [0; Self::LENGTH];
        octets[1] = self.prefix_length;
        octets[2..4].copy_from_slice(&self.remote_port.to_be_bytes());
        octets[4..20].copy_from_slice(&address::to_wire(self.remote_address));
        octets
    }
}
