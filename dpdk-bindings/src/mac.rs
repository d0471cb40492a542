//! Ethernet addresses.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// An Ethernet (MAC) address.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Whether the address is a group's (IEEE 802 I/G bit), broadcast included.
    #[must_use]
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let refused = || MacError(text.to_owned());
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            let part = parts.next().filter(|part| part.len() == 2);
            let part = part.filter(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()));
            *octet = part
                .and_then(|part| u8::from_str_radix(part, 16).ok())
                .ok_or_else(refused)?;
        }
        match parts.next() {
            None => Ok(Self(octets)),
            Some(_) => Err(refused()),
        }
    }
}

/// A text that is no Ethernet address.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{0:?} is not an Ethernet address like 02:00:00:00:00:01")]
pub struct MacError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_written() {
        let mac: Mac = "12:34:56:78:9a:BC".parse().unwrap();
        assert_eq!(mac, Mac([0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc]));
        assert_eq!(mac.to_string(), "12:34:56:78:9a:bc");
    }

    #[test]
    fn what_is_not_six_pairs_of_digits_is_refused() {
        for text in [
            "",
            "12:34:56:78:9a",
            "12:34:56:78:9a:bc:de",
            "1:2:3:4:5:6",
            "+1:00:00:00:00:00",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(MacError(text.to_owned())));
        }
    }

    #[test]
    fn the_first_octet_tells_groups() {
        assert!(Mac([0x33, 0x33, 0, 0, 0, 1]).is_group());
        assert!(!Mac([0x02, 0, 0, 0, 0, 1]).is_group());
    }
}
