//! What the device said of a received packet, and what it shall do to one that leaves.

use super::Mbuf;

/// What the device found out about a checksum.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Checksum {
    /// It did not look.
    Unknown,
    /// It is right.
    Good,
    /// It is wrong.
    Bad,
    /// It is not in the packet, but the data is intact (a packet of a virtual machine).
    None,
}

impl Mbuf {
    /// The device's verdict on the (outer) IPv4 header checksum.
    #[must_use]
    #[inline]
    pub fn rx_l3_checksum(&self) -> Checksum {
        match self.raw().ol_flags & dpdk_sys::DPDK_MBUF_RX_IP_CHECKSUM_MASK {
            dpdk_sys::DPDK_MBUF_RX_IP_CHECKSUM_GOOD => Checksum::Good,
            dpdk_sys::DPDK_MBUF_RX_IP_CHECKSUM_BAD => Checksum::Bad,
            dpdk_sys::DPDK_MBUF_RX_IP_CHECKSUM_NONE => Checksum::None,
            _ => Checksum::Unknown,
        }
    }

    /// The device's verdict on the TCP or UDP checksum.
    #[must_use]
    #[inline]
    pub fn rx_l4_checksum(&self) -> Checksum {
        match self.raw().ol_flags & dpdk_sys::DPDK_MBUF_RX_L4_CHECKSUM_MASK {
            dpdk_sys::DPDK_MBUF_RX_L4_CHECKSUM_GOOD => Checksum::Good,
            dpdk_sys::DPDK_MBUF_RX_L4_CHECKSUM_BAD => Checksum::Bad,
            dpdk_sys::DPDK_MBUF_RX_L4_CHECKSUM_NONE => Checksum::None,
            _ => Checksum::Unknown,
        }
    }

    /// The VLAN tag (TCI: priority and identifier) that the device took off the packet, if it did.
    #[must_use]
    #[inline]
    pub fn rx_vlan(&self) -> Option<u16> {
        let raw = self.raw();
        (raw.ol_flags & dpdk_sys::DPDK_MBUF_RX_VLAN_STRIPPED != 0).then_some(raw.vlan_tci)
    }

    /// Has the device put a VLAN tag on; only where it accepted `Offload::VlanInsert`.
    #[inline]
    pub fn set_tx_vlan(&mut self, tci: u16) {
        let raw = self.raw_mut();
        raw.ol_flags |= dpdk_sys::DPDK_MBUF_TX_VLAN;
        raw.vlan_tci = tci;
    }

    /// Has the device compute the IPv4 header checksum, whose field must be zero; only where it
    /// accepted `Offload::TxIpv4Checksum`. Lengths of the headers before and of IPv4, in bytes.
    #[inline]
    pub fn set_tx_ipv4_checksum(&mut self, l2_length: u8, l3_length: u16) {
        let l2 = u64::from(l2_length) & ((1 << dpdk_sys::DPDK_MBUF_L2_LENGTH_BITS) - 1);
        let l3 = u64::from(l3_length) & ((1 << dpdk_sys::DPDK_MBUF_L3_LENGTH_BITS) - 1);
        let raw = self.raw_mut();
        raw.ol_flags |= dpdk_sys::DPDK_MBUF_TX_IP_CHECKSUM | dpdk_sys::DPDK_MBUF_TX_IPV4;
        raw.__bindgen_anon_3.tx_offload = l2 | l3 << dpdk_sys::DPDK_MBUF_L2_LENGTH_BITS;
    }

    /// Forgets what was said at reception and asked for transmission: for a packet built anew.
    #[inline]
    pub fn clear_offloads(&mut self) {
        let kept = dpdk_sys::DPDK_MBUF_EXTERNAL | dpdk_sys::DPDK_MBUF_INDIRECT;
        let raw = self.raw_mut();
        raw.ol_flags &= kept;
        raw.__bindgen_anon_3.tx_offload = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pool;

    fn with_flags(flags: u64, check: impl FnOnce(Mbuf)) {
        let pool = pool(63);
        let mut burst = crate::mbuf::Burst::<1>::new();
        pool.allocate_burst(&mut burst, 1).unwrap();
        let mut mbuf = burst.remove(0);
        mbuf.raw_mut().ol_flags |= flags;
        check(mbuf);
    }

    #[test]
    fn checksum_verdicts_follow_the_flags() {
        for (flags, l3, l4) in [
            (0, Checksum::Unknown, Checksum::Unknown),
            (1 << 4, Checksum::Bad, Checksum::Unknown),
            (1 << 7, Checksum::Good, Checksum::Unknown),
            (1 << 4 | 1 << 7, Checksum::None, Checksum::Unknown),
            (1 << 3, Checksum::Unknown, Checksum::Bad),
            (1 << 8, Checksum::Unknown, Checksum::Good),
            (1 << 3 | 1 << 8, Checksum::Unknown, Checksum::None),
        ] {
            with_flags(flags, |mbuf| {
                assert_eq!((mbuf.rx_l3_checksum(), mbuf.rx_l4_checksum()), (l3, l4));
            });
        }
    }

    #[test]
    fn a_vlan_tag_is_reported_only_when_the_device_took_it_off() {
        with_flags(0, |mut mbuf| {
            mbuf.raw_mut().vlan_tci = 1092;
            assert_eq!(mbuf.rx_vlan(), None);
            mbuf.raw_mut().ol_flags |= 1 << 6;
            assert_eq!(mbuf.rx_vlan(), Some(1092));
        });
    }

    #[test]
    fn requests_for_transmission_set_flag_and_lengths() {
        with_flags(1 << 7, |mut mbuf| {
            mbuf.set_tx_vlan(0x2abc);
            mbuf.set_tx_ipv4_checksum(14, 20);
            let raw = mbuf.raw();
            assert_eq!(raw.ol_flags, 1 << 7 | 1 << 57 | 1 << 54 | 1 << 55);
            assert_eq!(raw.vlan_tci, 0x2abc);
            // SAFETY: every bit pattern of the union is valid for both of its readings.
            let lengths = unsafe { raw.__bindgen_anon_3.__bindgen_anon_1 };
            assert_eq!((lengths.l2_len(), lengths.l3_len()), (14, 20));
            mbuf.clear_offloads();
            assert_eq!(mbuf.raw().ol_flags, 0);
        });
    }
}
