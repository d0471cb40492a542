//! The fuzzer's octets, taken for numbers, choices and contents.
//!
//! What is missing at the end reads as zero, and zero always means the usual: a shorter input is a simpler
//! one, so that minimising an input also simplifies what it describes.

/// Octets of which less and less is left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    left: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self { left: octets }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    pub(crate) fn octet(&mut self) -> u8 {
        match self.left.split_first() {
            Some((&octet, left)) => {
                self.left = left;
                octet
            }
            None => 0,
        }
    }

    pub(crate) fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.octet(), self.octet()])
    }

    /// A number below `end`, which is no more than 65536.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let number = if end <= 256 {
            usize::from(self.octet())
        } else {
            usize::from(self.number())
        };
        number % end.max(1)
    }

    /// One of `choices`, the first of which is the usual one.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Up to `count` octets.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, left) = self.left.split_at(count.min(self.left.len()));
        self.left = left;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_zero() {
        let mut input = Input::new(&[1, 2, 3, 250, 9]);
        assert_eq!((input.octet(), input.number()), (1, 0x0203));
        assert_eq!((input.below(100), input.pick(&[5, 6])), (50, 6));
        assert!(input.is_empty());
        assert_eq!((input.octet(), input.take(4).len()), (0, 0));
    }
}
