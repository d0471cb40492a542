//! What a benchmark sends: plain traffic one way or the other, traffic that needs more than a look-up,
//! and what an attacker would send.

use clap::ValueEnum;
use lwaftr_dataplane::side::Side;

use crate::bench::FrameMix;

/// Which packets are sent, and thereby which way they go.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Direction {
    /// UDP from the Internet to lwB4s.
    Encap,
    /// UDP from lwB4s to the Internet.
    Decap,
    /// Half of each.
    Both,
    /// UDP from one lwB4 to another.
    Hairpin,
    /// ICMP echo requests from the Internet, and as many replies from lwB4s.
    Echo,
    /// UDP in two IPv4 fragments from the Internet: virtual reassembly.
    Ipv4Fragments,
    /// The same from lwB4s.
    Ipv4FragmentsUp,
    /// UDP from lwB4s in tunnel packets of two IPv6 fragments: reassembly, then decapsulation.
    Ipv6Fragments,
    /// Frames of 1518 octets from the Internet, whatever --frame says, that leave in two IPv6
    /// fragments because the access MTU is 1500.
    OuterFragments,
    /// UDP from the Internet to addresses that nobody has; ICMP 3/1 within its limits.
    FloodUnbound,
    /// The same, each from another host, so that the limits of senders are in no cache.
    FloodUnboundByAll,
    /// UDP of bound inner sources through the tunnel of another; ICMPv6 1/5 within its limits.
    FloodSpoofed,
    /// The same, each from another prefix.
    FloodSpoofedByAll,
    /// UDP from both sides with a bad IPv4 header checksum.
    FloodMalformed,
    /// Later IPv4 fragments from the Internet whose first never comes. Not for --psid-length 0: on
    /// whole addresses they need none.
    FloodIpv4Fragments,
    /// First IPv6 fragments from lwB4s whose rest never comes.
    FloodIpv6Fragments,
    /// Half encap, half flood-unbound.
    BesideFloodUnbound,
    /// Half decap, half flood-spoofed.
    BesideFloodSpoofed,
    /// Half both, half flood-malformed.
    BesideFloodMalformed,
    /// Half encap, half flood-ipv4-fragments.
    BesideFloodIpv4Fragments,
    /// Half decap, half flood-ipv6-fragments.
    BesideFloodIpv6Fragments,
}

impl Direction {
    /// The direction's name in options and reports.
    #[must_use]
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The flood that bound traffic goes beside.
    pub(super) const fn flood(self) -> Option<Self> {
        Some(match self {
            Self::BesideFloodUnbound => Self::FloodUnbound,
            Self::BesideFloodSpoofed => Self::FloodSpoofed,
            Self::BesideFloodMalformed => Self::FloodMalformed,
            Self::BesideFloodIpv4Fragments => Self::FloodIpv4Fragments,
            Self::BesideFloodIpv6Fragments => Self::FloodIpv6Fragments,
            _ => return None,
        })
    }

    /// The bound traffic beside a flood.
    pub(super) const fn bound(self) -> Option<Self> {
        Some(match self {
            Self::BesideFloodUnbound | Self::BesideFloodIpv4Fragments => Self::Encap,
            Self::BesideFloodSpoofed | Self::BesideFloodIpv6Fragments => Self::Decap,
            Self::BesideFloodMalformed => Self::Both,
            _ => return None,
        })
    }

    /// Whether some of the packets arrive on `side`.
    pub(super) fn arrives_on(self, side: Side) -> bool {
        match self.flood().unwrap_or(self) {
            Self::Both | Self::Echo | Self::FloodMalformed => true,
            Self::Encap
            | Self::Ipv4Fragments
            | Self::OuterFragments
            | Self::FloodUnbound
            | Self::FloodUnboundByAll
            | Self::FloodIpv4Fragments => side == Side::Internet,
            _ => side == Side::Access,
        }
    }

    /// The sizes to measure with, of those that are wanted.
    pub(super) fn frames(self, wanted: &[FrameMix]) -> Vec<FrameMix> {
        match self {
            Self::OuterFragments => vec![FrameMix::Fixed(1518)],
            _ => wanted.to_vec(),
        }
    }

    /// Octets that the access link takes.
    pub(super) const fn access_mtu(self) -> usize {
        match self {
            Self::OuterFragments => 1500,
            _ => 1540,
        }
    }
}
