//! PORT_SET: a mapping of many ports at once (RFC 7753 s4.1).

use super::super::field::Fields;

/// The ports that a MAP is about. The MAP's own internal port is copied into the response; which ports
/// were mapped stands here (PS-019).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PortSetOption {
    /// Number of ports. A request must not say 0 and says 65535 for as many as there are (PS-004).
    pub size: u16,
    /// The first internal port: asked for, or mapped.
    pub first_internal_port: u16,
    /// What the external ports must share with the internal ones.
    pub parity: Parity,
}

/// Whether an even port stays even (PS-018).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Parity {
    /// Odd and even ports may change places.
    Any,
    /// Odd stays odd and even stays even.
    Preserved,
}

impl PortSetOption {
    /// Octets of data.
    pub const LENGTH: usize = 5;

    pub(super) fn read(data: &[u8]) -> Self {
        let fields = Fields::new(data);
        Self {
            size: fields.u16(0),
            first_internal_port: fields.u16(2),
            parity: match fields.u8(4) & PARITY_BIT {
                0 => Parity::Any,
                _ => Parity::Preserved,
            },
        }
    }

    pub(super) fn octets(&self) -> [u8; Self::LENGTH] {
        let [size_high, size_low] = self.size.to_be_bytes();
        let [first_high, first_low] = self.first_internal_port.to_be_bytes();
        let parity = match self.parity {
            Parity::Any => 0,
            Parity::Preserved => PARITY_BIT,
        };
        [size_high, size_low, first_high, first_low, parity]
    }
}

const PARITY_BIT: u8 = 0x01;
