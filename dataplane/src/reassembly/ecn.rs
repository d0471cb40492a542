//! Congestion marks on the fragments of one packet (RFC 3168 s5.3, EC-005).
//!
//! A mark on any fragment is a mark on the packet. Fragments that differ in whether the transport can
//! hear of it cannot come from one packet that was sent so, and a mark among them is lost.

/// Which ECN fields were seen: one bit each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Seen(u8);

impl Seen {
    /// With one more fragment's traffic class.
    #[must_use]
    pub(super) const fn with(self, traffic_class: u8) -> Self {
        Self(self.0 | 1 << (traffic_class & ECN))
    }

    /// The traffic class of the whole packet: the first fragment's DSCP (RFC 8200 s4.5 takes its
    /// header), and CE if any was marked; `None` if the packet must be dropped.
    pub(super) const fn traffic_class(self, first: u8) -> Option<u8> {
        match (self.has(CE), self.has(NOT_ECT)) {
            (true, true) => None,
            (true, false) => Some(first | CE),
            (false, _) => Some(first),
        }
    }

    const fn has(self, ecn: u8) -> bool {
        self.0 & 1 << ecn != 0
    }
}

/// The ECN field of a traffic class.
const ECN: u8 = 0b11;
const NOT_ECT: u8 = 0b00;
const CE: u8 = 0b11;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ec_005_every_pair_of_fragments() {
        const ECT_1: u8 = 0b01;
        const ECT_0: u8 = 0b10;
        let rows = [
            (NOT_ECT, [Some(NOT_ECT), Some(NOT_ECT), Some(NOT_ECT), None]),
            (ECT_0, [Some(ECT_0), Some(ECT_0), Some(ECT_0), Some(CE)]),
            (ECT_1, [Some(ECT_1), Some(ECT_1), Some(ECT_1), Some(CE)]),
            (CE, [None, Some(CE), Some(CE), Some(CE)]),
        ];
        for (first, expected) in rows {
            for (second, expected) in [NOT_ECT, ECT_0, ECT_1, CE].into_iter().zip(expected) {
                let dscp = 46 << 2;
                let seen = Seen::default().with(dscp | first).with(second);
                assert_eq!(
                    seen.traffic_class(dscp | first),
                    expected.map(|ecn| dscp | ecn),
                    "{first:02b} then {second:02b}"
                );
            }
        }
    }
}
