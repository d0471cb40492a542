//! Fuzzing of the packet path.
//!
//! ```text
//!  octets ─► frames ──────────────┐
//!  octets ─► packets ─► build ────┴─► shelf ─► bench: Worker over ports of vectors ─► sent, account
//! ```
//!
//! Every execution takes a box as its first octets ask for, sends it what the others describe, and holds
//! everything that leaves and every counter against the laws.

mod account;
mod bench;
mod build;
mod frames;
mod front;
mod ip;
mod network;
mod packet;
mod packets;
mod ports;
mod sent;
mod settings;
mod shelf;

pub use frames::frames;
pub use packets::packets;
