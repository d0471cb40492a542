//! What the fragments of one IPv4 datagram have in common (RFC 791 s3.2), and what its first says.

use std::hash::Hash;
use std::hash::Hasher;

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

impl Hash for Key {
    /// All octets at once: a hasher takes whole words faster than their parts.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut octets = [0; 32];
        octets[..4].copy_from_slice(&self.source.to_ne_bytes());
        octets[4..8].copy_from_slice(&self.destination.to_ne_bytes());
        octets[8..10].copy_from_slice(&self.id.to_ne_bytes());
        octets[10] = self.protocol;
        octets[16..].copy_from_slice(&self.b4);
        state.write(&octets);
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
