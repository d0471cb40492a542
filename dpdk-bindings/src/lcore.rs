//! Threads and processors: ordinary threads that DPDK knows, pinned to a CPU.
//!
//! Workers are `std` threads, not EAL lcores; registering one gives it an lcore id and with it its
//! own cache in every mempool. An unregistered thread may use everything too, without caches.
//!
//! # Safety boundary
//! - The lcore id is the calling thread's, so [`RegisteredThread`] can neither move nor be shared
//!   between threads (it holds a raw pointer type as a mark), and only one exists per thread.
//!
//! ```compile_fail
//! fn must_be_send<T: Send>() {}
//! must_be_send::<dpdk::lcore::RegisteredThread>();
//! ```
#![allow(unsafe_code, reason = "registers threads and sets their affinity")]

use std::fs;
use std::io;
use std::marker::PhantomData;
use std::mem;

use thiserror::Error;

use crate::eal::Eal;
use crate::errno::Errno;

/// Keeps the calling thread known to DPDK.
#[derive(Debug)]
pub struct RegisteredThread {
    lcore: u32,
    _eal: Eal,
    _this_thread_only: PhantomData<*const ()>,
}

impl RegisteredThread {
    /// Registers the calling thread.
    ///
    /// # Errors
    /// When the thread already has an lcore id, or none is left (`RTE_MAX_LCORE`, 128 in Debian).
    pub fn register(eal: &Eal) -> Result<Self, LcoreError> {
        let known = lcore_id();
        if known != NO_LCORE {
            return Err(LcoreError::AlreadyRegistered(known));
        }
        // SAFETY: the EAL runs, and the calling thread has no lcore id yet.
        if unsafe { dpdk_sys::rte_thread_register() } != 0 {
            return Err(LcoreError::Register(Errno::last()));
        }
        Ok(Self {
            lcore: lcore_id(),
            _eal: eal.clone(),
            _this_thread_only: PhantomData,
        })
    }

    /// The lcore id DPDK gave this thread.
    #[must_use]
    pub fn lcore(&self) -> u32 {
        self.lcore
    }
}

impl Drop for RegisteredThread {
    fn drop(&mut self) {
        // SAFETY: the guard cannot leave the thread that registered, and the EAL still runs.
        unsafe { dpdk_sys::rte_thread_unregister() };
    }
}

/// Binds the calling thread to one CPU.
///
/// # Errors
/// When the CPU does not exist, is off line or is not permitted to this process.
pub fn pin_to(cpu: usize) -> Result<(), LcoreError> {
    let refused = |cause| LcoreError::Pin { cpu, cause };
    if cpu >= libc::CPU_SETSIZE as usize {
        return Err(refused(io::Error::from_raw_os_error(libc::EINVAL)));
    }
    // SAFETY: a `cpu_set_t` is a bit mask; all zeroes is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: `cpu` is below `CPU_SETSIZE`.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: 0 is the calling thread; the set is as long as said and only read.
    let returned = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) };
    if returned != 0 {
        return Err(refused(io::Error::last_os_error()));
    }
    Ok(())
}

/// Whether Linux runs threads on this CPU.
#[must_use]
pub fn cpu_online(cpu: usize) -> bool {
    fs::read_to_string("/sys/devices/system/cpu/online")
        .is_ok_and(|list| list_contains(list.trim(), cpu))
}

/// The NUMA node of a CPU; `None` when the machine does not say.
#[must_use]
pub fn socket_of_cpu(cpu: usize) -> Option<u32> {
    let folder = format!("/sys/devices/system/cpu/cpu{cpu}");
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let name = entry.file_name();
        name.to_str()?.strip_prefix("node")?.parse().ok()
    })
}

/// Why a thread cannot work where it was asked to.
#[derive(Debug, Error)]
pub enum LcoreError {
    /// The thread has an lcore id already.
    #[error("this thread is registered already, as lcore {0}")]
    AlreadyRegistered(u32),
    /// DPDK has no lcore id for the thread.
    #[error("cannot register this thread with DPDK: {0}")]
    Register(Errno),
    /// Linux does not let the thread run there.
    #[error("cannot run on CPU {cpu}: {cause}")]
    Pin {
        /// The CPU asked for.
        cpu: usize,
        /// What Linux said.
        cause: io::Error,
    },
}

fn lcore_id() -> u32 {
    // SAFETY: reads a thread-local of the calling thread; no precondition.
    unsafe { dpdk_sys::dpdk_shim_lcore_id() }
}

/// Whether a kernel CPU list such as `0-3,8` names `cpu`.
fn list_contains(list: &str, cpu: usize) -> bool {
    list.split(',').any(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (first.parse::<usize>(), last.parse::<usize>()) {
            (Ok(first), Ok(last)) => (first..=last).contains(&cpu),
            _ => false,
        }
    })
}

/// `LCORE_ID_ANY`: the thread is not known to DPDK.
const NO_LCORE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::testing::eal;

    #[test]
    fn a_registered_thread_has_an_lcore_of_its_own_until_the_guard_drops() {
        let eal = eal();
        thread::spawn(move || {
            assert_eq!(lcore_id(), NO_LCORE);
            let guard = RegisteredThread::register(&eal).unwrap();
            assert_eq!(lcore_id(), guard.lcore());
            assert!(matches!(
                RegisteredThread::register(&eal),
                Err(LcoreError::AlreadyRegistered(id)) if id == guard.lcore()
            ));
            drop(guard);
            assert_eq!(lcore_id(), NO_LCORE);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_thread_runs_where_it_is_pinned() {
        thread::spawn(|| {
            let cpu = (0..1024).rfind(|&cpu| cpu_online(cpu)).unwrap();
            pin_to(cpu).unwrap();
            // SAFETY: no precondition.
            assert_eq!(unsafe { libc::sched_getcpu() }, cpu as i32);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_cpu_that_does_not_exist_is_refused_by_number() {
        for cpu in [1023, 1024, usize::MAX] {
            assert!(!cpu_online(cpu));
            let error = pin_to(cpu).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("cannot run on CPU {cpu}: ")),
                "{error}"
            );
        }
    }

    #[test]
    fn kernel_cpu_lists_are_read_as_ranges() {
        for (cpu, expected) in [(0, true), (3, true), (4, false), (8, true), (9, false)] {
            assert_eq!(list_contains("0-3,8", cpu), expected, "{cpu}");
        }
        assert!(!list_contains("", 0));
    }
}
