//! Speck32/64 (Beaulieu et al., "The Simon and Speck Families of Lightweight Block Ciphers", 2013): a
//! keyed permutation of 32-bit words, in a few instructions a round and without tables.

/// A permutation that nobody can tell apart from a random one without its key.
#[derive(Clone, Debug)]
pub(super) struct Permutation {
    round_keys: [u16; ROUNDS],
}

impl Permutation {
    /// The permutation of this key.
    pub(super) fn new(key: u64) -> Self {
        // The paper writes the key as (l2, l1, l0, k0), the most significant word first.
        let [mut round_key, mut next, mut second, mut third] =
            [0, 16, 32, 48].map(|shift| (key >> shift) as u16);
        let mut round_keys = [0; ROUNDS];
        for (round, stored) in round_keys.iter_mut().enumerate() {
            *stored = round_key;
            let (mixed, following) = mix(next, round_key, round as u16);
            (next, second, third) = (second, third, mixed);
            round_key = following;
        }
        Self { round_keys }
    }

    /// What `word` becomes.
    #[inline]
    pub(super) fn apply(&self, word: u32) -> u32 {
        let halves = ((word >> 16) as u16, word as u16);
        let (left, right) = self
            .round_keys
            .iter()
            .fold(halves, |(left, right), key| mix(left, right, *key));
        u32::from(left) << 16 | u32::from(right)
    }
}

/// One round, of the cipher as of its key schedule.
#[inline(always)]
const fn mix(left: u16, right: u16, key: u16) -> (u16, u16) {
    let left = left.rotate_right(7).wrapping_add(right) ^ key;
    (left, right.rotate_left(2) ^ left)
}

/// Rounds of the cipher with words of 16 bits and a key of four.
const ROUNDS: usize = 22;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_published_example_comes_out_as_printed() {
        let permutation = Permutation::new(0x1918_1110_0908_0100);
        assert_eq!(permutation.apply(0x6574_694c), 0xa868_42f2);
    }

    #[test]
    fn no_two_words_become_one() {
        let permutation = Permutation::new(7);
        // Words that are next to each other, and words that differ in their upper half only.
        let words = (0..0x8_0000).chain((8..0x1_0000).map(|high| high << 16));
        let images: HashSet<_> = words.clone().map(|word| permutation.apply(word)).collect();
        assert_eq!(images.len(), words.count());
    }
}
