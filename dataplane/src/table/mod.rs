//! The binding table: which softwire owns a port of an IPv4 address (RFC 7596 s6.2; LW-013, LW-017).
//!
//! # What it holds
//!
//! A *softwire* leads from this lwAFTR (the BR, at one of a few IPv6 addresses) to one lwB4. It owns a
//! *port set* of an IPv4 address, or the whole address. All softwires of one address split its ports in
//! one way, `a` and `k` (GM-001), and no two of them own a port (LW-007, LW-009).
//!
//! Downstream a packet is looked up by its destination; upstream by its inner source, and then the outer
//! addresses must be those of the softwire found. One table serves both.
//!
//! # How it is used
//!
//! ```
//! use lwaftr_dataplane::binding::Binding;
//! use lwaftr_dataplane::port_set::{PortSet, PortSplit};
//! use lwaftr_dataplane::table::{BrSet, Builder, Key, Origin, PortKey, Publisher};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let br = "2001:db8::1".parse()?;
//! let mut publisher = Publisher::new(Builder::new(BrSet::new([br])?)?);
//! // One per worker; moves to the worker's thread.
//! let mut reader = publisher.reader()?.online();
//!
//! let ports = PortSet::new(PortSplit::new(6, 8)?, 0x34)?;
//! let b4 = "2001:db8:b4::1".parse()?;
//! publisher.add(&Binding::new("198.51.100.7".parse()?, ports, b4, br)?, Origin(0))?;
//!
//! // A worker, for each burst:
//! let table = reader.table();
//! let keys = [Key::of_port("198.51.100.7".parse()?, 1232), Key::SKIP];
//! let mut hits = [None; 2];
//! table.lookup_burst(&keys, &mut hits);
//! assert_eq!(hits[0].map(|softwire| softwire.b4()), Some(b4.octets()));
//! assert!(hits[1].is_none());
//! reader.quiescent();
//! # Ok(())
//! # }
//! ```
//!
//! - [`Builder`] makes a table aside; [`Publisher`] publishes it and changes it while workers read.
//! - [`Reader`] is a worker's hold on it; [`Table`] is what it reads: [`Table::lookup_burst`],
//!   [`Table::aim_burst`],
//!   [`Table::lookup`], [`Table::serves`], [`Table::find_br`].
//!
//! # How it works
//!
//! Lookup is arithmetic, not hashing: the address leads to its slot in three steps ([`root`], [`node`]), the
//! slot and the port to an entry of 32 bytes ([`slot`], [`softwire`]), and a burst takes each step for all
//! its keys before the next ([`lookup`]). Writers copy what they change and swap one word ([`edit`],
//! [`block`], [`graft`]); what falls out of reach waits for the workers ([`domain`], [`limbo`]).
#![allow(unsafe_code)] // Publishing to lock-free readers; the fence is written in `memory`.

mod allocator;
mod batch;
mod block;
mod br;
mod builder;
mod discard;
mod domain;
mod edit;
mod graft;
mod key;
mod limbo;
mod load;
mod lookup;
mod memory;
mod node;
mod publisher;
mod reader;
mod refusal;
mod root;
mod rows;
mod slot;
mod softwire;
mod sync;

pub use batch::Change;
pub use batch::RefusedRow;
pub use br::BrIndex;
pub use br::BrSet;
pub use br::TooManyBrs;
pub use builder::Builder;
pub use builder::MemoryUse;
pub use builder::SMALLEST_RESERVATION;
pub use key::Key;
pub use key::PortKey;
pub use load::Replace;
pub use lookup::Aim;
pub use lookup::Aims;
pub use memory::NodeRefused;
pub use memory::ReserveError;
pub use publisher::Publisher;
pub use reader::Parked;
pub use reader::Reader;
pub use reader::TooManyReaders;
pub use refusal::Refusal;
pub use root::Table;
pub use rows::Row;
pub use softwire::Origin;
pub use softwire::PathMtu;
pub use softwire::Softwire;
pub use softwire::SoftwireId;
