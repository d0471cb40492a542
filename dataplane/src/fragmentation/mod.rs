//! Splitting packets that are larger than the next link takes.
//!
//! A tunnel packet towards a lwB4 is split outside, as IPv6 (FR-001, RFC 6333 s5.3); a packet towards
//! the Internet is split as any router splits IPv4 (FR-018, RFC 791 s3.2). Either way the first piece
//! stays in the packet's own buffer, and the others, its tails, wait in [`Tails`](tails::Tails) to be
//! sent right after it. All pieces come about, or none does.

#[cfg(test)]
mod chain_packet;
mod cuts;
pub mod identification;
pub mod inner;
mod options;
pub mod outer;
mod piece;
mod speck;
pub mod tails;
