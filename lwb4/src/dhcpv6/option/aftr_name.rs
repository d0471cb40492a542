//! Option 64, the AFTR's name (RFC 6334 s3; DH-001…003).

use super::OptionError;
use super::code;
use crate::dns::DomainName;

/// The first name of the option.
pub(super) fn read(value: &[u8]) -> Result<DomainName, OptionError> {
    if value.len() < MIN_OCTETS {
        return Err(OptionError::Length {
            code: code::AFTR_NAME,
            length: value.len(),
        });
    }
    DomainName::first_of(value).map_err(OptionError::Name)
}

/// The option is longer than 3 octets (RFC 6334 s4).
const MIN_OCTETS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::NameError;

    #[test]
    fn dh_001_the_name_is_read() {
        let name = read(b"\x04aftr\x07example\x03com\x00").unwrap();
        assert_eq!(name.to_string(), "aftr.example.com");
    }

    #[test]
    fn dh_002_the_option_is_longer_than_three_octets_and_a_name() {
        assert_eq!(
            read(b"\x01a\x00"),
            Err(OptionError::Length {
                code: 64,
                length: 3
            })
        );
        assert_eq!(read(b"\x02ab\x00").unwrap().to_string(), "ab");
        assert_eq!(
            read(b"\xc0\x0c\x00\x00"),
            Err(OptionError::Name(NameError::Label { length: 0xc0 }))
        );
    }
}
