//! The rings that workers punt into, one for each class, and how much of each control takes at once.
//!
//! What keeps the box alive comes first, and no class has more than its part of a turn: a flood of one
//! is never longer than that in the way of another.

use dpdk::eal::Eal;
use dpdk::mbuf;
use dpdk::mbuf::Burst;
use dpdk::ring;
use dpdk::ring::Consumer;
use dpdk::ring::RingError;
use lwaftr_dataplane::dpdk_ports::PuntRings;
use lwaftr_dataplane::punt::PuntClass;

use crate::config::Buffers;

/// Punted packets that are handled together.
pub(crate) const BURST: usize = 64;

/// Control's ends of the rings.
#[derive(Debug)]
pub(crate) struct Punted {
    rings: [Consumer; PuntClass::COUNT],
}

impl Punted {
    /// Makes the rings, and returns the ends of the workers too.
    ///
    /// # Errors
    /// When there is no memory for one.
    pub(crate) fn open(eal: &Eal) -> Result<(PuntRings, Self), RingError> {
        let open = |class: PuntClass| {
            ring::bounded(eal, class.counter().name(), Buffers::punt_ring(class))
        };
        let (neighbour, neighbour_end) = open(PuntClass::Neighbour)?;
        let (icmp, icmp_end) = open(PuntClass::Icmp)?;
        let (pcp, pcp_end) = open(PuntClass::Pcp)?;
        let (other, other_end) = open(PuntClass::Other)?;
        let rings = [neighbour_end, icmp_end, pcp_end, other_end];
        Ok(([neighbour, icmp, pcp, other], Self { rings }))
    }

    /// Bursts of a class that a turn may take: of neighbours all, of others a bounded part.
    pub(crate) const fn bursts_in_turn(class: PuntClass) -> u32 {
        match class {
            PuntClass::Neighbour => 8,
            PuntClass::Pcp => 16,
            PuntClass::Icmp | PuntClass::Other => 4,
        }
    }

    /// Takes packets of a class, oldest first. Returns whether there were any.
    pub(crate) fn take(&mut self, class: PuntClass, burst: &mut Burst<BURST>) -> bool {
        self.rings[class as usize].pop_burst(burst, BURST) > 0
    }

    /// Frees whatever waits.
    pub(crate) fn discard(&mut self) {
        let mut burst = Burst::new();
        for class in PuntClass::ALL {
            while self.take(class, &mut burst) {
                mbuf::free_bulk(&mut burst);
            }
        }
    }
}

const _: () = assert!(
    Punted::bursts_in_turn(PuntClass::Neighbour) * BURST as u32
        >= Buffers::punt_ring(PuntClass::Neighbour)
);
