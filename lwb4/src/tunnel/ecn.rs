//! DSCP and ECN at the tunnel's two ends (RFC 2983 s3.1, RFC 6040 s4).
//!
//! Into the tunnel both are copied (EC-001, EC-002). At its exit DSCP is copied back, and ECN is not simply
//! copied: a congestion mark must reach a transport that can hear it, and may not be put on one that
//! cannot (EC-003, EC-006).

/// What an inner ToS becomes at the tunnel's exit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Egress {
    /// DSCP and ECN that the inner packet leaves with.
    pub tos: u8,
    /// Whether the two fields met as they should not, which is worth counting (EC-004).
    pub is_odd: bool,
}

/// Whether the DSCP of the tunnel and of the packet inside are one (RFC 2983 s3).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DscpModel {
    /// Copied in and back out (EC-001).
    #[default]
    Uniform,
    /// The inner one stays as it was sent; the tunnel's is always this.
    Pipe {
        /// DSCP of the outer header, 0 to 63.
        dscp: u8,
    },
}

impl DscpModel {
    /// The outer traffic class of an inner packet with this ToS (EC-001, EC-002).
    #[must_use]
    pub const fn ingress(self, inner_tos: u8) -> u8 {
        match self {
            Self::Uniform => inner_tos,
            Self::Pipe { dscp } => dscp << 2 | inner_tos & ECN,
        }
    }

    /// The inner ToS at the exit, or `None` if the packet must be dropped (EC-003).
    #[must_use]
    pub const fn egress(self, inner_tos: u8, outer_class: u8) -> Option<Egress> {
        let (inner, outer) = (inner_tos & ECN, outer_class & ECN);
        let ecn = match (inner, outer) {
            (NOT_ECT, CE) => return None,
            (NOT_ECT, _) => NOT_ECT,
            (CE, _) | (_, CE) => CE,
            (ECT_0, ECT_1) => ECT_1,
            (inner, _) => inner,
        };
        let dscp = match self {
            Self::Uniform => outer_class & !ECN,
            Self::Pipe { .. } => inner_tos & !ECN,
        };
        Some(Egress {
            tos: dscp | ecn,
            is_odd: matches!(
                (inner, outer),
                (NOT_ECT, ECT_0 | ECT_1) | (ECT_1, ECT_0) | (CE, ECT_1)
            ),
        })
    }
}

const ECN: u8 = 0b11;
const NOT_ECT: u8 = 0b00;
const ECT_1: u8 = 0b01;
const ECT_0: u8 = 0b10;
const CE: u8 = 0b11;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ec_003_ec_006_every_cell_of_the_egress_table() {
        // Columns: outer Not-ECT, ECT(0), ECT(1), CE, as RFC 6040 figure 4 prints them; "odd" are the
        // cells it marks with (!) or (!!!).
        let columns = [NOT_ECT, ECT_0, ECT_1, CE];
        let fine = |ecn| Some((ecn, false));
        let odd = |ecn| Some((ecn, true));
        let rows = [
            (NOT_ECT, [fine(NOT_ECT), odd(NOT_ECT), odd(NOT_ECT), None]),
            (ECT_0, [fine(ECT_0), fine(ECT_0), fine(ECT_1), fine(CE)]),
            (ECT_1, [fine(ECT_1), odd(ECT_1), fine(ECT_1), fine(CE)]),
            (CE, [fine(CE), fine(CE), odd(CE), fine(CE)]),
        ];
        for (inner, expected) in rows {
            for (outer, expected) in columns.into_iter().zip(expected) {
                for (dscp_in, dscp_out) in [(0, 0), (46, 46), (46, 10)] {
                    let found =
                        DscpModel::Uniform.egress(dscp_in << 2 | inner, dscp_out << 2 | outer);
                    let found = found.map(|egress| (egress.tos, egress.is_odd));
                    let expected = expected.map(|(ecn, odd)| (dscp_out << 2 | ecn, odd));
                    assert_eq!(found, expected, "inner {inner:02b} outer {outer:02b}");
                }
            }
        }
    }

    #[test]
    fn tn_001_ec_001_ec_002_both_fields_are_copied_in() {
        assert_eq!(DscpModel::Uniform.ingress(46 << 2 | ECT_0), 46 << 2 | ECT_0);
        assert_eq!(DscpModel::Uniform.ingress(CE), CE);
    }

    #[test]
    fn ec_001_the_pipe_model_hides_the_inner_dscp_and_keeps_it() {
        assert_eq!(DscpModel::Pipe { dscp: 0 }.ingress(46 << 2 | ECT_0), ECT_0);
        let egress = DscpModel::Pipe { dscp: 0 }
            .egress(46 << 2 | ECT_0, 10 << 2 | CE)
            .unwrap();
        assert_eq!(egress.tos, 46 << 2 | CE);
    }
}
