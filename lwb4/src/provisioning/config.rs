//! What an operator chooses about provisioning.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::memory::Remembered;
use super::nonce::DeviceSecret;
use crate::external::ExternalSet;

/// How sets are asked for.
#[derive(Clone, Debug)]
pub struct ProvisioningConfig {
    /// The PCP server: that of DHCPv6 option 86, or 192.0.0.1 (PC-100). An IPv4 address is asked through the
    /// tunnel, an IPv6 address beside it.
    pub server: IpAddr,
    /// The lwB4's address in the tunnel (TN-040).
    pub inner: Ipv4Addr,
    /// What nonces are derived from.
    pub secret: DeviceSecret,
    /// Source port of requests; 0 takes a random one (PC-101).
    pub client_port: u16,
    /// Seconds to ask for.
    pub lifetime_s: u32,
    /// What an ICMPv6 error 1/5 from the lwAFTR does.
    pub on_unbound: OnUnbound,
    /// Reactions to such errors are at least this far apart (LW-034).
    pub unbound_hold_down: Duration,
    /// When more sets are asked for.
    pub pool: PoolConfig,
}

/// What the lwB4 does when the lwAFTR says that it has no binding for it (LW-032, FO-010).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnUnbound {
    /// Asks the PCP server whether that is so, and keeps the set until the answer.
    #[default]
    Verify,
    /// Believes it, drops the set at once and asks for another.
    Deprovision,
    /// Nothing.
    Ignore,
}

/// A pool of sets (PS-009).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PoolConfig {
    /// Sets at a time, from 1 to 4. With 1, nothing is ever asked beside the first.
    pub max_sets: usize,
    /// With fewer free ports than this another set is asked for.
    pub low_water_ports: u32,
    /// A set beside the first that has been unused for so long is given back.
    pub idle: Duration,
}

/// The sets that the last run had at a server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Suggestions(Vec<ExternalSet>);

impl Suggestions {
    /// What was remembered; nothing if it was of another server.
    #[must_use]
    pub fn of(remembered: Option<&Remembered>) -> Self {
        Self(remembered.map(|it| it.sets.clone()).unwrap_or_default())
    }

    pub(super) fn sets(&self) -> &[ExternalSet] {
        &self.0
    }
}

impl ProvisioningConfig {
    /// The defaults with this secret.
    #[must_use]
    pub const fn new(secret: DeviceSecret) -> Self {
        Self {
            server: IpAddr::V4(Ipv4Addr::new(192, 0, 0, 1)),
            inner: Ipv4Addr::new(192, 0, 0, 2),
            secret,
            client_port: 0,
            lifetime_s: 3600,
            on_unbound: OnUnbound::Verify,
            unbound_hold_down: Duration::from_secs(60),
            pool: PoolConfig::ONE,
        }
    }
}

impl PoolConfig {
    /// One set, and no more.
    pub const ONE: Self = Self {
        max_sets: 1,
        low_water_ports: 256,
        idle: Duration::from_secs(300),
    };
}
