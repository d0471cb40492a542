//! DPDK's error numbers: `errno` values and a few of its own.
//!
//! # Safety boundary
//! Only calls without preconditions: reading the thread's `rte_errno` and asking for a static text.
#![allow(unsafe_code, reason = "asks DPDK for its error numbers and texts")]

use std::ffi::CStr;
use std::ffi::c_int;
use std::fmt;

/// What went wrong, as DPDK says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Errno(c_int);

impl Errno {
    /// The calling thread's `rte_errno`, for functions that return -1 or a null pointer.
    pub(crate) fn last() -> Self {
        // SAFETY: reads a thread-local of the calling thread; no precondition.
        Self(unsafe { dpdk_sys::dpdk_shim_errno() })
    }

    /// Turns a return value into a result: negative means the error number, negated.
    pub(crate) fn check(returned: c_int) -> Result<c_int, Self> {
        if returned < 0 {
            Err(Self(-returned))
        } else {
            Ok(returned)
        }
    }

    pub(crate) const fn new(code: c_int) -> Self {
        Self(code)
    }

    /// The number, positive, as in `errno.h` or `rte_errno.h`.
    #[must_use]
    pub const fn code(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: takes any number; returns a text in the calling thread's storage, or a static one.
        let text = unsafe { dpdk_sys::rte_strerror(self.0) };
        // SAFETY: never null, terminated, and unchanged until this thread asks again.
        let text = unsafe { CStr::from_ptr(text) };
        write!(f, "{} (errno {})", text.to_string_lossy(), self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_shown_with_its_text() {
        assert_eq!(
            Errno::new(libc::ENOENT).to_string(),
            "No such file or directory (errno 2)"
        );
    }

    #[test]
    fn only_negative_returns_are_errors() {
        assert_eq!(Errno::check(7), Ok(7));
        assert_eq!(Errno::check(-libc::EBUSY), Err(Errno::new(libc::EBUSY)));
    }
}
