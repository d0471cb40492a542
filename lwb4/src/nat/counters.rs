//! What the NAT counts: one number for every [`NatDrop`], and what went well.

use crate::nat::drop::NatDrop;

/// Declares the counters that are no drops, once.
macro_rules! nat_counters {
    ($($(#[doc = $doc:literal])+ $field:ident = $name:literal,)+) => {
        /// Sums since the start.
        #[derive(Clone, Debug, Default, Eq, PartialEq)]
        pub struct NatCounters {
            $($(#[doc = $doc])+ pub $field: u64,)+
            drops: [u64; NatDrop::COUNT],
        }

        impl NatCounters {
            fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$(($name, self.$field),)+].into_iter()
            }
        }
    };
}

nat_counters! {
    /// Packets that leave for the tunnel, translated
    outbound = "nat-outbound",
    /// Packets from the tunnel that go to the LAN, translated
    inbound = "nat-inbound",
    /// Packets from the LAN to the LAN through external ports of our own (NT-010)
    hairpinned = "nat-hairpinned",
    /// ICMP messages made here, for the LAN and for the tunnel
    answered = "nat-answered",
    /// ICMP messages not made, because there were too many
    unanswered = "nat-unanswered",
    /// Fragments that were held until their first came
    held = "nat-fragments-held",
    /// Mappings made, by packets and by requests
    mappings_made = "nat-mappings-made",
    /// Mappings flushed because their set went away (LW-027)
    mappings_flushed = "nat-mappings-flushed",
    /// Remote ends forgotten early, to make room for a new one of the same mapping
    peers_replaced = "nat-peers-replaced",
}

impl NatCounters {
    /// Packets dropped for `reason`.
    #[must_use]
    pub const fn dropped(&self, reason: NatDrop) -> u64 {
        self.drops[reason as usize]
    }

    /// Every counter with its name, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let drops = NatDrop::ALL.iter();
        self.named()
            .chain(drops.map(|reason| (reason.name(), self.dropped(*reason))))
    }

    pub(super) const fn drop(&mut self, reason: NatDrop) {
        self.add_drops(reason, 1);
    }

    pub(super) const fn add_drops(&mut self, reason: NatDrop, packets: u64) {
        self.drops[reason as usize] += packets;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_counter_has_a_name_of_its_own() {
        let mut counters = NatCounters::default();
        counters.drop(NatDrop::Filtered);
        counters.inbound = 3;
        let all: Vec<_> = counters.iter().collect();
        let names: HashSet<_> = all.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.contains(&("drop-filtered", 1)));
        assert!(all.contains(&("nat-inbound", 3)));
        assert_eq!(all.iter().map(|(_, count)| count).sum::<u64>(), 4);
    }
}
