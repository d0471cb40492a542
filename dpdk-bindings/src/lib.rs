//! A safe, owned face of the part of DPDK 22.11 that the lwAFTR uses.
//!
//! DPDK's `unsafe` ends in this crate. Raw pointers stay inside; every handle has one owner, frees on
//! drop and keeps alive what it stands on:
//!
//! ```text
//!  Eal ◄── Mempool ◄── RxQueue ──► port ──► Eal        what is pointed at outlives what points
//!   ▲                  TxQueue ──►  ▲
//!   ├── Ring          RxInterrupts ─┤
//!   │                               └── StartedPort
//!   └── RegisteredThread
//! ```
//!
//! An [`mbuf::Mbuf`] points at nothing for its keep: a pool with an mbuf out is never freed.
//!
//! A burst is an [`mbuf::Burst`], a vector of mbufs on the stack. What runs per packet is Rust on the
//! C structures; what runs per burst or rarer calls C.

pub mod clock;
pub mod eal;
mod errno;
pub mod heap;
pub mod interrupt;
pub mod lcore;
pub mod mac;
pub mod mbuf;
pub mod mempool;
pub mod port;
pub mod queue;
pub mod ring;
#[cfg(test)]
mod testing;

pub use errno::Errno;
