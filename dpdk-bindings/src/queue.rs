//! Receive and transmit queues: where packets come in and leave.
//!
//! A burst goes straight through the driver's function in `rte_eth_fp_ops`, as the inline C
//! functions do it, callbacks (packet capture) included.
//!
//! # Safety boundary
//! - DPDK queues belong to one thread at a time: a queue handle is neither `Clone` nor `Sync`, its
//!   methods take `&mut self`, and [`Port::configure`](crate::port::Port::configure) makes exactly one
//!   handle per queue of a started device.
//! - Each handle shares ownership of the device, which stops when the last of them is gone.
//! - A device that was removed keeps its number only until another gets it. Each handle remembers the
//!   device's generation ([`crate::port`], events) and leaves a gone device alone.
//!
//! ```compile_fail
//! fn must_be_sync<T: Sync>() {}
//! must_be_sync::<dpdk::queue::RxQueue>();
//! ```
//! ```compile_fail
//! fn must_be_clone<T: Clone>() {}
//! must_be_clone::<dpdk::queue::TxQueue>();
//! ```
#![allow(unsafe_code, reason = "calls the driver's burst functions")]

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering;

use dpdk_sys::rte_eth_fp_ops;
use dpdk_sys::rte_mbuf;

use crate::mbuf::Burst;
use crate::mbuf::Mbuf;
use crate::port::Device;

/// One receive queue of a started port.
#[derive(Debug)]
pub struct RxQueue {
    queue: Queue,
}

impl RxQueue {
    pub(crate) fn new(device: &Arc<Device>, index: u16) -> Self {
        Self {
            queue: Queue::new(device, index),
        }
    }

    /// The queue's number on its port.
    #[must_use]
    pub fn index(&self) -> u16 {
        self.queue.index
    }

    /// The device, for what else is asked of this queue.
    pub(crate) fn device(&self) -> &Arc<Device> {
        &self.queue.device
    }

    /// Appends up to `max` received packets to `burst`, as far as it has place, and says how many.
    ///
    /// A device that is gone receives nothing.
    #[inline]
    pub fn receive<const N: usize>(&mut self, burst: &mut Burst<N>, max: usize) -> usize {
        let wanted = max.min(burst.remaining_capacity()).min(MAX_BURST) as u16;
        if wanted == 0 || !self.queue.device.is_present() {
            return 0;
        }
        let length = burst.len();
        // SAFETY: `length` is within the burst's storage.
        let slots = unsafe { burst.as_mut_ptr().add(length) };
        let received = self.receive_into(slots.cast(), wanted);
        // SAFETY: the driver filled `received`, at most `wanted`, further slots with packets that are
        // ours alone; an `Mbuf` is one such pointer.
        unsafe { burst.set_len(length + usize::from(received)) };
        usize::from(received)
    }

    /// As `rte_eth_rx_burst`.
    #[inline(always)]
    fn receive_into(&mut self, slots: *mut *mut rte_mbuf, wanted: u16) -> u16 {
        let ops = self.queue.ops();
        let Some(driver) = ops.rx_pkt_burst else {
            return 0;
        };
        // SAFETY: a started device has data for each of its queues.
        let data = unsafe { of_queue(ops.rxq.data, self.queue.index) };
        // SAFETY: the driver's own function with its own queue, one thread at a time; there is place
        // for `wanted` pointers.
        let received = unsafe { driver(data, slots, wanted) };
        // SAFETY: a started device has a list of callbacks for each of its queues.
        let callbacks = unsafe { of_queue(ops.rxq.clbk, self.queue.index) };
        if callbacks.is_null() {
            return received;
        }
        let Queue { port, index, .. } = self.queue;
        // SAFETY: as the inline C function does it, with what the driver returned.
        unsafe {
            dpdk_sys::rte_eth_call_rx_callbacks(port, index, slots, received, wanted, callbacks)
        }
    }
}

/// One transmit queue of a started port.
#[derive(Debug)]
pub struct TxQueue {
    queue: Queue,
}

impl TxQueue {
    pub(crate) fn new(device: &Arc<Device>, index: u16) -> Self {
        Self {
            queue: Queue::new(device, index),
        }
    }

    /// The queue's number on its port.
    #[must_use]
    pub fn index(&self) -> u16 {
        self.queue.index
    }

    /// Hands packets to the device, takes those it accepted off the front and says how many; the
    /// rest stays, in order.
    ///
    /// A device that is gone accepts nothing.
    #[inline]
    pub fn transmit<const N: usize>(&mut self, burst: &mut Burst<N>) -> usize {
        let count = burst.len().min(MAX_BURST) as u16;
        if count == 0 || !self.queue.device.is_present() {
            return 0;
        }
        let sent = usize::from(self.transmit_from(burst.as_mut_ptr().cast(), count));
        forget_front(burst, sent);
        sent
    }

    /// As `rte_eth_tx_burst`.
    #[inline(always)]
    fn transmit_from(&mut self, packets: *mut *mut rte_mbuf, count: u16) -> u16 {
        let ops = self.queue.ops();
        let Some(driver) = ops.tx_pkt_burst else {
            return 0;
        };
        // SAFETY: a started device has data for each of its queues.
        let data = unsafe { of_queue(ops.txq.data, self.queue.index) };
        // SAFETY: a started device has a list of callbacks for each of its queues.
        let callbacks = unsafe { of_queue(ops.txq.clbk, self.queue.index) };
        let mut count = count;
        if !callbacks.is_null() {
            let Queue { port, index, .. } = self.queue;
            // SAFETY: as the inline C function does it.
            count = unsafe {
                dpdk_sys::rte_eth_call_tx_callbacks(port, index, packets, count, callbacks)
            };
        }
        // SAFETY: the driver's own function with its own queue, one thread at a time, and `count`
        // packets of which it takes over those it counts.
        unsafe { driver(data, packets, count) }
    }
}

/// What both directions know: the device, kept alive, and where its functions are.
#[derive(Debug)]
struct Queue {
    ops: NonNull<rte_eth_fp_ops>,
    port: u16,
    index: u16,
    device: Arc<Device>,
}

// SAFETY: the pointer is to a static of DPDK; queues may move between threads, one at a time.
unsafe impl Send for Queue {}

impl Queue {
    fn new(device: &Arc<Device>, index: u16) -> Self {
        let all = (&raw mut dpdk_sys::rte_eth_fp_ops).cast::<rte_eth_fp_ops>();
        // SAFETY: a device's number is below `RTE_MAX_ETHPORTS`, the length of the array.
        let ops = unsafe { all.add(usize::from(device.id())) };
        Self {
            // SAFETY: inside a static, so not null.
            ops: unsafe { NonNull::new_unchecked(ops) },
            port: device.id(),
            index,
            device: Arc::clone(device),
        }
    }

    #[inline(always)]
    fn ops(&self) -> &rte_eth_fp_ops {
        // SAFETY: a static; DPDK changes the entry only when it starts or stops the device, which the
        // shared ownership excludes while this handle exists.
        unsafe { self.ops.as_ref() }
    }
}

/// What a device's table has for a queue.
///
/// # Safety
/// The table must be one of a started device, and the queue one of the device's.
#[inline(always)]
unsafe fn of_queue(table: *mut *mut c_void, index: u16) -> *mut c_void {
    // SAFETY: the table has an entry for each queue, by the caller's promise.
    let entry = unsafe { table.add(usize::from(index)) };
    // SAFETY: aligned and valid. A packet capture changes callbacks from another thread, atomically.
    let entry = unsafe { AtomicPtr::from_ptr(entry) };
    entry.load(Ordering::Relaxed)
}

/// Drops nothing: the first `count` packets belong to somebody else now.
#[inline(always)]
pub(crate) fn forget_front<const N: usize>(burst: &mut Burst<N>, count: usize) {
    let left = burst.len() - count;
    // SAFETY: the slots from `left` on are overwritten or were given away; `left <= len`.
    unsafe { burst.set_len(left) };
    if left > 0 && count > 0 {
        let start = burst.as_mut_ptr().cast::<MaybeUninit<Mbuf>>();
        // SAFETY: `count` is at most the former length, so inside the storage.
        let kept = unsafe { start.add(count) };
        // SAFETY: both ranges of `left` slots are inside the storage; they may overlap.
        unsafe { ptr::copy(kept, start, left) };
    }
}

/// The driver's functions count packets in 16 bits.
const MAX_BURST: usize = u16::MAX as usize;
