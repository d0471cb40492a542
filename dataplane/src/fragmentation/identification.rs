//! Identifications of the IPv6 packets that we fragment (FR-007, RFC 8200 s4.5, RFC 7739).
//!
//! Whoever can guess the next Identification can spoil a packet's reassembly with forged fragments,
//! and whoever reuses one too soon spoils it himself. So each worker counts, which cannot repeat, and
//! sends its count through a permutation, whose key nobody outside knows:
//!
//! ```text
//!  counted:     [ worker | count ............... ]
//!                     permutation of the box's key
//!  on the wire: [ Identification ............... ]
//! ```
//!
//! All workers have the same permutation and different counts, so no two of them ever use the same
//! Identification, without knowing of each other. Boxes that share an anycast address can be kept apart
//! the same way, with one key and numbers of their own (FO-024, RFC 7597 s8.3.1).
//!
//! An Identification comes back after `2^32 / workers` packets of that worker, `workers` rounded up to
//! a power of two. With 8 workers and a million fragmented packets a second on each that is 9 minutes,
//! well beyond the 60 s for which a receiver keeps fragments (RFC 8200 s4.5).

use crate::fragmentation::speck::Permutation;

/// One worker's Identifications.
#[derive(Clone, Debug)]
pub struct Identifications {
    permutation: Permutation,
    /// The worker's number, in the top bits.
    worker: u32,
    count: u32,
    /// The bits below the worker's number.
    count_mask: u32,
}

impl Identifications {
    /// The Identifications of worker number `worker` of `workers`, all of which have the same secret
    /// `key`. The same key gives the same Identifications again.
    #[must_use]
    pub fn new(key: u64, worker: u8, workers: u8) -> Self {
        debug_assert!(worker < workers);
        let worker_bits = u8::BITS - workers.saturating_sub(1).leading_zeros();
        let count_bits = u32::BITS - worker_bits;
        Self {
            permutation: Permutation::new(key),
            worker: u32::from(worker).checked_shl(count_bits).unwrap_or(0),
            count: 0,
            count_mask: u32::MAX >> worker_bits,
        }
    }

    /// An Identification that this worker has not used for as long as possible.
    #[inline]
    pub fn draw(&mut self) -> u32 {
        let counted = self.worker | self.count;
        self.count = self.count.wrapping_add(1) & self.count_mask;
        self.permutation.apply(counted)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn drawn(key: u64, worker: u8, workers: u8, count: usize) -> Vec<u32> {
        let mut identifications = Identifications::new(key, worker, workers);
        (0..count).map(|_| identifications.draw()).collect()
    }

    #[test]
    fn fr_007_a_million_identifications_are_all_different() {
        let all: HashSet<_> = drawn(1, 0, 1, 1_000_000).into_iter().collect();
        assert_eq!(all.len(), 1_000_000);
    }

    #[test]
    fn fr_007_workers_never_use_each_others_identifications() {
        for workers in [1, 2, 3, 8, 255] {
            let mut all = HashSet::new();
            for worker in 0..workers {
                all.extend(drawn(2, worker, workers, 4000));
            }
            assert_eq!(all.len(), 4000 * usize::from(workers), "{workers} workers");
        }
    }

    #[test]
    fn fr_007_a_worker_uses_its_whole_share_before_it_starts_again() {
        let mut identifications = Identifications::new(3, 2, 3);
        let first = identifications.draw();
        // Three workers take two bits, so each has 2^30; the counter is put to the last of them.
        identifications.count = (1 << 30) - 1;
        let last = identifications.draw();
        assert_ne!(first, last);
        assert_eq!(identifications.draw(), first);
    }

    #[test]
    fn fr_007_the_next_identification_does_not_follow_from_those_before() {
        let drawn = drawn(4, 0, 4, 10_000);
        let steps: HashSet<_> = drawn
            .windows(2)
            .map(|pair| pair[1].wrapping_sub(pair[0]))
            .collect();
        // Of 10^4 random 32-bit numbers about 10^8 / 2 / 2^32, hence none, are alike.
        assert!(steps.len() > 9_990, "{} steps", steps.len());
        let rises = drawn.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((4500..5500).contains(&rises), "{rises} rises");
        for bit in 0..32 {
            let set = drawn.iter().filter(|id| *id >> bit & 1 == 1).count();
            assert!((4700..5300).contains(&set), "bit {bit} is set {set} times");
        }
    }

    #[test]
    fn fr_007_identifications_depend_on_the_key_and_on_nothing_else() {
        assert_eq!(drawn(5, 1, 2, 100), drawn(5, 1, 2, 100));
        assert_ne!(drawn(5, 1, 2, 100), drawn(6, 1, 2, 100));
    }
}
