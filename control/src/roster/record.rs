//! The records of a roster: 32 octets each, the last four of them a checksum over the others.
//!
//! ```text
//!       0     1       2        4      6             22       26    28
//!  peer  1 │ client │ BR no. │ port │ lwB4's IPv6 │ IPv4   │ 0  │ CRC-32
//!  BR    2 │ 0      │ number │ 0    │ BR's IPv6   │ 0           │ CRC-32
//!  mark  3 │ flags  │ 0      │ serial, store, record: 8 each    │ CRC-32
//!  first "lwaftr roster", version                               │ CRC-32
//! ```
//!
//! Numbers are in network byte order.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use leases::position::Position;

use super::peer::Packed;

/// Where the lease store was when the roster was written, and whether lwB4s were still to be told of a
/// loss.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Mark {
    /// The store and its last durable record.
    pub position: Position,
    /// Whether announcements are under way.
    pub is_recovering: bool,
}

/// A record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Record {
    Peer(Packed),
    Br {
        number: u16,
        address: Ipv6Addr,
    },
    /// Of two marks, the one with the higher serial number counts.
    Mark {
        serial: u64,
        mark: Mark,
    },
    /// The first record of a file.
    Header {
        version: u32,
    },
}

impl Record {
    pub(super) fn encode(&self) -> [u8; OCTETS] {
        let mut octets = [0; OCTETS];
        match self {
            Self::Peer(peer) => {
                (octets[0], octets[1]) = (PEER, peer.client);
                octets[2..4].copy_from_slice(&peer.br.to_be_bytes());
                octets[4..6].copy_from_slice(&peer.port.to_be_bytes());
                octets[6..22].copy_from_slice(&peer.outer.octets());
                octets[22..26].copy_from_slice(&peer.ipv4.octets());
            }
            Self::Br { number, address } => {
                octets[0] = BR;
                octets[2..4].copy_from_slice(&number.to_be_bytes());
                octets[6..22].copy_from_slice(&address.octets());
            }
            Self::Mark { serial, mark } => {
                (octets[0], octets[1]) = (MARK, u8::from(mark.is_recovering));
                octets[4..12].copy_from_slice(&serial.to_be_bytes());
                octets[12..20].copy_from_slice(&mark.position.store.to_be_bytes());
                octets[20..28].copy_from_slice(&mark.position.record.to_be_bytes());
            }
            Self::Header { version } => {
                octets[..MAGIC.len()].copy_from_slice(MAGIC);
                octets[24..28].copy_from_slice(&version.to_be_bytes());
            }
        }
        let checksum = crc32fast::hash(&octets[..CHECKSUM]);
        octets[CHECKSUM..].copy_from_slice(&checksum.to_be_bytes());
        octets
    }

    /// `None` when it is damaged, or of no kind that is known.
    pub(super) fn decode(octets: &[u8; OCTETS]) -> Option<Self> {
        if number(octets, CHECKSUM, 4) != u64::from(crc32fast::hash(&octets[..CHECKSUM])) {
            return None;
        }
        let ipv6 = || octets[6..22].first_chunk::<16>().copied();
        if octets.starts_with(MAGIC) {
            let version = number(octets, 24, 4) as u32;
            return Some(Self::Header { version });
        }
        Some(match octets[0] {
            PEER => Self::Peer(Packed {
                outer: Ipv6Addr::from_octets(ipv6()?),
                ipv4: Ipv4Addr::from_bits(number(octets, 22, 4) as u32),
                port: number(octets, 4, 2) as u16,
                br: number(octets, 2, 2) as u16,
                client: octets[1],
            }),
            BR => Self::Br {
                number: number(octets, 2, 2) as u16,
                address: Ipv6Addr::from_octets(ipv6()?),
            },
            MARK => Self::Mark {
                serial: number(octets, 4, 8),
                mark: Mark {
                    position: Position {
                        store: number(octets, 12, 8),
                        record: number(octets, 20, 8),
                    },
                    is_recovering: octets[1] & 1 != 0,
                },
            },
            _ => return None,
        })
    }
}

/// A number of so many octets.
fn number(octets: &[u8; OCTETS], at: usize, length: usize) -> u64 {
    octets[at..at + length]
        .iter()
        .fold(0, |number, octet| number << 8 | u64::from(*octet))
}

/// Octets of a record.
pub(super) const OCTETS: usize = 32;
/// The version of the format that is written.
pub(super) const VERSION: u32 = 1;
const CHECKSUM: usize = 28;
const MAGIC: &[u8; 13] = b"lwaftr roster";
const PEER: u8 = 1;
const BR: u8 = 2;
const MARK: u8 = 3;
