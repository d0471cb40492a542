//! Fixed places in a message, read without a chance to fail once the length is known.

use std::net::IpAddr;

use super::address;

/// A run of octets that something fixed is read from; the reader has checked its length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The `N` octets at `offset`; zeros where there are none, which no checked caller sees.
    pub(super) fn array<const N: usize>(self, offset: usize) -> [u8; N] {
        self.0
            .get(offset..)
            .and_then(|rest| rest.first_chunk())
            .copied()
            .unwrap_or([0; N])
    }

    pub(super) fn u8(self, offset: usize) -> u8 {
        let [octet] = self.array(offset);
        octet
    }

    pub(super) fn u16(self, offset: usize) -> u16 {
        u16::from_be_bytes(self.array(offset))
    }

    pub(super) fn u32(self, offset: usize) -> u32 {
        u32::from_be_bytes(self.array(offset))
    }

    pub(super) fn address(self, offset: usize) -> IpAddr {
        address::from_wire(self.array(offset))
    }
}
