//! The numbers that an operator chooses.

use std::time::Duration;

/// How the server applies its rules.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ServerConfig {
    /// How long leases live.
    pub lifetime: LifetimeLimits,
    /// Sets that one subscriber may hold at a time (PC-042, PS-050); more than 4 is as good as 4, which one
    /// answer is about at most.
    pub max_sets_per_subscriber: usize,
    /// Whether a request with another nonce may take a lease over (C-03).
    pub nonce_takeover: NonceTakeover,
    /// Requests for fewer ports than this are refused, those for one port aside (s3.5 row 13).
    pub smallest_set: u32,
    /// A lease follows its client to another IPv6 address at most once in this time (FO-002).
    pub migration_interval: Duration,
}

/// Bounds of the lifetimes that are granted (PC-043, PS-044).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LifetimeLimits {
    /// Seconds at least.
    pub min_s: u32,
    /// Seconds at most; wins over the least.
    pub max_s: u32,
}

/// What becomes of a request for a lease of somebody who used another nonce.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NonceTakeover {
    /// It is refused until the lease ends, as RFC 6887 has it.
    Never,
    /// It takes the lease over: the access network vouches for the outer source.
    Always,
    /// It takes the lease over when no traffic was seen for so long.
    AfterIdle(Duration),
}

impl LifetimeLimits {
    /// The lifetime for a request of `requested_s`, where the client's own address lasts for
    /// `address_s` if that is known. Nothing outlives the address, whatever the least is.
    #[must_use]
    pub fn grant_s(&self, requested_s: u32, address_s: Option<u32>) -> u32 {
        requested_s
            .max(self.min_s)
            .min(self.max_s)
            .min(address_s.unwrap_or(u32::MAX))
    }
}

impl Default for ServerConfig {
    /// The defaults of the configuration file.
    fn default() -> Self {
        Self {
            lifetime: LifetimeLimits {
                min_s: 120,
                max_s: 3600,
            },
            max_sets_per_subscriber: 1,
            nonce_takeover: NonceTakeover::Never,
            smallest_set: 64,
            migration_interval: Duration::from_secs(30 * 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pc_043_ps_044_a_lifetime_is_within_its_bounds_and_that_of_the_address() {
        let limits = ServerConfig::default().lifetime;
        for (requested_s, address_s, granted_s) in [
            (1, None, 120),
            (600, None, 600),
            (u32::MAX, None, 3600),
            (3600, Some(1000), 1000),
            (600, Some(60), 60),
        ] {
            assert_eq!(limits.grant_s(requested_s, address_s), granted_s);
        }
    }
}
