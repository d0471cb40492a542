//! From a TOML value to a valid value of our own: one function per kind of value.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use toml::de::DeValue;

use super::fault::Fault;
use super::section::unexpected;

/// A number of a range; the range's type is the number's.
pub fn number<N>(range: RangeInclusive<N>) -> impl Fn(&DeValue<'_>) -> Result<N, Fault>
where
    N: Copy + Into<u64> + TryFrom<u64>,
{
    let (min, max) = ((*range.start()).into(), (*range.end()).into());
    move |value| {
        let integer = value
            .as_integer()
            .ok_or_else(|| unexpected(value, "a number"))?;
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| (min..=max).contains(number));
        number
            .and_then(|number| N::try_from(number).ok())
            .ok_or_else(|| Fault::OutOfRange {
                found: integer.to_string(),
                min,
                max,
            })
    }
}

/// `true` or `false`.
pub fn truth(value: &DeValue<'_>) -> Result<bool, Fault> {
    value
        .as_bool()
        .ok_or_else(|| unexpected(value, "true or false"))
}

/// One of a few words.
pub fn word<T: Copy>(
    words: &[(&str, T)],
    expected: &'static str,
) -> impl Fn(&DeValue<'_>) -> Result<T, Fault> {
    move |value| {
        let found = value
            .as_str()
            .and_then(|text| words.iter().find(|(word, _)| *word == text));
        found
            .map(|&(_, meaning)| meaning)
            .ok_or_else(|| unexpected(value, expected))
    }
}

/// Any text that is not empty.
pub fn text(value: &DeValue<'_>) -> Result<String, Fault> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned)
        .ok_or_else(|| unexpected(value, "a text"))
}

/// The path of a file.
pub fn path(value: &DeValue<'_>) -> Result<PathBuf, Fault> {
    let path = value.as_str().filter(|path| !path.is_empty());
    path.map(PathBuf::from)
        .ok_or_else(|| unexpected(value, "the path of a file"))
}

/// A text of a form that the type knows.
pub fn parsed<T: FromStr>(expected: &'static str) -> impl Fn(&DeValue<'_>) -> Result<T, Fault> {
    move |value| {
        let parsed = value.as_str().and_then(|text| text.parse().ok());
        parsed.ok_or_else(|| unexpected(value, expected))
    }
}

/// An IPv4 address.
pub fn ipv4(value: &DeValue<'_>) -> Result<Ipv4Addr, Fault> {
    parsed("an IPv4 address like \"192.0.2.1\"")(value)
}

/// An IPv6 address.
pub fn ipv6(value: &DeValue<'_>) -> Result<Ipv6Addr, Fault> {
    parsed("an IPv6 address like \"2001:db8::1\"")(value)
}
