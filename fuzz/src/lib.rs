//! Fuzzing: what the targets of libFuzzer run, and an ordinary test over their corpus.
//!
//! Every target is a function of octets. It makes of them what happens (frames and requests, settings, time),
//! and holds what comes out against laws that are written here a second time, and know nothing of the code
//! they judge. `scripts/fuzz` runs them.

pub mod dataplane;
mod input;
pub mod lwb4;
pub mod pcp;
mod sum;
