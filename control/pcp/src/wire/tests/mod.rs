//! Messages against vectors, rules and random octets.

mod properties;
mod treatment;
mod vectors;

use std::net::IpAddr;

/// The address of every lwB4 inside its tunnel.
const B4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 0, 2));

/// Octets of a string of hexadecimal digits and spaces.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// The canonical request of an lwB4: all ports, an hour (3.6).
fn canonical() -> Vec<u8> {
    hex(
        "0201000000000e1000000000000000000000ffffc0000002a0a1a2a3a4a5a6a7a8a9aaab
         000000000001000000000000000000000000ffff0000000082000005ffff000100000000",
    )
}
