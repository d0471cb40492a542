//! Why a change to the table is refused. A refused change leaves the table as it was.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::time::Duration;

use thiserror::Error;

use crate::binding::Binding;
use crate::port_set::PortSet;
use crate::port_set::PortSplit;

use super::softwire::Origin;

/// What a change conflicts with.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Refusal {
    /// Another softwire owns these ports (LW-007, LW-009).
    #[error("{ipv4} {ports} is bound already, to B4 {}", holder.b4())]
    Overlap {
        /// The address of the refused binding.
        ipv4: Ipv4Addr,
        /// Its ports.
        ports: PortSet,
        /// The softwire that has them.
        holder: Binding,
        /// Where that one came from.
        origin: Origin,
    },
    /// The address is split in another way for the softwires it has (GM-001).
    #[error("{ipv4} is split with {present}, so a binding with {given} does not fit")]
    Split {
        /// The address of the refused binding.
        ipv4: Ipv4Addr,
        /// Its split.
        given: PortSplit,
        /// The address's split.
        present: PortSplit,
    },
    /// The BR address is none of those this table was made for.
    #[error("BR address {0} is not one of this lwAFTR's")]
    UnknownBr(Ipv6Addr),
    /// There is no such softwire.
    #[error("{ipv4} {ports} is not bound")]
    Absent {
        /// The address asked for.
        ipv4: Ipv4Addr,
        /// The ports asked for.
        ports: PortSet,
    },
    /// The table's address space, or the numbers of softwires, are used up.
    #[error("the binding table is full: {used_bytes} bytes in use by {softwires} softwires")]
    Full {
        /// Memory in use.
        used_bytes: u64,
        /// Softwires in it.
        softwires: usize,
    },
    /// Workers have not reported for so long that retired memory has reached its bound.
    #[error(
        "{retired_bytes} bytes wait for workers that have not reported for {}",
        in_ms(waited)
    )]
    ReadersStalled {
        /// Memory that could be reused if they did.
        retired_bytes: usize,
        /// How long the publisher waited.
        waited: Duration,
    },
}

fn in_ms(duration: &Duration) -> String {
    format!("{} ms", duration.as_millis())
}
