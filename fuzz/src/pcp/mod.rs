//! Fuzzing of PCP.
//!
//! ```text
//!  octets ─► codec ──────► parse, encode ─────────────► verdict, copy
//!  octets ─► pcp_server ─► ask ─► world: server, book ─► copy, promise, laws
//! ```
//!
//! `verdict` and `copy` read octets by their offsets, and `laws` knows of sets only which ports they have.

mod admin;
mod ask;
mod codec;
mod copy;
mod laws;
mod pcp_server;
mod promise;
mod seen;
mod settings;
mod verdict;
mod world;

pub use codec::codec;
pub use pcp_server::pcp_server;
