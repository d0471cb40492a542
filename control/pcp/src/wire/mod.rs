//! Messages of PCP as octets (RFC 6887 s7, RFC 7753 s4).
//!
//! ```text
//!  0               4               8               24             60 or 80
//!  +---------------+---------------+---------------+--------------+-----------------
//!  | version R|op  | lifetime      | address       | MAP or PEER  | options, each
//!  | reserved      |               | or epoch      |              | 4 octets + data
//!  +---------------+---------------+---------------+--------------+-----------------
//! ```
//!
//! Invariants: what is parsed keeps to every length of its own; what is encoded is a multiple of four
//! octets, at least 24 and at most 1100. Reserved fields are sent as zero and ignored (PC-019).

mod address;
mod announce;
mod field;
mod header;
mod map;
mod message;
mod nonce;
mod opcode;
mod option;
mod payload;
mod peer;
mod refusal;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use announce::announce_response;
pub use announce::unsolicited_announce;
pub use header::RequestHeader;
pub use header::ResponseHeader;
pub use map::MapPayload;
pub use message::Message;
pub use message::MessageFull;
pub use nonce::Nonce;
pub use nonce::NonceError;
pub use opcode::Opcode;
pub use option::Filter;
pub use option::OptionError;
pub use option::Options;
pub use option::Parity;
pub use option::PcpOption;
pub use option::PortSetOption;
pub use payload::Payload;
pub use peer::PeerPayload;
pub use refusal::Refusal;
pub use request::Enabled;
pub use request::Request;
pub use request::RequestError;
pub use request::Treatment;
pub use response::Response;
pub use response::ResponseError;

/// The version of RFC 6887.
pub const VERSION: u8 = 2;

/// UDP port of servers (RFC 6887 s19.1).
pub const SERVER_PORT: u16 = 5351;

/// UDP port where clients hear multicast announcements (RFC 6887 s14.1).
pub const CLIENT_PORT: u16 = 5350;

/// Octets that a message may have at most (RFC 6887 s7).
pub const MAX_LENGTH: usize = 1100;

/// Octets of the header that every message begins with (RFC 6887 s7.1).
pub const HEADER_LENGTH: usize = 24;

/// The protocol number that means every protocol (RFC 6887 s11.1).
pub const ALL_PROTOCOLS: u8 = 0;

/// In the octet of the opcode: set in responses (RFC 6887 s7.1).
const RESPONSE_BIT: u8 = 0x80;
