//! The values of a row, from octets.
//!
//! Addresses of one column often repeat from row to row (all softwires of a box may name one BR), so the
//! last one read is remembered.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::str::FromStr;

use super::error::RowFault;

/// A column whose value is often that of the row before.
pub(super) struct Repeating<T> {
    column: &'static str,
    expected: &'static str,
    text: Vec<u8>,
    value: Option<T>,
}

impl Repeating<Ipv4Addr> {
    pub(super) fn ipv4(column: &'static str) -> Self {
        Self {
            column,
            expected: "an IPv4 address",
            text: Vec::new(),
            value: None,
        }
    }
}

impl Repeating<Ipv6Addr> {
    pub(super) fn ipv6(column: &'static str) -> Self {
        Self {
            column,
            expected: "an IPv6 address",
            text: Vec::new(),
            value: None,
        }
    }
}

impl<T: Copy + FromStr> Repeating<T> {
    pub(super) fn read(&mut self, field: &[u8]) -> Result<T, RowFault> {
        if let Some(value) = self.value.filter(|_| self.text == field) {
            return Ok(value);
        }
        let value = address(self.column, field, self.expected)?;
        self.text.clear();
        self.text.extend_from_slice(field);
        self.value = Some(value);
        Ok(value)
    }
}

/// A number of at most `max`.
pub(super) fn number(
    column: &'static str,
    field: &[u8],
    max: u16,
    expected: &'static str,
) -> Result<u16, RowFault> {
    let error = || value_fault(column, field, expected);
    if field.is_empty() || field.len() > 5 {
        return Err(error());
    }
    let mut number = 0_u32;
    for &byte in field {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(error());
        }
        number = number * 10 + u32::from(digit);
    }
    let number = u16::try_from(number).ok().filter(|number| *number <= max);
    number.ok_or_else(error)
}

fn address<T: FromStr>(
    column: &'static str,
    field: &[u8],
    expected: &'static str,
) -> Result<T, RowFault> {
    let text = std::str::from_utf8(field).ok();
    let address = text.and_then(|text| text.parse().ok());
    address.ok_or_else(|| value_fault(column, field, expected))
}

fn value_fault(column: &'static str, field: &[u8], expected: &'static str) -> RowFault {
    let found = printable(field);
    RowFault::Value {
        column: column.to_owned(),
        found,
        expected,
    }
}

/// A value as far as it fits a line, whatever octets a broken file holds.
pub(super) fn printable(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(&field[..field.len().min(MAX_SHOWN)]);
    let ellipsis = if field.len() > MAX_SHOWN { "…" } else { "" };
    text.chars()
        .flat_map(char::escape_debug)
        .collect::<String>()
        + ellipsis
}

const MAX_SHOWN: usize = 60;
