//! Quiescence: how the publisher knows that no worker can still see what it has unlinked (QSBR).
//!
//! ```text
//!  publisher                              worker, once per burst
//!  unlink X                               e = epoch            (acquire)
//!  retire X at epoch E                    seen = e             (release)
//!  epoch = E + 1          (release)       … uses what it reads now until the next report …
//!  X may be reused when every online worker has seen > E
//! ```
//!
//! A worker that has seen an epoch after `E` loaded it after X was unlinked, so from then on it cannot
//! reach X; and what it did with X before happened before its report. A parked worker holds nothing and
//! is passed over; coming back it orders its report before its first look at the table by a full fence, and the
//! publisher orders the unlinking before its look at the reports by another: one of the two sees the other.
//!
//! A worker writes one cache line of its own, and only when the epoch has moved.

use super::sync::AtomicBool;
use super::sync::AtomicU64;
use super::sync::Ordering;
use super::sync::fence;

/// A time in the life of a table; it moves when the publisher wants something back.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Epoch(u64);

/// The epoch, and what each worker has seen of it.
#[derive(Debug)]
pub(super) struct Domain {
    epoch: Padded<AtomicU64>,
    seats: [Padded<Seat>; MAX_READERS],
}

/// A worker's line: written by the worker, read by the publisher.
#[derive(Debug)]
struct Seat {
    /// The epoch last seen, or [`PARKED`], which is no epoch.
    seen: AtomicU64,
    taken: AtomicBool,
}

/// The number of a worker's line.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeatNumber(usize);

impl Domain {
    pub(super) fn new() -> Self {
        let seat = |_| {
            Padded(Seat {
                seen: AtomicU64::new(PARKED),
                taken: AtomicBool::new(false),
            })
        };
        Self {
            epoch: Padded(AtomicU64::new(FIRST)),
            seats: std::array::from_fn(seat),
        }
    }

    // The publisher's side.

    /// The epoch at which something unlinked just now is retired.
    pub(super) fn now(&self) -> Epoch {
        // Only the publisher moves it.
        Epoch(self.epoch.0.load(Ordering::Relaxed))
    }

    /// Starts a new epoch, so that what has been retired so far can come back.
    pub(super) fn advance(&self) {
        let next = self.now().0 + 1;
        self.epoch.0.store(next, Ordering::Release);
    }

    /// Everything retired before this epoch is out of every worker's reach.
    pub(super) fn horizon(&self) -> Epoch {
        fence(Ordering::SeqCst);
        let seen = self
            .seats
            .iter()
            .map(|seat| seat.0.seen.load(Ordering::Acquire));
        let oldest = seen.filter(|&seen| seen != PARKED).min();
        Epoch(oldest.unwrap_or_else(|| self.now().0))
    }

    /// A free line, if there is one.
    pub(super) fn sit_down(&self) -> Option<SeatNumber> {
        let free = |seat: &Padded<Seat>| !seat.0.taken.swap(true, Ordering::Acquire);
        self.seats.iter().position(free).map(SeatNumber)
    }

    // The worker's side.

    /// Comes back from being parked.
    pub(super) fn enter(&self, seat: SeatNumber) -> Epoch {
        let epoch = self.epoch.0.load(Ordering::Acquire);
        // Release: who sees this may not have seen the parking, which what the worker did before it needs.
        self.seats[seat.0].0.seen.store(epoch, Ordering::Release);
        fence(Ordering::SeqCst);
        Epoch(epoch)
    }

    /// Reports that the worker holds nothing from before; `last` is what it reported last.
    #[inline(always)]
    pub(super) fn report(&self, seat: SeatNumber, last: Epoch) -> Epoch {
        let epoch = self.epoch.0.load(Ordering::Acquire);
        if epoch != last.0 {
            self.seats[seat.0].0.seen.store(epoch, Ordering::Release);
        }
        Epoch(epoch)
    }

    /// Reports that the worker holds nothing and will not look.
    pub(super) fn park(&self, seat: SeatNumber) {
        self.seats[seat.0].0.seen.store(PARKED, Ordering::Release);
    }

    /// Gives the line of a parked worker back.
    pub(super) fn leave(&self, seat: SeatNumber) {
        self.seats[seat.0].0.taken.store(false, Ordering::Release);
    }
}

/// Two lines apart: the neighbour's line is fetched along with one's own.
#[derive(Debug)]
#[repr(align(128))]
struct Padded<T>(T);

/// Workers at a time, as many as DPDK has lcores (RTE_MAX_LCORE in Debian); 128 bytes for each.
#[cfg(not(loom))]
pub(super) const MAX_READERS: usize = 128;
#[cfg(loom)]
pub(super) const MAX_READERS: usize = 2;

const PARKED: u64 = 0;
const FIRST: u64 = 1;
