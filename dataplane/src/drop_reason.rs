//! Why a packet was dropped: each reason is one counter, named `drop-…` after its cause.
//!
//! A reason says what was wrong with the packet, not where in the code it was noticed. Reasons of
//! an IP packet also add to the coarse counters of RFC 8676 (`dropped-ipv4-…` for packets from the
//! Internet side, `dropped-ipv6-…` for packets from a lwB4; YG-011); reasons of a frame, and of an
//! IPv6 packet that is no tunnel packet, do not.

/// Declares the reasons once, with name and meaning side by side.
macro_rules! drop_reasons {
    ($($(#[doc = $doc:literal])+ $reason:ident = $name:literal,)+) => {
        /// Why a packet was dropped.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u8)]
        pub enum DropReason {
            $($(#[doc = $doc])+ $reason,)+
        }

        impl DropReason {
            /// Every reason, in the order of their counters.
            pub const ALL: &'static [Self] = &[$(Self::$reason,)+];

            /// The counter's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$reason => $name,)+ }
            }

            /// What the counter counts, for people.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$reason => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

drop_reasons! {
    /// The frame ends before its Ethernet or VLAN header does
    FrameTruncated = "drop-frame-truncated",
    /// The destination MAC is not ours
    WrongMac = "drop-wrong-mac",
    /// The VLAN tag is missing, unexpected or another side's
    WrongVlan = "drop-wrong-vlan",
    /// The EtherType is not one this side speaks
    UnknownEtherType = "drop-unknown-ethertype",
    /// The IPv6 header is cut, not version 6, or longer than its frame
    BadIpv6Header = "drop-ipv6-bad-header",
    /// The IPv6 destination is neither a BR address nor ours
    Ipv6NotForUs = "drop-ipv6-not-for-us",
    /// The next header is neither IPv4 nor anything we terminate (LW-020)
    UnknownNextHeader = "drop-ipv6-unknown-next-header",
    /// An IPv6 fragment that is no multiple of 8 octets long and not the last, or carries nothing (FR-008)
    Ipv6FragmentLength = "drop-ipv6-fragment-bad-length",
    /// An IPv6 fragment that ends beyond 65535 octets, or beyond the packet's last (FR-008)
    Ipv6FragmentTooLong = "drop-ipv6-fragment-too-long",
    /// A first IPv6 fragment that ends before the IPv4 header does (FR-008)
    Ipv6FragmentHeaders = "drop-ipv6-fragment-headers",
    /// An IPv6 fragment of a packet whose fragments overlap (FR-008)
    Ipv6FragmentOverlap = "drop-ipv6-fragment-overlap",
    /// An IPv6 fragment that arrived twice, to the octet (FR-008)
    Ipv6FragmentDuplicate = "drop-ipv6-fragment-duplicate",
    /// An IPv6 fragment of a packet that was not complete in time (FR-008)
    Ipv6FragmentTimeout = "drop-ipv6-fragment-timeout",
    /// An IPv6 fragment of a packet of more fragments than are allowed
    Ipv6FragmentTooMany = "drop-ipv6-fragment-too-many",
    /// An IPv6 fragment for which there is no room among those that wait (FR-010)
    Ipv6FragmentNoRoom = "drop-ipv6-fragment-no-room",
    /// An IPv6 fragment of a packet that congestion was marked on, but not all can hear of it (EC-005)
    Ipv6FragmentEcn = "drop-ipv6-fragment-ecn",
    /// An ICMPv6 error about a tunnel packet that is cut or does not sum up
    Icmpv6Bad = "drop-icmpv6-bad",
    /// An ICMPv6 error that quotes no packet of a softwire of ours (IC-008)
    Icmpv6Forged = "drop-icmpv6-forged",
    /// An ICMPv6 error about a tunnel packet that says nothing to its sender (IC-008)
    Icmpv6NotRelayed = "drop-icmpv6-not-relayed",
    /// An ICMPv6 error beyond the rate at which they are relayed (IC-008)
    Icmpv6Rate = "drop-icmpv6-rate",
    /// An ICMPv6 error that policy keeps out
    Icmpv6Policy = "drop-icmpv6-policy",
    /// The IPv4 header is cut, not version 4, or its IHL is below 5
    BadIpv4Header = "drop-ipv4-bad-header",
    /// The IPv4 total length is more than what arrived, or less than the header
    BadIpv4Length = "drop-ipv4-bad-length",
    /// The IPv4 header checksum is wrong
    BadIpv4Checksum = "drop-ipv4-bad-checksum",
    /// The IPv4 source cannot be a sender: multicast, loopback, 0/8 or class E (LW-020)
    InvalidIpv4Source = "drop-ipv4-invalid-source",
    /// The IPv4 destination cannot be forwarded to: multicast, loopback, 0/8 or class E
    InvalidIpv4Destination = "drop-ipv4-invalid-destination",
    /// An address of 192.0.0.0/29 outside the control exception (TN-043)
    SoftwireRange = "drop-softwire-range",
    /// Nobody has this IPv4 destination and port (LW-018)
    NoSoftwire = "drop-no-softwire",
    /// Nobody has this inner IPv4 source and port (LW-014, GM-008)
    UnboundSource = "drop-unbound-source",
    /// The inner source belongs to another lwB4 (LW-013, GM-008)
    WrongB4 = "drop-wrong-b4",
    /// The softwire is served from another BR address (LW-020b)
    WrongBr = "drop-wrong-br",
    /// The packet ends before its ports or its ICMP identifier do (FR-012)
    TransportTruncated = "drop-transport-truncated",
    /// A protocol without ports on a shared address (AP-004)
    NoPorts = "drop-no-ports",
    /// The TTL does not allow another hop (TN-013)
    TtlExpired = "drop-ttl-expired",
    /// Congestion was marked on a packet whose transport cannot hear of it (EC-003)
    CongestionNotHeard = "drop-ecn-not-capable",
    /// The destination is another lwB4 of ours and hairpinning is off (LW-019)
    HairpinDisabled = "drop-hairpin-disabled",
    /// An IPv4 fragment whose first did not come in time (FR-012)
    Ipv4FragmentTimeout = "drop-ipv4-fragment-timeout",
    /// An IPv4 fragment for which there is no room among those that wait (FR-012)
    Ipv4FragmentNoRoom = "drop-ipv4-fragment-no-room",
    /// An ICMPv4 error that is cut, does not sum up, or quotes a header that does not (IC-004)
    Icmpv4Bad = "drop-icmpv4-bad",
    /// An ICMPv4 error about a packet that its receiver has not sent, or that is itself an error (IC-005)
    Icmpv4Forged = "drop-icmpv4-forged",
    /// An ICMPv4 message that policy keeps out (IC-003)
    IcmpPolicy = "drop-icmpv4-policy",
    /// The packet is larger than the MTU of the link it must leave by
    TooBig = "drop-too-big",
    /// The packet is larger than the next link takes and may not be fragmented (FR-002, FR-018)
    DontFragment = "drop-dont-fragment",
    /// No packet buffer was left for a piece of the packet
    NoBuffer = "drop-no-buffer",
    /// The buffer has no room in front for the tunnel header
    NoHeadroom = "drop-no-headroom",
    /// A packet for ourselves beyond the rate of its class or of its source (PC-006, PC-042)
    PuntRate = "drop-punt-rate",
    /// The ring of the packet's class to the control thread was full
    PuntFull = "drop-punt-full",
    /// The ring to the worker that a fragment belongs to was full
    HandOverFull = "drop-hand-over-full",
    /// The next hop's Ethernet address is not known (yet, or any more)
    NextHopUnresolved = "drop-next-hop-unresolved",
    /// The device did not take the frame within the bounded retries
    TransmitFull = "drop-transmit-full",
}

impl DropReason {
    /// Number of reasons.
    pub const COUNT: usize = Self::ALL.len();
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_meanings_are_sentences() {
        let names: HashSet<_> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), DropReason::COUNT);
        for (index, reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index);
            assert!(reason.name().starts_with("drop-"));
            assert!(
                reason.meaning().starts_with(char::is_uppercase),
                "{}",
                reason.meaning()
            );
        }
    }
}
