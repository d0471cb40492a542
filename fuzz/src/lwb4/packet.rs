//! IPv4 packets as the fuzzer describes them, and their sums (RFC 791, RFC 1071).

use std::net::Ipv4Addr;
use std::net::SocketAddrV4;

use crate::input::Input;
use crate::sum::sum;

pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const HEADER: usize = 20;

/// What a packet is made of.
#[derive(Clone, Debug)]
pub(crate) struct Described<'a> {
    pub(crate) protocol: u8,
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: SocketAddrV4,
    /// Flags of TCP, or the type of ICMP.
    pub(crate) kind: u8,
    /// Flags and offset of fragments.
    pub(crate) fragmentation: u16,
    pub(crate) rest: &'a [u8],
}

impl Described<'_> {
    /// A packet between these ends.
    pub(crate) fn read<'a>(
        input: &mut Input<'a>,
        source: SocketAddrV4,
        destination: SocketAddrV4,
    ) -> Described<'a> {
        let protocol = input.pick(&[UDP, TCP, ICMP, UDP, TCP, 33, 132, 136, 47]);
        let kind = match protocol {
            ICMP => input.pick(&[8, 0, 3, 11, 12, 13, 5]),
            _ => input.pick(&[0x02, 0x10, 0x12, 0x11, 0x04, 0x14]),
        };
        let fragmentation = input.pick(&[0, 0x4000, 0, 0x2000, 0x2001, 2, 1, 0x2003]);
        let count = usize::from(input.octet() % 64);
        Described {
            protocol,
            source,
            destination,
            kind,
            fragmentation,
            rest: input.take(count),
        }
    }

    /// Its octets, with right sums.
    pub(crate) fn octets(&self) -> Vec<u8> {
        let [from, to] = [self.source.port(), self.destination.port()].map(u16::to_be_bytes);
        let mut octets = vec![0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64, self.protocol, 0, 0];
        octets.extend(self.source.ip().octets());
        octets.extend(self.destination.ip().octets());
        match self.protocol {
            ICMP => {
                octets.extend([self.kind, 0, 0, 0]);
                // The end that is translated is the identifier, whichever way the packet goes.
                octets.extend(if self.kind == 0 { to } else { from });
                octets.extend([0, 1]);
            }
            _ => {
                octets.extend(from.into_iter().chain(to));
                octets.extend([0; 4]);
                if self.protocol == TCP {
                    octets.extend([0, 0, 0, 9, 0x50, self.kind, 1, 0, 0, 0, 0, 0]);
                } else if self.protocol != UDP {
                    octets.extend([self.kind; 8]);
                }
            }
        }
        octets.extend(self.rest);
        let payload = octets.len() - HEADER;
        if self.protocol == UDP {
            octets[HEADER + 4..HEADER + 6].copy_from_slice(&(payload as u16).to_be_bytes());
        }
        octets[6..8].copy_from_slice(&self.fragmentation.to_be_bytes());
        if let Some(at) = checksum_at(self.protocol)
            && self.fragmentation & 0x1fff == 0
        {
            seal(&mut octets, at);
        }
        mend(&mut octets);
        octets
    }
}

/// Writes the transport's checksum; 0 would say that UDP has none (RFC 768).
pub(crate) fn seal(octets: &mut [u8], at: usize) {
    octets[at..at + 2].fill(0);
    let checksum = match !transport_sum(octets) {
        0 if octets[9] == UDP => 0xffff,
        other => other,
    };
    octets[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
}

/// Where the transport's checksum stands in a packet without options.
pub(crate) const fn checksum_at(protocol: u8) -> Option<usize> {
    match protocol {
        ICMP => Some(HEADER + 2),
        TCP => Some(HEADER + 16),
        UDP => Some(HEADER + 6),
        _ => None,
    }
}

/// Writes version, length and header checksum, so that the first checks are passed.
pub(crate) fn mend(octets: &mut [u8]) {
    if octets.len() < HEADER {
        return;
    }
    let length = u16::try_from(octets.len()).unwrap_or(u16::MAX);
    let words = usize::from(octets[0] & 15)
        .clamp(5, octets.len() / 4)
        .min(15);
    octets[0] = 0x40 | words as u8;
    octets[2..4].copy_from_slice(&length.to_be_bytes());
    octets[10..12].fill(0);
    let sum = !sum(&[&octets[..words * 4]]);
    octets[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// What the transport's checksum covers, summed; all ones where it is right. The header has no options.
pub(crate) fn transport_sum(octets: &[u8]) -> u16 {
    let protocol = octets[9];
    let payload = &octets[HEADER..];
    if protocol == ICMP {
        return sum(&[payload]);
    }
    let length = (payload.len() as u16).to_be_bytes();
    sum(&[&octets[12..20], &[0, protocol], &length, payload])
}

/// Source and destination; the ports are what stands where ports would.
pub(crate) fn ends(octets: &[u8]) -> (SocketAddrV4, SocketAddrV4) {
    let address =
        |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    let header = usize::from(octets[0] & 15) * 4;
    let port = |at: usize| match octets.get(header + at..header + at + 2) {
        Some(port) => u16::from_be_bytes([port[0], port[1]]),
        None => 0,
    };
    (
        SocketAddrV4::new(address(12), port(0)),
        SocketAddrV4::new(address(16), port(2)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As scapy makes it.
    const DATAGRAM: [u8; 31] = [
        0x45, 0x00, 0x00, 0x1f, 0x00, 0x07, 0x00, 0x00, 0x40, 0x11, 0x7c, 0xb8, 0xc0, 0x00, 0x02,
        0x05, 0xcb, 0x00, 0x71, 0x09, 0x0f, 0xa0, 0x00, 0x35, 0x00, 0x0b, 0x1e, 0x8f, 0x6f, 0x64,
        0x64,
    ];

    #[test]
    fn a_datagram_of_another_maker_sums_up() {
        assert_eq!(transport_sum(&DATAGRAM), 0xffff);
        let mut octets = DATAGRAM;
        octets[26..28].fill(0);
        seal(&mut octets, 26);
        assert_eq!(octets, DATAGRAM);
    }
}
