//! Who is in the table: a number of softwires, laid out in one way.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSplit;
use lwaftr_dataplane::table::BrSet;

use super::PerfError;
use crate::random::Random;

/// As many softwires as that, either filling address after address or one here and there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Population {
    pub(super) softwires: usize,
    pub(super) psid_length: u8,
    pub(super) scattered: bool,
}

impl Population {
    pub(super) const fn new(softwires: usize, psid_length: u8, scattered: bool) -> Self {
        Self {
            softwires,
            psid_length,
            scattered,
        }
    }

    /// The populations whose memory the project has goals for.
    pub(super) const fn references() -> [Self; 4] {
        [
            Self::new(1_000_000, 6, false),
            Self::new(1_000_000, 0, false),
            Self::new(100_000, 10, true),
            Self::new(10_000_000, 6, false),
        ]
    }

    /// What the population looks like, in words.
    pub(super) const fn layout(self) -> &'static str {
        if self.scattered { "scattered" } else { "full" }
    }

    pub(super) fn bindings(self) -> impl Iterator<Item = Result<Binding, PerfError>> {
        (0..self.softwires).map(move |number| self.binding(number))
    }

    /// Softwire number `number`.
    pub(super) fn binding(self, number: usize) -> Result<Binding, PerfError> {
        self.binding_with_b4(number, number as u64)
    }

    /// Softwire number `number`, with an lwB4 of another number.
    pub(super) fn binding_with_b4(self, number: usize, b4: u64) -> Result<Binding, PerfError> {
        let (ipv4, psid) = self.place(number)?;
        let split = PortSplit::new(0, self.psid_length)?;
        let b4 = Ipv6Addr::from_bits(0x2001_0db8_00b4_u128 << 80 | u128::from(b4) << 16 | 1);
        Ok(Binding::new(ipv4, PortSet::new(split, psid)?, b4, BR)?)
    }

    /// The address and PSID of softwire number `number`.
    pub(super) fn place(self, number: usize) -> Result<(Ipv4Addr, u16), PerfError> {
        let Self {
            softwires,
            psid_length,
            ..
        } = self;
        let too_many = || PerfError::TooMany {
            softwires,
            psid_length,
        };
        if self.scattered {
            // An odd multiplier scatters without repeating. The addresses that cannot be bound are
            // skipped by putting the high bits into 16..=79.
            let scattered = (number as u32).wrapping_mul(0x9e37_79b1);
            let address = FIRST + (scattered >> 2);
            let psid = Random::new(number as u64).below(1 << psid_length) as u16;
            return if softwires <= 1 << 28 {
                Ok((address.into(), psid))
            } else {
                Err(too_many())
            };
        }
        let address = u32::try_from(number >> psid_length)
            .ok()
            .and_then(|n| FIRST.checked_add(n));
        let address = address
            .filter(|&address| address < END)
            .ok_or_else(too_many)?;
        Ok((address.into(), (number & ((1 << psid_length) - 1)) as u16))
    }
}

/// The one BR of all softwires.
pub(super) fn brs() -> Result<BrSet, PerfError> {
    Ok(BrSet::new([BR])?)
}

const BR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xaf);
const FIRST: u32 = Ipv4Addr::new(16, 0, 0, 0).to_bits();
const END: u32 = Ipv4Addr::new(127, 0, 0, 0).to_bits();
