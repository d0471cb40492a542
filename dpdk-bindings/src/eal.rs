//! The environment abstraction layer (EAL): DPDK's memory, drivers and threads, once per process.
//!
//! # Safety boundary
//! - Everything else of DPDK needs a started EAL. The only way to an [`Eal`] is [`Eal::init`], and
//!   every handle of this crate holds a clone, so the EAL ends after the last of them.
//! - `rte_eal_init` runs at most once successfully; a second call is refused here, before DPDK.
//! - DPDK's device and configuration calls are not thread-safe. `control` serialises them.
#![allow(unsafe_code, reason = "starts and ends the EAL")]

use std::ffi::CString;
use std::ffi::c_char;
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use thiserror::Error;

use crate::errno::Errno;

/// A share of the running EAL; the last one dropped ends it.
#[derive(Clone, Debug)]
pub struct Eal {
    _running: Arc<Running>,
}

impl Eal {
    /// Starts the EAL with command line arguments, the program's name not among them.
    ///
    /// Pins the calling thread to the main lcore (`-l`), and threads it starts later inherit that.
    /// DPDK itself logs to standard error, warnings and worse unless an argument says otherwise.
    ///
    /// # Errors
    /// On a second call in one process, and when DPDK cannot start with these arguments.
    pub fn init(args: &[String]) -> Result<Self, EalError> {
        let mut argv = Vec::with_capacity(args.len() + 1);
        argv.push(c"lwaftr".to_owned());
        for arg in args {
            argv.push(CString::new(arg.as_str()).map_err(|_| EalError::Argument(arg.clone()))?);
        }
        if INITIALISED.swap(true, Ordering::AcqRel) {
            return Err(EalError::Twice);
        }
        set_log_level(LogLevel::Warning);
        start(argv)
            .map(|()| Self {
                _running: Arc::new(Running),
            })
            .inspect_err(|_| INITIALISED.store(false, Ordering::Release))
    }

    /// Says from which severity on DPDK writes to its log.
    pub fn set_log_level(&self, level: LogLevel) {
        set_log_level(level);
    }

    /// Whether packet memory is in hugepages.
    #[must_use]
    pub fn has_hugepages(&self) -> bool {
        // SAFETY: reads the configuration of the EAL, which runs while `self` exists.
        unsafe { dpdk_sys::rte_eal_has_hugepages() != 0 }
    }

    /// Whether PCI devices can be used at all (not with `--no-pci`).
    #[must_use]
    pub fn has_pci(&self) -> bool {
        // SAFETY: reads the configuration of the EAL, which runs while `self` exists.
        unsafe { dpdk_sys::rte_eal_has_pci() != 0 }
    }

    /// Writes one line to DPDK's log, where its own warnings appear.
    pub(crate) fn warn(&self, text: &str) {
        if let Ok(text) = CString::new(text) {
            // SAFETY: the text is terminated and only read during the call.
            unsafe { dpdk_sys::dpdk_shim_log(dpdk_sys::RTE_LOG_WARNING, text.as_ptr()) };
        }
    }
}

/// Severities of DPDK's log; each includes those before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What works otherwise than asked. The level after [`Eal::init`].
    Warning,
    /// What an operator may want to know.
    Notice,
    /// What happens.
    Info,
    /// Everything.
    Debug,
}

/// Why the EAL did not start.
#[derive(Debug, Error)]
pub enum EalError {
    /// DPDK cannot be started twice in one process, not even after it ended.
    #[error("the EAL was already started in this process")]
    Twice,
    /// An argument that C cannot express.
    #[error("EAL argument {0:?} contains a zero byte")]
    Argument(String),
    /// DPDK refused; its own lines on standard error say more.
    #[error("the EAL did not start: {cause}; {hint}")]
    Start {
        /// What DPDK reported.
        cause: Errno,
        /// What usually helps.
        hint: &'static str,
    },
}

/// Taken around calls that change devices or named objects, which DPDK does not make thread-safe.
pub(crate) fn control() -> MutexGuard<'static, ()> {
    CONTROL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The started EAL itself.
#[derive(Debug)]
struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        // SAFETY: the EAL was started (only `init` makes a `Running`) and no handle is left, since
        // each holds an `Eal`.
        unsafe { dpdk_sys::rte_eal_cleanup() };
    }
}

fn start(argv: Vec<CString>) -> Result<(), EalError> {
    // getopt reorders the array and EAL keeps pointers into the texts, so both live for ever.
    let pointers: Vec<*mut c_char> = argv.into_iter().map(CString::into_raw).collect();
    let pointers = pointers.leak();
    // SAFETY: `argc` texts, terminated, writable and never freed; `INITIALISED` admits one caller.
    let returned =
        unsafe { dpdk_sys::rte_eal_init(pointers.len() as c_int, pointers.as_mut_ptr()) };
    if returned < 0 {
        let cause = Errno::last();
        return Err(EalError::Start {
            cause,
            hint: hint(cause),
        });
    }
    Ok(())
}

fn hint(cause: Errno) -> &'static str {
    match cause.code() {
        libc::EACCES | libc::ENOMEM => {
            "are hugepages free and permitted (sysctl vm.nr_hugepages=512, as root), or is another \
             DPDK process holding them"
        }
        libc::EPERM => "run as root, or grant CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_IPC_LOCK",
        libc::EALREADY => "an earlier attempt failed half-way; start the process again",
        libc::EAGAIN | libc::EBUSY => "is another DPDK process using the same --file-prefix",
        libc::ENODEV | libc::ENOENT => "a device or core named in the arguments does not exist",
        _ => "the lines above, from DPDK, name the argument or resource",
    }
}

fn set_log_level(level: LogLevel) {
    let level = match level {
        LogLevel::Error => dpdk_sys::RTE_LOG_ERR,
        LogLevel::Warning => dpdk_sys::RTE_LOG_WARNING,
        LogLevel::Notice => dpdk_sys::RTE_LOG_NOTICE,
        LogLevel::Info => dpdk_sys::RTE_LOG_INFO,
        LogLevel::Debug => dpdk_sys::RTE_LOG_DEBUG,
    };
    // SAFETY: stores a number; allowed before and after the EAL starts.
    unsafe { dpdk_sys::rte_log_set_global_level(level) };
}

static INITIALISED: AtomicBool = AtomicBool::new(false);
static CONTROL: Mutex<()> = Mutex::new(());
