//! The lwB4's end of the softwire, without sockets: what may go in, what may come out, and what the world
//! says about it (RFC 2473, RFC 6333 s5.2, s5.3, s7.1, RFC 7596 s5.2).
//!
//! ```text
//!  TUN ─ read ─► upstream::admit ─► nat ─► segment::split ─► Softwire::send      (device)
//!                    │ too big, DF                ▲
//!                    ▼                            └─ control packets, as they are
//!  LAN host ◄─ icmpv4::error                                 an outer header is the kernel's
//!                    ▲
//!                    │ nat ◄─ icmpv6::hear ◄─ errors about the tunnel
//!
//!  Softwire::receive ─► downstream::accept ─► nat ─► coalesce ─► TUN ─ write
//!                             └─► PCP messages, announcements
//! ```
//!
//! **Hops (TN-003, TN-004, TN-013).** The home router takes one hop off a packet in each direction, and the
//! kernel takes it when it forwards between the LAN and the TUN device; that is "the node that forwards
//! the packet into the tunnel". So nothing here touches the TTL, and what the router itself sends or hears
//! loses none. A packet whose TTL ends here is answered by the kernel.
//!
//! **Outer headers (TN-002).** The kernel writes them: next header 4, hop limit 64, flow label 0. What exceeds
//! the path MTU is fragmented outside, in `fragment`; inner packets never are (FR-001).
//!
//! **Checksums.** A packet that comes from the TUN in one piece of many segments, or that the kernel put
//! together of many, has a transport checksum that means nothing ([`Offload::Segments`]); the NAT may
//! update it or leave it. `segment` and `coalesce` write right ones. All other packets have whole
//! checksums between the steps.

pub mod coalesce;
pub mod control;
pub mod downstream;
pub mod drop_reason;
pub mod ecn;
pub mod fragment;
pub mod icmpv4;
pub mod icmpv6;
pub mod ipv4;
pub mod mss;
pub mod path_mtu;
#[cfg(test)]
pub(crate) mod sample;
pub mod segment;
pub mod transport;
pub mod upstream;
pub mod virtio;

pub use drop_reason::DropReason;
pub use virtio::Offload;

/// Octets of the tunnel's header (RFC 2473 s5).
pub const OVERHEAD: u16 = 40;
