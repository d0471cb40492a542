//! Reading an IPv4 header, and finding the ports behind it (RFC 791; AP-005).
//!
//! Whoever holds an [`Ipv4`] of a packet may read and write its header without looking at lengths again;
//! after [`Ipv4::layout`], the ports and checksums of its transport too.

use std::net::Ipv4Addr;

use crate::checksum;
use crate::nat::drop::NatDrop;

/// What an IPv4 header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ipv4 {
    /// Length of the header in octets.
    pub(super) header: usize,
    /// Length of header and payload in octets, at most that of the packet.
    pub(super) total: usize,
    pub(super) protocol: u8,
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) identification: u16,
    fragmentation: u16,
}

impl Ipv4 {
    /// The header of a whole packet, with everything checked that its own fields allow to.
    pub(super) fn parse(packet: &[u8]) -> Result<Self, NatDrop> {
        let ip = Self::read(packet).ok_or(NatDrop::BadHeader)?;
        if ip.total < ip.header || ip.total > packet.len() {
            return Err(NatDrop::BadHeader);
        }
        if checksum::sum(&packet[..ip.header]) != 0xffff {
            return Err(NatDrop::BadChecksum);
        }
        Ok(ip)
    }

    /// The header of a packet that an ICMP error quotes, which may be cut behind its header.
    pub(super) fn quoted(quote: &[u8]) -> Option<Self> {
        let mut ip = Self::read(quote)?;
        ip.total = ip.total.clamp(ip.header, quote.len());
        (checksum::sum(&quote[..ip.header]) == 0xffff).then_some(ip)
    }

    fn read(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; 20] = packet.first_chunk()?;
        let header = usize::from(fixed[0] & 0x0f) * 4;
        if fixed[0] >> 4 != 4 || header < fixed.len() || header > packet.len() {
            return None;
        }
        Some(Self {
            header,
            total: usize::from(read16(fixed, 2)),
            protocol: fixed[9],
            source: read_address(fixed, SOURCE),
            destination: read_address(fixed, DESTINATION),
            identification: read16(fixed, IDENTIFICATION),
            fragmentation: read16(fixed, 6),
        })
    }

    /// Offset of a fragment in octets.
    pub(super) const fn offset(&self) -> usize {
        (self.fragmentation & 0x1fff) as usize * 8
    }

    /// Whether it is the fragment with the ports.
    pub(super) const fn is_first_fragment(&self) -> bool {
        self.fragmentation & 0x3fff == MORE_FRAGMENTS
    }

    /// Whether it is a fragment without ports.
    pub(super) const fn is_later_fragment(&self) -> bool {
        self.offset() > 0
    }

    /// Whether it neither is a fragment nor may become one (RFC 6864 s4).
    pub(super) const fn is_atomic(&self) -> bool {
        self.fragmentation & 0x7fff == DONT_FRAGMENT
    }

    /// How the transport header lies, once it is sure that its ports are there.
    pub(super) fn layout(&self) -> Result<Layout, NatDrop> {
        let layout = Layout::of(self.protocol);
        if self.total < self.header + layout.minimum() {
            return Err(NatDrop::TransportTruncated);
        }
        Ok(layout)
    }
}

/// Where transports have what a NAT changes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Layout {
    /// TCP.
    Tcp,
    /// UDP, where a checksum of 0 is none.
    Udp,
    /// UDP-Lite and DCCP, which have their checksum where UDP has it.
    LikeUdp,
    /// SCTP: its checksum knows no addresses, and must not be touched (RFC 6887 s16.3.3).
    Sctp,
    /// ICMP.
    Icmp,
    /// No ports.
    Opaque,
}

impl Layout {
    pub(super) const fn of(protocol: u8) -> Self {
        match protocol {
            protocol::TCP => Self::Tcp,
            protocol::UDP => Self::Udp,
            protocol::UDP_LITE | protocol::DCCP => Self::LikeUdp,
            protocol::SCTP => Self::Sctp,
            protocol::ICMP => Self::Icmp,
            _ => Self::Opaque,
        }
    }

    /// Octets that must be there; also in a first fragment (RFC 1858 s3).
    const fn minimum(self) -> usize {
        match self {
            Self::Tcp => 20,
            Self::Udp | Self::LikeUdp | Self::Sctp | Self::Icmp => 8,
            Self::Opaque => 0,
        }
    }

    /// Where the checksum is that covers the pseudo-header too.
    pub(super) const fn checksum_at(self) -> Option<usize> {
        match self {
            Self::Tcp => Some(16),
            Self::Udp | Self::LikeUdp => Some(6),
            Self::Sctp | Self::Icmp | Self::Opaque => None,
        }
    }
}

/// Protocol numbers (IANA).
pub(super) mod protocol {
    pub(in crate::nat) const ICMP: u8 = 1;
    pub(in crate::nat) const TCP: u8 = 6;
    pub(in crate::nat) const UDP: u8 = 17;
    pub(in crate::nat) const DCCP: u8 = 33;
    pub(in crate::nat) const SCTP: u8 = 132;
    pub(in crate::nat) const UDP_LITE: u8 = 136;
}

/// Where an IPv4 header has its identification, checksum and addresses.
pub(super) const IDENTIFICATION: usize = 4;
pub(super) const HEADER_CHECKSUM: usize = 10;
pub(super) const SOURCE: usize = 12;
pub(super) const DESTINATION: usize = 16;

const MORE_FRAGMENTS: u16 = 0x2000;
const DONT_FRAGMENT: u16 = 0x4000;

/// The word at `at`, which must be in `bytes`.
pub(super) fn read16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn write16(bytes: &mut [u8], at: usize, word: u16) {
    bytes[at..at + 2].copy_from_slice(&word.to_be_bytes());
}

pub(super) fn read_address(bytes: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of the example in many a textbook: 192.168.0.1 to 192.168.0.199, UDP, checksum b861.
    const HEADER: [u8; 20] = [
        0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0x00,
        0x01, 0xc0, 0xa8, 0x00, 0xc7,
    ];

    fn packet() -> Vec<u8> {
        let mut packet = HEADER.to_vec();
        packet.resize(0x73, 0);
        packet
    }

    #[test]
    fn a_header_is_read_as_it_stands() {
        let ip = Ipv4::parse(&packet()).unwrap();
        assert_eq!((ip.header, ip.total, ip.protocol), (20, 0x73, 17));
        assert_eq!(ip.source, Ipv4Addr::new(192, 168, 0, 1));
        assert_eq!(ip.destination, Ipv4Addr::new(192, 168, 0, 199));
        assert!(ip.is_atomic() && !ip.is_first_fragment() && !ip.is_later_fragment());
    }

    #[test]
    fn what_is_cut_or_does_not_sum_up_is_refused() {
        assert_eq!(Ipv4::parse(&packet()[..0x72]), Err(NatDrop::BadHeader));
        for (at, octet, reason) in [
            (0, 0x65, NatDrop::BadHeader),
            (0, 0x44, NatDrop::BadHeader),
            (2, 0x01, NatDrop::BadHeader),
            (3, 0x10, NatDrop::BadHeader),
            (8, 0x41, NatDrop::BadChecksum),
        ] {
            let mut packet = packet();
            packet[at] = octet;
            assert_eq!(Ipv4::parse(&packet), Err(reason), "octet {at}");
        }
    }
}
