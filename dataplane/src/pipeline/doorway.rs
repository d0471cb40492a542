//! What a frame must look like to come in on a side, checked in a few compares.
//!
//! Almost every frame has our address, our VLAN and the side's EtherType; that is tested as whole
//! words. Whatever is not exactly that is read field by field, away from the fast path.

use crate::drop_reason::DropReason;
use crate::forwarding::Link;
use crate::packet::Packet;
use crate::wire::ethernet;
use crate::wire::ethernet::Ethernet;
use crate::wire::ethernet::Mac;

/// One side's expectation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doorway {
    /// The first twelve octets are addresses; these are the first six, in the low end of a word.
    mac: u64,
    vlan: Option<u16>,
    ether_type: u16,
}

impl Doorway {
    /// Frames with `ether_type` for `link`'s address in its VLAN.
    pub(super) fn new(link: &Link, ether_type: u16) -> Self {
        let [a, b, c, d, e, f] = link.mac.0;
        let mac = u64::from_le_bytes([a, b, c, d, e, f, 0, 0]);
        Self {
            mac,
            vlan: link.vlan,
            ether_type,
        }
    }

    /// Where the payload of an expected frame begins; `None` for every other frame.
    #[inline(always)]
    pub(super) fn payload_at<P: Packet>(&self, packet: &P, head: &[u8]) -> Option<usize> {
        let front: &[u8; ethernet::HEADER] = head.first_chunk()?;
        let (first, rest) = front.split_first_chunk::<8>()?;
        if u64::from_le_bytes(*first) & MAC_BITS != self.mac {
            return None;
        }
        let ether_type = u16::from_be_bytes([rest[4], rest[5]]);
        match self.vlan {
            None if ether_type == self.ether_type && packet.stripped_vlan().is_none() => {
                Some(ethernet::HEADER)
            }
            Some(vlan) => tagged_payload_at(packet, head, vlan, self.ether_type),
            None => None,
        }
    }
}

#[inline]
fn tagged_payload_at<P: Packet>(
    packet: &P,
    head: &[u8],
    vlan: u16,
    expected_type: u16,
) -> Option<usize> {
    let frame = Ethernet::parse(head).ok()?;
    let vlan_fits = match packet.stripped_vlan() {
        Some(tag) => frame.vlan.is_none() && ethernet::vlan_id(tag) == vlan,
        None => frame.vlan == Some(vlan),
    };
    (vlan_fits && frame.ether_type == expected_type).then_some(frame.payload_at)
}

/// A frame that is not the expected one, read with care.
#[derive(Clone, Copy, Debug)]
pub(super) struct OddFrame {
    pub(super) destination: Mac,
    pub(super) ether_type: u16,
    pub(super) payload_at: usize,
}

impl OddFrame {
    /// Reads the Ethernet header and refuses frames of other VLANs. A priority tag is no VLAN, so
    /// such a frame may turn out to be the expected one after all.
    #[cold]
    pub(super) fn read<P: Packet>(packet: &P, link: &Link) -> Result<Self, DropReason> {
        let frame = Ethernet::parse(packet.head())?;
        let stripped = packet
            .stripped_vlan()
            .map(ethernet::vlan_id)
            .filter(|id| *id != 0);
        if stripped.is_some() && frame.vlan.is_some() || frame.vlan.or(stripped) != link.vlan {
            return Err(DropReason::WrongVlan);
        }
        let Ethernet {
            destination,
            ether_type,
            payload_at,
            ..
        } = frame;
        Ok(Self {
            destination,
            ether_type,
            payload_at,
        })
    }
}

const MAC_BITS: u64 = (1 << 48) - 1;
