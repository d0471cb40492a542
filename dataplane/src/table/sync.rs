//! The one place where the table gets its atomics, so that loom can put its own in their stead.
//!
//! Nothing else in `table` names `std::sync::atomic`; under `cfg(loom)` every access below is a point
//! at which the model checker may switch threads.

#[cfg(loom)]
pub(super) use loom::sync::Arc;
#[cfg(loom)]
pub(super) use loom::sync::Mutex;
#[cfg(loom)]
pub(super) use loom::sync::atomic::AtomicBool;
#[cfg(loom)]
pub(super) use loom::sync::atomic::AtomicPtr;
#[cfg(loom)]
pub(super) use loom::sync::atomic::AtomicU16;
#[cfg(loom)]
pub(super) use loom::sync::atomic::AtomicU32;
#[cfg(loom)]
pub(super) use loom::sync::atomic::AtomicU64;
#[cfg(loom)]
pub(super) use loom::sync::atomic::fence;
#[cfg(not(loom))]
pub(super) use std::sync::Arc;
#[cfg(not(loom))]
pub(super) use std::sync::Mutex;
#[cfg(not(loom))]
pub(super) use std::sync::atomic::AtomicBool;
#[cfg(not(loom))]
pub(super) use std::sync::atomic::AtomicPtr;
#[cfg(not(loom))]
pub(super) use std::sync::atomic::AtomicU16;
#[cfg(not(loom))]
pub(super) use std::sync::atomic::AtomicU32;
#[cfg(not(loom))]
pub(super) use std::sync::atomic::AtomicU64;
#[cfg(not(loom))]
pub(super) use std::sync::atomic::fence;

pub(super) use std::sync::atomic::Ordering;

/// Lets another thread run while the publisher waits for its readers.
pub(super) fn relax() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::thread::yield_now();
}

/// A value that is written before it is published and never again until it is retired.
///
/// Under loom it is a checked cell: a reader that meets a half-written or a reused value fails the model.
#[cfg(not(loom))]
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct Frozen<T>(T);

#[cfg(not(loom))]
impl<T: Copy> Frozen<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(value)
    }

    #[inline(always)]
    pub(super) const fn read(&self) -> T {
        self.0
    }
}

#[cfg(loom)]
#[derive(Debug)]
pub(super) struct Frozen<T>(loom::cell::UnsafeCell<T>);

#[cfg(loom)]
impl<T: Copy> Frozen<T> {
    pub(super) fn new(value: T) -> Self {
        Self(loom::cell::UnsafeCell::new(value))
    }

    pub(super) fn read(&self) -> T {
        // SAFETY: loom reports any write that is not ordered before or after this read.
        self.0.with(|value| unsafe { *value })
    }

    /// The write before publication, which loom checks against every read.
    pub(super) fn write(&self, value: T) {
        // SAFETY: loom reports any access that is not ordered before or after this write.
        self.0.with_mut(|place| unsafe { *place = value });
    }
}

// SAFETY: the value is only read while it is shared; loom checks that its writes are ordered.
#[cfg(loom)]
unsafe impl<T: Send> Sync for Frozen<T> {}
