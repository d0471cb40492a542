//! The mapping nonce: who knows it owns the mapping (RFC 6887 s11.2).

use std::fmt;

/// The 96 bits that a client picks and nobody else can guess.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Nonce([u8; 12]);

impl Nonce {
    /// The nonce of these octets.
    #[must_use]
    pub const fn new(octets: [u8; 12]) -> Self {
        Self(octets)
    }

    /// The nonce as it stands on the wire.
    #[must_use]
    pub const fn octets(self) -> [u8; 12] {
        self.0
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}
