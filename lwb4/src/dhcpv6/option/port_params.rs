//! Option 93, a PSID (RFC 7598 s4.5; GM-005): offset, length, and the PSID in the left bits of 16.

use std::net::Ipv4Addr;

use super::OptionError;
use super::code;
use crate::external::ExternalSet;

/// What option 93 says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct PortParams {
    offset: u8,
    length: u8,
    psid: u16,
}

impl PortParams {
    pub(super) fn read(value: &[u8]) -> Result<Self, OptionError> {
        let &[offset, length, high, low] = value else {
            return Err(OptionError::Length {
                code: code::S46_PORTPARAMS,
                length: value.len(),
            });
        };
        let psid = aligned_right(u16::from_be_bytes([high, low]), length)?;
        // Without a PSID the address is whole, whatever the offset says (GM-003).
        let offset = if length == 0 { 0 } else { offset };
        Ok(Self {
            offset,
            length,
            psid,
        })
    }

    /// The PSID, right-aligned; 0 if there is none.
    pub(super) const fn psid(self) -> u16 {
        self.psid
    }

    /// Its ports of an address.
    pub(super) fn of(self, address: Ipv4Addr) -> Result<ExternalSet, OptionError> {
        ExternalSet::psid(address, self.offset, self.length, self.psid)
            .map_err(OptionError::PortSet)
    }
}

/// A server that aligned the PSID right would otherwise give us the set of somebody else (GM-005).
fn aligned_right(field: u16, length: u8) -> Result<u16, OptionError> {
    match length {
        // The field has no meaning (RFC 7598 s4.5).
        0 => Ok(0),
        1..=15 if field << length != 0 => Err(OptionError::PsidPadding { field, length }),
        1..=16 => Ok(field >> (16 - length)),
        // No set has so many bits; its constructor says so.
        _ => Ok(field),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::external::ExternalSetError;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);

    fn read(octets: &[u8]) -> Result<ExternalSet, OptionError> {
        PortParams::read(octets)?.of(ADDRESS)
    }

    fn set(offset: u8, length: u8, psid: u16) -> ExternalSet {
        ExternalSet::psid(ADDRESS, offset, length, psid).unwrap()
    }

    /// T-38: k = 5, PSID 13 is 0x6800 in the option, and 26624, its first port, with no offset.
    #[test]
    fn gm_005_the_psid_is_in_the_left_bits() {
        let read = |octets: &[u8]| read(octets).unwrap();
        assert_eq!(read(&[0, 5, 0x68, 0]), set(0, 5, 13));
        assert_eq!(read(&[0, 5, 0x68, 0]).nth(0), Some(0x6800));
        assert_eq!(read(&[6, 8, 0x34, 0]), set(6, 8, 0x34));
        assert_eq!(read(&[6, 8, 0x34, 0]).nth(0), Some(1232));
        assert_eq!(read(&[0, 6, 0x68, 0]).nth(0), Some(26624));
        assert_eq!(read(&[0, 10, 0x04, 0]).nth(0), Some(1024));
        assert_eq!(read(&[0, 16, 0x12, 0x34]).nth(0), Some(0x1234));
    }

    #[test]
    fn gm_003_without_a_psid_the_address_is_whole() {
        assert!(read(&[6, 0, 0xff, 0xff]).unwrap().is_whole());
    }

    #[test]
    fn dh_010_numbers_that_name_no_set_are_refused() {
        let padding = OptionError::PsidPadding {
            field: 13,
            length: 5,
        };
        assert_eq!(read(&[0, 5, 0, 13]), Err(padding));
        for (offset, length) in [(16, 1), (0, 17), (9, 8), (0, 255)] {
            let bits = ExternalSetError::Bits { offset, length };
            let read = read(&[offset, length, 0, 0]);
            assert_eq!(read, Err(OptionError::PortSet(bits)));
        }
        for octets in [&[0, 5, 0x68][..], &[0, 5, 0x68, 0, 0]] {
            assert!(matches!(
                read(octets),
                Err(OptionError::Length { code: 93, .. })
            ));
        }
    }
}
