//! A lease store on a disk that is slower than this machine's.

use std::thread;
use std::time::Duration;

use leases::moment::Moment;
use leases::row::Row;
use leases::store::CommitError;
use leases::store::LeaseStore;
use leases::store::Room;
use leases::store::Status;

/// A store whose commits take longer.
pub(super) struct SlowStore {
    store: Box<dyn LeaseStore>,
    delay: Duration,
}

impl SlowStore {
    pub(super) fn new(store: Box<dyn LeaseStore>, delay: Duration) -> Self {
        Self { store, delay }
    }
}

impl LeaseStore for SlowStore {
    fn commit(&mut self, rows: &[Row], moment: &Moment) -> Result<(), CommitError> {
        if !self.delay.is_zero() {
            thread::sleep(self.delay);
        }
        self.store.commit(rows, moment)
    }

    fn room(&self) -> Room {
        self.store.room()
    }

    fn tend(&mut self, moment: &Moment) {
        self.store.tend(moment);
    }

    fn status(&self) -> Status {
        self.store.status()
    }
}
