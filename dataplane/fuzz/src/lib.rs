//! Fuzzing of the packet path: what the targets of libFuzzer run, and an ordinary test over their corpus.
//!
//! ```text
//!  octets ─► frames ──────────────┐
//!  octets ─► packets ─► build ────┴─► shelf ─► bench: Worker over ports of vectors ─► sent, account
//! ```
//!
//! Every execution takes a box as its first octets ask for, sends it what the others describe, and holds
//! everything that leaves and every counter against laws that are written here a second time, and know
//! nothing of the code they judge. `scripts/fuzz` runs it.

mod account;
mod bench;
mod build;
mod frames;
mod front;
mod input;
mod ip;
mod network;
mod packet;
mod packets;
mod ports;
mod sent;
mod settings;
mod shelf;
mod sum;

pub use frames::frames;
pub use packets::packets;
