//! Packets laid out by hand from the RFCs, and a check of all their checksums that shares nothing with the
//! code under test: smoltcp's.

use std::net::Ipv4Addr;
use std::net::SocketAddrV4;

use smoltcp::wire::Icmpv4Packet;
use smoltcp::wire::IpAddress;
use smoltcp::wire::IpProtocol;
use smoltcp::wire::Ipv4Packet;
use smoltcp::wire::TcpPacket;
use smoltcp::wire::UdpPacket;

/// What a test says about a packet; the rest is filled in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Packet {
    pub(super) protocol: u8,
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) identification: u16,
    /// Flags and offset.
    pub(super) fragmentation: u16,
    /// The transport header and what follows, its checksum right.
    pub(super) payload: Vec<u8>,
}

pub(super) const FIN: u8 = 1;
pub(super) const SYN: u8 = 2;
pub(super) const RST: u8 = 4;
pub(super) const ACK: u8 = 16;

impl Packet {
    /// UDP with three octets, a TCP SYN, an ICMP echo request whose identifier is the source port, or ports alone.
    pub(super) fn new(protocol: u8, source: &str, destination: &str) -> Self {
        let (source, destination) = (end(source), end(destination));
        let [from, to] = [source.port(), destination.port()].map(u16::to_be_bytes);
        let ports = [from, to].concat();
        let payload = match protocol {
            1 => [&[8, 0, 0, 0][..], &from, &[0, 1], b"abc"].concat(),
            6 => [
                &ports[..],
                &[0, 0, 0, 100, 0, 0, 0, 0, 0x50, SYN, 0x10, 0, 0, 0, 0, 0],
            ]
            .concat(),
            17 => [&ports[..], &[0, 11, 0, 0], b"abc"].concat(),
            136 => [&ports[..], &[0, 0, 0, 0], b"abc"].concat(),
            33 => [&ports[..], &[3, 0, 0, 0, 0, 0, 0, 0], b"abc"].concat(),
            132 => [&ports[..], &[1, 2, 3, 4], &[0xde, 0xad, 0xbe, 0xef], b"abc"].concat(),
            _ => b"no ports here".to_vec(),
        };
        let packet = Self {
            protocol,
            source: *source.ip(),
            destination: *destination.ip(),
            identification: 0x1234,
            fragmentation: 0x4000,
            payload,
        };
        packet.summed()
    }

    pub(super) fn tcp(source: &str, destination: &str, flags: u8, sequence: u32, ack: u32) -> Self {
        let mut packet = Self::new(6, source, destination);
        packet.payload[4..8].copy_from_slice(&sequence.to_be_bytes());
        packet.payload[8..12].copy_from_slice(&ack.to_be_bytes());
        packet.payload[13] = flags;
        packet.summed()
    }

    /// An ICMP error of `from` to the sender of `about`, which is quoted to its `length`.
    pub(super) fn error(from: &str, kind: u8, code: u8, about: &Self, length: usize) -> Self {
        let quote = about.bytes();
        let quote = &quote[..length.min(quote.len())];
        let packet = Self {
            protocol: 1,
            source: from.parse().unwrap(),
            destination: about.source,
            identification: 1,
            fragmentation: 0,
            payload: [&[kind, code, 0, 0, 0, 0, 0, 0], quote].concat(),
        };
        packet.summed()
    }

    /// The packet that an ICMP error quotes.
    pub(super) fn quote(&self) -> Self {
        Self::read(&self.payload[8..])
    }

    /// The answer: ends exchanged, an echo reply for a request, SYN and ACK for a SYN.
    pub(super) fn answer(&self) -> Self {
        let mut answer = self.clone();
        (answer.source, answer.destination) = (self.destination, self.source);
        match self.protocol {
            1 => answer.payload[0] = 0,
            6 | 17 | 33 | 132 | 136 => {
                answer.payload[..2].copy_from_slice(&self.payload[2..4]);
                answer.payload[2..4].copy_from_slice(&self.payload[..2]);
            }
            _ => (),
        }
        if self.protocol == 6 {
            answer.payload[13] = SYN | ACK;
            let acknowledged = u32::from_be_bytes(self.payload[4..8].try_into().unwrap()) + 1;
            answer.payload[8..12].copy_from_slice(&acknowledged.to_be_bytes());
        }
        answer.summed()
    }

    /// The piece of the datagram that these octets of its payload are.
    pub(super) fn piece(&self, from: usize, to: usize) -> Self {
        let more = if to < self.payload.len() { 0x2000 } else { 0 };
        let mut piece = self.clone();
        piece.payload = self.payload[from..to.min(self.payload.len())].to_vec();
        piece.fragmentation = more | (from / 8) as u16;
        piece
    }

    /// With so many octets behind its transport header, and no DF.
    pub(super) fn long(&self, octets: usize) -> Self {
        let mut packet = self.clone();
        packet.fragmentation = 0;
        packet.payload.extend((0..octets).map(|n| n as u8));
        if packet.protocol == 17 {
            let length = packet.payload.len() as u16;
            packet.payload[4..6].copy_from_slice(&length.to_be_bytes());
        }
        packet.summed()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let total = 20 + self.payload.len();
        let mut bytes = vec![0x45, 0, (total >> 8) as u8, total as u8];
        bytes.extend(self.identification.to_be_bytes());
        bytes.extend(self.fragmentation.to_be_bytes());
        bytes.extend([63, self.protocol, 0, 0]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        let mut header = Ipv4Packet::new_unchecked(&mut bytes[..]);
        header.fill_checksum();
        bytes.extend(&self.payload);
        bytes
    }

    /// Reads what [`Self::bytes`] writes.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        Self {
            protocol: bytes[9],
            source: <[u8; 4]>::try_from(&bytes[12..16]).unwrap().into(),
            destination: <[u8; 4]>::try_from(&bytes[16..20]).unwrap().into(),
            identification: word(4),
            fragmentation: word(6),
            payload: bytes[20..].to_vec(),
        }
    }

    pub(super) fn source(&self) -> SocketAddrV4 {
        let at = if self.protocol == 1 { 4 } else { 0 };
        SocketAddrV4::new(self.source, self.port(at))
    }

    pub(super) fn destination(&self) -> SocketAddrV4 {
        let at = if self.protocol == 1 { 4 } else { 2 };
        SocketAddrV4::new(self.destination, self.port(at))
    }

    /// The same with another destination.
    pub(super) fn to(&self, destination: SocketAddrV4) -> Self {
        let mut packet = self.clone();
        packet.destination = *destination.ip();
        let at = if self.protocol == 1 { 4 } else { 2 };
        packet.payload[at..at + 2].copy_from_slice(&destination.port().to_be_bytes());
        packet.summed()
    }

    fn port(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.payload[at], self.payload[at + 1]])
    }

    /// With the right transport checksum.
    pub(super) fn summed(mut self) -> Self {
        let at = match self.protocol {
            1 => 2,
            6 => 16,
            17 | 33 | 136 => 6,
            _ => return self,
        };
        self.payload[at..at + 2].fill(0);
        let sum = self.transport_sum();
        let checksum = if sum == 0xffff && self.protocol != 1 {
            0xffff
        } else {
            !sum
        };
        self.payload[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
        self
    }

    /// Sum over the payload, and the pseudo-header where the protocol has one; word by word.
    fn transport_sum(&self) -> u16 {
        let mut all = self.payload.clone();
        if all.len() % 2 == 1 {
            all.push(0);
        }
        if self.protocol != 1 {
            all.extend(self.source.octets());
            all.extend(self.destination.octets());
            all.extend([0, self.protocol]);
            all.extend((self.payload.len() as u16).to_be_bytes());
        }
        let words = all
            .chunks(2)
            .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
        let mut sum: u32 = words.sum();
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        sum as u16
    }
}

pub(super) fn end(end: &str) -> SocketAddrV4 {
    end.parse().unwrap()
}

/// Holds every checksum of a packet against its octets, and those of what an ICMP error quotes.
#[track_caller]
pub(super) fn verify(bytes: &[u8]) {
    let ip = Ipv4Packet::new_checked(bytes).unwrap();
    assert!(ip.verify_checksum(), "IPv4 header checksum");
    if ip.more_frags() || ip.frag_offset() > 0 {
        return;
    }
    verify_transport(bytes);
    let packet = Packet::read(bytes);
    if packet.protocol == 1 && matches!(packet.payload[0], 3 | 4 | 11 | 12) {
        let quote = &packet.payload[8..];
        let header = Ipv4Packet::new_unchecked(quote);
        assert!(header.verify_checksum(), "quoted IPv4 header checksum");
        if usize::from(header.total_len()) == quote.len()
            && header.frag_offset() == 0
            && !header.more_frags()
        {
            verify_transport(quote);
        }
    }
}

#[track_caller]
fn verify_transport(bytes: &[u8]) {
    let ip = Ipv4Packet::new_unchecked(bytes);
    let (source, destination): (IpAddress, IpAddress) =
        (ip.src_addr().into(), ip.dst_addr().into());
    let good = match ip.next_header() {
        IpProtocol::Tcp => {
            TcpPacket::new_unchecked(ip.payload()).verify_checksum(&source, &destination)
        }
        IpProtocol::Udp => {
            UdpPacket::new_unchecked(ip.payload()).verify_checksum(&source, &destination)
        }
        IpProtocol::Icmp => Icmpv4Packet::new_unchecked(ip.payload()).verify_checksum(),
        IpProtocol::Unknown(33 | 136) => Packet::read(bytes).transport_sum() == 0xffff,
        _ => true,
    };
    assert!(good, "transport checksum");
}
