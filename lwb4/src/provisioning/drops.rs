//! What comes in and changes nothing, counted.

/// Why an input was dropped.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Drop {
    /// A PCP message that is not from the server to us, or not about a mapping of ours (PC-105, PC-106).
    PcpNotOurs,
    /// Something else than an ANNOUNCE for everybody, sent to the group of announcements.
    PcpNotForGroup,
    /// An ICMPv6 1/5 that is not from the lwAFTR, or quotes no packet of ours (LW-033, LW-034).
    UnboundNotOurs,
    /// An ICMPv6 1/5 soon after another (LW-034).
    UnboundHeldDown,
    /// An ICMPv6 1/5 that the operator does not want to be heard (LW-032).
    UnboundIgnored,
}

/// How often each happened.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Drops([u32; Drop::ALL.len()]);

impl Drop {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::PcpNotOurs,
        Self::PcpNotForGroup,
        Self::UnboundNotOurs,
        Self::UnboundHeldDown,
        Self::UnboundIgnored,
    ];

    /// The counter's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PcpNotOurs => "drop-pcp-not-ours",
            Self::PcpNotForGroup => "drop-pcp-not-for-group",
            Self::UnboundNotOurs => "drop-unbound-not-ours",
            Self::UnboundHeldDown => "drop-unbound-held-down",
            Self::UnboundIgnored => "drop-unbound-ignored",
        }
    }
}

impl Drops {
    /// How often this one happened.
    #[must_use]
    pub const fn of(&self, drop: Drop) -> u32 {
        self.0[drop as usize]
    }

    /// Every counter with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> + '_ {
        Drop::ALL.iter().map(|drop| (drop.name(), self.of(*drop)))
    }

    pub(super) const fn count(&mut self, drop: Drop) {
        self.0[drop as usize] = self.0[drop as usize].saturating_add(1);
    }
}
