//! How much of a lwB4's IPv6 address names its subscriber.
//!
//! A subscriber has a delegated prefix and may send from any address of it, so what it may cause is
//! counted against the prefix (RFC 6887 s17.2, PC-042).

/// Bits of an IPv6 address that all addresses of a subscriber share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SubscriberPrefix(u8);

impl SubscriberPrefix {
    /// So many bits; absent when an address has fewer.
    #[must_use]
    pub const fn new(bits: u8) -> Option<Self> {
        if bits <= 128 { Some(Self(bits)) } else { None }
    }

    /// The subscriber of an address: its first bits, and zeros.
    #[must_use]
    pub fn of(self, address: &[u8; 16]) -> [u8; 16] {
        let others = u128::MAX.checked_shr(self.0.into()).unwrap_or(0);
        (u128::from_be_bytes(*address) & !others).to_be_bytes()
    }
}

impl Default for SubscriberPrefix {
    /// What RIPE-690 has operators delegate to homes.
    fn default() -> Self {
        Self(56)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_has_no_more_than_128_bits() {
        assert!(SubscriberPrefix::new(128).is_some());
        assert_eq!(SubscriberPrefix::new(129), None);
    }

    proptest! {
        #[test]
        fn pc_042_bits_before_the_end_tell_subscribers_apart_and_no_others(
            bits in 0_u8..=128,
            address: [u8; 16],
            flipped in 0_u8..128,
        ) {
            let prefix = SubscriberPrefix::new(bits).unwrap();
            let mut other = address;
            other[usize::from(flipped / 8)] ^= 0x80 >> (flipped % 8);
            let is_same = prefix.of(&address) == prefix.of(&other);
            prop_assert_eq!(is_same, flipped >= bits);
            // Bit by bit, from the front.
            for bit in 0..128 {
                let is_set = |octets: &[u8; 16]| {
                    octets[usize::from(bit / 8)] & 0x80 >> (bit % 8) != 0
                };
                let expected = bit < bits && is_set(&address);
                prop_assert_eq!(is_set(&prefix.of(&address)), expected, "{}", bit);
            }
        }
    }
}
