//! Receive interrupts: sleeping until one of some queues has a packet.
//!
//! ```text
//!  arm ──► poll once more ──► wait ──► disarm        what comes before `arm` raises nothing,
//!                                                    what comes after it is not forgotten
//! ```
//!
//! # Safety boundary
//! - The epoll instance is ours and closed last: DPDK keeps its number in the device's interrupt
//!   handle until the queue is taken out again, which `Drop` does first.
//! - Each entry shares ownership of its device, so the device neither stops nor goes while DPDK may
//!   look at the handle; one that was removed is left alone, as its queues leave it.
#![allow(unsafe_code, reason = "asks drivers for interrupts and waits for them")]

use std::ffi::c_int;
use std::io;
use std::os::fd::AsRawFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::errno::Errno;
use crate::port::Device;
use crate::queue::RxQueue;

/// The interrupts of one thread's receive queues.
#[derive(Debug)]
pub struct RxInterrupts {
    sources: Vec<Source>,
    epoll: OwnedFd,
}

impl RxInterrupts {
    /// Interrupts of these queues, whose ports were configured with
    /// [`PortSetup::rx_interrupts`](crate::port::PortSetup::rx_interrupts). None is armed.
    ///
    /// # Errors
    /// When a device cannot interrupt, or a queue's interrupts are taken.
    pub fn new<'q>(queues: impl IntoIterator<Item = &'q RxQueue>) -> Result<Self, InterruptError> {
        // SAFETY: no precondition.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if epoll < 0 {
            return Err(InterruptError::Epoll(io::Error::last_os_error()));
        }
        let mut interrupts = Self {
            sources: Vec::new(),
            // SAFETY: just opened, and nobody else knows it.
            epoll: unsafe { OwnedFd::from_raw_fd(epoll) },
        };
        for queue in queues {
            let source = Source {
                device: Arc::clone(queue.device()),
                queue: queue.index(),
            };
            source.control(epoll, dpdk_sys::RTE_INTR_EVENT_ADD as c_int)?;
            interrupts.sources.push(source);
        }
        // A driver may offer the event and still not be able to raise it.
        interrupts.arm()?;
        interrupts.disarm();
        Ok(interrupts)
    }

    /// Lets the queues interrupt. Poll them once more before [`wait`](Self::wait).
    ///
    /// # Errors
    /// When a device cannot; then no queue is armed.
    pub fn arm(&mut self) -> Result<(), InterruptError> {
        for (index, source) in self.sources.iter().enumerate() {
            if let Err(error) = source.enable() {
                self.sources[..index].iter().for_each(Source::disable);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Sleeps until a queue interrupts, for `limit` at most. Returns whether one did.
    pub fn wait(&mut self, limit: Duration) -> bool {
        let mut event = dpdk_sys::rte_epoll_event::default();
        let limit = c_int::try_from(limit.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the instance is open, and there is place for one event.
        unsafe { dpdk_sys::rte_epoll_wait(self.epoll.as_raw_fd(), &mut event, 1, limit) > 0 }
    }

    /// Stops the interrupts, to poll.
    pub fn disarm(&mut self) {
        self.sources.iter().for_each(Source::disable);
    }
}

impl Drop for RxInterrupts {
    fn drop(&mut self) {
        for source in &self.sources {
            // It is on its way out; a driver that has forgotten the queue is as good.
            let _ = source.control(
                self.epoll.as_raw_fd(),
                dpdk_sys::RTE_INTR_EVENT_DEL as c_int,
            );
        }
    }
}

/// A queue that may interrupt.
#[derive(Debug)]
struct Source {
    device: Arc<Device>,
    queue: u16,
}

impl Source {
    /// Puts the queue's event into the epoll instance, or takes it out.
    fn control(&self, epoll: c_int, operation: c_int) -> Result<(), InterruptError> {
        if !self.device.is_present() {
            return Ok(());
        }
        // SAFETY: the device is started and has the queue; the null pointer is only handed back.
        let returned = unsafe {
            dpdk_sys::rte_eth_dev_rx_intr_ctl_q(
                self.device.id(),
                self.queue,
                epoll,
                operation,
                ptr::null_mut(),
            )
        };
        self.check(returned)
    }

    fn enable(&self) -> Result<(), InterruptError> {
        if !self.device.is_present() {
            return Ok(());
        }
        // SAFETY: the device is started and has the queue.
        let returned =
            unsafe { dpdk_sys::rte_eth_dev_rx_intr_enable(self.device.id(), self.queue) };
        match returned {
            // The event was accepted, but there is no switch: a kernel's file that always tells (net_tap).
            NO_SWITCH => Ok(()),
            returned => self.check(returned),
        }
    }

    fn disable(&self) {
        if self.device.is_present() {
            // An interrupt too many wakes a thread for nothing, no more.
            // SAFETY: the device is started and has the queue.
            let _ = unsafe { dpdk_sys::rte_eth_dev_rx_intr_disable(self.device.id(), self.queue) };
        }
    }

    fn check(&self, returned: c_int) -> Result<(), InterruptError> {
        let refused = |cause| InterruptError::Device {
            device: self.device.name().to_owned(),
            queue: self.queue,
            cause,
        };
        Errno::check(returned).map(drop).map_err(refused)
    }
}

/// Why a thread cannot sleep until packets arrive.
#[derive(Debug, Error)]
pub enum InterruptError {
    /// Linux gives no epoll instance.
    #[error("cannot wait for interrupts: {0}")]
    Epoll(#[source] io::Error),
    /// The device does not interrupt.
    #[error("device {device} cannot interrupt for receive queue {queue}: {cause}")]
    Device {
        /// The device as given.
        device: String,
        /// The queue's number on it.
        queue: u16,
        /// What DPDK reported.
        cause: Errno,
    },
}

const NO_SWITCH: c_int = -libc::ENOTSUP;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Port;
    use crate::port::PortSetup;
    use crate::testing::eal;
    use crate::testing::pool;
    use crate::testing::unique;

    #[test]
    fn a_device_without_interrupts_is_refused_by_name_and_still_ends_well() {
        let pool = pool(4095);
        for driver in ["net_ring", "net_null"] {
            let device = unique(driver);
            let mut setup = PortSetup::new(vec![pool.clone()]);
            setup.rx_interrupts = true;
            let port = Port::open(&eal(), &device).unwrap();
            let port = port.configure(&setup).unwrap();
            let error = RxInterrupts::new(&port.rx).unwrap_err().to_string();
            let start = format!("device {device} cannot interrupt for receive queue 0: ");
            assert!(error.starts_with(&start), "{error}");
            drop(port);
        }
        assert_eq!(pool.in_use(), 0);
    }

    #[test]
    fn waiting_for_nothing_ends_at_the_limit() {
        let mut interrupts = RxInterrupts::new([]).unwrap();
        interrupts.arm().unwrap();
        assert!(!interrupts.wait(Duration::from_millis(1)));
        interrupts.disarm();
    }
}
