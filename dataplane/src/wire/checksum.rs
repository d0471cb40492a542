//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624).

/// Ones' complement sum of `bytes`, folded to 16 bits, in network order; an odd octet is padded.
///
/// A header whose checksum field is right sums to `0xffff`.
#[must_use]
pub fn sum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks_exact(2);
    let odd = words
        .remainder()
        .first()
        .map_or(0, |last| u32::from(*last) << 8);
    fold(
        words
            .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
            .sum::<u32>()
            + odd,
    )
}

/// Whether an IPv4 header without options sums up; the sum does not depend on the byte order
/// (RFC 1071 s2.B), so the words are taken as they lie.
#[must_use]
#[inline(always)]
pub fn basic_header_is_good(header: &[u8; 20]) -> bool {
    let sum: u64 = header
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u64::from(u32::from_ne_bytes(*word)))
        .sum();
    let folded = (sum & 0xffff_ffff) + (sum >> 32);
    let folded = (folded & 0xffff) + (folded >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    ((folded & 0xffff) + (folded >> 16)) == 0xffff
}

/// The same for a header that begins with `0x45`: its words are not all zero, so that it sums up when
/// 65535 divides the sum.
#[must_use]
#[inline(always)]
pub(crate) fn plain_header_is_good(header: &[u8; 20]) -> bool {
    let sum: u64 = header
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u64::from(u32::from_ne_bytes(*word)))
        .sum();
    sum.is_multiple_of(0xffff)
}

/// The checksum after one 16-bit word under it went from `old` to `new` (RFC 1624 eqn. 3).
#[must_use]
#[inline]
pub const fn update(checksum: u16, old: u16, new: u16) -> u16 {
    let sum = !checksum as u32 + !old as u32 + new as u32;
    !fold(sum)
}

/// The sum of two parts, the first of which has an even number of octets.
#[must_use]
pub const fn add(one: u16, other: u16) -> u16 {
    fold(one as u32 + other as u32)
}

#[inline]
const fn fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_rfc_1071_example_sums_as_printed() {
        assert_eq!(
            sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]),
            0xddf2
        );
    }

    proptest! {
        #[test]
        fn an_updated_checksum_stays_right(mut header: [u8; 20], word in 0_usize..5, new: u16) {
            header[10..12].fill(0);
            let checksum = !sum(&header);
            header[10..12].copy_from_slice(&checksum.to_be_bytes());
            prop_assert!(basic_header_is_good(&header) || header[..10].iter().chain(&header[12..]).all(|b| *b == 0));
            let old = u16::from_be_bytes([header[2 * word], header[2 * word + 1]]);
            header[2 * word..2 * word + 2].copy_from_slice(&new.to_be_bytes());
            let updated = update(checksum, old, new);
            header[10..12].copy_from_slice(&updated.to_be_bytes());
            prop_assert_eq!(sum(&header), 0xffff);
            prop_assert!(basic_header_is_good(&header));
        }

        #[test]
        fn both_sums_agree_on_any_header(header: [u8; 20]) {
            prop_assert_eq!(basic_header_is_good(&header), sum(&header) == 0xffff);
        }
    }
}
