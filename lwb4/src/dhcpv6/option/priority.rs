//! Option 111, the order of softwire mechanisms (RFC 8026 s1.3; DH-020).

use super::OptionError;
use super::code;

/// Option codes that stand for mechanisms, the most wanted one first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Priority {
    codes: Vec<u16>,
}

impl Priority {
    /// The codes, known or not.
    #[must_use]
    pub fn codes(&self) -> &[u16] {
        &self.codes
    }
}

pub(super) fn read(value: &[u8]) -> Result<Priority, OptionError> {
    let code = code::S46_PRIORITY;
    let length = value.len();
    let (codes @ [_, ..], []) = value.as_chunks() else {
        return Err(OptionError::Length { code, length });
    };
    let codes: Vec<_> = codes.iter().copied().map(u16::from_be_bytes).collect();
    let repeated = (1..codes.len()).find(|&at| codes[..at].contains(&codes[at]));
    match repeated {
        Some(_) => Err(OptionError::Repeated { code }),
        None => Ok(Priority { codes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dh_020_codes_come_in_their_order() {
        let priority = read(&[0, 96, 0, 94, 0, 64]).unwrap();
        assert_eq!(priority.codes(), [96, 94, 64]);
    }

    #[test]
    fn dh_020_half_codes_none_and_duplicates_are_refused() {
        for value in [&[][..], &[0], &[0, 96, 0], &[0, 96, 0, 64, 0, 96]] {
            assert!(read(value).is_err(), "{value:?}");
        }
    }
}
