//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624).

/// Ones' complement sum of `bytes`, folded to 16 bits, in network order; an odd octet is padded.
///
/// A header whose checksum field is right sums to `0xffff`.
#[must_use]
pub fn sum(bytes: &[u8]) -> u16 {
    // The sum does not depend on the byte order (RFC 1071 s2.B): the words are taken as they lie, several
    // at once, and turned round at the end.
    let (words, rest) = bytes.as_chunks::<4>();
    let mut sum: u64 = words
        .iter()
        .map(|word| u64::from(u32::from_ne_bytes(*word)))
        .sum();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    sum += u64::from(u32::from_ne_bytes(last));
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    u16::from_be(fold(sum as u32))
}

/// The checksum after one 16-bit word under it went from `old` to `new` (RFC 1624 eqn. 3).
#[must_use]
pub const fn update(checksum: u16, old: u16, new: u16) -> u16 {
    let sum = !checksum as u32 + !old as u32 + new as u32;
    !fold(sum)
}

/// The sum of two parts, the first of which has an even number of octets.
#[must_use]
pub const fn add(one: u16, other: u16) -> u16 {
    fold(one as u32 + other as u32)
}

const fn fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 1071 word by word.
    fn plain(bytes: &[u8]) -> u16 {
        let mut sum = 0_u32;
        for word in bytes.chunks(2) {
            sum += u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn the_rfc_1071_example_sums_as_printed() {
        assert_eq!(
            sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]),
            0xddf2
        );
    }

    proptest! {
        #[test]
        fn the_fast_sum_is_the_plain_one(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(sum(&bytes), plain(&bytes));
        }

        #[test]
        fn an_updated_checksum_stays_right(mut bytes: [u8; 20], word in 0_usize..10, new: u16) {
            prop_assume!(word != 5);
            bytes[10..12].fill(0);
            let checksum = !sum(&bytes);
            let old = u16::from_be_bytes([bytes[2 * word], bytes[2 * word + 1]]);
            bytes[2 * word..2 * word + 2].copy_from_slice(&new.to_be_bytes());
            bytes[10..12].copy_from_slice(&update(checksum, old, new).to_be_bytes());
            prop_assert_eq!(sum(&bytes), 0xffff);
        }
    }
}
