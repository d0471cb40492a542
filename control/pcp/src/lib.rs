//! The Port Control Protocol (RFC 6887) with port sets (RFC 7753), as an lwAFTR and its lwB4s speak it.
//!
//! No sockets, no clock, no threads: octets and the time go in, messages and timers come out.
//!
//! ```text
//!  client ─┐                ┌─ book ── pool      which sets there are
//!          ├── epoch        │    └──── lease     who holds which set until when
//!  server ─┘                │
//!     └── Bindings ◄────────┘
//!
//!  wire      octets <-> messages and options, and what a server answers when it cannot read them
//! ```
//!
//! A server decides ([`server::Server::decide`]), which changes nothing; the caller applies the effects to
//! the [`book::Book`], makes them durable, publishes them, and then sends the response.

pub mod book;
pub mod client;
pub mod epoch;
pub mod instant;
pub mod lease;
pub mod pool;
pub mod port_set;
pub mod result_code;
pub mod server;
pub mod subscriber;
pub mod wire;
