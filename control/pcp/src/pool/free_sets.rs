//! Which of many numbers are free: a bitmap with bitmaps of its words above it.
//!
//! Finding the first free number of a range, taking one and giving one back cost one word a level; a
//! million sets have four levels.

/// A set of numbers below a fixed bound.
#[derive(Clone, Debug)]
pub(super) struct FreeSets {
    levels: Vec<Vec<u64>>,
    count: usize,
}

impl FreeSets {
    /// No number below `bound` is free.
    pub(super) fn none(bound: usize) -> Self {
        let mut levels = Vec::new();
        let mut words = bound.div_ceil(BITS).max(1);
        loop {
            levels.push(vec![0; words]);
            if words == 1 {
                break;
            }
            words = words.div_ceil(BITS);
        }
        Self { levels, count: 0 }
    }

    pub(super) fn contains(&self, number: usize) -> bool {
        self.levels[0]
            .get(number / BITS)
            .is_some_and(|word| word >> (number % BITS) & 1 == 1)
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) fn insert(&mut self, number: usize) {
        if self.contains(number) {
            return;
        }
        self.count += 1;
        let mut at = number;
        for level in &mut self.levels {
            let word = &mut level[at / BITS];
            let was = *word;
            *word |= 1 << (at % BITS);
            if was != 0 {
                return;
            }
            at /= BITS;
        }
    }

    pub(super) fn remove(&mut self, number: usize) {
        if !self.contains(number) {
            return;
        }
        self.count -= 1;
        let mut at = number;
        for level in &mut self.levels {
            let word = &mut level[at / BITS];
            *word &= !(1 << (at % BITS));
            if *word != 0 {
                return;
            }
            at /= BITS;
        }
    }

    /// The first free number that is not below `start`.
    pub(super) fn first_from(&self, start: usize) -> Option<usize> {
        let mut at = start;
        for (level, words) in self.levels.iter().enumerate() {
            let word = words.get(at / BITS)? & (u64::MAX << (at % BITS));
            if word != 0 {
                return Some(
                    self.descend(level, at / BITS * BITS + word.trailing_zeros() as usize),
                );
            }
            at = at / BITS + 1;
        }
        None
    }

    /// The first number under bit `at` of `level`.
    fn descend(&self, level: usize, at: usize) -> usize {
        (0..level).rev().fold(at, |at, level| {
            at * BITS + self.levels[level][at].trailing_zeros() as usize
        })
    }
}

const BITS: usize = u64::BITS as usize;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_sorted_set(bound in 1_usize..20_000, steps in vec(any::<(u16, bool)>(), 0..200), start: u16) {
            let mut free = FreeSets::none(bound);
            let mut oracle = BTreeSet::new();
            for (number, insert) in steps {
                let number = usize::from(number) % bound;
                if insert {
                    free.insert(number);
                    oracle.insert(number);
                } else {
                    free.remove(number);
                    oracle.remove(&number);
                }
            }
            let start = usize::from(start) % (bound + 1);
            prop_assert_eq!(free.first_from(start), oracle.range(start..).next().copied());
            prop_assert_eq!(free.first_from(0), oracle.first().copied());
            prop_assert_eq!(free.count(), oracle.len());
            prop_assert!(oracle.iter().all(|number| free.contains(*number)));
        }
    }
}
