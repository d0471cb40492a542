//! Packets that arrive by the clock, whether they are taken or not: on a port's receive ring.

/// When packets arrive, and what became of those that have.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    per_tick: f64,
    start: u64,
    packets: u64,
    taken: u64,
    lost: u64,
}

impl Pace {
    /// So many packets, so many of them each tick of the time stamp counter, from `start` on.
    pub(super) const fn new(packets: u64, per_tick: f64, start: u64) -> Self {
        Self {
            per_tick,
            start,
            packets,
            taken: 0,
            lost: 0,
        }
    }

    /// How many packets are taken of those that have arrived: `most` at most. What the ring cannot hold
    /// meanwhile is lost, as on a device.
    pub(super) fn take(&mut self, now: u64, most: usize) -> usize {
        let since = now.saturating_sub(self.start) as f64;
        let arrived = self.packets.min((since * self.per_tick) as u64);
        let waiting = arrived.saturating_sub(self.taken + self.lost);
        self.lost += waiting.saturating_sub(RING);
        let due = waiting.min(RING).min(most as u64);
        self.taken += due;
        due as usize
    }

    /// Whether all have arrived and been taken or lost.
    pub(super) const fn is_over(&self) -> bool {
        self.taken + self.lost == self.packets
    }
}

/// Packets in the ring: as many as most devices can have, so that it bridges the hundred microseconds that
/// a virtual machine takes for itself now and then.
const RING: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_arrive_by_the_clock_and_wait_in_the_ring() {
        let mut pace = Pace::new(100, 0.5, 1000);
        assert_eq!(pace.take(1000, 32), 0);
        assert_eq!(pace.take(1020, 32), 10);
        assert_eq!(pace.take(1020, 32), 0);
        assert_eq!(pace.take(1100, 32), 32);
        assert_eq!(pace.take(1100, 32), 8);
        assert!(!pace.is_over());
        assert_eq!(pace.take(9000, 64), 50);
        assert!(pace.is_over());
        assert_eq!((pace.taken, pace.lost), (100, 0));
    }

    #[test]
    fn what_the_ring_cannot_hold_is_lost() {
        let mut pace = Pace::new(6000, 1.0, 0);
        assert_eq!(pace.take(5000, 32), 32);
        assert_eq!((pace.taken, pace.lost), (32, 5000 - RING));
        while !pace.is_over() {
            pace.take(6000, 32);
        }
        // It had room for only 32 of the last 1000.
        assert_eq!(pace.taken, 32 + RING);
    }
}
