//! What happens on the way to a set, in words for the log.

use std::fmt;

use pcp::result_code::ResultCode;

use super::State;
use super::Tunnel;
use crate::external::ExternalSet;

/// Something that a person who watches wants to know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// The state is another one.
    Entered(State),
    /// The tunnel has two ends.
    TunnelUp(Tunnel),
    /// The server grants a set.
    Granted {
        /// The set.
        set: ExternalSet,
        /// Seconds.
        lifetime_s: u32,
    },
    /// The same set for longer.
    Renewed {
        /// The set.
        set: ExternalSet,
        /// Seconds.
        lifetime_s: u32,
    },
    /// A set is in use no more.
    Lost(ExternalSet),
    /// The server refuses.
    Refused {
        /// Why.
        result: ResultCode,
        /// Seconds until it is asked again.
        again_s: u32,
    },
    /// The server maps ports to others, which is of no use (PS-011).
    NotIdentity {
        /// Seconds until it is asked again.
        again_s: u32,
    },
    /// The server speaks another version of PCP; 0 is NAT-PMP (PC-109).
    OtherVersion {
        /// The version that it speaks.
        supported: u8,
        /// Seconds until it is asked again.
        again_s: u32,
    },
    /// The server lost its state, or an answer says so; sets are asked for again (PC-143).
    Announced {
        /// Seconds since it lost its state.
        epoch_s: u32,
    },
    /// The lwAFTR says that it has no binding for this set; the server is asked whether that is so (FO-010).
    Verifying(ExternalSet),
    /// The lwAFTR says that it has no binding for this set, and is believed.
    Unbound(ExternalSet),
    /// Few ports are free; another set is asked for (PS-009).
    PoolLow {
        /// Free ports.
        free_ports: u32,
    },
    /// A set that nobody uses is given back.
    PoolIdle(ExternalSet),
    /// Everything is given back.
    Released,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entered(state) => write!(f, "state {state}"),
            Self::TunnelUp(tunnel) => write!(f, "tunnel {} to {}", tunnel.local, tunnel.remote),
            Self::Granted { set, lifetime_s } => write!(f, "granted {set} for {lifetime_s} s"),
            Self::Renewed { set, lifetime_s } => write!(f, "renewed {set} for {lifetime_s} s"),
            Self::Lost(set) => write!(f, "{set} is in use no more"),
            Self::Refused { result, again_s } => {
                write!(f, "refused: {result}; asking again in {again_s} s")
            }
            Self::NotIdentity { again_s } => write!(
                f,
                "the server would translate ports; given back, asking again in {again_s} s"
            ),
            Self::OtherVersion { supported, again_s } => write!(
                f,
                "the server speaks version {supported}, not 2; asking again in {again_s} s"
            ),
            Self::Announced { epoch_s } => write!(
                f,
                "the server announces epoch {epoch_s}: asking again within 5 s"
            ),
            Self::Verifying(set) => write!(
                f,
                "the lwaftr has no binding for {set}, it says: asking within 5 s"
            ),
            Self::Unbound(set) => write!(f, "the lwaftr has no binding for {set}: given up"),
            Self::PoolLow { free_ports } => {
                write!(f, "{free_ports} ports are free: asking for another set")
            }
            Self::PoolIdle(set) => write!(f, "{set} is unused: giving it back"),
            Self::Released => f.write_str("everything is given back"),
        }
    }
}
