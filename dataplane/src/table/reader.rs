//! A worker's hold on the table.
//!
//! The borrow checker keeps the rule that quiescence rests on: what a worker found in the table borrows
//! from its [`Reader`], and reporting needs the reader whole, so nothing found can outlive a report.
//!
//! ```compile_fail
//! use lwaftr_dataplane::table::{Key, PortKey, Reader};
//!
//! fn keeps_a_softwire_too_long(reader: &mut Reader) {
//!     let hit = reader.table().lookup(Key::new(1, PortKey::port(1)));
//!     reader.quiescent();
//!     drop(hit); // the publisher may have reused the entry
//! }
//! ```

use thiserror::Error;

use super::domain::Epoch;
use super::domain::MAX_READERS;
use super::domain::SeatNumber;
use super::publisher::Shared;
use super::root::Table;
use super::sync::Arc;
use super::sync::Ordering;

/// A worker that may look at the table, and must report.
#[derive(Debug)]
pub struct Reader {
    seat: Parked,
    last: Epoch,
}

impl Reader {
    /// The current table; what is found in it is good until the next report.
    #[must_use]
    #[inline(always)]
    pub fn table(&self) -> &Table {
        let table = self.seat.shared.current.load(Ordering::Acquire);
        // SAFETY: `current` always names a live table. It was current after this reader's last report, or
        // it is newer; so it is dropped only after the next one, which needs `&mut self`.
        let table = unsafe { &*table };
        table.witness();
        table
    }

    /// Reports that nothing found so far is in use any more. Once per burst.
    #[inline(always)]
    pub fn quiescent(&mut self) {
        self.last = self.seat.shared.domain.report(self.seat.number, self.last);
    }

    /// Leaves the table, so that the publisher need not wait; to block or sleep, or to end.
    #[must_use]
    pub fn park(self) -> Parked {
        self.seat.shared.domain.park(self.seat.number);
        self.seat
    }

    /// Parks while `idle` runs.
    pub fn parked_while<T>(&mut self, idle: impl FnOnce() -> T) -> T {
        let back = Return(self);
        back.0.seat.shared.domain.park(back.0.seat.number);
        idle()
    }
}

/// Brings a parked reader back, also when what it did meanwhile panics.
struct Return<'r>(&'r mut Reader);

impl Drop for Return<'_> {
    fn drop(&mut self) {
        self.0.last = self.0.seat.shared.domain.enter(self.0.seat.number);
    }
}

/// A worker's place, while it does not look at the table. It holds nobody up.
#[derive(Debug)]
pub struct Parked {
    shared: Arc<Shared>,
    number: SeatNumber,
}

impl Parked {
    pub(super) fn new(shared: Arc<Shared>) -> Result<Self, TooManyReaders> {
        let number = shared
            .domain
            .sit_down()
            .ok_or(TooManyReaders(MAX_READERS))?;
        Ok(Self { shared, number })
    }

    /// Starts to look at the table.
    #[must_use]
    pub fn online(self) -> Reader {
        let last = self.shared.domain.enter(self.number);
        Reader { seat: self, last }
    }
}

impl Drop for Parked {
    /// A reader that is dropped online is dropped with everything it found: that is a report too.
    fn drop(&mut self) {
        self.shared.domain.park(self.number);
        self.shared.domain.leave(self.number);
    }
}

/// All places for workers are taken.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("all {0} places for readers of the binding table are taken")]
pub struct TooManyReaders(pub usize);
