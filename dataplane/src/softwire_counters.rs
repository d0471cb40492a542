//! Optional counters of every softwire, by its number: written by one worker, read by anybody.
//!
//! They live apart from the binding table, which the packet path reads whether they are on or not;
//! counting touches one more cache line per packet. Memory is made by control before numbers are
//! given out ([`SoftwireCounters::reach`]), never by a worker; a number without memory is not counted.

use std::ops::Add;
use std::ops::Sub;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::table::SoftwireId;

/// One worker's counters of all softwires.
#[derive(Debug)]
pub struct SoftwireCounters {
    chunks: Box<[OnceLock<Box<[Cell]>>]>,
}

/// Half a cache line: packets and octets each way.
#[derive(Debug, Default)]
#[repr(align(32))]
struct Cell {
    down: [AtomicU64; 2],
    up: [AtomicU64; 2],
}

/// What a softwire has carried; octets are of its IPv4 packets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Carried {
    /// Packets encapsulated to the lwB4.
    pub down_packets: u64,
    /// Their octets.
    pub down_bytes: u64,
    /// Packets decapsulated from the lwB4.
    pub up_packets: u64,
    /// Their octets.
    pub up_bytes: u64,
}

impl Default for SoftwireCounters {
    fn default() -> Self {
        Self {
            chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
        }
    }
}

impl SoftwireCounters {
    /// Makes memory for all numbers below `ids`. For the control thread.
    pub fn reach(&self, ids: u32) {
        let chunks = (ids as usize).div_ceil(CHUNK).min(CHUNKS);
        for chunk in &self.chunks[..chunks] {
            chunk.get_or_init(|| (0..CHUNK).map(|_| Cell::default()).collect());
        }
    }

    /// Counts a packet of `bytes` octets to the lwB4. Only the owning worker may call this.
    #[inline(always)]
    pub(crate) fn count_down(&self, id: SoftwireId, bytes: u32) {
        if let Some(cell) = self.cell(id) {
            add(&cell.down, bytes);
        }
    }

    /// Counts a packet of `bytes` octets from the lwB4. Only the owning worker may call this.
    #[inline(always)]
    pub(crate) fn count_up(&self, id: SoftwireId, bytes: u32) {
        if let Some(cell) = self.cell(id) {
            add(&cell.up, bytes);
        }
    }

    /// What the softwires that ever had the number `id` have carried.
    #[must_use]
    pub fn carried(&self, id: SoftwireId) -> Carried {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        self.cell(id).map_or_else(Carried::default, |cell| Carried {
            down_packets: read(&cell.down[0]),
            down_bytes: read(&cell.down[1]),
            up_packets: read(&cell.up[0]),
            up_bytes: read(&cell.up[1]),
        })
    }

    #[inline(always)]
    fn cell(&self, id: SoftwireId) -> Option<&Cell> {
        self.chunks
            .get(id.index() / CHUNK)?
            .get()?
            .get(id.index() % CHUNK)
    }
}

/// One writer, so plain additions are whole (see [`crate::counters`]).
#[inline(always)]
fn add(pair: &[AtomicU64; 2], bytes: u32) {
    let [packets, octets] = pair;
    packets.store(
        packets.load(Ordering::Relaxed).wrapping_add(1),
        Ordering::Relaxed,
    );
    octets.store(
        octets.load(Ordering::Relaxed).wrapping_add(bytes.into()),
        Ordering::Relaxed,
    );
}

impl Add for Carried {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            down_packets: self.down_packets.wrapping_add(other.down_packets),
            down_bytes: self.down_bytes.wrapping_add(other.down_bytes),
            up_packets: self.up_packets.wrapping_add(other.up_packets),
            up_bytes: self.up_bytes.wrapping_add(other.up_bytes),
        }
    }
}

impl Sub for Carried {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            down_packets: self.down_packets.wrapping_sub(earlier.down_packets),
            down_bytes: self.down_bytes.wrapping_sub(earlier.down_bytes),
            up_packets: self.up_packets.wrapping_sub(earlier.up_packets),
            up_bytes: self.up_bytes.wrapping_sub(earlier.up_bytes),
        }
    }
}

/// Softwires of a chunk: 128 KiB.
const CHUNK: usize = 4096;
/// Chunks there may be: 64 million softwires.
const CHUNKS: usize = 1 << 14;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::counters::Counters;
    use crate::pipeline::Ledger;
    use crate::pipeline::Pipeline;
    use crate::pipeline::Share;
    use crate::pipeline::tests::forwarding;
    use crate::pipeline::tests::reader;
    use crate::pipeline::tests::udp;
    use crate::side::Side;
    use crate::table::Key;

    #[test]
    fn a_softwire_without_memory_is_not_counted_and_one_with_memory_is() {
        let (reader, counters) = (reader(), Arc::new(SoftwireCounters::default()));
        let pipeline = Pipeline::new(forwarding()).with_softwire_counters(Arc::clone(&counters));
        let key = Key::of_port([192, 0, 2, 1].into(), 5000);
        let id = reader.table().lookup(key).unwrap().id();
        let plain = Counters::default();
        for (packets, reach) in [(0, 0), (1, id.index() as u32 + 1), (2, 0)] {
            counters.reach(reach);
            let mut burst = [udp(5000, 64, 0, &[1; 10])];
            let mut ledger = Ledger::new(&plain, Side::Internet);
            let mut detour = pipeline.detour(Share::WHOLE);
            pipeline.from_internet(reader.table(), &mut burst, &mut detour, &mut ledger);
            let carried = counters.carried(id);
            assert_eq!(
                (carried.down_packets, carried.down_bytes),
                (packets, packets * 38)
            );
            assert_eq!((carried.up_packets, carried.up_bytes), (0, 0));
        }
    }

    #[test]
    fn what_is_carried_adds_up_and_is_told_since_a_moment() {
        let one = Carried {
            down_packets: 1,
            down_bytes: 2,
            up_packets: 3,
            up_bytes: 4,
        };
        assert_eq!(one + one - one, one);
    }
}
