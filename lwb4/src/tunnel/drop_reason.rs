//! Why a packet goes no further in the tunnel; each reason is a counter's name.

use std::fmt;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $variant:ident => $name:literal,)*) => {
        /// What happened to a packet that goes no further.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum DropReason {
            $($(#[doc = $doc])* $variant,)*
        }

        impl DropReason {
            /// Every reason, in the order of their counters.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The counter's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

reasons! {
    /// Not IPv4 at all, such as the kernel's own IPv6 on the TUN device.
    NotIpv4 => "not-ipv4",
    /// An IPv4 header that is cut, or shorter than it can be.
    BadIpv4Header => "bad-ipv4-header",
    /// An IPv4 packet that says to be longer than what arrived, or shorter than its header.
    BadIpv4Length => "bad-ipv4-length",
    /// An IPv4 header that does not sum.
    BadIpv4Checksum => "bad-ipv4-checksum",
    /// A transport header that is cut, in a packet that must be changed there.
    BadTransport => "bad-transport",
    /// Many segments in one, in a way that nobody asked for.
    BadOffload => "bad-offload",
    /// A source that no host can have (RFC 1812 s5.3.7).
    InvalidSource => "invalid-source",
    /// A destination that nothing is forwarded to (RFC 1812 s5.3.7).
    InvalidDestination => "invalid-destination",
    /// An address of 192.0.0.0/29 where only the softwire's ends may stand (TN-043).
    SoftwireInternal => "softwire-internal",
    /// Larger than the tunnel and not to be fragmented: its sender hears 3/4 (FR-002).
    TooBig => "too-big",
    /// From another outer source than the lwAFTR (LW-030).
    WrongOuterSource => "wrong-outer-source",
    /// Congestion marked on a packet whose transport cannot hear it (EC-003).
    CongestionNotHeard => "congestion-not-heard",
    /// Sent to the multicast group, and no announcement of the lwAFTR (FO-016).
    NotAnAnnouncement => "not-an-announcement",
    /// A PCP message whose UDP header lies about its length or does not sum.
    BadPcpDatagram => "bad-pcp-datagram",
    /// An ICMPv6 error that is cut or does not quote enough.
    BadIcmpv6 => "bad-icmpv6",
    /// An ICMPv6 error that quotes what was never sent, or with an MTU that no link has (IC-008, FR-005).
    ForgedIcmpv6 => "forged-icmpv6",
    /// ICMPv6 1/5 from another source than the lwAFTR (LW-033).
    WrongIcmpv6Source => "wrong-icmpv6-source",
    /// An ICMPv6 message that concerns no host of the LAN.
    Icmpv6NotRelayed => "icmpv6-not-relayed",
    /// An error that would exceed its rate (IC-012).
    ErrorRate => "error-rate",
    /// Nobody may be told by an error about this packet (IC-012, IC-013).
    NotAnswerable => "not-answerable",
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many packets met each reason.
#[derive(Clone, Debug)]
pub struct Drops([u64; DropReason::ALL.len()]);

impl Default for Drops {
    fn default() -> Self {
        Self([0; DropReason::ALL.len()])
    }
}

impl Drops {
    /// One more.
    pub fn count(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }

    /// How many there were.
    #[must_use]
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// Every counter with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        DropReason::ALL
            .iter()
            .zip(&self.0)
            .map(|(reason, count)| (reason.name(), *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_counter_and_kebab_case_name() {
        let mut drops = Drops::default();
        for (n, reason) in DropReason::ALL.iter().enumerate() {
            for _ in 0..=n {
                drops.count(*reason);
            }
            let name = reason.name();
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            );
        }
        let counted: Vec<u64> = drops.iter().map(|(_, count)| count).collect();
        let expected: Vec<u64> = (1..=DropReason::ALL.len() as u64).collect();
        assert_eq!(counted, expected);
        assert_eq!(drops.of(DropReason::NotIpv4), 1);
    }
}
