//! The Port Control Protocol (RFC 6887) with port sets (RFC 7753), as an lwAFTR and its lwB4s speak it.
//!
//! No sockets, no clock, no threads: octets and the time go in, messages and timers come out.
//!
//! ```text
//!  wire      octets <-> messages and options, and what a server answers when it cannot read them
//!  lease     who holds which set until when
//!  pool      which sets there are
//! ```

pub mod instant;
pub mod lease;
pub mod pool;
pub mod port_set;
pub mod result_code;
pub mod subscriber;
pub mod wire;
