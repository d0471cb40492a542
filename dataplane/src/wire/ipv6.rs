//! The IPv6 header (RFC 8200) as the outer header of a softwire (RFC 2473).

use std::net::Ipv6Addr;

use crate::drop_reason::DropReason;

/// Octets of the fixed header.
pub const HEADER: usize = 40;

/// Next header: IPv4 (RFC 2473 s5; 41 would be IPv6 in IPv6).
pub const IPV4: u8 = 4;
/// Next header: UDP.
pub const UDP: u8 = 17;
/// Next header: Fragment.
pub const FRAGMENT: u8 = 44;
/// Next header: ICMPv6.
pub const ICMPV6: u8 = 58;
/// Next header: Destination Options.
pub const DESTINATION_OPTIONS: u8 = 60;

/// What a good fixed header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ipv6 {
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// Octets after the fixed header.
    pub payload_len: usize,
    /// What comes right after the fixed header.
    pub next_header: u8,
    /// The sender.
    pub source: [u8; 16],
    /// The receiver.
    pub destination: [u8; 16],
}

impl Ipv6 {
    /// Reads the header at the start of `bytes`, the first segment's part of a packet of which
    /// `available` octets arrived (Ethernet padding may be among them).
    ///
    /// # Errors
    /// [`DropReason::BadIpv6Header`] when it is cut, of another version, or longer than what arrived.
    #[inline(always)]
    pub fn parse(bytes: &[u8], available: usize) -> Result<Self, DropReason> {
        let header: &[u8; HEADER] = bytes.first_chunk().ok_or(DropReason::BadIpv6Header)?;
        let payload_len = usize::from(u16::from_be_bytes([header[4], header[5]]));
        if header[0] >> 4 != 6 || HEADER + payload_len > available {
            return Err(DropReason::BadIpv6Header);
        }
        let (_, addresses) = header.split_at(8);
        let (source, destination) = addresses.split_at(16);
        Ok(Self {
            traffic_class: header[0] << 4 | header[1] >> 4,
            payload_len,
            next_header: header[6],
            source: *source.first_chunk().ok_or(DropReason::BadIpv6Header)?,
            destination: *destination.first_chunk().ok_or(DropReason::BadIpv6Header)?,
        })
    }
}

/// Whether an address can be one node's, who may then be answered: neither `::`, nor multicast, nor
/// loopback (RFC 4443 s2.4(e)).
#[must_use]
pub fn is_one_nodes(address: &[u8; 16]) -> bool {
    let address = Ipv6Addr::from(*address);
    !address.is_unspecified() && !address.is_multicast() && !address.is_loopback()
}

/// Writes the outer header of a softwire packet (TN-002): next header IPv4, flow label 0.
#[inline(always)]
pub fn write_tunnel_header(
    header: &mut [u8; HEADER],
    traffic_class: u8,
    payload_len: u16,
    hop_limit: u8,
    source: &[u8; 16],
    destination: &[u8; 16],
) {
    write_header(
        header,
        traffic_class,
        payload_len,
        IPV4,
        hop_limit,
        source,
        destination,
    );
}

/// Writes a header with flow label 0.
#[inline(always)]
pub(crate) fn write_header(
    header: &mut [u8; HEADER],
    traffic_class: u8,
    payload_len: u16,
    next_header: u8,
    hop_limit: u8,
    source: &[u8; 16],
    destination: &[u8; 16],
) {
    let first = (6 << 60)
        | u64::from(traffic_class) << 52
        | u64::from(payload_len) << 16
        | u64::from(next_header) << 8
        | u64::from(hop_limit);
    header[..8].copy_from_slice(&first.to_be_bytes());
    header[8..24].copy_from_slice(source);
    header[24..40].copy_from_slice(destination);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tn_002_the_tunnel_header_reads_back_as_written() {
        let mut header = [0xee; HEADER];
        write_tunnel_header(&mut header, 0xb9, 1234, 64, &[1; 16], &[2; 16]);
        let read = Ipv6::parse(&header, HEADER + 1234).unwrap();
        assert_eq!(
            (read.traffic_class, read.payload_len, read.next_header),
            (0xb9, 1234, 4)
        );
        assert_eq!((read.source, read.destination), ([1; 16], [2; 16]));
        assert_eq!(header[1] & 0x0f, 0, "flow label");
        assert_eq!((&header[2..4], header[7]), (&[0, 0][..], 64));
    }

    #[test]
    fn cut_lying_or_of_another_version_it_is_refused() {
        let mut header = [0xee; HEADER];
        write_tunnel_header(&mut header, 0, 8, 64, &[1; 16], &[2; 16]);
        for len in 0..HEADER {
            assert_eq!(
                Ipv6::parse(&header[..len], 1000),
                Err(DropReason::BadIpv6Header)
            );
        }
        assert_eq!(
            Ipv6::parse(&header, HEADER + 7),
            Err(DropReason::BadIpv6Header)
        );
        header[0] = 0x40;
        assert_eq!(Ipv6::parse(&header, 1000), Err(DropReason::BadIpv6Header));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, available in 0_usize..70_000) {
            let _ = Ipv6::parse(&bytes, available);
        }
    }
}
