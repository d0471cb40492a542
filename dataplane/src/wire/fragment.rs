//! The IPv6 Fragment header (RFC 8200 s4.5).
//!
//! ```text
//!  next header │ reserved │ offset (13 bits, of 8 octets), reserved (2), M │ identification
//!       1      │     1    │                       2                        │       4
//! ```
//!
//! Offsets are octets here, never units of 8, so that they add up with lengths.

use crate::drop_reason::DropReason;

/// Octets of the header.
pub const HEADER: usize = 8;

/// Where the field of the offset is, in octets from the header's start.
pub const OFFSET_FIELD: usize = 2;

/// What a Fragment header says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FragmentHeader {
    /// What the fragmented part begins with; of meaning in the first fragment only.
    pub next_header: u8,
    /// Where the payload belongs in the fragmented part, in octets: a multiple of 8.
    pub offset_octets: u16,
    /// Whether more fragments follow.
    pub more: bool,
    /// Which of its sender's packets this is a part of.
    pub identification: u32,
}

impl FragmentHeader {
    /// Reads the header at the start of `bytes`. Reserved bits are ignored.
    ///
    /// # Errors
    /// [`DropReason::BadIpv6Header`] when it is cut.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Self, DropReason> {
        let header = bytes.first_chunk().ok_or(DropReason::BadIpv6Header)?;
        Ok(Self::read(header))
    }

    /// What a header says that is there. A result of this would not stay in registers.
    #[must_use]
    #[inline(always)]
    pub const fn read(header: &[u8; HEADER]) -> Self {
        let offset_and_more = u16::from_be_bytes([header[2], header[3]]);
        Self {
            next_header: header[0],
            offset_octets: offset_and_more & OFFSET,
            more: offset_and_more & MORE != 0,
            identification: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        }
    }

    /// Whether this is the whole packet, with a Fragment header all the same (RFC 6946).
    #[must_use]
    #[inline]
    pub const fn is_atomic(&self) -> bool {
        self.offset_octets == 0 && !self.more
    }
}

/// Writes a Fragment header. Of `offset_octets`, a multiple of 8, lower bits are not written.
#[inline]
pub fn write(
    header: &mut [u8; HEADER],
    next_header: u8,
    offset_octets: u16,
    more: bool,
    identification: u32,
) {
    let offset_and_more = (offset_octets & OFFSET) | u16::from(more);
    let first =
        u64::from(next_header) << 56 | u64::from(offset_and_more) << 32 | u64::from(identification);
    *header = first.to_be_bytes();
}

/// Bits of the offset: in place, they are the offset in octets.
const OFFSET: u16 = 0xfff8;
/// The M flag.
const MORE: u16 = 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fr_006_the_fields_are_where_the_rfc_draws_them() {
        let octets = [4, 0xff, 0x05, 0xa9 | 0x06, 0xde, 0xad, 0xbe, 0xef];
        let header = FragmentHeader::parse(&octets).unwrap();
        assert_eq!(
            header,
            FragmentHeader {
                next_header: 4,
                offset_octets: 0x05a8,
                more: true,
                identification: 0xdead_beef,
            }
        );
    }

    #[test]
    fn fr_006_reserved_bits_are_sent_as_zero() {
        let mut header = [0xff; HEADER];
        write(&mut header, 4, 1456, false, 7);
        assert_eq!(header, [4, 0, 0x05, 0xb0, 0, 0, 0, 7]);
    }

    #[test]
    fn fr_009_atomic_is_offset_0_without_more() {
        for (offset, more, is_atomic) in [(0, false, true), (0, true, false), (8, false, false)] {
            let mut header = [0; HEADER];
            write(&mut header, 4, offset, more, 1);
            let header = FragmentHeader::parse(&header).unwrap();
            assert_eq!(header.is_atomic(), is_atomic, "{header:?}");
        }
    }

    #[test]
    fn cut_it_is_refused() {
        for len in 0..HEADER {
            assert_eq!(
                FragmentHeader::parse(&[0; HEADER][..len]),
                Err(DropReason::BadIpv6Header)
            );
        }
    }

    proptest! {
        #[test]
        fn fr_006_it_reads_back_as_written(
            next_header: u8, units in 0_u16..8192, more: bool, identification: u32
        ) {
            let mut header = [0xee; HEADER];
            let offset_octets = units * 8;
            write(&mut header, next_header, offset_octets, more, identification);
            let expected = FragmentHeader { next_header, offset_octets, more, identification };
            prop_assert_eq!(FragmentHeader::parse(&header), Ok(expected));
        }
    }
}
