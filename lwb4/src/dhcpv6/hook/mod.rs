//! What the router's own DHCPv6 client learned, told by its hook (`[dhcpv6] mode = "external"`).
//!
//! Port 546 is usually taken, so the client that has it runs a script, the script runs
//! `lwb4 dhcp6-hook`, and that sends one [`HookMessage`], a line of JSON, to the daemon's socket:
//!
//! ```text
//! {"version":1,"event":"provided","lifetime_s":3600,
//!  "options":[{"code":96,"value":"005c0014…"}],"prefixes":[{"prefix":"2001:db8:b4::/56","lifetime_s":3600}]}
//! {"version":1,"event":"lost"}
//! ```
//!
//! Option values are what the server sent, in hexadecimal, so that they are judged by the same code as
//! those of our own client. A message says all there is: what it leaves out is gone.

mod clients;
mod hex;
mod message;
mod words;

pub use clients::from_environment;
pub use message::Applied;
pub use message::Event;
pub use message::HookError;
pub use message::HookMessage;
pub use message::HookOption;
pub use message::HookPrefix;
pub use words::from_words;
