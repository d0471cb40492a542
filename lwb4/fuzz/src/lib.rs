//! Fuzzing of the lwB4: what the targets of libFuzzer run, and an ordinary test over their corpus.
//!
//! ```text
//!  octets ─► nat ────► steps ─► packets, requests, sets, time ─► Nat ─► laws
//!  octets ─► tunnel ─► accept, accept_from_group, hear, admit, split, coalesce ─► laws
//! ```
//!
//! The laws are written here a second time and know nothing of the code they judge. `scripts/fuzz` runs it.

mod input;
mod laws;
mod nat;
mod packet;
mod steps;
mod tunnel;

pub use nat::nat;
pub use tunnel::tunnel;
