//! Addresses are always 128 bits; IPv4 ones are IPv4-mapped, and all 96 bits say so (RFC 6887 s5).

use std::net::IpAddr;
use std::net::Ipv6Addr;

/// The address that 16 octets carry.
pub(super) fn from_wire(octets: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(octets).to_canonical()
}

/// The 16 octets that carry an address.
pub(super) fn to_wire(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_ipv4_only_with_all_96_bits_of_the_prefix() {
        let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 0, 2];
        assert_eq!(from_wire(mapped), IpAddr::from([192, 0, 0, 2]));
        for octet in 0..12 {
            let mut other = mapped;
            other[octet] ^= 1;
            assert!(from_wire(other).is_ipv6());
            assert_eq!(to_wire(from_wire(other)), other);
        }
        assert_eq!(to_wire(from_wire(mapped)), mapped);
    }
}
