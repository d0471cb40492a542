//! Bounded queues of packets between threads: many producers, one consumer, no lock.
//!
//! For the ways up and down: packets for the control thread, and its own back to a worker. A full
//! ring refuses; nobody ever waits.
//!
//! # Safety boundary
//! - What is in the ring is owned by the ring: a push gives ownership up, a pop gets it, and what is
//!   left when the last handle drops is freed.
//! - The ring is made with multi-producer and single-consumer synchronisation; [`Producer`] may be
//!   cloned, [`Consumer`] may not, and popping takes `&mut self`.
//!
//! ```compile_fail
//! fn must_be_clone<T: Clone>() {}
//! must_be_clone::<dpdk::ring::Consumer>();
//! ```
#![allow(unsafe_code, reason = "creates, fills, empties and frees DPDK rings")]

use std::ffi::CString;
use std::ptr::NonNull;
use std::sync::Arc;

use dpdk_sys::rte_ring;
use thiserror::Error;

use crate::eal::Eal;
use crate::eal::control;
use crate::errno::Errno;
use crate::mbuf::Burst;
use crate::mbuf::free_bulk;
use crate::queue::forget_front;

/// Makes a ring for up to `size` packets; no other may have the name, of at most 25 bytes.
///
/// # Errors
/// When the name or size is refused, or there is no memory.
pub fn bounded(eal: &Eal, name: &str, size: u32) -> Result<(Producer, Consumer), RingError> {
    let c_name = CString::new(name).map_err(|_| RingError::Name(name.to_owned()))?;
    let flags = (dpdk_sys::DPDK_RING_SINGLE_CONSUMER | dpdk_sys::DPDK_RING_EXACT_SIZE) as u32;
    let _control = control();
    // SAFETY: the EAL runs; the name is terminated and only read. DPDK checks the size.
    let raw = unsafe { dpdk_sys::rte_ring_create(c_name.as_ptr(), size, ANY_SOCKET, flags) };
    let raw = NonNull::new(raw).ok_or_else(|| RingError::Create {
        name: name.to_owned(),
        size,
        cause: Errno::last(),
    })?;
    let ring = Arc::new(Ring {
        raw,
        _eal: eal.clone(),
    });
    let consumer = Consumer {
        ring: Arc::clone(&ring),
    };
    Ok((Producer { ring }, consumer))
}

/// The end that many threads may push into, each with its own clone.
#[derive(Clone, Debug)]
pub struct Producer {
    ring: Arc<Ring>,
}

impl Producer {
    /// Moves packets from the front of `burst` into the ring and says how many; the rest, for which
    /// there is no place, stays in order.
    #[inline]
    pub fn push_burst<const N: usize>(&self, burst: &mut Burst<N>) -> usize {
        let count = burst.len() as u32;
        let packets = burst.as_mut_ptr().cast();
        // SAFETY: the ring exists, producers are synchronised; `count` pointers are in the burst.
        let pushed = unsafe {
            dpdk_sys::dpdk_shim_ring_enqueue_burst(self.ring.raw.as_ptr(), packets, count)
        };
        forget_front(burst, pushed as usize);
        pushed as usize
    }

    /// Packets in the ring.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether no packet is in the ring.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Packets the ring can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }
}

/// The end that one thread pops from.
#[derive(Debug)]
pub struct Consumer {
    ring: Arc<Ring>,
}

impl Consumer {
    /// Appends up to `max` packets to `burst`, oldest first, as far as it has place; says how many.
    /// Their headers are on their way from the core that has pushed them.
    #[inline]
    pub fn pop_burst<const N: usize>(&mut self, burst: &mut Burst<N>, max: usize) -> usize {
        let popped = self.ring.pop_burst(burst, max);
        for packet in burst.iter().rev().take(popped) {
            packet.prefetch_header();
        }
        popped
    }

    /// Packets in the ring.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether no packet is in the ring.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Packets the ring can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }
}

/// Why there is no ring.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum RingError {
    /// A name that C cannot express.
    #[error("ring name {0:?} contains a zero byte")]
    Name(String),
    /// DPDK refused.
    #[error("cannot make ring {name} for {size} packets: {cause}")]
    Create {
        /// The ring's name.
        name: String,
        /// Packets asked for.
        size: u32,
        /// What DPDK reported.
        cause: Errno,
    },
}

/// The ring itself, emptied and freed with the last handle.
#[derive(Debug)]
struct Ring {
    raw: NonNull<rte_ring>,
    _eal: Eal,
}

// SAFETY: an rte_ring may be used and freed from any thread.
unsafe impl Send for Ring {}
// SAFETY: pushing is synchronised by DPDK; popping happens only through the one `Consumer`, or in
// `drop`, when no handle is left.
unsafe impl Sync for Ring {}

impl Ring {
    #[inline]
    fn pop_burst<const N: usize>(&self, burst: &mut Burst<N>, max: usize) -> usize {
        let length = burst.len();
        let wanted = max.min(burst.remaining_capacity()) as u32;
        // SAFETY: `length` is within the burst's storage.
        let slots = unsafe { burst.as_mut_ptr().add(length) };
        // SAFETY: the ring exists, there is one consumer, and place for `wanted` pointers.
        let popped = unsafe {
            dpdk_sys::dpdk_shim_ring_dequeue_burst(self.raw.as_ptr(), slots.cast(), wanted)
        };
        // SAFETY: so many slots were filled with packets that the ring owned and gave up.
        unsafe { burst.set_len(length + popped as usize) };
        popped as usize
    }

    fn len(&self) -> usize {
        // SAFETY: the ring exists while a handle does.
        unsafe { dpdk_sys::dpdk_shim_ring_count(self.raw.as_ptr()) as usize }
    }

    fn capacity(&self) -> usize {
        // SAFETY: the ring exists while a handle does.
        unsafe { dpdk_sys::dpdk_shim_ring_capacity(self.raw.as_ptr()) as usize }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        let mut left = Burst::<32>::new();
        while self.pop_burst(&mut left, 32) > 0 {
            free_bulk(&mut left);
        }
        let _control = control();
        // SAFETY: empty, and no handle is left.
        unsafe { dpdk_sys::rte_ring_free(self.raw.as_ptr()) };
    }
}

/// `SOCKET_ID_ANY`
const ANY_SOCKET: i32 = -1;

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::mempool::Mempool;
    use crate::testing::eal;
    use crate::testing::pool;
    use crate::testing::unique;

    fn numbered(pool: &Mempool, numbers: std::ops::Range<u32>) -> Burst<64> {
        let mut burst = Burst::new();
        pool.allocate_burst(&mut burst, numbers.len()).unwrap();
        for (mbuf, number) in burst.iter_mut().zip(numbers) {
            mbuf.append(4)
                .unwrap()
                .copy_from_slice(&number.to_be_bytes());
        }
        burst
    }

    fn numbers(burst: &Burst<64>) -> Vec<u32> {
        burst
            .iter()
            .map(|mbuf| u32::from_be_bytes(mbuf.data().try_into().unwrap()))
            .collect()
    }

    #[test]
    fn a_full_ring_leaves_the_rest_in_order_with_the_producer() {
        let pool = pool(127);
        let (producer, mut consumer) = bounded(&eal(), &unique("ring"), 40).unwrap();
        assert_eq!((producer.capacity(), consumer.capacity()), (40, 40));
        let mut burst = numbered(&pool, 0..64);
        assert_eq!(producer.push_burst(&mut burst), 40);
        assert_eq!(numbers(&burst), (40..64).collect::<Vec<_>>());
        assert_eq!(producer.push_burst(&mut burst), 0);
        assert_eq!((producer.len(), burst.len()), (40, 24));

        let mut popped = Burst::<64>::new();
        assert_eq!(consumer.pop_burst(&mut popped, 30), 30);
        assert_eq!(consumer.pop_burst(&mut popped, 30), 10);
        assert_eq!(numbers(&popped), (0..40).collect::<Vec<_>>());
        assert!(consumer.is_empty() && producer.is_empty());
        drop((burst, popped));
        assert_eq!(pool.in_use(), 0);
    }

    #[test]
    fn what_is_left_in_a_ring_goes_back_to_its_pool() {
        let pool = pool(127);
        let (producer, consumer) = bounded(&eal(), &unique("ring"), 63).unwrap();
        producer.push_burst(&mut numbered(&pool, 0..50));
        drop(consumer);
        assert_eq!(pool.in_use(), 50);
        drop(producer);
        assert_eq!(pool.in_use(), 0);
    }

    #[test]
    fn each_producers_packets_arrive_once_and_in_its_order() {
        const EACH: u32 = 20_000;
        const PRODUCERS: u32 = 3;
        let pool = pool(511);
        let (producer, mut consumer) = bounded(&eal(), &unique("ring"), 63).unwrap();
        let threads: Vec<_> = (0..PRODUCERS)
            .map(|id| {
                let (producer, pool) = (producer.clone(), pool.clone());
                thread::spawn(move || {
                    let mut next = 0;
                    while next < EACH {
                        let last = EACH.min(next + 64);
                        let mut burst = numbered(&pool, id * EACH + next..id * EACH + last);
                        while !burst.is_empty() {
                            producer.push_burst(&mut burst);
                            thread::yield_now();
                        }
                        next = last;
                    }
                })
            })
            .collect();
        let mut expected: Vec<u32> = (0..PRODUCERS).map(|id| id * EACH).collect();
        let mut burst = Burst::<64>::new();
        for _ in 0..PRODUCERS * EACH {
            while consumer.pop_burst(&mut burst, 1) == 0 {
                thread::yield_now();
            }
            let number = numbers(&burst)[0];
            let next = &mut expected[(number / EACH) as usize];
            assert_eq!(number, *next);
            *next += 1;
            free_bulk(&mut burst);
        }
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert!(consumer.is_empty());
        assert_eq!(pool.in_use(), 0);
    }

    #[test]
    fn a_name_is_taken_once() {
        let name = unique("ring");
        let _ring = bounded(&eal(), &name, 8).unwrap();
        let error = bounded(&eal(), &name, 8).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("cannot make ring {name} for 8 packets: File exists (errno 17)")
        );
    }
}
