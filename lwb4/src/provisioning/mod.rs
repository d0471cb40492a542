//! How the lwB4 comes by its port sets, and which are in use now (conformance list, s10.1; RFC 7596 s5.1).
//!
//! ```text
//!           tunnel_up                 good answer                timer, ANNOUNCE, ICMPv6 1/5
//!  IDLE ───────────────► TUNNEL_UP    ┌─────────► BOUND ◄──────────────────────────► RENEWING
//!   ▲                        │        │             ▲                                   │  │
//!   │ given back             ▼        │             └──── REBIND ◄── another set ───────┘  │ lifetime over
//!  RELEASE             REQUESTING ────┤                                                    ▼
//!                            ▲        └─► BACKOFF ──┐                                   EXPIRED
//!                            └──────────────────────┴──────────────────────────────────────┘
//! ```
//!
//! Packets, ICMPv6 errors, what the NAT uses and the time go in; [`Action`]s come out of
//! [`Provisioning::poll`], to be called after every input and when [`Provisioning::due`] is over, until
//! there is nothing. No socket, clock or file is used here but in [`memory`].
//!
//! Invariant: the list in the last [`Action::Sets`] is what [`Provisioning::held`] has, and no set stays in
//! it after its lifetime (LW-004).
//!
//! Sets that DHCPv6 or the configuration gives come in by [`Provisioning::give`], so that there is one place
//! that knows; then nothing is asked of anybody by PCP.

mod action;
mod answers;
mod config;
mod datagram;
mod drops;
mod event;
mod given;
mod holder;
mod machine;
pub mod memory;
pub mod nonce;
mod pool;
mod state;
#[cfg(test)]
mod tests;
mod unbound;

pub use action::Action;
pub use action::Held;
pub use config::OnUnbound;
pub use config::PoolConfig;
pub use config::ProvisioningConfig;
pub use config::Suggestions;
pub use datagram::Datagram;
pub use datagram::OuterDestination;
pub use datagram::Way;
pub use drops::Drop;
pub use drops::Drops;
pub use event::Event;
pub use machine::Provisioning;
pub use machine::Tunnel;
pub use machine::TunnelBefore;
pub use pool::SetUse;
pub use state::State;
pub use unbound::Unbound;
pub use unbound::UnboundError;
