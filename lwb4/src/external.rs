//! What the lwB4 may send from: public addresses, each with some of its ports (RFC 7597 s5.1, GM-001…005).
//!
//! PCP gives runs of ports; DHCPv6 gives a PSID with an offset, which are `2^offset - 1` runs, none of them
//! below `2^(16 - offset)`. No port is written down: which one is the nth, and whether one belongs, is
//! arithmetic.

use std::fmt;
use std::net::Ipv4Addr;

use pcp::port_set::PortRange;
use thiserror::Error;

/// Some ports of one public address.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ExternalSet {
    address: Ipv4Addr,
    ports: Ports,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Ports {
    Run(PortRange),
    /// `offset` bits that are not all 0, then the PSID, then the rest.
    Psid {
        offset: u8,
        length: u8,
        psid: u16,
    },
}

impl ExternalSet {
    /// Consecutive ports, as PCP gives them.
    #[must_use]
    pub const fn run(address: Ipv4Addr, ports: PortRange) -> Self {
        Self {
            address,
            ports: Ports::Run(ports),
        }
    }

    /// The ports of a PSID, as DHCPv6 gives them.
    ///
    /// # Errors
    /// When the three numbers name no port set.
    pub const fn psid(
        address: Ipv4Addr,
        offset: u8,
        length: u8,
        psid: u16,
    ) -> Result<Self, ExternalSetError> {
        if offset > 15 || length > 16 || offset + length > 16 {
            return Err(ExternalSetError::Bits { offset, length });
        }
        if psid as u32 >= 1 << length {
            return Err(ExternalSetError::Psid { psid, length });
        }
        let ports = Ports::Psid {
            offset,
            length,
            psid,
        };
        Ok(Self { address, ports })
    }

    /// The public address.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        self.address
    }

    /// Whether the address is not shared, so that protocols without ports belong to it too (AP-004).
    #[must_use]
    pub const fn is_whole(self) -> bool {
        match self.ports {
            // PCP cannot say port 0 in a set (PS-040).
            Ports::Run(ports) => ports.first() <= 1 && ports.last() == u16::MAX,
            Ports::Psid { offset, length, .. } => offset == 0 && length == 0,
        }
    }

    /// Whether packets may come from this port, or go to it.
    #[must_use]
    pub const fn contains(self, port: u16) -> bool {
        match self.ports {
            Ports::Run(ports) => ports.contains(port),
            Ports::Psid {
                offset,
                length,
                psid,
            } => {
                let rest = 16 - offset - length;
                let in_first_run = offset > 0 && (port as u32) < 1 << (16 - offset);
                !in_first_run && ((port as u32) >> rest) & ((1 << length) - 1) == psid as u32
            }
        }
    }

    /// Number of ports.
    #[must_use]
    pub const fn count(self) -> u32 {
        match self.ports {
            Ports::Run(ports) => ports.count(),
            Ports::Psid { offset, length, .. } => runs(offset) << (16 - offset - length),
        }
    }

    /// The port number `n` of the set, in rising order; `None` from [`Self::count`] on.
    #[must_use]
    pub const fn nth(self, n: u32) -> Option<u16> {
        if n >= self.count() {
            return None;
        }
        match self.ports {
            Ports::Run(ports) => Some(ports.first() + n as u16),
            Ports::Psid {
                offset,
                length,
                psid,
            } => {
                let rest = 16 - offset - length;
                let run = (n >> rest) + (offset > 0) as u32;
                let low = n & ((1 << rest) - 1);
                let high = if offset == 0 { 0 } else { run << (16 - offset) };
                Some((high | (psid as u32) << rest | low) as u16)
            }
        }
    }

    /// Which one `port` is: the inverse of [`Self::nth`].
    #[must_use]
    pub const fn number(self, port: u16) -> Option<u32> {
        if !self.contains(port) {
            return None;
        }
        match self.ports {
            Ports::Run(ports) => Some((port - ports.first()) as u32),
            Ports::Psid { offset, length, .. } => {
                let rest = 16 - offset - length;
                let low = port as u32 & ((1 << rest) - 1);
                if offset == 0 {
                    return Some(low);
                }
                let run = port as u32 >> (16 - offset);
                Some(((run - 1) << rest) | low)
            }
        }
    }
}

/// Runs of ports with so many offset bits: the run with all of them 0 is nobody's (GM-002).
const fn runs(offset: u8) -> u32 {
    if offset == 0 { 1 } else { (1 << offset) - 1 }
}

impl fmt::Display for ExternalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address;
        match self.ports {
            Ports::Run(ports) => write!(f, "{address} {}-{}", ports.first(), ports.last()),
            Ports::Psid {
                offset,
                length,
                psid,
            } => write!(f, "{address} PSID {psid}/{length} offset {offset}"),
        }
    }
}

/// Why numbers name no port set.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ExternalSetError {
    /// A port has 16 bits, and DHCPv6 allows 15 of them as an offset (RFC 7598 s4.5).
    #[error("a PSID offset of {offset} and a length of {length} do not fit the 16 bits of a port")]
    Bits {
        /// The PSID offset given.
        offset: u8,
        /// The PSID length given.
        length: u8,
    },
    /// The PSID has more bits than its length.
    #[error("PSID {psid} is out of range for PSID length {length}")]
    Psid {
        /// The PSID given.
        psid: u16,
        /// The PSID length it must fit.
        length: u8,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);

    fn psid(offset: u8, length: u8, psid: u16) -> ExternalSet {
        ExternalSet::psid(ADDRESS, offset, length, psid).unwrap()
    }

    /// T-38: a = 6, k = 8, PSID 0x34 is the example of RFC 7597 s5.1's appendix: 1232-1235, 2256-2259, …
    #[test]
    fn gm_004_a_psid_with_an_offset_is_many_runs() {
        let set = psid(6, 8, 0x34);
        assert_eq!(set.count(), 63 * 4);
        let first: Vec<_> = (0..6).filter_map(|n| set.nth(n)).collect();
        assert_eq!(first, [1232, 1233, 1234, 1235, 2256, 2257]);
        assert_eq!(set.nth(251), Some(63 * 1024 + 211));
        assert!(!set.contains(208), "the run with offset bits 0");
    }

    #[test]
    fn gm_004_a_psid_without_an_offset_is_one_run() {
        let set = psid(0, 5, 13);
        assert_eq!((set.count(), set.nth(0)), (2048, Some(26624)));
        assert!(psid(0, 0, 0).is_whole());
        assert!(!psid(4, 0, 0).is_whole());
        assert_eq!(psid(4, 0, 0).nth(0), Some(4096));
    }

    #[test]
    fn ps_040_a_whole_address_may_be_spelled_without_port_0() {
        let ports = PortRange::new(1, u16::MAX).unwrap();
        assert!(ExternalSet::run(ADDRESS, ports).is_whole());
    }

    #[test]
    fn gm_003_numbers_that_name_no_set_are_refused() {
        for (offset, length, psid) in [(16, 0, 0), (6, 11, 0), (0, 17, 0), (0, 5, 32)] {
            assert!(ExternalSet::psid(ADDRESS, offset, length, psid).is_err());
        }
    }

    fn any_set() -> impl Strategy<Value = ExternalSet> {
        let psids = (0_u8..16)
            .prop_flat_map(|offset| (Just(offset), 0..=16 - offset))
            .prop_flat_map(|(offset, length)| (Just(offset), Just(length), 0..1_u32 << length))
            .prop_map(|(offset, length, number)| psid(offset, length, number as u16));
        let runs = (any::<u16>(), any::<u16>()).prop_filter_map("a run", |(first, last)| {
            PortRange::new(first, last).map(|ports| ExternalSet::run(ADDRESS, ports))
        });
        prop_oneof![psids, runs]
    }

    proptest! {
        #[test]
        fn gm_001_the_ports_counted_are_those_that_belong(set in any_set()) {
            let counted: Vec<_> = (0..set.count()).filter_map(|n| set.nth(n)).collect();
            let belonging: Vec<_> = (0..=u16::MAX).filter(|port| set.contains(*port)).collect();
            prop_assert_eq!(&counted, &belonging);
            prop_assert_eq!(set.nth(set.count()), None);
            for (n, port) in counted.iter().enumerate() {
                prop_assert_eq!(set.number(*port), Some(n as u32));
            }
        }
    }
}
