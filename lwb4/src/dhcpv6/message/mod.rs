//! The messages of a DHCPv6 client, as octets (RFC 8415 s8, s21).
//!
//! Written here rather than taken from a crate: a client needs eight messages and a dozen options, and the
//! crate that has them brings an internationalisation library along, larger than the whole lwB4.

mod duid;
mod ia;
mod reply;
mod request;

pub use duid::Duid;
pub use ia::Delegation;
pub use ia::IaAddress;
pub use ia::IaPrefix;
pub use ia::Identity;
pub use reply::Reply;
pub use reply::ReplyError;
pub use reply::Status;
pub use request::Request;

/// What a message is (RFC 8415 s7.3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum MessageType {
    /// Looks for servers.
    Solicit = 1,
    /// A server's offer.
    Advertise = 2,
    /// Takes an offer.
    Request = 3,
    /// Extends leases at their server.
    Renew = 5,
    /// Extends leases at any server.
    Rebind = 6,
    /// A server's answer.
    Reply = 7,
    /// Gives leases back.
    Release = 8,
    /// Asks for options without leases.
    InformationRequest = 11,
}

/// Ties an answer to its request: 24 bits (RFC 8415 s8).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TransactionId(u32);

impl TransactionId {
    /// From random bits, of which as many are taken as there is room for.
    #[must_use]
    pub const fn new(random: u64) -> Self {
        Self((random >> 40) as u32)
    }

    pub(super) const fn octets(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }

    pub(super) const fn from_octets([a, b, c]: [u8; 3]) -> Self {
        Self(u32::from_be_bytes([0, a, b, c]))
    }
}
