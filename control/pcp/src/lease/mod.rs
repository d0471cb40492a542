//! Leases: which client holds which set until when, and which sets rest after somebody held them.
//!
//! ```text
//!  grant ──► active ──refresh──► active ──release or expiry──► resting ──120 s──► gone
//!                                   ▲                             │
//!                                   └──── the same subscriber ────┘
//! ```
//!
//! Invariant: every lease of the store is in the wheel, at the second in which its phase ends, and in the
//! chain of its subscriber (s10.2 of the conformance list; PC-045).

mod chains;
mod slot;
mod store;
mod wheel;

use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::num::NonZeroU32;

pub use chains::Unchained;
pub use store::LeaseStore;
pub use store::Phase;

use crate::instant::Instant;
use crate::port_set::PortSet;
use crate::subscriber::Client;
use crate::wire::Nonce;
use crate::wire::Parity;

/// One set in somebody's hands, with everything that a refresh, an update or a restart needs (PC-146).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lease {
    /// Whose it is.
    pub client: Client,
    /// What it is.
    pub set: PortSet,
    /// The lwAFTR's end of the softwire.
    pub br: Ipv6Addr,
    /// Who may change it.
    pub nonce: Nonce,
    /// When it was granted first.
    pub granted: Instant,
    /// When it ends unless it is refreshed.
    pub expires: Instant,
    /// When its client last came with another IPv6 address.
    pub moved: Option<Instant>,
    /// Where to tell of changes.
    pub contact: Contact,
    /// The MAP Internal Port of the request that it came from (PS-051).
    pub internal_port: u16,
    /// Whether the client wants odd ports to stay odd, which they do.
    pub parity: Parity,
}

impl Lease {
    /// Seconds that are left, a started one counted whole.
    #[must_use]
    pub const fn remaining_s(&self, now: Instant) -> u32 {
        now.seconds_until(self.expires)
    }
}

/// Where a client asked from, and so where unsolicited messages go (PC-142, PC-145).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Contact {
    /// On which path.
    pub path: Path,
    /// The client's address on that path; 192.0.0.2 in a tunnel.
    pub address: IpAddr,
    /// Its UDP port.
    pub port: u16,
}

/// A way by which requests come.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Path {
    /// Inside a softwire.
    Tunnel,
    /// Over IPv6, without a tunnel.
    Plain,
    /// A management listener, by its number (DH-053).
    Management(u16),
}

/// The number of a lease in its store; numbers of leases that are gone are used again.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct LeaseId(NonZeroU32);

impl LeaseId {
    pub(crate) fn from_index(index: usize) -> Option<Self> {
        u32::try_from(index + 1)
            .ok()
            .and_then(NonZeroU32::new)
            .map(Self)
    }

    const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}
