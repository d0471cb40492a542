//! What stands before the IP packet in a frame: Ethernet and a VLAN tag.

use lwaftr_dataplane::forwarding::Link;
use lwaftr_dataplane::side::Side;

use crate::dataplane::settings::Settings;
use crate::sum::mend;
use crate::sum::sum;

/// How a frame begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Front {
    /// As frames for us begin on this side.
    Usual,
    /// As the device hands over a frame whose tag it took out.
    Stripped,
    /// Without the tag that there should be, or with one that should not.
    OtherVlan,
    /// For somebody else.
    OtherMac,
}

impl Front {
    /// The octets in front of a packet of `ether_type`, with room for `len` octets behind them, and the tag
    /// that the device took out.
    pub(crate) fn build(self, link: &Link, ether_type: u16, len: usize) -> (Vec<u8>, Option<u16>) {
        let mut octets = Vec::with_capacity(FRONT_MAX + len);
        let mut mac = link.mac.0;
        if self == Self::OtherMac {
            mac[5] ^= 0x40;
        }
        octets.extend(mac);
        octets.extend(link.next_hop_mac.unwrap_or_default().0);
        let (tag, stripped) = match self {
            Self::Stripped => (None, link.vlan),
            Self::OtherVlan => (link.vlan.is_none().then_some(9), None),
            Self::Usual | Self::OtherMac => (link.vlan, None),
        };
        if let Some(tag) = tag {
            octets.extend(VLAN.to_be_bytes());
            octets.extend((tag | 0x6000).to_be_bytes());
        }
        octets.extend(ether_type.to_be_bytes());
        (octets, stripped)
    }
}

pub(crate) fn ether_type(side: Side) -> u16 {
    match side {
        Side::Internet => IPV4,
        Side::Access => IPV6,
    }
}

/// Takes the front off a frame that was sent on `side`, which must be exactly as configured.
pub(crate) fn strip<'f>(
    settings: &Settings,
    side: Side,
    frame: &'f [u8],
    inserted: Option<u16>,
) -> &'f [u8] {
    let link = settings.link(side);
    let mut tag = [0; 4];
    tag[..2].copy_from_slice(&VLAN.to_be_bytes());
    tag[2..].copy_from_slice(&link.vlan.unwrap_or_default().to_be_bytes());
    let is_tagged = link.vlan.is_some() && !link.vlan_by_device;
    let tag = if is_tagged { &tag[..] } else { &[] };
    let by_device = link.vlan.filter(|_| link.vlan_by_device);
    assert_eq!(inserted, by_device, "the tag for the device");
    let next_hop = link.next_hop_mac.unwrap_or_default().0;
    let packet = frame
        .strip_prefix(&next_hop)
        .and_then(|rest| rest.strip_prefix(&link.mac.0))
        .and_then(|rest| rest.strip_prefix(tag))
        .and_then(|rest| rest.strip_prefix(&ether_type(side).to_be_bytes()));
    match packet {
        Some(packet) => packet,
        None => panic!("{side:?}: the front of {frame:02x?} is not as {link:?} says"),
    }
}

/// Where the IP packet of a frame begins and its EtherType, if the frame has both.
pub(crate) fn payload(frame: &[u8]) -> Option<(usize, u16)> {
    let ether_type = |at: usize| Some(u16::from_be_bytes([*frame.get(at)?, *frame.get(at + 1)?]));
    match ether_type(12)? {
        VLAN => Some((18, ether_type(16)?)),
        other => Some((14, other)),
    }
}

/// Whether a device could say that the IPv4 header of this frame sums up.
pub(crate) fn ipv4_checksum_is_good(frame: &[u8]) -> bool {
    let header = payload(frame).and_then(|(at, ether_type)| {
        let packet = frame.get(at..).filter(|_| ether_type == IPV4)?;
        packet.get(..usize::from(packet.first()? & 15) * 4)
    });
    header
        .is_some_and(|header| header.len() >= 20 && header[0] >> 4 == 4 && sum(&[header]) == 0xffff)
}

/// Mends the checksum of the IPv4 header that the frame has, or that stands in its tunnel packet.
pub(crate) fn mend_ipv4(frame: &mut [u8]) {
    let Some((at, ether_type)) = payload(frame) else {
        return;
    };
    let at = if ether_type == IPV6 { at + 40 } else { at };
    let len = usize::from(frame.get(at).copied().unwrap_or_default() & 15) * 4;
    if let Some(header) = frame
        .get_mut(at..at + len)
        .filter(|header| header.len() >= 20)
    {
        mend(header, 10);
    }
}

/// Two addresses, a tag and an EtherType.
const FRONT_MAX: usize = 18;
const VLAN: u16 = 0x8100;
pub(crate) const IPV4: u16 = 0x0800;
pub(crate) const IPV6: u16 = 0x86dd;
