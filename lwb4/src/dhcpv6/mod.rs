//! The lwB4's DHCPv6 side: which options say what, and which of the mechanisms they offer is used.
//!
//! ```text
//!  own:      client ◄──► socket (UDP 546)        ┐
//!                                                ├──► Learned ──► choice ──► softwire
//!  external: hook of the router's DHCPv6 client  ┘
//! ```
//!
//! RFC 8415 (the client), RFC 6334 (option 64), RFC 7291 (86), RFC 7598 (96), RFC 8026 (111).

pub mod choice;
pub mod client;
pub mod hook;
mod learned;
pub mod message;
pub mod option;
mod prefix;
pub mod socket;

pub use learned::Lasting;
pub use learned::Learned;
pub use prefix::Prefix;
pub use prefix::PrefixError;
