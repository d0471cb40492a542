//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624), for headers that change in place.

/// What a change of some 16-bit words does to every checksum that covers them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Delta(u32);

impl Delta {
    /// One word went from `old` to `new`.
    pub(crate) const fn word(old: u16, new: u16) -> Self {
        Self(!old as u32 + new as u32)
    }

    /// Two words, as an address is.
    pub(crate) const fn long(old: u32, new: u32) -> Self {
        let old = !old;
        Self((old >> 16) + (old & 0xffff) + (new >> 16) + (new & 0xffff))
    }

    /// Both changes.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The checksum after the change (RFC 1624 eqn. 3).
    pub(crate) const fn apply(self, checksum: u16) -> u16 {
        !fold(!checksum as u32 + self.0)
    }

    /// The bare sum after the change.
    pub(crate) const fn apply_to_sum(self, sum: u16) -> u16 {
        fold(sum as u32 + self.0)
    }
}

/// Ones' complement sum of `bytes`, folded to 16 bits, in network order; an odd octet is padded.
///
/// A header whose checksum field is right sums to `0xffff`.
pub(crate) fn sum(bytes: &[u8]) -> u16 {
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

/// The sum of two parts, the first of which has an even number of octets.
pub(crate) const fn add(one: u16, other: u16) -> u16 {
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
        assert_eq!(sum(&[0x12, 0x34, 0x56]), 0x6834, "an odd octet is padded");
    }

    /// RFC 1624 s4: the checksum of a header goes from 0xdd2f to 0x0000 when 0x5555 becomes 0x3285.
    #[test]
    fn the_rfc_1624_example_updates_as_printed() {
        assert_eq!(Delta::word(0x5555, 0x3285).apply(0xdd2f), 0x0000);
    }

    proptest! {
        #[test]
        fn the_fast_sum_is_the_plain_one(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(sum(&bytes), plain(&bytes));
        }

        #[test]
        fn a_checksum_stays_right_when_one_word_changes(mut bytes: [u8; 20], word in 0_usize..10, new: u16) {
            prop_assume!(word != 5);
            bytes[10..12].fill(0);
            let checksum = !sum(&bytes);
            let old = u16::from_be_bytes([bytes[2 * word], bytes[2 * word + 1]]);
            bytes[2 * word..2 * word + 2].copy_from_slice(&new.to_be_bytes());
            let checksum = Delta::word(old, new).apply(checksum);
            bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
            prop_assert_eq!(sum(&bytes), 0xffff);
        }

        #[test]
        fn a_checksum_stays_right_when_an_address_changes(mut words: [u16; 8], at in 1_usize..7, one: u16, other: u16) {
            let bytes = |words: [u16; 8]| words.map(u16::to_be_bytes).concat();
            prop_assume!(words[1..].iter().any(|word| *word != 0));
            words[0] = 0;
            words[0] = !sum(&bytes(words));
            let (old, new) = ([words[at], words[at + 1]], [one, other]);
            prop_assume!(new != [0, 0]);
            let long = |[high, low]: [u16; 2]| u32::from(high) << 16 | u32::from(low);
            let delta = Delta::long(long(old), long(new));
            prop_assert_eq!(sum(&bytes(words)), 0xffff);
            words[at..at + 2].copy_from_slice(&new);
            words[0] = delta.apply(words[0]);
            prop_assert_eq!(sum(&bytes(words)), 0xffff);
            let by_words = Delta::word(old[0], new[0]).and(Delta::word(old[1], new[1]));
            prop_assert_eq!(by_words.apply_to_sum(1), delta.apply_to_sum(1));
        }
    }
}
