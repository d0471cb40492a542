//! What a message is about (RFC 6887 s7.1, s19.3).

use std::fmt;

/// The opcode: seven bits.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Opcode {
    /// 0: the server's epoch, asked for or announced.
    Announce,
    /// 1: an inbound mapping.
    Map,
    /// 2: a mapping towards one peer.
    Peer,
    /// Any other, such as AUTHENTICATION of RFC 7652.
    Other(u8),
}

impl Opcode {
    /// The opcode in the low seven bits of an octet.
    #[must_use]
    pub const fn from_octet(octet: u8) -> Self {
        match octet & 0x7f {
            0 => Self::Announce,
            1 => Self::Map,
            2 => Self::Peer,
            other => Self::Other(other),
        }
    }

    /// The opcode on the wire, in the low seven bits.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Announce => 0,
            Self::Map => 1,
            Self::Peer => 2,
            Self::Other(code) => code & 0x7f,
        }
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Announce => f.write_str("ANNOUNCE"),
            Self::Map => f.write_str("MAP"),
            Self::Peer => f.write_str("PEER"),
            Self::Other(code) => write!(f, "opcode {code}"),
        }
    }
}
