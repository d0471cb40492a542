//! The lwB4 of Lightweight 4over6 (RFC 7596 s5): it takes the LAN's IPv4 packets from a TUN device,
//! translates them into the port sets that it was given (NAT44), and carries them to the lwAFTR in IPv6.
//!
//! ```text
//!            LAN hosts                                                        lwAFTR
//!               │ IPv4                                                          ▲ IPv4 in IPv6
//!        ┌──────┴──────┐        ┌─────┐        ┌────────┐        ┌──────────────┴─┐
//!        │ the kernel's │ ──────► nat ├───────► tunnel ├───────►  raw IPv6 socket │
//!        │ routes, TUN  │ ◄──────┤     ◄───────┤        ◄───────┤                 │
//!        └──────┬──────┘        └──▲──┘        └───┬────┘        └────────────────┘
//!     UDP 5351  │                  │ sets          │ UDP from 192.0.0.1:5351
//!        ┌──────┴──────┐           │               │
//!        │   lan_pcp   ├───────────┴── provisioning ◄───── dhcpv6
//!        └─────────────┘  mappings
//! ```
//!
//! `device` has the sockets, and `run` ties all of it together. The rest knows no socket and no clock:
//! packets and the time go in, packets and timers come out.

pub mod api;
mod bucket;
mod checksum;
pub mod cli;
pub mod clock;
pub mod config;
pub mod device;
pub mod dhcpv6;
pub mod dispatch;
pub mod dns;
pub mod explicit;
pub mod external;
pub mod lan_pcp;
pub mod nat;
pub mod provisioning;
pub mod run;
pub mod swarm;
pub mod tunnel;
