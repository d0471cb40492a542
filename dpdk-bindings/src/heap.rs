//! The heap of the C library, which DPDK and Rust share.
//!
//! glibc maps large blocks each by itself, and gives them back when they are freed. But it takes every such block as
//! a sign that more of its size will come, and from then on keeps as much: after one block of 30 MB, each thread's
//! heap may hold 60 MB that nobody uses. A daemon that makes a checkpoint every few minutes has had such blocks.
#![allow(unsafe_code, reason = "sets options of the C library's heap")]

/// Has large blocks given back to the system when they are freed, whatever their sizes have been.
///
/// To be called before there are threads. Where the C library has no such options, nothing happens.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    for (option, octets) in [
        (libc::M_MMAP_THRESHOLD, LARGE),
        (libc::M_TRIM_THRESHOLD, KEPT),
    ] {
        // SAFETY: `mallopt` takes any two numbers, and says so when it does not like them.
        unsafe { libc::mallopt(option, octets) };
    }
}

/// Blocks of so many octets are mapped by themselves. Those of a batch under full load stay below it: to map one
/// costs a system call, and a page fault for every 4 KiB.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 1 << 20;

/// What a heap keeps at its end for the next who asks.
#[cfg(target_env = "gnu")]
const KEPT: libc::c_int = 4 << 20;
