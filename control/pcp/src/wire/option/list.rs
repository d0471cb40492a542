//! The options of a message, in their order.

use super::super::field::Fields;
use super::DESCRIPTION;
use super::OPTION_HEADER;
use super::OptionError;
use super::PORT_SET;
use super::PREFER_FAILURE;
use super::PcpOption;
use super::THIRD_PARTY;
use super::THIRD_PARTY_ID;

/// Octets that are known to be a list of options, each inside the message.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// Checks that each option ends inside `octets`, whose length is a multiple of four.
    pub(in super::super) fn parse(octets: &'a [u8]) -> Result<Self, OptionError> {
        let mut rest = octets;
        while !rest.is_empty() {
            let fields = Fields::new(rest);
            let length = usize::from(fields.u16(2));
            rest = rest
                .get(OPTION_HEADER + length.next_multiple_of(4)..)
                .ok_or(OptionError::Truncated {
                    code: fields.u8(0),
                    length,
                })?;
        }
        Ok(Self(octets))
    }

    /// Every option, read; the first that breaks a rule of its own is an error in its place.
    pub fn iter(self) -> impl Iterator<Item = Result<PcpOption<'a>, OptionError>> {
        let mut seen = 0_u8;
        self.raw().map(move |(code, data)| {
            let bit = once_bit(code);
            if seen & bit != 0 {
                return Err(OptionError::Repeated { code });
            }
            seen |= bit;
            PcpOption::read(code, data)
        })
    }

    /// Code and data of every option, whatever they say.
    pub fn raw(self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let &[code, _, high, low, ref tail @ ..] = rest else {
                return None;
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let data = tail.get(..length)?;
            rest = tail.get(length.next_multiple_of(4)..)?;
            Some((code, data))
        })
    }
}

/// A bit for each option that may stand only once. FILTER, PREFIX64 and what is unknown may be repeated.
const fn once_bit(code: u8) -> u8 {
    match code {
        THIRD_PARTY => 1 << 0,
        PREFER_FAILURE => 1 << 1,
        THIRD_PARTY_ID => 1 << 2,
        DESCRIPTION => 1 << 3,
        PORT_SET => 1 << 4,
        _ => 0,
    }
}
