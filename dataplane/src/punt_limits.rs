//! How much of each class may go up to the control thread.
//!
//! A ring keeps classes apart; the limits keep sources apart within a class, so that one subscriber does
//! not ask in the place of all others (PC-006, PC-042), and bound what control has to do.

use crate::limiter::Rates;
use crate::punt::PuntClass;
use crate::subscriber_prefix::SubscriberPrefix;

/// What all workers together may send up. Each has its part of a class; what a source may cause is not
/// split, because the packets of a tunnel meet one worker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PuntLimits {
    /// Of ARP and neighbour discovery; a source is a neighbour's Ethernet address and whom it speaks of.
    pub neighbour: Rates,
    /// Of ICMP; a source is an IPv4 address on the Internet side, a subscriber on the access side.
    pub icmp: Rates,
    /// Of PCP; a source is a subscriber.
    pub pcp: Rates,
    /// Of the rest; a source is as for ICMP.
    pub other: Rates,
    /// What makes a subscriber.
    pub subscriber: SubscriberPrefix,
}

impl PuntLimits {
    /// The rates of PCP: the burst is what comes in a tenth of a second.
    #[must_use]
    pub const fn pcp_rates(per_second: u32, per_subscriber: u32) -> Rates {
        Rates {
            per_second,
            burst: per_second.div_ceil(10),
            per_source: per_subscriber,
        }
    }

    /// The limits of a class.
    #[must_use]
    pub const fn of(&self, class: PuntClass) -> Rates {
        match class {
            PuntClass::Neighbour => self.neighbour,
            PuntClass::Icmp => self.icmp,
            PuntClass::Pcp => self.pcp,
            PuntClass::Other => self.other,
        }
    }
}

impl Default for PuntLimits {
    /// What holds unless the operator says otherwise.
    fn default() -> Self {
        Self {
            neighbour: FEW,
            icmp: FEW,
            pcp: Self::pcp_rates(PCP_PER_SECOND, PCP_PER_SUBSCRIBER),
            other: OTHER,
            subscriber: SubscriberPrefix::default(),
        }
    }
}

/// Of neighbours a few packets a minute are enough, and of pings as many as monitoring sends.
const FEW: Rates = Rates {
    per_second: 10_000,
    burst: 1000,
    per_source: 100,
};
/// A routing daemon's sessions come from few neighbours.
const OTHER: Rates = Rates {
    per_second: 10_000,
    burst: 1000,
    per_source: 1000,
};
/// As many as a box is asked at most after a power failure.
const PCP_PER_SECOND: u32 = 1_000_000;
/// A client that retransmits sends one in three seconds (PC-103); a home has several.
const PCP_PER_SUBSCRIBER: u32 = 20;
