//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624), for headers that change in
//! place.

/// How far the transport checksum of a packet is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Checksum {
    /// It is the one that goes on the wire.
    Complete,
    /// The kernel left the rest to a device: the field holds the sum over the pseudo-header, folded and not
    /// complemented (`VIRTIO_NET_HDR_F_NEEDS_CSUM`). So addresses matter to it, and ports do not yet.
    Partial,
}

/// What a change of some 16-bit words does to every checksum that covers them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Delta(u32);

impl Delta {
    /// One word went from `old` to `new`.
    pub(super) const fn word(old: u16, new: u16) -> Self {
        Self(!old as u32 + new as u32)
    }

    /// Two words, as an address is.
    pub(super) const fn long(old: u32, new: u32) -> Self {
        let old = !old;
        Self((old >> 16) + (old & 0xffff) + (new >> 16) + (new & 0xffff))
    }

    /// Both changes.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The checksum after the change (RFC 1624 eqn. 3).
    pub(super) const fn apply(self, checksum: u16) -> u16 {
        !fold(!checksum as u32 + self.0)
    }

    /// The bare sum after the change.
    pub(super) const fn apply_to_sum(self, sum: u16) -> u16 {
        fold(sum as u32 + self.0)
    }
}

/// Ones' complement sum of `bytes`; an odd octet is padded. What carries its right checksum sums to
/// `0xffff`.
pub(super) fn sum(bytes: &[u8]) -> u16 {
    let (words, odd) = bytes.as_chunks::<4>();
    let mut sum: u64 = words
        .iter()
        .map(|word| u64::from(u32::from_be_bytes(*word)))
        .sum();
    let mut last = [0; 4];
    last[..odd.len()].copy_from_slice(odd);
    sum += u64::from(u32::from_be_bytes(last));
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    fold((sum >> 16) as u32 + (sum & 0xffff) as u32)
}

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
        assert_eq!(sum(&[0x12, 0x34, 0x56]), 0x6834, "an odd octet is padded");
    }

    /// RFC 1624 s4: the checksum of a header goes from 0xdd2f to 0x0000 when 0x5555 becomes 0x3285.
    #[test]
    fn the_rfc_1624_example_updates_as_printed() {
        assert_eq!(Delta::word(0x5555, 0x3285).apply(0xdd2f), 0x0000);
    }

    proptest! {
        #[test]
        fn an_updated_checksum_stays_right(mut words: [u16; 8], at in 1_usize..7, one: u16, other: u16) {
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
