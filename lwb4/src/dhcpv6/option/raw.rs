//! Options as code, length and value (RFC 8415 s21.1), in a message or in another option.

use super::OptionError;

/// An option whose value nobody has looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RawOption<'a> {
    /// Its code.
    pub code: u16,
    /// Its value.
    pub value: &'a [u8],
}

/// Options, one after the other; an error is the last item.
#[derive(Clone, Copy, Debug)]
pub struct RawOptions<'a> {
    left: &'a [u8],
}

impl<'a> RawOptions<'a> {
    /// The options that `octets` hold.
    #[must_use]
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { left: octets }
    }

    /// Whether they hold options to their last octet.
    ///
    /// # Errors
    /// When they do not.
    pub fn check(mut self) -> Result<(), OptionError> {
        self.try_for_each(|option| option.map(drop))
    }

    /// The values of all options with this code, up to the first malformed option.
    pub fn all(self, code: u16) -> impl Iterator<Item = &'a [u8]> {
        self.map_while(Result::ok)
            .filter(move |option| option.code == code)
            .map(|option| option.value)
    }

    /// The value of the first option with this code.
    #[must_use]
    pub fn first(self, code: u16) -> Option<&'a [u8]> {
        self.all(code).next()
    }
}

impl<'a> Iterator for RawOptions<'a> {
    type Item = Result<RawOption<'a>, OptionError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left.is_empty() {
            return None;
        }
        let Some((option, left)) = split(self.left) else {
            let octets = self.left.len();
            self.left = &[];
            return Some(Err(OptionError::Truncated { octets }));
        };
        self.left = left;
        Some(Ok(option))
    }
}

fn split(octets: &[u8]) -> Option<(RawOption<'_>, &[u8])> {
    let (&code, rest) = octets.split_first_chunk()?;
    let (&length, rest) = rest.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes(length));
    let (value, left) = rest.split_at_checked(length)?;
    let code = u16::from_be_bytes(code);
    Some((RawOption { code, value }, left))
}

/// Appends an option, whose value `write` appends.
pub fn put(octets: &mut Vec<u8>, code: u16, write: impl FnOnce(&mut Vec<u8>)) {
    octets.extend(code.to_be_bytes());
    let length_at = octets.len();
    octets.extend([0; 2]);
    write(octets);
    // What we write is far below 64 KiB; a longer value would be cut where its length says.
    let length = u16::try_from(octets.len() - length_at - 2).unwrap_or(u16::MAX);
    octets[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
    octets.truncate(length_at + 2 + usize::from(length));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn options_come_one_after_the_other() {
        let mut octets = Vec::new();
        put(&mut octets, 7, |value| value.push(255));
        put(&mut octets, 14, |_| {});
        assert_eq!(octets, [0, 7, 0, 1, 255, 0, 14, 0, 0]);
        let options = RawOptions::new(&octets);
        assert_eq!(options.check(), Ok(()));
        assert_eq!(options.first(7), Some(&[255][..]));
        assert_eq!(options.first(14), Some(&[][..]));
        assert_eq!(options.first(8), None);
    }

    #[test]
    fn an_option_that_is_cut_off_ends_them() {
        for octets in [&[0, 7, 0, 2, 255][..], &[0, 7, 0], &[0]] {
            let error = OptionError::Truncated {
                octets: octets.len(),
            };
            assert_eq!(RawOptions::new(octets).check(), Err(error));
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_options_or_an_error(octets: Vec<u8>) {
            let mut copy = Vec::new();
            for option in RawOptions::new(&octets).map_while(Result::ok) {
                put(&mut copy, option.code, |value| value.extend(option.value));
            }
            prop_assert!(octets.starts_with(&copy));
        }
    }
}
