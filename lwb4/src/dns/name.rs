//! A domain name as DHCPv6 and DNS write it: labels behind their lengths, the empty one last (RFC 1035
//! s3.1, RFC 8415 s10).
//!
//! Invariant: at least one label, each of 1 to 63 letters, digits, hyphens or underscores; 255 octets at
//! most. So a name can be logged and written into a file as it is.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A name of a host.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct DomainName {
    octets: Vec<u8>,
}

impl DomainName {
    /// The first name that `octets` hold, without compression; what follows it is not looked at (DH-003).
    ///
    /// # Errors
    /// When they hold no valid name.
    pub fn first_of(octets: &[u8]) -> Result<Self, NameError> {
        let mut end = 0;
        loop {
            let length = *octets.get(end).ok_or(NameError::Unterminated)?;
            if length == 0 {
                break;
            }
            let label = octets.get(end + 1..).unwrap_or_default();
            check_length(length)?;
            let label = label
                .get(..usize::from(length))
                .ok_or(NameError::Unterminated)?;
            check_label(label)?;
            end += 1 + label.len();
        }
        Self::from_labels(&octets[..=end])
    }

    fn from_labels(octets: &[u8]) -> Result<Self, NameError> {
        if octets.len() > MAX_OCTETS {
            return Err(NameError::TooLong {
                octets: octets.len(),
            });
        }
        if octets.len() == 1 {
            return Err(NameError::Empty);
        }
        Ok(Self {
            octets: octets.to_vec(),
        })
    }

    /// The labels behind their lengths, the empty one last.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

fn check_length(length: u8) -> Result<(), NameError> {
    match length {
        1..=MAX_LABEL => Ok(()),
        _ => Err(NameError::Label { length }),
    }
}

fn check_label(label: &[u8]) -> Result<(), NameError> {
    let allowed = |octet: &&u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    match label.iter().find(|octet| !allowed(octet)) {
        None => Ok(()),
        Some(&octet) => Err(NameError::Character { octet }),
    }
}

impl FromStr for DomainName {
    type Err = NameError;

    /// From text, with or without the dot at its end.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut octets = Vec::with_capacity(text.len() + 2);
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        for label in text.split('.') {
            let length = u8::try_from(label.len()).unwrap_or(u8::MAX);
            check_length(length)?;
            check_label(label.as_bytes())?;
            octets.push(length);
            octets.extend_from_slice(label.as_bytes());
        }
        octets.push(0);
        Self::from_labels(&octets)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.octets.as_slice();
        let mut dot = "";
        while let Some((&length, after)) = rest.split_first()
            && length > 0
        {
            let (label, after) = after.split_at(usize::from(length));
            f.write_str(dot)?;
            f.write_str(&String::from_utf8_lossy(label))?;
            dot = ".";
            rest = after;
        }
        Ok(())
    }
}

/// Why octets or a text are no name.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum NameError {
    /// Only the root, or nothing.
    #[error("a name without a label")]
    Empty,
    /// The octets end before the empty label does.
    #[error("a name that does not end")]
    Unterminated,
    /// A label's length is 0 inside the name, or above 63: a compression pointer, for one.
    #[error("a label of {length} octets")]
    Label {
        /// The length's octet.
        length: u8,
    },
    /// No letter, digit, hyphen or underscore.
    #[error("octet {octet:#04x} in a name")]
    Character {
        /// The octet.
        octet: u8,
    },
    /// More octets than a name may have.
    #[error("a name of {octets} octets, more than 255")]
    TooLong {
        /// How many there are.
        octets: usize,
    },
}

/// Longest label and name (RFC 1035 s2.3.4).
const MAX_LABEL: u8 = 63;
const MAX_OCTETS: usize = 255;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of DH-001.
    const AFTR: &[u8] = b"\x04aftr\x07example\x03com\x00";

    #[test]
    fn dh_001_a_name_reads_as_text_and_back() {
        let name = DomainName::first_of(AFTR).unwrap();
        assert_eq!(name.to_string(), "aftr.example.com");
        assert_eq!("aftr.example.com.".parse(), Ok(name));
    }

    #[test]
    fn dh_003_only_the_first_name_is_read() {
        let two = [AFTR, b"\x03two\x00"].concat();
        assert_eq!(DomainName::first_of(&two), DomainName::first_of(AFTR));
    }

    #[test]
    fn dh_002_what_is_no_name_is_refused() {
        let long = [vec![63], vec![b'a'; 63]].concat().repeat(4);
        let cases: [(&[u8], NameError); 7] = [
            (b"", NameError::Unterminated),
            (b"\x00", NameError::Empty),
            (b"\x04aftr", NameError::Unterminated),
            (b"\x07aftr\x00", NameError::Unterminated),
            (b"\x04aftr\xc0\x00", NameError::Label { length: 0xc0 }),
            (b"\x04af r\x00", NameError::Character { octet: b' ' }),
            (
                &[long.as_slice(), &[0]].concat(),
                NameError::TooLong { octets: 257 },
            ),
        ];
        for (octets, error) in cases {
            assert_eq!(DomainName::first_of(octets), Err(error), "{octets:?}");
        }
        assert_eq!(
            "a..b".parse::<DomainName>(),
            Err(NameError::Label { length: 0 })
        );
    }

    proptest! {
        #[test]
        fn dh_002_any_octets_are_a_name_or_an_error(octets: Vec<u8>) {
            if let Ok(name) = DomainName::first_of(&octets) {
                prop_assert!(octets.starts_with(name.octets()));
                prop_assert_eq!(name.to_string().parse(), Ok(name));
            }
        }
    }
}
