//! The mapping nonce: who knows it owns the mapping (RFC 6887 s11.2).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

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

impl FromStr for Nonce {
    type Err = NonceError;

    /// Reads what [`Nonce`] prints: 24 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, NonceError> {
        let wrong = NonceError { length: text.len() };
        let mut octets = [0; 12];
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(wrong);
        };
        if pairs.len() != octets.len() {
            return Err(wrong);
        }
        for (octet, pair) in octets.iter_mut().zip(pairs) {
            for digit in pair {
                let value = char::from(*digit).to_digit(16).ok_or(wrong)?;
                *octet = *octet << 4 | value as u8;
            }
        }
        Ok(Self(octets))
    }
}

/// Text that is no nonce. It does not say which: nonces are secret.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a nonce is 24 hexadecimal digits, not these {length} characters")]
pub struct NonceError {
    /// Octets of the text.
    pub length: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_survives_being_printed_and_nothing_else_is_one() {
        let nonce = Nonce::new(*b"\x00\x01\xff456789abc");
        assert_eq!(nonce.to_string().parse(), Ok(nonce));
        for text in [
            "",
            "00",
            "0001ff34353637383961620",
            "0001ff3435363738396162g0",
        ] {
            assert_eq!(
                text.parse::<Nonce>(),
                Err(NonceError { length: text.len() })
            );
        }
        assert!("é".repeat(12).parse::<Nonce>().is_err());
    }
}
