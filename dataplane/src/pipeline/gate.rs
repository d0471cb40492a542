//! What the first octets of a usual frame are, as two words to compare.
//!
//! Nearly every frame of a side has our address, our VLAN, the side's EtherType and the first octet
//! of a plain IP header. What has not is no less welcome; it is only read with more care.

use crate::forwarding::Link;
use crate::packet::Packet;
use crate::wire::ethernet;

/// One side's usual frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    /// Our address, in the high end of a word.
    mac: u64,
    /// What stands from octet 12 on.
    word: u64,
    /// Which bits of it are to be compared.
    mask: u64,
    /// The VLAN of the tag that the device takes out, where it does.
    stripped: Option<u16>,
    /// Octets before the IP header.
    ip_at: usize,
}

impl Gate {
    /// Frames of `link` with `ether_type` whose IP header begins with `first`, in the bits of
    /// `first_mask`.
    pub(super) fn new(link: &Link, ether_type: u16, first: u8, first_mask: u8) -> Self {
        let [high, low] = ether_type.to_be_bytes();
        let mut word = [high, low, first, 0, 0, 0, 0, 0];
        let mut mask = [0xff, 0xff, first_mask, 0, 0, 0, 0, 0];
        let mut ip_at = ethernet::HEADER;
        // A device that puts tags on takes them off as well.
        let (in_frame, stripped) = if link.vlan_by_device {
            (None, link.vlan)
        } else {
            (link.vlan, None)
        };
        if let Some(id) = in_frame {
            word.rotate_right(4);
            mask.rotate_right(4);
            word[..2].copy_from_slice(&ethernet::VLAN.to_be_bytes());
            word[2..4].copy_from_slice(&id.to_be_bytes());
            mask[..4].copy_from_slice(&[0xff, 0xff, 0x0f, 0xff]);
            ip_at = ethernet::TAGGED_HEADER;
        }
        let [a, b, c, d, e, f] = link.mac.0;
        Self {
            mac: u64::from_le_bytes([0, 0, a, b, c, d, e, f]),
            word: u64::from_le_bytes(word),
            mask: u64::from_le_bytes(mask),
            stripped,
            ip_at,
        }
    }

    /// Octets of a usual frame before its IP header.
    #[inline(always)]
    pub(super) fn ip_at(&self) -> usize {
        self.ip_at
    }

    /// Whether a frame, whose first octets are `front`, looks as usual.
    #[inline(always)]
    pub(super) fn admits<P: Packet, const N: usize>(&self, packet: &P, front: &[u8; N]) -> bool {
        let odd =
            (word_at(front, 0) << 16 ^ self.mac) | (word_at(front, 12) ^ self.word) & self.mask;
        odd == 0 && packet.stripped_vlan().map(ethernet::vlan_id) == self.stripped
    }
}

#[inline(always)]
fn word_at<const N: usize>(front: &[u8; N], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&front[at..at + 8]);
    u64::from_le_bytes(word)
}
