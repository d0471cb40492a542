//! What the fragments of one IPv4 datagram have in common (RFC 791 s3.2), and what its first says.

use crate::keyed_hash::PAIRS;
use crate::wire::transport::Ports;

/// Which datagram a fragment belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Key {
    /// The sender, in host order.
    pub source: u32,
    /// The receiver, in host order.
    pub destination: u32,
    /// The Identification that the sender gave the datagram.
    pub id: u16,
    /// Number of the protocol above.
    pub protocol: u8,
    /// The softwire's lwB4 when the fragment comes from one, zero when it comes from the Internet.
    /// Subscribers that share an address may use the same Identification at the same time, and none
    /// may speak for another (FR-013, LW-013).
    pub b4: [u8; 16],
}

impl Key {
    /// Who sends such fragments: the lwB4, or whoever is on the Internet.
    #[inline(always)]
    #[must_use]
    pub fn sender(&self) -> [u8; 16] {
        if self.b4 == [0; 16] {
            u128::from(self.source).to_be_bytes()
        } else {
            self.b4
        }
    }

    /// All of it, as words to hash.
    #[inline(always)]
    pub(super) fn words(&self) -> [[u64; 2]; PAIRS] {
        let b4 = u128::from_be_bytes(self.b4);
        let addresses = u64::from(self.source) << 32 | u64::from(self.destination);
        let rest = u64::from(self.id) << 8 | u64::from(self.protocol);
        [[addresses, rest], [(b4 >> 64) as u64, b4 as u64], [0; 2]]
    }
}

/// What is known of a datagram whose first fragment has been seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Known {
    /// What its transport header says.
    Ports {
        /// At the sender's end.
        source: Ports,
        /// At the receiver's end.
        destination: Ports,
    },
    /// Its ports could not be read, so no fragment of it can go anywhere (FR-012).
    Refused,
}
