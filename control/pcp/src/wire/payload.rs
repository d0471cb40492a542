//! What stands between the header and the options.

use super::MapPayload;
use super::Opcode;
use super::PeerPayload;

/// The payload of an opcode that is understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Payload {
    /// ANNOUNCE has none (RFC 6887 s14.1).
    Announce,
    /// Of MAP.
    Map(MapPayload),
    /// Of PEER.
    Peer(PeerPayload),
}

impl Payload {
    /// The opcode that goes with it.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        match self {
            Self::Announce => Opcode::Announce,
            Self::Map(_) => Opcode::Map,
            Self::Peer(_) => Opcode::Peer,
        }
    }

    /// Octets that the payload of `opcode` has; `None` for one that is not understood.
    pub(super) const fn length(opcode: Opcode) -> Option<usize> {
        match opcode {
            Opcode::Announce => Some(0),
            Opcode::Map => Some(MapPayload::LENGTH),
            Opcode::Peer => Some(PeerPayload::LENGTH),
            Opcode::Other(_) => None,
        }
    }

    /// The payload at the start of `octets`, and what follows it. `None` when the opcode is not
    /// understood or the octets do not suffice.
    pub(super) fn read(opcode: Opcode, octets: &[u8]) -> Option<(Self, &[u8])> {
        let (payload, rest) = octets.split_at_checked(Self::length(opcode)?)?;
        let payload = match opcode {
            Opcode::Announce => Self::Announce,
            Opcode::Map => Self::Map(MapPayload::read(payload)),
            Opcode::Peer => Self::Peer(PeerPayload::read(payload)),
            Opcode::Other(_) => return None,
        };
        Some((payload, rest))
    }
}
