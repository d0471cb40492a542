//! The inner packet's header (RFC 791), read once, and the few changes that are made to it in place.

use std::net::Ipv4Addr;

use crate::checksum;
use crate::checksum::Delta;
use crate::tunnel::drop_reason::DropReason;

/// Octets of a header without options.
pub const HEADER: usize = 20;
/// Protocol numbers (IANA).
pub const ICMP: u8 = 1;
/// TCP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;

/// What a good IPv4 header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ipv4 {
    /// The sender.
    pub source: Ipv4Addr,
    /// The receiver.
    pub destination: Ipv4Addr,
    /// Octets of the packet, header included.
    pub total_len: usize,
    /// Octets of the header, options included: 20 to 60.
    pub header_len: usize,
    /// DSCP and ECN.
    pub tos: u8,
    /// Hops left.
    pub ttl: u8,
    /// The protocol above.
    pub protocol: u8,
    /// The word of the flags and the fragment offset (RFC 791 s3.1).
    fragment: u16,
}

impl Ipv4 {
    /// Reads the header at the start of `bytes`, which may be longer than the packet (TN-007: the outer
    /// payload may be padded, so the inner header alone tells the length).
    ///
    /// # Errors
    /// The reason to drop the packet when the header is cut, lies about lengths, or does not sum.
    pub fn parse(bytes: &[u8]) -> Result<Self, DropReason> {
        let ipv4 = Self::parse_quoted(bytes)?;
        if ipv4.total_len > bytes.len() {
            return Err(DropReason::BadIpv4Length);
        }
        Ok(ipv4)
    }

    /// Reads a header whose packet may be cut after it, as errors quote them.
    ///
    /// # Errors
    /// The reason to drop it when the header is cut, lies about lengths, or does not sum.
    pub fn parse_quoted(bytes: &[u8]) -> Result<Self, DropReason> {
        if bytes.first().is_some_and(|first| first >> 4 != 4) {
            return Err(DropReason::NotIpv4);
        }
        let fixed: &[u8; HEADER] = bytes.first_chunk().ok_or(DropReason::BadIpv4Header)?;
        let header_len = usize::from(fixed[0] & 0x0f) * 4;
        if header_len < HEADER {
            return Err(DropReason::BadIpv4Header);
        }
        let header = bytes.get(..header_len).ok_or(DropReason::BadIpv4Header)?;
        let total_len = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
        if total_len < header_len {
            return Err(DropReason::BadIpv4Length);
        }
        if checksum::sum(header) != 0xffff {
            return Err(DropReason::BadIpv4Checksum);
        }
        Ok(Self {
            source: Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]),
            destination: Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]),
            total_len,
            header_len,
            tos: fixed[1],
            ttl: fixed[8],
            protocol: fixed[9],
            fragment: u16::from_be_bytes([fixed[6], fixed[7]]),
        })
    }

    /// The same header on a packet of `total_len` octets.
    #[must_use]
    pub const fn of_length(self, total_len: usize) -> Self {
        Self { total_len, ..self }
    }

    /// Whether its sender forbids to fragment it.
    #[must_use]
    pub const fn dont_fragment(&self) -> bool {
        self.fragment & DONT_FRAGMENT != 0
    }

    /// Whether it is one of several fragments.
    #[must_use]
    pub const fn is_fragment(&self) -> bool {
        self.fragment & (MORE | OFFSET) != 0
    }

    /// Whether it begins with the header of the protocol above.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.fragment & OFFSET == 0
    }

    /// The sum of the pseudo header of TCP and UDP (RFC 9293 s3.1, RFC 768).
    #[must_use]
    pub fn pseudo_header_sum(&self, transport_len: usize) -> u16 {
        let mut pseudo = [0; 12];
        pseudo[..4].copy_from_slice(&self.source.octets());
        pseudo[4..8].copy_from_slice(&self.destination.octets());
        pseudo[9] = self.protocol;
        // A length of more than 16 bits is not possible: the total length has no more.
        pseudo[10..].copy_from_slice(&(transport_len as u16).to_be_bytes());
        checksum::sum(&pseudo)
    }
}

/// Whether the address can be one host's in the Internet or at home: everything but 0/8, 127/8, multicast
/// and class E (RFC 1812 s5.3.7).
#[must_use]
pub const fn is_unicast(address: Ipv4Addr) -> bool {
    let first = address.octets()[0];
    first != 0 && first != 127 && first < 224
}

/// Whether the address is in 192.0.0.0/29, the softwire's own (TN-040).
#[must_use]
pub const fn is_softwire_internal(address: Ipv4Addr) -> bool {
    address.to_bits() >> 3 == 0xc000_0000 >> 3
}

/// Sets the ToS and mends the checksum.
pub fn set_tos(header: &mut [u8], tos: u8) {
    let old = u16::from_be_bytes([header[0], header[1]]);
    let checksum = u16::from_be_bytes([header[10], header[11]]);
    header[1] = tos;
    let change = Delta::word(old, u16::from_be_bytes([header[0], tos]));
    header[10..12].copy_from_slice(&change.apply(checksum).to_be_bytes());
}

/// Writes total length and identification, and the checksum anew.
pub fn set_lengths(header: &mut [u8], total_len: u16, id: u16) {
    header[2..4].copy_from_slice(&total_len.to_be_bytes());
    header[4..6].copy_from_slice(&id.to_be_bytes());
    write_checksum(header);
}

/// Writes a header without options of `total_len` octets, don't fragment, so that it needs no
/// identification (RFC 6864 s4.1).
pub fn write_header(
    header: &mut [u8; HEADER],
    tos: u8,
    total_len: u16,
    ttl: u8,
    protocol: u8,
    source: Ipv4Addr,
    destination: Ipv4Addr,
) {
    header.fill(0);
    (header[0], header[1]) = (VERSION_4_WITHOUT_OPTIONS, tos);
    header[2..4].copy_from_slice(&total_len.to_be_bytes());
    header[6..8].copy_from_slice(&DONT_FRAGMENT.to_be_bytes());
    (header[8], header[9]) = (ttl, protocol);
    header[12..16].copy_from_slice(&source.octets());
    header[16..20].copy_from_slice(&destination.octets());
    write_checksum(header);
}

fn write_checksum(header: &mut [u8]) {
    header[10..12].fill(0);
    let checksum = !checksum::sum(header);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
}

const VERSION_4_WITHOUT_OPTIONS: u8 = 0x45;
const DONT_FRAGMENT: u16 = 0x4000;
const MORE: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;
/// TTL of what is sent from here (RFC 1700, "IP default TTL").
pub const DEFAULT_TTL: u8 = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Options of 4 octets; 192.0.2.1 → 198.51.100.7, UDP, DF.
    const WITH_OPTIONS: [u8; 32] = [
        0x46, 0xb8, 0x00, 0x20, 0x12, 0x34, 0x40, 0x00, 0x40, 0x11, 0x00, 0x00, 192, 0, 2, 1, 198,
        51, 100, 7, 0x01, 0x01, 0x01, 0x00, 0, 1, 0, 2, 0, 8, 0, 0,
    ];

    fn packet() -> Vec<u8> {
        let mut packet = WITH_OPTIONS.to_vec();
        write_checksum(&mut packet[..24]);
        packet
    }

    #[test]
    fn tn_007_the_header_tells_the_length_whatever_follows() {
        let mut packet = packet();
        packet.extend([0xaa; 9]);
        let ipv4 = Ipv4::parse(&packet).unwrap();
        assert_eq!((ipv4.total_len, ipv4.header_len), (32, 24));
        assert_eq!((ipv4.tos, ipv4.ttl, ipv4.protocol), (0xb8, 64, UDP));
        assert!(ipv4.dont_fragment() && !ipv4.is_fragment() && ipv4.is_first());
    }

    #[test]
    fn cut_anywhere_it_is_refused() {
        let packet = packet();
        for len in 0..packet.len() {
            let expected = match len {
                0..24 => DropReason::BadIpv4Header,
                _ => DropReason::BadIpv4Length,
            };
            assert_eq!(Ipv4::parse(&packet[..len]), Err(expected), "{len}");
        }
    }

    #[test]
    fn what_does_not_sum_or_is_ipv6_is_refused() {
        let mut bad = packet();
        bad[9] ^= 1;
        assert_eq!(Ipv4::parse(&bad), Err(DropReason::BadIpv4Checksum));
        assert_eq!(Ipv4::parse(&[0x60; 40]), Err(DropReason::NotIpv4));
    }

    #[test]
    fn tn_040_the_softwires_own_block_is_eight_addresses() {
        for (address, inside) in [
            (Ipv4Addr::new(192, 0, 0, 0), true),
            (Ipv4Addr::new(192, 0, 0, 7), true),
            (Ipv4Addr::new(192, 0, 0, 8), false),
            (Ipv4Addr::new(191, 255, 255, 255), false),
        ] {
            assert_eq!(is_softwire_internal(address), inside, "{address}");
        }
    }

    proptest! {
        #[test]
        fn the_tos_changes_with_a_right_checksum(tos: u8) {
            let mut packet = packet();
            set_tos(&mut packet, tos);
            prop_assert_eq!(Ipv4::parse(&packet).unwrap().tos, tos);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Ipv4::parse(&bytes);
        }
    }
}
