//! The header that a TUN device with `IFF_VNET_HDR` puts before a packet: how the kernel's work on it is
//! left to us, and ours to it (virtio 1.2 s5.1.6, `linux/virtio_net.h`).

use crate::tunnel::drop_reason::DropReason;

/// Octets of the header.
pub const HEADER: usize = 10;

/// What is still to be done to a packet, by us when it comes from the kernel, by the kernel when it goes
/// there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Offload {
    /// Nothing: one packet with a whole transport checksum.
    #[default]
    None,
    /// The transport checksum holds only the sum of the pseudo header.
    Checksum {
        /// Where the summed part begins, in octets from the packet's start.
        start: u16,
        /// Where the checksum stands, in octets from `start`.
        offset: u16,
    },
    /// Many segments in one packet, whose transport checksum means nothing.
    Segments {
        /// Which transport.
        transport: Transport,
        /// Octets of payload of every segment but the last.
        size: u16,
    },
}

/// What can be cut into segments.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// TCP over IPv4.
    Tcp,
    /// UDP over IPv4, a datagram a segment.
    Udp,
}

impl Offload {
    /// Reads the header before a packet from the kernel.
    ///
    /// # Errors
    /// [`DropReason::BadOffload`] for kinds that are not asked for.
    pub fn read(header: &[u8; HEADER]) -> Result<Self, DropReason> {
        let word = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
        let transport = match header[1] & !GSO_ECN {
            GSO_NONE if header[0] & NEEDS_CHECKSUM != 0 => {
                return Ok(Self::Checksum {
                    start: word(6),
                    offset: word(8),
                });
            }
            GSO_NONE => return Ok(Self::None),
            GSO_TCPV4 => Transport::Tcp,
            GSO_UDP_L4 => Transport::Udp,
            _ => return Err(DropReason::BadOffload),
        };
        match word(4) {
            0 => Err(DropReason::BadOffload),
            size => Ok(Self::Segments { transport, size }),
        }
    }

    /// Writes the header before a packet to the kernel, whose network and transport headers together
    /// have `headers` octets and whose transport header begins at `transport_at`.
    #[must_use]
    pub fn write(self, transport_at: u16, headers: u16) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        let (kind, size, start, offset) = match self {
            Self::None => return header,
            Self::Checksum { start, offset } => (GSO_NONE, 0, start, offset),
            Self::Segments { transport, size } => match transport {
                Transport::Tcp => (GSO_TCPV4, size, transport_at, TCP_CHECKSUM),
                Transport::Udp => (GSO_UDP_L4, size, transport_at, UDP_CHECKSUM),
            },
        };
        (header[0], header[1]) = (NEEDS_CHECKSUM, kind);
        header[2..4].copy_from_slice(&headers.to_ne_bytes());
        header[4..6].copy_from_slice(&size.to_ne_bytes());
        header[6..8].copy_from_slice(&start.to_ne_bytes());
        header[8..10].copy_from_slice(&offset.to_ne_bytes());
        header
    }
}

/// Where TCP has its checksum.
const TCP_CHECKSUM: u16 = 16;
/// Where UDP has its checksum.
const UDP_CHECKSUM: u16 = 6;
const NEEDS_CHECKSUM: u8 = 1;
const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;
const GSO_UDP_L4: u8 = 5;
const GSO_ECN: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_headers_are_read() {
        let le = |words: [u16; 4]| words.map(u16::to_ne_bytes).concat();
        let header = |flags: u8, kind: u8, words| {
            let mut header = vec![flags, kind];
            header.extend(le(words));
            Offload::read(header.first_chunk().unwrap())
        };
        assert_eq!(header(0, 0, [0; 4]), Ok(Offload::None));
        // DATA_VALID says that a device has verified it.
        assert_eq!(header(2, 0, [0; 4]), Ok(Offload::None));
        let (start, offset) = (20, 16);
        assert_eq!(
            header(1, 0, [0, 0, 20, 16]),
            Ok(Offload::Checksum { start, offset })
        );
        for (kind, transport) in [
            (1, Transport::Tcp),
            (0x81, Transport::Tcp),
            (5, Transport::Udp),
        ] {
            let size = 1448;
            assert_eq!(
                header(1, kind, [52, 1448, 20, 16]),
                Ok(Offload::Segments { transport, size })
            );
            assert_eq!(
                header(1, kind, [52, 0, 20, 16]),
                Err(DropReason::BadOffload)
            );
        }
        // IPv6 TCP, and the old UDP fragmentation.
        assert_eq!(header(1, 4, [0; 4]), Err(DropReason::BadOffload));
        assert_eq!(header(1, 3, [0; 4]), Err(DropReason::BadOffload));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for offload in [
            Offload::None,
            Offload::Checksum {
                start: 24,
                offset: 6,
            },
            Offload::Segments {
                transport: Transport::Tcp,
                size: 1420,
            },
            Offload::Segments {
                transport: Transport::Udp,
                size: 1200,
            },
        ] {
            assert_eq!(Offload::read(&offload.write(20, 52)), Ok(offload));
        }
        let tcp = Offload::Segments {
            transport: Transport::Tcp,
            size: 1420,
        }
        .write(20, 52);
        assert_eq!(tcp[2..4], 52_u16.to_ne_bytes());
        assert_eq!(
            tcp[6..10],
            [20_u16.to_ne_bytes(), 16_u16.to_ne_bytes()].concat()
        );
    }
}
