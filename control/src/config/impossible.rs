//! What cannot be, although each value is of its kind: the rules that the lwAFTR's settings keep.

use std::net::IpAddr;

use lwaftr_dataplane::binding::BindingError;
use lwaftr_dataplane::port_set::PortSetError;
use pcp::pool::NoPrefix;
use pcp::pool::PoolError;
use settings::Fault;
use thiserror::Error;

/// A rule that a value breaks.
#[derive(Debug, Error)]
pub(super) enum Impossible {
    /// A PSID that its PSID length cannot number.
    #[error("{psid} is out of range for psid_length {length} (0–{max})", max = (1_u32 << length) - 1)]
    Psid {
        /// The PSID given.
        psid: u16,
        /// The PSID length.
        length: u8,
    },
    /// The port set is impossible.
    #[error(transparent)]
    PortSet(#[from] PortSetError),
    /// The binding is impossible.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// A prefix that says more than its length.
    #[error(transparent)]
    Prefix(#[from] NoPrefix),
    /// The pools cannot be as they are.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// A next hop outside the interface's own network.
    #[error("{next_hop} is outside {network}, the network of this interface")]
    NextHopOutside {
        /// The next hop.
        next_hop: IpAddr,
        /// The interface's network, as written.
        network: String,
    },
    /// The next hop is ourselves.
    #[error("{0} is this interface's own address, expected a neighbour's")]
    NextHopIsOurs(IpAddr),
    /// Two devices of one name but different arguments.
    #[error(
        "\"{found}\" has the name of \"{other}\" but other arguments, expected the same device or another name"
    )]
    DeviceClash {
        /// The device here.
        found: String,
        /// The device of the other side.
        other: String,
    },
    /// An EAL argument that the daemon builds itself.
    #[error(
        "{argument} is built from {instead}, expected only arguments that the other keys do not make"
    )]
    EalConflict {
        /// The argument.
        argument: String,
        /// The key that it comes from.
        instead: &'static str,
    },
    /// A pool that descriptors, caches and bursts alone would empty.
    #[error(
        "{found} buffers are too few, expected at least {needed} for these descriptors, caches and bursts"
    )]
    PoolTooSmall {
        /// Buffers asked for.
        found: u32,
        /// Buffers needed.
        needed: u32,
    },
}

impl From<Impossible> for Fault {
    fn from(rule: Impossible) -> Self {
        Self::impossible(rule)
    }
}
