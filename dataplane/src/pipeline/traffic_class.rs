//! How the traffic class crosses the tunnel, as masks that need no decision per packet (EC-001).

use crate::forwarding::Dscp;

/// Which bits of the ToS octet enter and leave the tunnel.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrafficClass {
    /// Bits of the inner ToS that go outside; ECN always does (EC-002).
    copied_in: u8,
    /// What stands outside in the other bits.
    fixed: u8,
    /// DSCP bits of the outer traffic class that go inside.
    copied_out: u8,
}

impl TrafficClass {
    /// The masks of this policy.
    pub(super) const fn new(dscp: Dscp) -> Self {
        match dscp {
            Dscp::Copy => Self {
                copied_in: 0xff,
                fixed: 0,
                copied_out: DSCP,
            },
            Dscp::Fixed(value) => Self {
                copied_in: !DSCP,
                fixed: value << 2,
                copied_out: 0,
            },
        }
    }

    /// The outer traffic class of a packet that enters the tunnel with `tos`.
    #[inline(always)]
    pub(super) const fn entering(self, tos: u8) -> u8 {
        tos & self.copied_in | self.fixed
    }

    /// The DSCP part of the ToS of a packet that leaves the tunnel.
    #[inline(always)]
    pub(super) const fn leaving(self, inner: u8, outer: u8) -> u8 {
        (outer & self.copied_out | inner & !self.copied_out) & DSCP
    }
}

/// The bits of the DSCP in the ToS octet; the other two are ECN (RFC 3168 s5).
const DSCP: u8 = 0xfc;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ec_001_the_uniform_model_copies_dscp_both_ways() {
        let class = TrafficClass::new(Dscp::Copy);
        assert_eq!(class.entering(46 << 2 | 1), 46 << 2 | 1);
        assert_eq!(class.leaving(10 << 2 | 3, 46 << 2 | 1), 46 << 2);
    }

    #[test]
    fn ec_001_the_pipe_model_leaves_the_inner_dscp_alone() {
        let class = TrafficClass::new(Dscp::Fixed(8));
        assert_eq!(class.entering(46 << 2 | 1), 8 << 2 | 1);
        assert_eq!(class.leaving(46 << 2 | 1, 8 << 2 | 3), 46 << 2);
    }
}
