//! Packet buffers: one owned pointer each, and the per-packet operations on them in Rust.
//!
//! A packet is a chain of segments, nearly always one. Each segment is a part of its buffer:
//!
//! ```text
//!  buffer: [ headroom ][ data ][ tailroom ]──► next segment
//!          0           data_off               buf_len
//! ```
//!
//! Prepending and trimming touch the first segment only, as in DPDK.
//!
//! # Safety boundary
//! - An [`Mbuf`] owns its whole chain: it comes from a pool or a receive function, which hand out
//!   chains nobody else refers to, and nothing here clones, attaches or exposes the pointer. So `&self`
//!   may read and `&mut self` may write every segment of it.
//! - In every segment `data_off + data_len <= buf_len`, and `buf_addr` points to `buf_len` bytes. The
//!   pool and the drivers establish this; every method here keeps it. Only this module's private
//!   parts and [`crate::queue`], [`crate::ring`], [`crate::mempool`] make or take apart an `Mbuf`.
//! - An `Mbuf` is exactly a non-null pointer (`repr(transparent)`), so a burst of them is the array of
//!   pointers that C expects.
//! - Its memory lives: a pool with an mbuf out is not freed (see [`crate::mempool`]).
//!
//! It may move to another thread, but not be shared or copied:
//!
//! ```compile_fail
//! fn twice(mbuf: dpdk::mbuf::Mbuf) -> (dpdk::mbuf::Mbuf, dpdk::mbuf::Mbuf) { (mbuf.clone(), mbuf) }
//! ```
//! ```compile_fail
//! fn must_be_sync<T: Sync>() {}
//! must_be_sync::<dpdk::mbuf::Mbuf>();
//! ```
#![allow(
    unsafe_code,
    reason = "reads and writes the C structure behind an owned pointer"
)]

mod offload;
mod prefetch;
#[cfg(test)]
mod reference;
mod segments;
mod timestamp;

use std::fmt;
use std::ptr;
use std::ptr::NonNull;
use std::slice;

use arrayvec::ArrayVec;
use dpdk_sys::rte_mbuf;
use thiserror::Error;

pub use self::offload::Checksum;
pub use self::timestamp::RxTimestamps;

/// The packets a poll loop handles together.
pub type Burst<const N: usize> = ArrayVec<Mbuf, N>;

/// Bytes in front of a received packet, free for prepending (`RTE_PKTMBUF_HEADROOM`).
pub const HEADROOM: usize = dpdk_sys::RTE_PKTMBUF_HEADROOM as usize;

/// One packet, owned; dropped, it goes back to its pool.
#[repr(transparent)]
pub struct Mbuf(NonNull<rte_mbuf>);

// SAFETY: the chain is owned, DPDK binds no mbuf to a thread, and returning one is thread-safe.
unsafe impl Send for Mbuf {}

impl Mbuf {
    /// The bytes of the first segment: the whole packet if [`Self::is_contiguous`].
    #[must_use]
    #[inline]
    pub fn data(&self) -> &[u8] {
        segment_data(self.raw())
    }

    /// The bytes of the first segment, to be changed in place.
    #[must_use]
    #[inline]
    pub fn data_mut(&mut self) -> &mut [u8] {
        let raw = self.raw_mut();
        let length = usize::from(raw.data_len);
        let start = data_start(raw);
        // SAFETY: `data_len` bytes from there are in the buffer, and the chain is exclusively ours.
        unsafe { slice::from_raw_parts_mut(start, length) }
    }

    /// Bytes of the whole packet, all segments.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.raw().pkt_len as usize
    }

    /// Whether the packet has no bytes.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of segments, at least 1.
    #[must_use]
    #[inline]
    pub fn segments(&self) -> usize {
        usize::from(self.raw().nb_segs)
    }

    /// Whether [`Self::data`] is the whole packet.
    #[must_use]
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.raw().nb_segs == 1
    }

    /// Bytes that can be prepended.
    #[must_use]
    #[inline]
    pub fn headroom(&self) -> usize {
        usize::from(self.raw().data_off)
    }

    /// The number of the port that received the packet; `None` for one made here.
    #[must_use]
    #[inline]
    pub fn port(&self) -> Option<u16> {
        Some(self.raw().port).filter(|&port| port != NO_PORT)
    }

    /// Grows the packet by `n` bytes at the front; their content is whatever was there.
    ///
    /// # Errors
    /// When the headroom is smaller; then nothing changes.
    #[inline]
    pub fn prepend(&mut self, n: usize) -> Result<(), NoRoom> {
        let raw = self.raw_mut();
        let available = usize::from(raw.data_off);
        // The lengths cannot overflow: DPDK limits the buffer, and thus data_off + data_len, to 16 bits.
        if n > available {
            return Err(NoRoom {
                wanted: n,
                available,
            });
        }
        raw.data_off -= n as u16;
        raw.data_len += n as u16;
        raw.pkt_len += n as u32;
        Ok(())
    }

    /// Takes `n` bytes off the front.
    ///
    /// # Errors
    /// When the first segment is shorter; then nothing changes.
    #[inline]
    pub fn trim_front(&mut self, n: usize) -> Result<(), NoRoom> {
        let raw = self.raw_mut();
        let available = usize::from(raw.data_len);
        if n > available {
            return Err(NoRoom {
                wanted: n,
                available,
            });
        }
        raw.data_off += n as u16;
        raw.data_len -= n as u16;
        raw.pkt_len -= n as u32;
        Ok(())
    }

    /// An empty packet of one segment from the same pool; `None` when the pool has none left.
    #[must_use]
    pub fn sibling(&self) -> Option<Self> {
        let mut fresh = ptr::null_mut();
        // SAFETY: an mbuf's pool exists as long as the mbuf, and there is room for one pointer.
        let returned =
            unsafe { dpdk_sys::dpdk_shim_mbuf_alloc_bulk(self.raw().pool, &mut fresh, 1) };
        // DPDK's bulk calls give all that was asked for, or nothing and a negative number.
        (returned == 0).then(|| NonNull::new(fresh).map(Self))?
    }

    /// Makes an empty packet of one segment of it, as fresh from the pool.
    #[inline]
    pub fn reset(&mut self) {
        self.free_after_first();
        let raw = self.raw_mut();
        raw.pkt_len = 0;
        raw.data_len = 0;
        raw.data_off = raw.buf_len.min(HEADROOM as u16);
        raw.nb_segs = 1;
        raw.port = NO_PORT;
        raw.vlan_tci = 0;
        raw.vlan_tci_outer = 0;
        raw.ol_flags &= dpdk_sys::DPDK_MBUF_EXTERNAL;
        raw.__bindgen_anon_1.packet_type = 0;
        raw.__bindgen_anon_3.tx_offload = 0;
    }

    #[inline(always)]
    fn raw(&self) -> &rte_mbuf {
        // SAFETY: an mbuf of ours is valid, and while `&self` lives nothing changes it.
        unsafe { self.0.as_ref() }
    }

    #[inline(always)]
    fn raw_mut(&mut self) -> &mut rte_mbuf {
        // SAFETY: an mbuf of ours is valid and nobody else refers to it.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for Mbuf {
    fn drop(&mut self) {
        // SAFETY: the chain is ours and is not used afterwards.
        unsafe { dpdk_sys::dpdk_shim_mbuf_free(self.0.as_ptr()) };
    }
}

impl fmt::Debug for Mbuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mbuf")
            .field("len", &self.len())
            .field("segments", &self.segments())
            .field("headroom", &self.headroom())
            .finish()
    }
}

/// Returns all mbufs of the burst to their pools at once, cheaper than one by one.
#[inline]
pub fn free_bulk<const N: usize>(burst: &mut Burst<N>) {
    let count = burst.len();
    // SAFETY: none of the mbufs is reachable through the burst after this, so they are freed once.
    unsafe { burst.set_len(0) };
    // SAFETY: the first `count` slots hold owned mbufs, each exactly a pointer.
    unsafe { dpdk_sys::rte_pktmbuf_free_bulk(burst.as_mut_ptr().cast(), count as u32) };
}

/// A packet has no room for so many bytes, or has not so many.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{wanted} bytes wanted of a packet buffer, {available} available")]
pub struct NoRoom {
    /// How many bytes were asked for.
    pub wanted: usize,
    /// How many there were.
    pub available: usize,
}

#[inline(always)]
fn data_start(segment: &rte_mbuf) -> *mut u8 {
    let buffer = segment.buf_addr.cast::<u8>();
    // SAFETY: `data_off` is at most `buf_len`, so the result is in the buffer or just past its end.
    unsafe { buffer.add(usize::from(segment.data_off)) }
}

#[inline(always)]
fn segment_data(segment: &rte_mbuf) -> &[u8] {
    // SAFETY: `data_len` bytes from there are in the buffer, initialised (DPDK's memory is) and live
    // as long as the borrowed segment.
    unsafe { slice::from_raw_parts(data_start(segment), usize::from(segment.data_len)) }
}

/// `RTE_MBUF_PORT_INVALID`
const NO_PORT: u16 = u16::MAX;

// The burst is handed to C as an array of pointers.
const _: () = assert!(size_of::<Mbuf>() == size_of::<*mut rte_mbuf>());
const _: () = assert!(align_of::<Mbuf>() == align_of::<*mut rte_mbuf>());
