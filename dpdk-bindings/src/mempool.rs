//! Pools of packet buffers.
//!
//! # Safety boundary
//! - An [`Mbuf`](crate::mbuf::Mbuf) carries no reference to its pool, so that it stays one pointer
//!   wide. Instead a pool is freed only when its last handle is gone *and* every mbuf is back;
//!   otherwise the pool, and the EAL with it, lives until the process ends, and a line in DPDK's log
//!   says so.
//! - Only [`Mempool::new`] makes handles; the pool's name is unique, checked by DPDK.
//! - DPDK's pools are safe to use from many threads: a registered thread has its own cache.
#![allow(unsafe_code, reason = "creates, counts and frees DPDK mempools")]

use std::ffi::CString;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use thiserror::Error;

use crate::eal::Eal;
use crate::eal::control;
use crate::errno::Errno;
use crate::mbuf::Burst;
use crate::mbuf::HEADROOM;

/// A shared pool of packet buffers (mbufs).
#[derive(Clone, Debug)]
pub struct Mempool {
    pool: Arc<Pool>,
}

impl Mempool {
    /// Makes a pool; at most 25 bytes of `name`, which no other pool may have.
    ///
    /// # Errors
    /// When the name or the numbers are refused, or there is not enough memory on the socket.
    pub fn new(eal: &Eal, name: &str, setup: MempoolSetup) -> Result<Self, MempoolError> {
        if usize::from(setup.data_room) < HEADROOM {
            return Err(MempoolError::DataRoom(setup.data_room));
        }
        let c_name = CString::new(name).map_err(|_| MempoolError::Name(name.to_owned()))?;
        let _control = control();
        // SAFETY: the EAL runs; the name is terminated and only read. DPDK checks the numbers.
        let raw = unsafe {
            dpdk_sys::rte_pktmbuf_pool_create(
                c_name.as_ptr(),
                setup.mbufs,
                setup.cache,
                0,
                setup.data_room,
                setup.socket.map_or(ANY_SOCKET, |socket| socket as i32),
            )
        };
        let raw = NonNull::new(raw).ok_or_else(|| MempoolError::Create {
            name: name.to_owned(),
            setup,
            cause: Errno::last(),
        })?;
        Ok(Self {
            pool: Arc::new(Pool {
                raw,
                setup,
                name: name.to_owned(),
                eal: ManuallyDrop::new(eal.clone()),
            }),
        })
    }

    /// Number of mbufs the pool was made with.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.pool.setup.mbufs
    }

    /// Mbufs that can be allocated now, those in the threads' caches included.
    ///
    /// Walks all caches: for counters and tests. While other threads allocate it is an estimate.
    #[must_use]
    pub fn available(&self) -> u32 {
        // SAFETY: the pool exists while a handle does.
        unsafe { dpdk_sys::rte_mempool_avail_count(self.raw()) }
    }

    /// Mbufs that are out: in packets, descriptors and rings.
    #[must_use]
    pub fn in_use(&self) -> u32 {
        self.pool.in_use()
    }

    /// Bytes an mbuf of this pool can hold, [`HEADROOM`] included.
    #[must_use]
    pub fn data_room(&self) -> u16 {
        self.pool.setup.data_room
    }

    /// Appends `count` empty mbufs to `burst`, or none.
    ///
    /// # Errors
    /// When the pool has fewer left, or the burst less space; then nothing changes.
    #[inline]
    pub fn allocate_burst<const N: usize>(
        &self,
        burst: &mut Burst<N>,
        count: usize,
    ) -> Result<(), Exhausted> {
        let length = burst.len();
        if count > burst.remaining_capacity() {
            return Err(Exhausted { wanted: count });
        }
        // SAFETY: `length` is within the burst's storage.
        let free_slots = unsafe { burst.as_mut_ptr().add(length) };
        // SAFETY: the pool exists; `count` slots after the burst's length are its own and unused. An
        // `Mbuf` is one pointer (repr transparent).
        let returned = unsafe {
            dpdk_sys::dpdk_shim_mbuf_alloc_bulk(self.raw(), free_slots.cast(), count as u32)
        };
        if returned != 0 {
            return Err(Exhausted { wanted: count });
        }
        // SAFETY: DPDK has filled exactly `count` further slots with mbufs that are ours alone.
        unsafe { burst.set_len(length + count) };
        Ok(())
    }

    pub(crate) fn raw(&self) -> *mut dpdk_sys::rte_mempool {
        self.pool.raw.as_ptr()
    }
}

/// What a pool is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MempoolSetup {
    /// Number of mbufs; `2^n - 1` wastes least memory.
    pub mbufs: u32,
    /// Mbufs each thread may keep in its own cache: at most 512 and two thirds of `mbufs`.
    pub cache: u32,
    /// Bytes in an mbuf, the 128 of [`HEADROOM`] included.
    pub data_room: u16,
    /// The NUMA node of its memory; `None` for any.
    pub socket: Option<u32>,
}

impl Default for MempoolSetup {
    /// 8191 mbufs of a standard Ethernet frame each.
    fn default() -> Self {
        Self {
            mbufs: 8191,
            cache: 256,
            data_room: 2048 + HEADROOM as u16,
            socket: None,
        }
    }
}

/// Why there is no pool.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum MempoolError {
    /// A name that C cannot express.
    #[error("mempool name {0:?} contains a zero byte")]
    Name(String),
    /// No room for the headroom.
    #[error("mempool data room of {0} bytes is smaller than the headroom of {HEADROOM}")]
    DataRoom(u16),
    /// DPDK refused.
    #[error("cannot make mempool {name} of {} mbufs of {} bytes (cache {}, socket {:?}): {cause}",
        setup.mbufs, setup.data_room, setup.cache, setup.socket)]
    Create {
        /// The pool's name.
        name: String,
        /// What was asked for.
        setup: MempoolSetup,
        /// What DPDK reported.
        cause: Errno,
    },
}

/// The pool had no `wanted` mbufs left, or the burst no place for them.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("no {wanted} mbufs left")]
pub struct Exhausted {
    /// How many were asked for.
    pub wanted: usize,
}

/// The pool itself, freed with the last handle.
#[derive(Debug)]
struct Pool {
    raw: NonNull<dpdk_sys::rte_mempool>,
    setup: MempoolSetup,
    name: String,
    eal: ManuallyDrop<Eal>,
}

// SAFETY: DPDK's mempools may be used, and freed, from any thread.
unsafe impl Send for Pool {}
// SAFETY: allocation, return and counting are thread-safe in DPDK (the default ring handler is
// multi-producer and multi-consumer, the caches are per thread).
unsafe impl Sync for Pool {}

impl Pool {
    fn in_use(&self) -> u32 {
        // SAFETY: the pool exists until this value is dropped.
        unsafe { dpdk_sys::rte_mempool_in_use_count(self.raw.as_ptr()) }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let in_use = self.in_use();
        if in_use > 0 {
            // The EAL is not released either: the mbufs still out point into its memory.
            self.eal.warn(&format!(
                "mempool {} is not freed: {in_use} mbufs are still out",
                self.name
            ));
            return;
        }
        // A thread that returns its last mbuf counts it first and stores it a few instructions later.
        sleep(SETTLE);
        {
            let _control = control();
            // SAFETY: no handle and no mbuf is left, so nobody can reach the pool any more.
            unsafe { dpdk_sys::rte_mempool_free(self.raw.as_ptr()) };
        }
        // SAFETY: dropped once, here, and not used afterwards.
        unsafe { ManuallyDrop::drop(&mut self.eal) };
    }
}

/// `SOCKET_ID_ANY`
const ANY_SOCKET: i32 = -1;
const SETTLE: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::eal;
    use crate::testing::pool;
    use crate::testing::unique;

    #[test]
    fn every_mbuf_comes_back() {
        let pool = pool(63);
        assert_eq!(
            (pool.capacity(), pool.available(), pool.in_use()),
            (63, 63, 0)
        );
        let mut burst = Burst::<64>::new();
        pool.allocate_burst(&mut burst, 40).unwrap();
        pool.allocate_burst(&mut burst, 20).unwrap();
        assert_eq!((burst.len(), pool.available(), pool.in_use()), (60, 3, 60));
        burst.pop();
        assert_eq!(pool.in_use(), 59);
        drop(burst);
        assert_eq!((pool.available(), pool.in_use()), (63, 0));
    }

    #[test]
    fn an_exhausted_pool_gives_all_or_nothing() {
        let pool = pool(63);
        let mut burst = Burst::<128>::new();
        assert_eq!(
            pool.allocate_burst(&mut burst, 64),
            Err(Exhausted { wanted: 64 })
        );
        assert_eq!((burst.len(), pool.in_use()), (0, 0));
    }

    #[test]
    fn a_burst_never_gets_more_than_it_has_place_for() {
        let pool = pool(63);
        let mut burst = Burst::<8>::new();
        pool.allocate_burst(&mut burst, 5).unwrap();
        assert_eq!(
            pool.allocate_burst(&mut burst, 4),
            Err(Exhausted { wanted: 4 })
        );
        assert_eq!((burst.len(), pool.in_use()), (5, 5));
    }

    #[test]
    fn a_pool_outlives_the_mbufs_that_outlive_its_handles() {
        let pool = pool(63);
        let mut burst = Burst::<1>::new();
        pool.allocate_burst(&mut burst, 1).unwrap();
        drop(pool);
        let mut mbuf = burst.pop().unwrap();
        mbuf.append(5).unwrap().copy_from_slice(b"alive");
        assert_eq!(mbuf.data(), b"alive");
    }

    #[test]
    fn a_freed_pool_leaves_its_name_and_memory_to_the_next() {
        let name = unique("again");
        for _ in 0..20 {
            let pool = Mempool::new(&eal(), &name, MempoolSetup::default()).unwrap();
            assert_eq!(pool.available(), 8191);
        }
    }

    #[test]
    fn what_dpdk_refuses_is_named() {
        let setup = MempoolSetup {
            cache: 513,
            ..MempoolSetup::default()
        };
        let error = Mempool::new(&eal(), "large", setup)
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "cannot make mempool large of 8191 mbufs of 2176 bytes (cache 513, socket None): \
             Invalid argument (errno 22)"
        );
        let setup = MempoolSetup {
            data_room: 127,
            ..MempoolSetup::default()
        };
        let error = Mempool::new(&eal(), "small", setup).unwrap_err();
        assert_eq!(error, MempoolError::DataRoom(127));
    }
}
