//! The epoch: has the server lost its state since it last answered? (RFC 6887 s8.5)

mod client;
mod server;

pub use client::ClientEpoch;
pub use client::EpochVerdict;
pub use server::ServerEpoch;
