//! The numbers that the owner of the home chooses.

use pcp::server::LifetimeLimits;
use pcp::wire::Enabled;

/// How the server applies its rules.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LanConfig {
    /// The opcodes that are served beside ANNOUNCE; the others are UNSUPP_OPCODE (PC-030).
    pub opcodes: Enabled,
    /// How long mappings live; never longer than the leased set (PX-001).
    pub lifetime: LifetimeLimits,
    /// Mappings that one LAN host may have at a time (PC-042, PX-002).
    pub mappings_per_host: usize,
    /// Mappings of all hosts together: the memory that a host with many addresses can take (PC-006).
    pub mappings: usize,
    /// Filters that one mapping may have (PC-063).
    pub filters_per_mapping: usize,
}

impl Default for LanConfig {
    /// The least and the most that RFC 6887 s15 recommends; a host with more than 64 mappings is thought
    /// to be broken.
    fn default() -> Self {
        Self {
            opcodes: Enabled::MapAndPeer,
            lifetime: LifetimeLimits {
                min_s: 120,
                max_s: 24 * 60 * 60,
            },
            mappings_per_host: 64,
            mappings: 4096,
            filters_per_mapping: 16,
        }
    }
}
