//! Fuzzing of PCP: what the targets of libFuzzer run, and an ordinary test over their corpus.
//!
//! ```text
//!  octets ─► codec ──────► parse, encode ─────────────► verdict, copy
//!  octets ─► pcp_server ─► ask ─► world: server, book ─► copy, promise, laws
//! ```
//!
//! What comes out is held against rules that are written here a second time: `verdict` and `copy` read
//! octets by their offsets, and `laws` knows of sets only which ports they have. `scripts/fuzz` runs it.

mod admin;
mod ask;
mod codec;
mod copy;
mod input;
mod laws;
mod pcp_server;
mod promise;
mod seen;
mod settings;
mod verdict;
mod world;

pub use codec::codec;
pub use pcp_server::pcp_server;
