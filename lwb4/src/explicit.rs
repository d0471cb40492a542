//! What a PCP server on the LAN asks of the NAT: mappings that somebody wants, unlike those that a packet
//! makes (RFC 6887 s11, s12; NT-024).
//!
//! The server knows nonces, quotas and lifetimes; the NAT knows ports.

use std::net::SocketAddrV4;

use pcp::instant::Instant;
use thiserror::Error;

/// What a mapping is of: one port of one host, and for a PEER one remote end.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct MappingKey {
    /// The IP protocol: 6, 17, or another one with ports.
    pub protocol: u8,
    /// The LAN host and its port.
    pub internal: SocketAddrV4,
    /// The remote end of a PEER; `None` for a MAP.
    pub remote: Option<SocketAddrV4>,
}

/// Remote ends that may send to a mapping (RFC 6887 s13.3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RemoteFilter {
    /// The first address of the prefix, and the remote port; port 0 is any.
    pub remote: SocketAddrV4,
    /// Length of the prefix, 0 to 32.
    pub prefix_length: u8,
}

/// A mapping to open, or to open wider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// What to map.
    pub key: MappingKey,
    /// The external end wanted; an unspecified address or port 0 leaves that to the NAT.
    pub suggested: SocketAddrV4,
    /// Whether any other external end is as good as none (PREFER_FAILURE).
    pub exactly: bool,
    /// Who may send to it; nobody named is anybody.
    pub filters: Vec<RemoteFilter>,
    /// When it ends, unless a later [`Wanted`] with the same key says otherwise.
    pub expires: Instant,
}

/// Why there is no mapping.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Unmapped {
    /// The lwB4 has no ports at all now.
    #[error("no public address is in use")]
    NoSet,
    /// No port is left for it.
    #[error("no external port is free")]
    Exhausted,
    /// The one that it has to be is taken, or is none of ours.
    #[error("the external port wanted is not free")]
    NotFree,
    /// This protocol has no ports, and the address is shared (RFC 7596 s5.2).
    #[error("protocol {0} has no ports to share an address by")]
    Protocol(u8),
}

/// The NAT as the LAN's PCP server sees it.
pub trait ExplicitMappings {
    /// Opens a mapping, or changes the end and the filters of the one with this key. A mapping that a packet
    /// made becomes explicit and keeps its external end, whatever is suggested.
    ///
    /// # Errors
    /// When there can be none; then nothing has changed.
    fn open(&mut self, wanted: &Wanted, now: Instant) -> Result<SocketAddrV4, Unmapped>;

    /// Takes back what [`Self::open`] did; sessions in use go on as those that packets made do.
    fn close(&mut self, key: &MappingKey, now: Instant);

    /// The external end that packets of this key have now, explicit or not.
    fn external(&self, key: &MappingKey) -> Option<SocketAddrV4>;
}
