//! Why the NAT dropped a packet: each reason is one counter, named `drop-…` after its cause. A reason
//! says what was wrong with the packet, not where in the code it was noticed.

/// Declares the reasons once, with name and meaning side by side.
macro_rules! nat_drops {
    ($($(#[doc = $doc:literal])+ $reason:ident = $name:literal,)+) => {
        /// Why the NAT dropped a packet.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u8)]
        pub enum NatDrop {
            $($(#[doc = $doc])+ $reason,)+
        }

        impl NatDrop {
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

nat_drops! {
    /// The IPv4 header is cut, not version 4, too short, or longer than its packet
    BadHeader = "drop-ipv4-bad-header",
    /// The IPv4 header checksum is wrong
    BadChecksum = "drop-ipv4-bad-checksum",
    /// The packet ends before its ports or its ICMP identifier do (FR-012)
    TransportTruncated = "drop-transport-truncated",
    /// There is no external address to translate to (LW-004)
    NoSet = "drop-no-set",
    /// An address or a port that is not in our sets (LW-031)
    NotInSet = "drop-not-in-set",
    /// Nobody on the LAN has this external port
    NoMapping = "drop-no-mapping",
    /// The mapping's owner has not sent to this remote end (NT-009)
    Filtered = "drop-filtered",
    /// A protocol without ports on a shared address (AP-004)
    NoPorts = "drop-no-ports",
    /// The external end has to be this one and is not free: SCTP, or a protocol without ports (AP-005)
    EndTaken = "drop-end-taken",
    /// No external port is free (NT-020)
    PortsExhausted = "drop-ports-exhausted",
    /// The LAN host has as many mappings as one host may
    HostLimit = "drop-host-limit",
    /// There are as many mappings as there may be
    MappingLimit = "drop-mapping-limit",
    /// There are as many sessions as there may be, in all or of this mapping
    SessionLimit = "drop-session-limit",
    /// A TCP reset of a connection that is not known
    StrayReset = "drop-stray-reset",
    /// An ICMP message of a type that is not translated (IC-003)
    IcmpType = "drop-icmp-type",
    /// An ICMP error that is cut, does not sum up, or quotes a header that does not (IC-004)
    IcmpBad = "drop-icmp-bad",
    /// An ICMP error about a packet of no mapping of ours (NT-019)
    IcmpNoMapping = "drop-icmp-no-mapping",
    /// A fragment that may overwrite the header of its first (RFC 1858 s3)
    FragmentOverHeader = "drop-fragment-over-header",
    /// A fragment whose first did not come in time (NT-015)
    FragmentTimeout = "drop-fragment-timeout",
    /// A fragment for which there is no room among those that wait (NT-015)
    FragmentNoRoom = "drop-fragment-no-room",
}

impl NatDrop {
    /// Number of reasons.
    pub const COUNT: usize = Self::ALL.len();
}
