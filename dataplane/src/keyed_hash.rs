//! The hash of tables whose keys the world chooses.
//!
//! Words are hidden behind secrets, multiplied in pairs, and folded, as in wyhash and foldhash: two products
//! and one more for any key there is. That is weaker than SipHash in one respect: whoever sees hashes could
//! find keys that collide. Nobody does, they never leave the table; and a flood of fragments must not pay
//! for more than it takes.

use std::hash::BuildHasher;
use std::hash::RandomState;

/// A hash that only its owner can compute.
#[derive(Debug)]
pub(crate) struct KeyedHash {
    secrets: [u64; SECRETS],
}

impl KeyedHash {
    /// One with secrets of its own.
    pub(crate) fn new() -> Self {
        let random = RandomState::new();
        Self {
            secrets: std::array::from_fn(|index| random.hash_one(index)),
        }
    }

    /// The hash of a key of three pairs of words; the halves of all of them hang together.
    #[inline(always)]
    pub(crate) fn of(&self, pairs: [[u64; 2]; PAIRS]) -> u64 {
        let [finish, hidden @ ..] = &self.secrets;
        let (hidden, _) = hidden.as_chunks::<2>();
        let mixed = pairs
            .iter()
            .zip(hidden)
            .map(|(words, secrets)| fold(words[0] ^ secrets[0], words[1] ^ secrets[1]))
            .fold(0_u64, |sum, one| sum.rotate_left(ROTATED).wrapping_add(one));
        // What a table takes as a hash are its lowest bits and its highest: both must hang on all.
        fold(mixed ^ finish, GOLDEN)
    }
}

/// Both halves of a product.
#[inline(always)]
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product >> 64) as u64 ^ product as u64
}

/// Pairs of words in a key, as many as two IPv6 addresses and an Identification need.
pub(crate) const PAIRS: usize = 3;
const SECRETS: usize = 1 + 2 * PAIRS;
/// So that pairs that change places change the sum.
const ROTATED: u32 = 23;
/// 2^64 divided by the golden ratio: odd, and its bits follow no pattern.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_that_differ_in_a_bit_differ_in_half_of_the_bits_of_their_hash() {
        let hash = KeyedHash::new();
        let (mut flipped, mut flips) = (0, 0);
        for round in 0..100 {
            let key = [[round, 7], [round << 40, 9], [1, round]];
            for (pair, word, bit) in (0..PAIRS * 128).map(|n| (n / 128, n / 64 % 2, n % 64)) {
                let mut other = key;
                other[pair][word] ^= 1 << bit;
                flipped += (hash.of(key) ^ hash.of(other)).count_ones();
                flips += 1;
            }
        }
        let mean = f64::from(flipped) / f64::from(flips);
        assert!((30.0..34.0).contains(&mean), "{mean}");
    }

    #[test]
    fn consecutive_keys_fill_the_buckets_of_a_table_evenly() {
        let hash = KeyedHash::new();
        for step in [1, 1 << 16, 1 << 32, 1 << 48] {
            let mut low = [0_u32; 256];
            let mut high = [0_u32; 128];
            for number in 0..25_600_u64 {
                let found = hash.of([[number * step, 0], [0, 0], [0, 0]]);
                low[found as usize % 256] += 1;
                high[(found >> 57) as usize] += 1;
            }
            // Six standard deviations around 100 and 200.
            assert!(low.iter().all(|count| (40..=160).contains(count)), "{step}");
            assert!(
                high.iter().all(|count| (115..=285).contains(count)),
                "{step}"
            );
        }
    }

    #[test]
    fn every_table_has_secrets_of_its_own() {
        let hashes: HashSet<_> = (0..100).map(|_| KeyedHash::new().of([[1; 2]; 3])).collect();
        assert_eq!(hashes.len(), 100);
    }
}
