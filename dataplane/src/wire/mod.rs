//! Wire views: what is in a header, read and changed in place.
//!
//! A parser does every length test once and returns a small value; after that nothing can fail.
//! Its errors are drop reasons, because each cause has a counter.

pub mod checksum;
pub mod ecn;
pub mod ethernet;
pub mod fragment;
pub mod icmpv4;
pub mod icmpv6;
pub mod ipv4;
pub mod ipv6;
pub mod tcp;
pub mod transport;

/// Reads two octets of network order, if they are there.
#[inline]
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|word| u16::from_be_bytes(*word))
}
