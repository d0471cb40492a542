//! Fuzzing of the lwB4.
//!
//! ```text
//!  octets ─► nat ────► steps ─► packets, requests, sets, time ─► Nat ─► laws
//!  octets ─► tunnel ─► accept, accept_from_group, hear, admit, split, coalesce ─► laws
//! ```

mod laws;
mod nat;
mod packet;
mod steps;
mod tunnel;

pub use nat::nat;
pub use tunnel::tunnel;
