//! Explicit congestion notification at the tunnel's exit (RFC 6040 s4.2).
//!
//! The outer field is not simply copied: a congestion mark must reach a transport that can hear
//! it, and may not be put on one that cannot (EC-003, EC-006).

/// The inner ECN field after decapsulation, or `None` if the packet must be dropped.
///
/// Both arguments are ECN fields: 0 not capable, 1 ECT(1), 2 ECT(0), 3 congestion experienced.
#[must_use]
#[inline(always)]
pub const fn egress(inner: u8, outer: u8) -> Option<u8> {
    match (inner & 3, outer & 3) {
        (NOT_ECT, CE) => None,
        (NOT_ECT, _) => Some(NOT_ECT),
        (CE, _) | (_, CE) => Some(CE),
        (ECT_0, ECT_1) => Some(ECT_1),
        (inner, _) => Some(inner),
    }
}

const NOT_ECT: u8 = 0b00;
const ECT_1: u8 = 0b01;
const ECT_0: u8 = 0b10;
const CE: u8 = 0b11;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ec_003_every_cell_of_the_egress_table() {
        // Columns: outer Not-ECT, ECT(0), ECT(1), CE, as RFC 6040 figure 4 prints them.
        let columns = [NOT_ECT, ECT_0, ECT_1, CE];
        let rows = [
            (NOT_ECT, [Some(NOT_ECT), Some(NOT_ECT), Some(NOT_ECT), None]),
            (ECT_0, [Some(ECT_0), Some(ECT_0), Some(ECT_1), Some(CE)]),
            (ECT_1, [Some(ECT_1), Some(ECT_1), Some(ECT_1), Some(CE)]),
            (CE, [Some(CE), Some(CE), Some(CE), Some(CE)]),
        ];
        for (inner, expected) in rows {
            for (outer, expected) in columns.into_iter().zip(expected) {
                assert_eq!(
                    egress(inner, outer),
                    expected,
                    "inner {inner:02b} outer {outer:02b}"
                );
            }
        }
    }
}
